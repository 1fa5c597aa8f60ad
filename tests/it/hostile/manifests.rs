//! Texts near and far from manifests; and valid ones in every notation.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use repave::manifest::{Options, Span, load, parse};
use repave::model::image::{CreateWhen, DesiredImage, Place, Source};
use repave::model::subject::{Kind, Subject};
use repave::model::value::{Description, ImageId, ImageName, ManifestName, TagKey, TagValue, Tags};

use super::checks;
use super::cuts::{FULL, SORTED, SUSPEND_FIRST};
use super::runner;

const FLOW: &str = "--- {apiVersion: repave.dev/v1alpha1, \"kind\": 'UpdatedImage', metadata: {name: flow}, spec: {source: {imageName: Gold}, description: d}}\n";

/// What does something in YAML, or to a reader.
#[rustfmt::skip]
const PIECES: [&str; 56] = [
    "&a ", "*a", "!t ", "!!str ", "!<x> ", "<<: ", "<<: *a", "? ", ": ", "- ", ", ", "[", "]", "{", "}", "|-\n", ">+2\n", "#", " #",
    "\"", "'", "\\", "\\\"", "%YAML 1.2\n", "%TAG ! x\n", "---\n", "...\n", "\n---\n", "\t", " ", "  ", "\n", "\r", "\r\n", "\n\n",
    "~", "null", "true", "yes", "1.5", "0x1F", ".inf", "2026-11-22", "\0", "\u{7}", "\u{1b}[2J", "\u{85}", "\u{2028}", "\u{feff}",
    "\u{202e}", "\u{200b}", "é", "漢", "😀", "\u{e0041}", "\\L\\x00",
];

/// One thing that happens to a text.
#[derive(Debug, Clone)]
enum Change {
    /// A part of it is put elsewhere, in place of so many characters.
    Splice {
        from: Index,
        length: usize,
        to: Index,
        over: usize,
    },
    Insert {
        at: Index,
        piece: &'static str,
    },
    Delete {
        at: Index,
        length: usize,
    },
    RepeatLine {
        line: Index,
        to: Index,
        times: usize,
    },
    Indent {
        line: Index,
        by: &'static str,
    },
    Outdent {
        line: Index,
        by: usize,
    },
    Prefix {
        line: Index,
        piece: &'static str,
    },
    BeforeValue {
        line: Index,
        piece: &'static str,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let (at, to) = (any::<Index>, any::<Index>);
    prop_oneof![
        (at(), 1..60_usize, to(), 0..60_usize).prop_map(|(from, length, to, over)| {
            Change::Splice {
                from,
                length,
                to,
                over,
            }
        }),
        (at(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert { at, piece }),
        (at(), 1..20_usize).prop_map(|(at, length)| Change::Delete { at, length }),
        (at(), to(), select(vec![1, 1, 1, 300])).prop_map(|(line, to, times)| Change::RepeatLine {
            line,
            to,
            times
        }),
        (at(), select(vec![" ", "  ", "\t", "    ", "\u{a0}"]))
            .prop_map(|(line, by)| Change::Indent { line, by }),
        (at(), 1..5_usize).prop_map(|(line, by)| Change::Outdent { line, by }),
        (at(), select(&PIECES[..])).prop_map(|(line, piece)| Change::Prefix { line, piece }),
        (at(), select(&PIECES[..])).prop_map(|(line, piece)| Change::BeforeValue { line, piece }),
    ]
}

fn changed(text: &str, change: &Change) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let place = |at: &Index, chars: &[char]| at.index(chars.len() + 1);
    let splice = |chars: &mut Vec<char>, at: usize, over: usize, with: &str| {
        let end = (at + over).min(chars.len());
        drop(chars.splice(at..end, with.chars()));
    };
    let on_line = |line: &Index, edit: &dyn Fn(&str) -> String| {
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let at = line.index(lines.len());
        lines[at] = edit(&lines[at]);
        lines.join("\n")
    };
    match change {
        Change::Splice {
            from,
            length,
            to,
            over,
        } => {
            let start = place(from, &chars);
            let part: String = chars.iter().skip(start).take(*length).collect();
            let to = place(to, &chars);
            splice(&mut chars, to, *over, &part);
        }
        Change::Insert { at, piece } => {
            let at = place(at, &chars);
            splice(&mut chars, at, 0, piece);
        }
        Change::Delete { at, length } => {
            let at = place(at, &chars);
            splice(&mut chars, at, *length, "");
        }
        Change::RepeatLine { line, to, times } => {
            let mut lines: Vec<&str> = text.split('\n').collect();
            let repeated = lines[line.index(lines.len())];
            let to = to.index(lines.len());
            lines.splice(to..to, std::iter::repeat_n(repeated, *times));
            return lines.join("\n");
        }
        Change::Indent { line, by } => return on_line(line, &|line| format!("{by}{line}")),
        Change::Outdent { line, by } => {
            return on_line(line, &|line| {
                let blanks = line.len() - line.trim_start_matches(' ').len();
                line[blanks.min(*by)..].to_owned()
            });
        }
        Change::Prefix { line, piece } => {
            return on_line(line, &|line| {
                let (blanks, rest) = line.split_at(line.len() - line.trim_start().len());
                format!("{blanks}{piece}{rest}")
            });
        }
        Change::BeforeValue { line, piece } => {
            return on_line(line, &|line| line.replacen(": ", &format!(": {piece}"), 1));
        }
    }
    chars.into_iter().collect()
}

#[test]
fn a_manifest_that_was_tampered_with_is_told_of_at_its_place() {
    let base = select(vec![
        FULL.to_owned(),
        SORTED.to_owned(),
        SUSPEND_FIRST.to_owned(),
        FLOW.to_owned(),
        format!("{FULL}---\n{SORTED}---\napiVersion: v1\nkind: ConfigMap\n{FLOW}"),
        format!("\u{feff}{}", FULL.replace('\n', "\r\n")),
    ]);
    let changes = prop::collection::vec(change(), 1..6);
    runner(3000)
        .run(&(base, changes), |(base, changes)| {
            let text = changes
                .iter()
                .fold(base, |text, change| changed(&text, change));
            checks::manifest(&text);
            Ok(())
        })
        .unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a hostile file")]
fn any_bytes_in_a_file_are_a_set_or_problems_with_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.yaml");
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2000),
        prop::collection::vec(
            select(b" \n\r\t:-?[]{},&*!|>'\"%@`#a1~\\\xff\xc2\x85\xe2\x80\xa8".to_vec()),
            0..2000
        ),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| {
            let mut bytes = FULL.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ];
    runner(500)
        .run(&bytes, |bytes| {
            std::fs::write(&path, &bytes).unwrap();
            let text = std::str::from_utf8(&bytes);
            match load(folder.path(), &Options::default()) {
                Ok(loaded) => assert!(!loaded.desired.is_empty() && text.is_ok()),
                Err(invalid) => {
                    assert!(!invalid.problems.is_empty());
                    let place = |span: Option<Span>| text.is_ok() || span.is_some();
                    assert!(invalid.problems.iter().all(|p| place(p.span)), "{invalid}");
                }
            }
            if let Ok(text) = text {
                checks::manifest(text);
            }
            Ok(())
        })
        .unwrap();
}

/// One slip on one line never makes a manifest mean something else without a word.
#[test]
fn a_slip_on_one_line_is_told_or_means_nothing() {
    for whole in [FULL, SORTED, SUSPEND_FIRST] {
        let image = parse("f", whole).images.remove(0);
        let lines: Vec<&str> = whole.lines().collect();
        // The lines of a text are words, and no slip.
        let fields = lines.iter().enumerate();
        for (at, line) in fields.filter(|(_, line)| line.contains(':')) {
            let blanks = line.len() - line.trim_start().len();
            let mut slips = vec![
                format!("{line}\n{line}"),
                format!(" {line}"),
                format!("  {line}"),
                format!("\t{line}"),
                line.replacen(": ", ":", 1),
                line.replacen(": ", ": &a ", 1),
                line.replacen(": ", ": *a ", 1),
                line.replacen(": ", ": !t ", 1),
                line.replacen(": ", ": - ", 1),
                line.replacen(": ", ": {", 1),
                line.replacen(": ", ": \"", 1),
                line.replacen(": ", ": | ", 1),
                line.replacen(": ", ": # ", 1),
                line.replacen(':', "", 1),
                format!("{}- {}", &line[..blanks], line.trim_start()),
                format!("{}<<: *a\n{line}", &line[..blanks]),
                format!("{}<<: {{suspend: false}}\n{line}", &line[..blanks]),
                format!("---\n{line}"),
                format!("...\n{line}"),
            ];
            slips.extend((1..=blanks).map(|by| line[by..].to_owned()));
            for slip in slips.iter().filter(|slip| slip.as_str() != *line) {
                let mut text = lines.clone();
                text[at] = slip;
                let text = text.join("\n") + "\n";
                let result = checks::manifest(&text);
                assert!(result.problems.iter().all(|problem| problem.span.is_some()));
                if result.problems.is_empty() && result.warnings.is_empty() {
                    let [read] = result.images.as_slice() else {
                        panic!("{text}")
                    };
                    assert!(checks::same(&image, read), "{slip:?} in\n{text}");
                }
            }
        }
    }
}

/// How a text is written.
#[derive(Debug, Clone, Copy)]
enum Quotes {
    Plain,
    Single,
    Double,
    Escapes,
    Folded,
    Literal,
    OwnLine,
}

/// How a manifest is written.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Style {
    /// By turns.
    quotes: Vec<Quotes>,
    indent: usize,
    flow: bool,
    breaks: &'static str,
    mark: bool,
    directive: bool,
    comments: bool,
    spec_first: bool,
    /// Which of the optional fields are left out where they have their default.
    sparse: bool,
    seed: u64,
}

fn style() -> impl Strategy<Value = Style> {
    use Quotes::{Double, Escapes, Folded, Literal, OwnLine, Plain, Single};
    let quotes = select(vec![
        Plain, Single, Double, Escapes, Folded, Literal, OwnLine,
    ]);
    (
        prop::collection::vec(quotes, 1..8),
        1..7_usize,
        any::<[bool; 6]>(),
        select(vec!["\n", "\r\n", "\r"]),
        any::<u64>(),
    )
        .prop_map(
            |(
                quotes,
                indent,
                [flow, mark, directive, comments, spec_first, sparse],
                breaks,
                seed,
            )| Style {
                quotes,
                indent,
                flow,
                breaks,
                mark,
                directive,
                comments,
                spec_first,
                sparse,
                seed,
            },
        )
}

fn image() -> impl Strategy<Value = DesiredImage> {
    // Words that are numbers, booleans or nulls to YAML are names all the same, in quotes.
    let name = prop_oneof![
        "[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?",
        select(vec![
            "true",
            "null",
            "1e3",
            "0x1f",
            "10",
            "1.5",
            "n",
            "2026-11-22"
        ])
        .prop_map(str::to_owned)
    ];
    let image_name = prop_oneof![
        "[a-zA-Z0-9_./()\\\\-]{1,64}",
        select(vec![
            "~".replace('~', "No"),
            "-".into(),
            "--".into(),
            ".inf".into(),
            "\\".into(),
            "(.)".into()
        ])
    ];
    let source = prop_oneof![
        "wsi-[a-z0-9]{9,63}".prop_map(|id| Source::ImageId(ImageId::parse(id).unwrap())),
        "[a-zA-Z0-9_./()\\\\-]{1,64}"
            .prop_map(|name| Source::ImageName(ImageName::parse(name).unwrap())),
    ];
    let description = prop_oneof![
        "[a-zA-Z0-9_./() -]{1,256}",
        "[ -]{1,9}",
        Just("true".to_owned()),
        Just(" a ".to_owned())
    ];
    let character = prop_oneof![
        4 => proptest::char::range(' ', '~'),
        1 => any::<char>(),
        1 => select(vec!['\u{2028}', '\u{2029}', '\u{feff}', '\u{202e}', '\u{200b}', '\u{fffe}', '\u{ffff}', '\u{e000}', '\u{10ffff}', '"', '\'', ':', '#', '-', '\\', '&', '*']),
    ];
    let text = |most: usize| {
        prop::collection::vec(character.clone(), 0..=most).prop_map(|chars| {
            chars
                .into_iter()
                .filter(|c| !c.is_control())
                .collect::<String>()
        })
    };
    let tags = prop::collection::btree_map(text(40), text(60), 0..6).prop_map(|tags| {
        let tags = tags.into_iter().filter_map(|(key, value)| {
            Some((TagKey::parse(key).ok()?, TagValue::parse(value).ok()?))
        });
        Tags::new(tags.collect::<BTreeMap<_, _>>()).unwrap()
    });
    (
        name,
        image_name,
        source,
        description,
        tags,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(name, image_name, source, description, tags, always, suspend)| DesiredImage {
                subject: Subject::new(Kind::UpdatedImage, ManifestName::parse(name).unwrap()),
                image_name: ImageName::parse(image_name).unwrap(),
                source,
                description: Description::parse(description).unwrap(),
                tags,
                create_when: if always {
                    CreateWhen::Always
                } else {
                    CreateWhen::UpdateAvailable
                },
                suspend,
                place: Place {
                    file: "f".into(),
                    document: 1,
                },
                digest: String::new(),
            },
        )
}

/// Prints an image in a style; texts that the chosen quotes cannot hold get others.
struct Printer<'a> {
    style: &'a Style,
    texts: usize,
}

impl Printer<'_> {
    fn text(&mut self, text: &str, depth: usize, in_flow: bool) -> String {
        let quotes = self.style.quotes[self.texts % self.style.quotes.len()];
        self.texts += 1;
        let is_ascii = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let word = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic());
        let means_more = ["null", "true", "false"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
        let is_plain = word
            && !means_more
            && !text.ends_with(' ')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_./()\\ -".contains(c));
        // A block scalar keeps neither an empty text nor blanks at its edges.
        let is_block = is_ascii && !in_flow && !text.is_empty() && text.trim() == text;
        let inner = " ".repeat(self.style.indent * (depth + 1));
        match quotes {
            Quotes::Plain if is_plain => text.to_owned(),
            Quotes::Single if is_ascii => format!("'{}'", text.replace('\'', "''")),
            Quotes::Double if is_ascii => {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Quotes::Literal if is_block => format!("|-\n{inner}{text}"),
            Quotes::Folded if is_block => {
                // Folded at the first single blank: YAML keeps several blanks, and lines that begin with one.
                let fold = text.match_indices(' ').map(|(at, _)| at).find(|at| {
                    let (before, after) = (&text[..*at], &text[at + 1..]);
                    !before.ends_with(' ') && !after.starts_with(' ')
                });
                match fold {
                    Some(at) => format!(">-\n{inner}{}\n{inner}{}", &text[..at], &text[at + 1..]),
                    None => format!(">-\n{inner}{text}"),
                }
            }
            Quotes::OwnLine if !in_flow => format!("\n{inner}{}", checks::quoted(text)),
            _ => checks::quoted(text),
        }
    }

    fn image(&mut self, image: &DesiredImage) -> String {
        let style = self.style;
        let mut fields: Vec<(&str, String)> = Vec::new();
        let pad = |depth: usize| " ".repeat(style.indent * depth);
        let is_default = image.image_name.as_str() == image.subject.name.as_str();
        if !(style.sparse && is_default) {
            fields.push((
                "imageName",
                self.text(image.image_name.as_str(), 1, style.flow),
            ));
        }
        let source = match &image.source {
            Source::ImageId(id) => ("imageId", id.as_str()),
            Source::ImageName(name) => ("imageName", name.as_str()),
        };
        fields.push((
            "source",
            if style.flow {
                format!("{{ {}: {}, }}", source.0, self.text(source.1, 0, true))
            } else {
                format!(
                    "\n{}{}: {}",
                    pad(2),
                    source.0,
                    self.text(source.1, 2, false)
                )
            },
        ));
        fields.push((
            "description",
            self.text(image.description.as_str(), 1, style.flow),
        ));
        if !image.tags.is_empty() || !style.sparse {
            let tags: Vec<String> = image
                .tags
                .iter()
                .map(|(key, value)| {
                    let key = checks::quoted(key.as_str());
                    if style.flow {
                        // A long key needs its question mark.
                        format!("? {key} : {}", self.text(value.as_str(), 0, true))
                    } else {
                        format!(
                            "\n{}? {key}\n{}: {}",
                            pad(2),
                            pad(2),
                            self.text(value.as_str(), 2, false)
                        )
                    }
                })
                .collect();
            fields.push((
                "tags",
                match (tags.is_empty(), style.flow) {
                    (true, _) => "{}".into(),
                    (false, true) => format!("{{{}}}", tags.join(", ")),
                    (false, false) => tags.concat(),
                },
            ));
        }
        if image.create_when == CreateWhen::UpdateAvailable || !style.sparse {
            let when = if image.create_when == CreateWhen::Always {
                "Always"
            } else {
                "UpdateAvailable"
            };
            fields.push(("createWhen", self.text(when, 1, style.flow)));
        }
        if image.suspend || !style.sparse {
            fields.push(("suspend", image.suspend.to_string()));
        }
        fastrand::Rng::with_seed(style.seed).shuffle(&mut fields);
        let comment = if style.comments && !style.flow {
            "# c: [\n"
        } else {
            ""
        };
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
        let spec = if style.flow {
            format!("spec: {{{}}}\n", fields.join(", "))
        } else {
            let lines: Vec<String> = fields
                .iter()
                .map(|field| format!("{}{field}\n{comment}", pad(1)))
                .collect();
            format!("spec:\n{}", lines.concat())
        };
        let name = self.text(image.subject.name.as_str(), 1, style.flow);
        let metadata = if style.flow {
            format!("metadata: {{ \"name\" : {name} }}\n")
        } else {
            format!("metadata:\n{}name: {name}\n", pad(1))
        };
        let head = "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\n";
        let body = if style.spec_first {
            format!("{spec}{head}{metadata}")
        } else {
            format!("{head}{comment}{metadata}{spec}")
        };
        let begin = match (style.directive, style.comments) {
            (true, _) => "%YAML 1.2\n---\n",
            (false, true) => "--- # c\n",
            (false, false) => "",
        };
        let mark = if style.mark { "\u{feff}" } else { "" };
        format!("{mark}{begin}{body}").replace('\n', style.breaks)
    }
}

#[test]
fn a_valid_manifest_is_the_same_in_every_notation() {
    runner(1500)
        .run(&(image(), style()), |(image, style)| {
            let text = Printer {
                style: &style,
                texts: 0,
            }
            .image(&image);
            let result = parse("f", &text);
            prop_assert!(result.problems.is_empty(), "{text}\n{:?}", result.problems);
            let [read] = result.images.as_slice() else {
                return Err(TestCaseError::fail(text));
            };
            prop_assert!(read.digest.starts_with("sha256:"));
            let expected = DesiredImage {
                digest: read.digest.clone(),
                ..image.clone()
            };
            prop_assert_eq!(read, &expected, "{}", text);
            // And the digest is the values' own.
            let again = parse("f", &checks::print(&image)).images.remove(0);
            prop_assert_eq!(&again.digest, &read.digest);
            Ok(())
        })
        .unwrap();
}
