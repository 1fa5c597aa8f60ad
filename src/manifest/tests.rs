//! What manifests may say, as their problems show; then folders; then hostile texts, judged by counts and never by time.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::shape::API_VERSION;
use super::*;
use crate::model::image::{CreateWhen, Source};
use crate::model::value::ImageName;

/// A valid manifest.
const VALID: &str = "\
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: finance
spec:
  imageName: Finance_1
  source:
    imageId: wsi-0123456789ab
  description: Finance desktop
  tags: { team: finance }
  createWhen: UpdateAvailable
  suspend: true
";

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The problems and warnings of a text, one a line.
fn problems(text: &str) -> String {
    let result = parse("f", text);
    if result.problems.is_empty() {
        return format!("{} images, {} skipped", result.images.len(), result.skipped);
    }
    lines(&result.problems)
}

/// The problems of the valid manifest with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(VALID.contains(from));
    problems(&VALID.replacen(from, to, 1))
}

/// A manifest of that name, made from an image id.
fn manifest(name: &str) -> String {
    made_from(name, "imageId: wsi-0123456789ab")
}

fn made_from(name: &str, source: &str) -> String {
    format!(
        "apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{ name: {name} }}\nspec:\n  source: {{ {source} }}\n  description: d\n"
    )
}

mod values {
    use super::*;

    #[test]
    fn a_whole_manifest_and_its_defaults() {
        let result = parse("dir/a.yaml", VALID);
        assert_eq!(result.problems, []);
        let [image] = result.images.as_slice() else {
            panic!("{:?}", result.images)
        };
        assert_eq!(image.subject.name.as_str(), "finance");
        assert_eq!(image.image_name.as_str(), "Finance_1");
        assert_eq!(image.source.to_string(), "wsi-0123456789ab");
        assert_eq!(image.description.as_str(), "Finance desktop");
        let tags: Vec<_> = image
            .tags
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(tags, [("team", "finance")]);
        assert_eq!(image.create_when, CreateWhen::UpdateAvailable);
        assert!(image.suspend);
        assert_eq!(image.place.to_string(), "dir/a.yaml#1");

        let result = parse("a.yaml", &made_from("b", "imageName: Gold"));
        assert_eq!(result.problems, []);
        let image = &result.images[0];
        assert_eq!(image.image_name.as_str(), "b");
        let gold = ImageName::parse("Gold").unwrap();
        assert_eq!(image.source, Source::ImageName(gold));
        assert_eq!(image.create_when, CreateWhen::Always);
        assert!(!image.suspend && image.tags.is_empty());
    }

    #[test]
    fn digests_follow_the_values_and_nothing_else() {
        let digest = |text: &str| parse("f", text).images[0].digest.clone();
        let valid = digest(VALID);
        // Status files remember these: a change here makes every rejected manifest be tried again.
        assert_snapshot!(valid, @"sha256:bc45e1d4ea75fd129d6ec57284055a4b81c4cfe51b924edcf50b073df704b396");
        for same in [
            VALID.replace("suspend: true", "suspend: false"),
            VALID.replace("{ team: finance }", "\n    team: 'finance'"),
            format!("---\n# a comment\n{VALID}"),
            VALID.replace('\n', "\r\n"),
            format!("\u{feff}{VALID}"),
        ] {
            assert_eq!(digest(&same), valid, "{same}");
        }
        for (from, to) in [
            ("name: finance", "name: finances"),
            ("Finance_1", "Finance_2"),
            ("wsi-0123456789ab", "wsi-0123456789ac"),
            ("imageId: wsi-0123456789ab", "imageName: Gold"),
            ("Finance desktop", "Finance  desktop"),
            ("team: finance", "team: sales"),
            ("team: finance", "teams: finance"),
            ("UpdateAvailable", "Always"),
        ] {
            assert_ne!(digest(&VALID.replacen(from, to, 1)), valid, "{to}");
        }
    }

    #[test]
    fn a_value_outside_its_limits_is_reported_with_its_place() {
        assert_snapshot!(with("name: finance", "name: Finance"), @r#"f:4:9: metadata.name: found "Finance": character 1 is "F"; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit; did you mean finance?"#);
        assert_snapshot!(with("Finance_1", "Finance gold"), @r#"f:6:14: spec.imageName: found "Finance gold": character 8 is " "; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space; did you mean Finance_gold?"#);
        assert_snapshot!(with("wsi-0123456789ab", "ami-0123456789ab"), @r#"f:8:14: spec.source.imageId: found "ami-0123456789ab": does not begin with wsi-; allowed: wsi- and 9 to 63 of a-z and 0-9; ami- is an image of EC2: use the id of the WorkSpaces image, which begins with wsi-"#);
        assert_snapshot!(with("Finance desktop", "Finance, desktop"), @r#"f:9:16: spec.description: found "Finance, desktop": character 8 is ","; allowed: 1 to 256 of a-z, A-Z, 0-9, space and _ . / ( ) -; did you mean Finance desktop?"#);
        assert_snapshot!(with("Finance desktop", "''"), @r#"f:9:16: spec.description: found "": empty; allowed: 1 to 256 of a-z, A-Z, 0-9, space and _ . / ( ) -"#);
        assert_snapshot!(with("team: finance", "aws:team: finance"), @r#"f:10:11: spec.tags["aws:team"]: found "aws:team": begins with aws:, which AWS reserves; allowed: 1 to 127 characters, not beginning with aws:"#);
        assert_snapshot!(with("UpdateAvailable", "always"), @r#"f:11:15: spec.createWhen: found "always"; allowed: Always or UpdateAvailable; did you mean Always?"#);
        assert_snapshot!(with("suspend: true", "suspend: yes"), @r#"f:12:12: spec.suspend: found "yes"; allowed: true or false, without quotes; did you mean true?"#);
        assert_snapshot!(with("suspend: true", "suspend: 'true'"), @r#"f:12:12: spec.suspend: found "true"; allowed: true or false, without quotes; did you mean true?"#);
        let default = VALID
            .replace("  imageName: Finance_1\n", "")
            .replace("name: finance\n", &format!("name: {}\n", "n".repeat(65)));
        assert_snapshot!(problems(&default), @r#"f:4:9: metadata.name: found "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…", which is not an image name: 65 characters long; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space; or set spec.imageName"#);
    }

    #[test]
    fn wrong_types_are_reported_by_what_was_found() {
        assert_snapshot!(with("name: finance", "name: 2026"), @r#"f:4:9: metadata.name: found the number 2026; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit; quote it: "2026""#);
        assert_snapshot!(with("name: finance", "name: 1.5"), @r#"f:4:9: metadata.name: found the number 1.5; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit; quote it: "1.5""#);
        assert_snapshot!(with("Finance_1", "~"), @r#"f:6:3: spec.imageName: found nothing (null); allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space"#);
        assert_snapshot!(with("Finance_1", ""), @r#"f:6:3: spec.imageName: found nothing (null); allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space"#);
        assert_snapshot!(with("Finance_1", "[a]"), @r#"f:6:14: spec.imageName: found a list; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space"#);
        assert_snapshot!(with("Finance_1", "{a: b}"), @r#"f:6:14: spec.imageName: found a map; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space"#);
        assert_snapshot!(with("team: finance", "team: true"), @r#"f:10:17: spec.tags.team: found the boolean true; allowed: 0 to 255 characters; quote it: "true""#);
        assert_snapshot!(with("team: finance", "team:"), @r#"f:10:11: spec.tags.team: found nothing (null); allowed: 0 to 255 characters; write "" for an empty text"#);
        assert_snapshot!(with("team: finance", "7: finance"), @r#"f:10:11: spec.tags: found the number 7 as the key of a tag; allowed: 1 to 127 characters, not beginning with aws:; quote it: "7""#);
        assert_snapshot!(with("{ team: finance }", "finance"), @r#"f:10:9: spec.tags: found "finance"; allowed: a map, each tag as one line key: value"#);
        assert_snapshot!(with("{ team: finance }", ""), @"f:10:3: spec.tags: found nothing (null); allowed: a map, each tag as one line key: value");
        assert_snapshot!(with("suspend: true", "suspend:"), @"f:12:3: spec.suspend: found nothing (null); allowed: true or false, without quotes");
        assert_snapshot!(with("  name: finance\n", ""), @"f:3:1: metadata: found nothing (null); allowed: a map with name; indent the lines that belong to it");
        assert_snapshot!(with("    imageId: wsi-0123456789ab\n", ""), @"f:7:3: spec.source: found nothing (null); allowed: a map with imageId or imageName; indent the lines that belong to it");
        assert_snapshot!(problems("apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: []\nspec: text\n"), @r#"
        f:3:11: metadata: found a list; allowed: a map with name
        f:4:7: spec: found "text"; allowed: a map with imageName, source, description, tags, createWhen, suspend
        "#);
    }

    #[test]
    fn missing_unknown_and_repeated_fields_are_reported() {
        assert_snapshot!(with("  description: Finance desktop\n", ""), @"f:5:1: spec.description: missing; allowed: 1 to 256 of a-z, A-Z, 0-9, space and _ . / ( ) -");
        assert_snapshot!(with("imageId", "imageID"), @"f:8:5: spec.source.imageID: unknown field; allowed: imageId, imageName; did you mean imageId?");
        assert_snapshot!(with("  source:\n", "  source:\n    imageName: Gold\n"), @"f:9:5: spec.source: found both imageId and imageName; allowed: either imageId or imageName");
        assert_snapshot!(with("  suspend: true", "  suspend: true\n  suspend: false"), @"f:13:3: spec.suspend: found the field a second time; allowed: each field once");
        assert_snapshot!(with("team: finance", "team: finance, team: finance"), @"f:10:26: spec.tags.team: found the tag a second time; allowed: each tag once");
        assert_snapshot!(with("kind:", "kind: UpdatedImage\nkind:"), @"f:3:1: kind: found the field a second time; allowed: each field once; if another manifest begins here, write --- on a line before it");
        assert_snapshot!(with("  name: finance", "  name: finance\n  labels: {}\n  ? [a]\n  : b"), @"
        f:5:3: metadata.labels: unknown field; allowed: name; remove it: tags of the image are in spec.tags
        f:6:5: metadata: found a list in place of the name of a field; allowed: the fields name
        ");
        assert_snapshot!(with("suspend", "\"sus\\u001b[31m pend\""), @r#"f:12:3: spec["sus\u{1b}[31m pend"]: unknown field; allowed: imageName, source, description, tags, createWhen, suspend; rename or remove it"#);
        assert_snapshot!(problems("apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\n"), @"
        f:1:1: metadata: missing; allowed: a map with name
        f:1:1: spec: missing; allowed: a map with imageName, source, description, tags, createWhen, suspend
        ");
        let tags: Vec<String> = (0..51).map(|n| format!("k{n}: v")).collect();
        assert_snapshot!(with("team: finance", &tags.join(", ")), @"f:10:3: spec.tags: found 51 tags; allowed: at most 50 tags");
    }

    #[test]
    fn whose_document_it_is_is_never_guessed() {
        for (text, expected) in [
            ("", "0 images, 0 skipped"),
            ("# only a comment\n", "0 images, 0 skipped"),
            ("---\n---\n# c\n---\n...\n", "0 images, 0 skipped"),
            ("apiVersion: v1\nkind: ConfigMap\n", "0 images, 1 skipped"),
            (
                "apiVersion: apps/v1\n---\n{apiVersion: kustomize.config.k8s.io/v1beta1, 1: [2], a: 1, a: 2}\n",
                "0 images, 2 skipped",
            ),
        ] {
            assert_eq!(problems(text), expected, "{text}");
        }
        assert_snapshot!(with("v1alpha1", "v1"), @r#"f:1:13: apiVersion: found "repave.dev/v1"; allowed: repave.dev/v1alpha1; did you mean repave.dev/v1alpha1?"#);
        assert_snapshot!(with("repave.dev/v1alpha1", "repave.dev"), @r#"f:1:13: apiVersion: found "repave.dev"; allowed: repave.dev/v1alpha1; did you mean repave.dev/v1alpha1?"#);
        assert_snapshot!(with("repave.dev/v1alpha1", "Repave.dev/v1alpha1"), @r#"f:1:13: apiVersion: found "Repave.dev/v1alpha1"; allowed: repave.dev/v1alpha1; did you mean repave.dev/v1alpha1?"#);
        assert_snapshot!(with("repave.dev/v1alpha1", "v1alpha1"), @r#"f:1:13: apiVersion: found "v1alpha1"; allowed: repave.dev/v1alpha1"#);
        assert_snapshot!(with("repave.dev/v1alpha1", "1"), @"f:1:13: apiVersion: found the number 1; allowed: repave.dev/v1alpha1");
        assert_snapshot!(with("apiVersion", "apiversion"), @"
        f:1:1: apiVersion: missing; allowed: repave.dev/v1alpha1; if this is another tool's file, move it out of the folder or let its name begin with a dot
        f:1:1: apiversion: unknown field; allowed: apiVersion, kind, metadata, spec; did you mean apiVersion?
        ");
        assert_snapshot!(with("apiVersion", "apiVersion: v1\napiVersion"), @"f:2:1: apiVersion: found the field a second time; allowed: each field once; if another manifest begins here, write --- on a line before it");
        assert_snapshot!(with("kind: UpdatedImage", "kind: Image"), @r#"f:2:7: kind: found "Image"; allowed: UpdatedImage"#);
        assert_snapshot!(with("kind: UpdatedImage", ""), @"f:1:1: kind: missing; allowed: UpdatedImage");
        assert_snapshot!(problems("- a\n"), @"f:1:1: found a list; allowed: a manifest, which begins with apiVersion: repave.dev/v1alpha1 and kind: UpdatedImage; if this is another tool's file, move it out of the folder or let its name begin with a dot");
        assert_snapshot!(problems("kind: ConfigMap\n"), @r#"
        f:1:1: apiVersion: missing; allowed: repave.dev/v1alpha1; if this is another tool's file, move it out of the folder or let its name begin with a dot
        f:1:7: kind: found "ConfigMap"; allowed: UpdatedImage
        "#);
        for (near, kind) in [
            ("repave.dv/v1alpha1", "Other"),
            ("www.repave.dev/v1", "Other"),
            ("example.com/v1", "Updatedimage"),
            ("v1", "updatedImage"),
            ("v1", "UpdateImage"),
            ("v1", "UpdatedImages"),
            ("v1", "updated-image"),
            ("v1", "UpdatedImageList"),
            ("repave.dev/v1beta1", "UpdateImage"),
        ] {
            let text = VALID
                .replace("repave.dev/v1alpha1", near)
                .replace("UpdatedImage", kind);
            let result = parse("f", &text);
            // Both in one run.
            let paths: Vec<&str> = result.problems.iter().map(|p| p.path.as_str()).collect();
            assert_eq!(paths, ["apiVersion", "kind"], "{near} {kind}");
            assert_eq!(result.skipped, 0, "{near} {kind}");
        }
        let other = parse(
            "f",
            &VALID
                .replace("repave.dev", "example.com")
                .replace("UpdatedImage", "X"),
        );
        assert_eq!((other.skipped, other.problems.len()), (1, 0));
    }

    /// A list of another API group that holds a manifest is not another tool's: nothing would be done for the manifest.
    #[test]
    fn a_manifest_in_a_list_is_a_problem_and_a_list_without_one_is_foreign() {
        let items = |items: &str| format!("apiVersion: v1\nkind: List\nitems: {items}\n");
        let item = "{apiVersion: repave.dev/v1alpha1, kind: UpdatedImage}";
        let foreign = "{apiVersion: v1, kind: ConfigMap}";
        assert_snapshot!(problems(&items(&format!("[{foreign}, {item}, {item}]"))), @"f:3:44: items: found a manifest inside a list; allowed: manifests without a list; write each manifest as a separate document, with --- on a line between two of them");
        for text in [
            // Near manifests.
            items("[{apiVersion: Repave.dev/v1, kind: Other}]"),
            items("[{kind: updatedImage}]"),
            items("[{kind: UpdateImage, apiVersion: v1}]"),
            // In any order of keys, of any kind, and not as a list.
            format!("items: [{item}]\nkind: List\napiVersion: v1\n"),
            format!("kind: ResourceList\nitems: [{item}]\napiVersion: config.kubernetes.io/v1\n"),
            format!("apiVersion: v1\nkind: UpdateList\nmetadata: {{}}\nitems:\n- {item}\n"),
            items(item),
            format!("apiVersion: v1\nitems: []\nitems: [{item}]\n"),
            // A list in a list, as deep as values can be.
            items(&format!(
                "[{{apiVersion: v1, kind: List, items: [{item}]}}]"
            )),
            items(&format!(
                "{}{item}{}",
                "[{items: ".repeat(31),
                "}]".repeat(31)
            )),
        ] {
            let result = parse("f", &format!("{text}---\n{VALID}"));
            let paths: Vec<&str> = result.problems.iter().map(|p| p.path.as_str()).collect();
            assert_eq!(paths, ["items"], "{text}");
            assert_eq!((result.images.len(), result.skipped), (1, 0), "{text}");
        }
        for text in [
            items("[]"),
            items(""),
            items("text"),
            items("[1, null, text, [], {}]"),
            items(&format!("[{foreign}, {{metadata: {{name: a}}}}]")),
            // A template of another tool that contains a manifest.
            format!("apiVersion: example.com/v1\nkind: Template\nspec: {{base: {item}}}\n"),
        ] {
            assert_eq!(problems(&text), "0 images, 1 skipped", "{text}");
        }
        // The list is repave's own, has no version, or is the whole document.
        assert_snapshot!(problems(&format!("apiVersion: repave.dev/v1alpha1\nkind: UpdatedImageList\nitems: [{item}]\n")), @r#"f:2:7: kind: found "UpdatedImageList"; allowed: UpdatedImage; write each manifest as a separate document, with --- on a line between two of them"#);
        assert_snapshot!(problems(&format!("kind: List\nitems: [{item}]\n")), @r#"
        f:1:1: apiVersion: missing; allowed: repave.dev/v1alpha1; if this is another tool's file, move it out of the folder or let its name begin with a dot
        f:1:7: kind: found "List"; allowed: UpdatedImage; write each manifest as a separate document, with --- on a line between two of them
        "#);
        assert_snapshot!(problems(&format!("- {item}\n")), @"f:1:1: found a list; allowed: a manifest, which begins with apiVersion: repave.dev/v1alpha1 and kind: UpdatedImage; write each manifest as a separate document, with --- on a line between two of them");
    }

    /// What a user of other tools writes by mistake: the text, its replacement, where it is reported, and the help, which
    /// leads to the fix.
    #[rustfmt::skip]
    const MISTAKES: [(&str, &str, &str, &str); 40] = [
        ("spec:", "sped:", "5:1", "did you mean spec?"),
        ("  name: finance", "  name: finance\n  namespace: default", "5:3", "remove it: manifests have no namespace"),
        ("  name: finance", "  name: finance\n  labels: {}", "5:3", "tags of the image are in spec.tags"),
        ("spec:", "spec:\n  region: eu-west-1", "6:3", "set the Region with --region or AWS_REGION"),
        ("spec:", "spec:\n  accountId: '1'", "6:3", "check it with --expect-account"),
        ("suspend: true", "enabled: false", "12:3", "set spec.suspend: true"),
        ("imageName", "name", "6:3", "did you mean imageName?"),
        ("imageId", "id", "8:5", "did you mean imageId?"),
        ("suspend: true", "suspend: true\n  suspended: true", "13:3", "suspend is already there: remove this field"),
        ("suspend: true", "suspend: true\nstatus: {}", "13:1", "repave keeps the status in its status file"),
        ("wsi-0123456789ab", "arn:aws:workspaces:eu-west-1:111122223333:workspaceimage/wsi-0123456789ab", "8:14", "did you mean wsi-0123456789ab?"),
        ("source:\n    imageId: wsi-0123456789ab", "source: arn:aws:workspaces:eu-west-1:111122223333:workspaceimage/wsi-0123456789ab", "7:11", "write { imageId: wsi-0123456789ab }"),
        ("source:\n    imageId: wsi-0123456789ab", "source: 'Fürs'", "7:11", "write { imageId: wsi-... } or { imageName: ... }"),
        // Quotes keep what is written, and are not the advice where the text would not be valid.
        ("name: finance", "name: 1.10 # a", "4:9", "quote it: \"1.10\""),
        ("Finance_1", "0x1F", "6:14", "quote it: \"0x1F\""),
        ("Finance_1", "1e3", "6:14", "quote it: \"1e3\""),
        ("Finance desktop", "+1", "9:16", "did you mean \"1\"?"),
        ("name: finance", "name: True", "4:9", "did you mean \"true\"?"),
        ("team: finance", "team: ~", "10:11", "quote it: \"~\""),
        ("team: finance", "team:", "10:11", "write \"\" for an empty text"),
        ("suspend: true", "suspend: 0", "12:12", "did you mean false?"),
        // The characters that people paste, and what replaces them.
        ("Finance desktop", "Finance\u{a0}desktop", "9:16", "did you mean Finance desktop?"),
        ("Finance desktop", "“Finance desktop”", "9:16", "did you mean Finance desktop?"),
        ("Finance desktop", "Finance's desktop", "9:16", "did you mean Finances desktop?"),
        ("Finance desktop", "|\n    Finance\n    desktop", "10:5", "did you mean Finance desktop?"),
        ("Finance_1", "Finance:1", "6:14", "did you mean Finance_1?"),
        // Placeholders, and the values of other fields.
        ("wsi-0123456789ab", "<your-image-id>", "8:14", "replace the placeholder"),
        ("wsi-0123456789ab", "${IMAGE_ID}", "8:14", "replace the placeholder"),
        ("name: finance", "name: {{ .Values.name }}", "4:9", "replace the placeholder"),
        ("wsi-0123456789ab", "Gold_1", "8:14", "for an image by its name, write imageName: Gold_1"),
        ("wsi-0123456789ab", "WSI-0123456789AB", "8:14", "did you mean wsi-0123456789ab?"),
        ("{ team: finance }", "[{ Key: team, Value: finance }]", "10:9", "write team: finance"),
        ("{ team: finance }", "[team]", "10:9", "write the tags without hyphens"),
        ("createWhen: UpdateAvailable", "createWhen: true", "11:15", "allowed: Always or UpdateAvailable"),
        // No valid YAML.
        ("  description", "<<<<<<< HEAD\n  description", "9:1", "resolve the merge conflict"),
        ("description: ", "description:", "9:1", "write a space after the colon"),
        ("Finance desktop", "\"Finance desktop", "9:16", "close the quote"),
        ("Finance desktop", "@desktop", "9:16", "quote the text"),
        ("Finance desktop", "&desktop", "9:16", "a text that begins with &, * or ! needs quotes"),
        ("{ team: finance }", "{ <<: *common }", "10:15", "write the value out"),
    ];

    #[test]
    fn each_mistake_has_its_help() {
        for (from, to, place, help) in MISTAKES {
            let found = with(from, to);
            assert!(found.starts_with(&format!("f:{place}: ")), "{to}: {found}");
            assert!(found.contains(help), "{to}: {found}");
            assert!(!found.contains('\n'), "{to}: {found}");
        }
        for (from, to) in [
            ("wsi-0123456789ab", "123456789"),
            ("name: finance", "name: -1"),
        ] {
            assert!(!with(from, to).contains("quote"), "{to}");
        }
        assert_snapshot!(with("source:\n    imageId: wsi-0123456789ab", "sourceImage: a"), @"
        f:5:1: spec.source: missing; allowed: a map with imageId or imageName
        f:7:3: spec.sourceImage: unknown field; allowed: imageName, source, description, tags, createWhen, suspend; the image to start from is in spec.source: source: { imageId: wsi-... }
        ");
        // A letter is not left out.
        assert!(!with("Finance desktop", "Büro desktop").contains("did you mean"));
        let id = parse("f", &VALID.replace("imageId", "imageName"));
        assert_snapshot!(lines(&id.warnings), @"f:8:16: spec.source.imageName: found an id in place of the name of an image; allowed: the name of an image; write an id as imageId");
        // A map without its lines, and another tool's file.
        assert_snapshot!(with("    imageId", "  imageId"), @"
        f:7:3: spec.source: found nothing (null); allowed: a map with imageId or imageName; indent the lines that belong to it
        f:8:3: spec.imageId: unknown field; allowed: imageName, source, description, tags, createWhen, suspend; imageId is a field of spec.source: check the indentation
        ");
        assert_snapshot!(problems("replicas: 1\n"), @"f:1:1: found neither apiVersion nor kind; allowed: a manifest, which begins with apiVersion: repave.dev/v1alpha1 and kind: UpdatedImage; if this is another tool's file, move it out of the folder or let its name begin with a dot");
        // A field that was meant is checked too.
        assert_snapshot!(problems(VALID.split("spec:").next().map(|head| format!("{head}sped: 1\n")).unwrap().as_str()), @"
        f:5:1: sped: unknown field; allowed: apiVersion, kind, metadata, spec; did you mean spec?
        f:5:7: spec: found the number 1; allowed: a map with imageName, source, description, tags, createWhen, suspend
        ");
        // A second manifest without --- in between.
        assert_snapshot!(problems(&format!("{VALID}{VALID}")), @"f:13:1: apiVersion: found the field a second time; allowed: each field once; if another manifest begins here, write --- on a line before it");
        assert_snapshot!(problems(&format!("{VALID}kind: UpdatedImage\n{VALID}")), @"f:13:1: kind: found the field a second time; allowed: each field once; if another manifest begins here, write --- on a line before it");
    }

    #[test]
    fn what_could_hide_a_field_is_refused_with_its_place() {
        assert_snapshot!(
            problems(&format!("# a\r\n# é\u{2028}suspend: true\n{VALID}")),
            @"f:2:4: found the character U+2028, which can hide what a manifest declares; allowed: a file without this character; nothing of this file was read"
        );
        for hidden in ['\u{85}', '\u{2029}', '\u{feff}'] {
            assert_eq!(
                parse("f", &format!("{VALID}# {hidden}\n")).problems.len(),
                1
            );
        }
        assert_eq!(
            parse("f", &format!("\u{feff}{VALID}# é ‰ ﬁ\n"))
                .problems
                .len(),
            0
        );
    }

    #[test]
    fn everything_wrong_is_reported_in_one_run() {
        let text = VALID
            .replace("Finance_1", "Finance gold")
            .replace("name: finance", "nom: finance")
            .replace("suspend: true", "suspend: 1");
        let other = manifest("Bad");
        assert_snapshot!(problems(&format!("{text}---\n{}---\n{other}---\n- &a b\n- *a\n- !t c\n---\n{{\n---\nunread\n", manifest("good"))), @r#"
        f:3:1: metadata.name: missing; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit
        f:4:3: metadata.nom: unknown field; allowed: name; rename or remove it
        f:6:14: spec.imageName: found "Finance gold": character 8 is " "; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \ -, no space; did you mean Finance_gold?
        f:12:12: spec.suspend: found the number 1; allowed: true or false, without quotes; did you mean true?
        f:23:19: metadata.name: found "Bad": character 1 is "B"; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit; did you mean bad?
        f:28:3: found an anchor (&); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:29:3: found an alias (*); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:30:3: found a tag (!); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:33:1: found no valid YAML: while parsing a node, did not find expected node content; allowed: valid YAML; nothing after this place was read; check the indentation, and that each quote and bracket is closed, here or above
        "#);
        assert_eq!(
            parse("f", &format!("{text}---\n{}", manifest("good")))
                .images
                .len(),
            1
        );
    }

    #[test]
    fn anchors_aliases_tags_and_directives_are_refused_where_they_stand() {
        assert_snapshot!(with("{ team: finance }", "&t { team: &v finance, x: *v }"), @"
        f:10:9: found an anchor (&); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:10:20: found an anchor (&); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:10:35: found an alias (*); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        ");
        assert_snapshot!(with("Finance desktop", "!!str Finance desktop"), @"f:9:16: found a tag (!); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes");
        assert_snapshot!(with("team: finance", "team: [!<tag:x> é, ! b, !e!f]"), @"
        f:10:18: found a tag (!); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:10:30: found a tag (!); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:10:35: found no valid YAML: the handle wasn't declared; allowed: valid YAML; nothing after this place was read
        ");
        assert_snapshot!(problems(&format!("%TAG !e! tag:example.com,2000:\n---\n{VALID}")), @"f:1:1: found a line that begins with '%', a YAML directive; allowed: no directive except %YAML; nothing of this file was read");
        assert_eq!(
            problems(&format!("%YAML 1.2\n---\n{VALID}")),
            "1 images, 0 skipped"
        );
        // In texts they are nothing special.
        assert_eq!(
            with("finance }", "\"&a *b !c\" } # &a *b !c"),
            "1 images, 0 skipped"
        );
    }

    #[test]
    fn no_yaml_is_reported_once_with_its_place() {
        assert_snapshot!(with("metadata:", "metadata: x"), @"f:4:7: found no valid YAML: mapping values are not allowed in this context; allowed: valid YAML; nothing after this place was read; a text with ': ' in it needs quotes; if there is none, check the indentation");
        assert_snapshot!(with("  tags: {", "\ttags: {"), @"f:10:1: found no valid YAML: while scanning a plain scalar, found a tab; allowed: valid YAML; nothing after this place was read; indent with spaces: YAML allows no tab there");
        assert_snapshot!(with("Finance_1", "\"é漢\u{7}"), @"f:6:17: found the character U+0007, which YAML does not allow; allowed: printable characters, tabs and line breaks; nothing of this file was read");
        assert_snapshot!(with("{ team", "{ té: \u{0}, team"), @"f:10:15: found the character U+0000, which YAML does not allow; allowed: printable characters, tabs and line breaks; nothing of this file was read");
        assert_snapshot!(with("{ team", "[ team"), @"f:11:3: found no valid YAML: while parsing a flow sequence, expected ',' or ']'; allowed: valid YAML; nothing after this place was read; check the indentation, and that each quote and bracket is closed, here or above");
        assert_snapshot!(with("{ team", "!t [ team"), @"
        f:10:9: found a tag (!); allowed: values without &, * and !: repeat a value in place of an alias; a text that begins with &, * or ! needs quotes
        f:11:3: found no valid YAML: while parsing a flow sequence, expected ',' or ']'; allowed: valid YAML; nothing after this place was read; check the indentation, and that each quote and bracket is closed, here or above
        ");
        assert_snapshot!(problems("a: *unknown\n"), @"f:1:4: found no valid YAML: while parsing node, found unknown anchor; allowed: valid YAML; nothing after this place was read; write the value out: aliases (*) are not allowed");
    }

    #[test]
    fn columns_count_characters_and_lines_end_as_editors_show_them() {
        assert_snapshot!(with("{ team: finance }", "{ \"é漢😀\": 1 }"), @r#"f:10:18: spec.tags["é漢😀"]: found the number 1; allowed: 0 to 255 characters; quote it: "1""#);
        assert_snapshot!(problems(&VALID.replace('\n', "\r\n").replace("suspend: true", "suspend: 1")), @"f:12:12: spec.suspend: found the number 1; allowed: true or false, without quotes; did you mean true?");
        assert_snapshot!(problems(&format!("\u{feff}{}", VALID.replace("suspend: true", "suspend: 1"))), @"f:12:12: spec.suspend: found the number 1; allowed: true or false, without quotes; did you mean true?");
    }

    #[test]
    fn a_field_that_slipped_in_among_the_tags_is_a_warning() {
        let text = VALID
            .replace(
                "  tags: { team: finance }\n",
                "  tags:\n    team: finance\n",
            )
            .replace("  createWhen", "    createWhen");
        let result = parse("f", &text);
        assert_eq!((result.images.len(), result.problems.len()), (1, 0));
        assert_snapshot!(lines(&result.warnings), @"f:12:5: spec.tags.createWhen: found a tag that is named like a field of spec; allowed: if you meant the field, the same indentation as tags");
    }

    #[test]
    fn a_hyphen_in_a_description_is_only_a_warning() {
        let result = parse("f", &VALID.replace("Finance desktop", "Finance-desktop"));
        assert_eq!((result.images.len(), result.problems.len()), (1, 0));
        assert_snapshot!(lines(&result.warnings), @"f:9:16: spec.description: found '-', which the AWS console may not accept in a description; allowed: a description without '-', if people edit images in the console");
        // However many warnings there are, no manifest gets lost.
        let many: Vec<String> = (0..300)
            .map(|n| manifest(&format!("n{n}")).replace(": d\n", ": d-d\n"))
            .collect();
        let many = many.join("---\n");
        let result = parse("f", &many);
        assert_eq!(
            (
                result.images.len(),
                result.problems.len(),
                result.warnings.len()
            ),
            (300, 0, 101)
        );
        assert_eq!(
            lines(&result.warnings[100..]),
            "f: at least 200 more problems in this file"
        );
    }
}

mod folders {
    use super::*;

    const STRICT: Options = Options { allow_empty: false };

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write(&folder.path().join(name), text.as_bytes());
        }
        folder
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own folder")]
    fn write(path: &Path, bytes: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Returns the result of loading the folder, without the path of the folder.
    fn result_of(folder: &Path) -> String {
        let text = match load(folder, &STRICT) {
            Ok(loaded) => {
                let names: Vec<&str> = loaded
                    .desired
                    .iter()
                    .map(|i| i.subject.name.as_str())
                    .collect();
                format!("{} of {} files", names.join(" "), loaded.files)
            }
            Err(invalid) => lines(&invalid.problems),
        };
        text.replace(&format!("{}/", folder.display()), "")
            .replace(&folder.display().to_string(), "FOLDER")
    }

    /// Returns what checking these paths says, without the path of the folder. A path is below the folder's parent.
    fn checked(folder: &Path, paths: &[&str]) -> String {
        let root = folder.parent().unwrap();
        let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
        let text = match check(folder, &paths, &STRICT) {
            Ok(checked) => {
                let (manifests, files, skipped) =
                    (checked.manifests, checked.files, checked.skipped);
                let mut text = format!("{manifests} of {files} files, {skipped} skipped");
                for problem in &checked.problems {
                    let _ = write!(text, "\n{problem}");
                }
                for warning in &checked.warnings {
                    let _ = write!(text, "\nwarning: {warning}");
                }
                if checked.other_problems > 0 {
                    let _ = write!(text, "\n{} others", checked.other_problems);
                }
                text
            }
            Err(why) => why,
        };
        text.replace(&format!("{}/", root.display()), "")
    }

    #[test]
    fn paths_below_the_folder_are_checked_with_the_whole_set() {
        let root = folder(&[
            ("m/a.yaml", &manifest("a")),
            ("m/b.yaml", &manifest("a")),
            ("m/sub/c.yaml", "x: 1\n"),
            ("m/sub/d.yaml", &manifest("d")),
            ("m/sub2/e.yaml", &manifest("e").replace("First", "a-b")),
            ("m/notes.txt", "{"),
            ("m/.hidden.yaml", "{"),
            ("m/empty/notes.txt", "{"),
        ]);
        let m = root.path().join("m");
        std::os::unix::fs::symlink("nowhere", m.join("broken.yaml")).unwrap();
        std::os::unix::fs::symlink("sub/d.yaml", m.join("sub2/link.yaml")).unwrap();
        let checked = |paths: &[&str]| checked(&m, paths);
        let same = |other: &str| format!("found \"a\", which {other}:3:19 declares too");
        // A conflict concerns each of its files.
        for paths in [&["m/a.yaml"][..], &["m/b.yaml"], &["m/sub/../a.yaml"]] {
            let text = checked(paths);
            assert!(text.contains("m/b.yaml:3:19: metadata.name: "), "{text}");
            assert!(text.contains(&same("m/a.yaml")), "{text}");
            assert!(!text.contains("c.yaml"), "{text}");
        }
        let whole = checked(&["m"]);
        assert_eq!(whole, checked(&[]));
        assert!(!whole.contains("others"), "{whole}");
        let all = whole.lines().filter(|line| line.starts_with("m/")).count();
        for (paths, first, shown) in [
            (&["m/a.yaml"][..], "1 of 1 files, 0 skipped", 1),
            (&["m/a.yaml", "m/b.yaml"], "2 of 2 files, 0 skipped", 1),
            (&["m/sub/c.yaml"], "0 of 1 files, 0 skipped", 1),
            (&["m/broken.yaml"], "0 of 0 files, 0 skipped", 1),
            (&["m/sub", "m/a.yaml"], "2 of 3 files, 0 skipped", 2),
        ] {
            let text = checked(paths);
            assert_eq!(text.lines().next(), Some(first), "{paths:?}");
            let problems = text.lines().filter(|line| line.starts_with("m/")).count();
            assert_eq!(problems, shown, "{text}");
            assert!(text.ends_with(&format!("{} others", all - shown)), "{text}");
        }
        // A folder whose name begins with the name of another one is not below it.
        assert!(!checked(&["m/sub2/e.yaml"]).contains("m/sub/"));
        for (path, words) in [
            ("m/gone.yaml", "cannot find m/gone.yaml: "),
            ("gone/a.yaml", "cannot find gone/a.yaml: "),
            ("m/notes.txt", "m/notes.txt has no manifest file"),
            ("m/.hidden.yaml", "m/.hidden.yaml has no manifest file"),
            ("m/empty", "m/empty has no manifest file"),
        ] {
            let text = checked(&["m/a.yaml", path]);
            assert!(text.starts_with(words), "{text}");
        }
    }

    #[test]
    fn paths_elsewhere_are_the_whole_set() {
        let root = folder(&[
            ("m/a.yaml", &manifest("a")),
            ("m/broken.yaml", "x: 1\n"),
            ("new/a.yaml", &manifest("a")),
            ("new/b.yaml", &manifest("b")),
            ("template", &manifest("t")),
            ("other.yaml", "apiVersion: v1\n"),
            ("empty/notes.txt", "{"),
        ]);
        for folder in ["m", "none"] {
            let checked = |paths: &[&str]| checked(&root.path().join(folder), paths);
            for (paths, result) in [
                (&["new"][..], "2 of 2 files, 0 skipped"),
                (&["new/a.yaml"], "1 of 1 files, 0 skipped"),
                (
                    &["new/b.yaml", "new", "./new/../new/b.yaml"],
                    "2 of 2 files, 0 skipped",
                ),
                // A file that is named is read, whatever its name is.
                (
                    &["template", "new", "other.yaml"],
                    "3 of 4 files, 1 skipped",
                ),
            ] {
                assert_eq!(checked(paths), result, "{folder}: {paths:?}");
            }
            let other = checked(&["other.yaml"]);
            assert!(other.contains("other.yaml: no manifest found"), "{other}");
            for path in ["empty", "gone"] {
                let text = checked(&["new", path]);
                let words = [
                    format!("{path} has no manifest file"),
                    format!("cannot find {path}: "),
                ];
                assert!(words.iter().any(|words| text.starts_with(words)), "{text}");
            }
        }
        let mixed = checked(&root.path().join("m"), &["new", "m/a.yaml"]);
        assert_eq!(
            mixed,
            "m/a.yaml is below the folder of the manifests (PATH), but new is not. Validate them with two commands"
                .replace("PATH", &root.path().join("m").display().to_string())
                .replace(&format!("{}/", root.path().display()), "")
        );
    }

    #[test]
    fn all_files_are_read_in_a_fixed_order_and_hidden_ones_are_not() {
        let two = format!("{}---\n{}", manifest("b"), manifest("c"));
        let folder = folder(&[
            ("z.yaml", &manifest("a")),
            ("sub/two.yml", &two),
            ("sub/deep.yaml/x.YAML", &manifest("d")),
            ("other.yaml", "apiVersion: v1\nkind: ConfigMap\n"),
            (".hidden.yaml", "{"),
            (".git/x.yaml", "{"),
            ("notes.txt", "{"),
            ("a.yaml~", "{"),
        ]);
        assert_eq!(result_of(folder.path()), "a b c d of 4 files");
        assert_eq!(checked(folder.path(), &[]), "4 of 4 files, 1 skipped");
        let loaded = load(folder.path(), &STRICT).unwrap();
        let place = loaded.desired.iter().nth(2).unwrap().place.to_string();
        assert!(place.ends_with("/sub/two.yml#2"), "{place}");
    }

    #[test]
    fn the_sets_digest_does_not_depend_on_files() {
        let digest = |files: &[(&str, &str)]| load(folder(files).path(), &STRICT).unwrap().digest;
        let (a, b) = (manifest("a"), manifest("b"));
        let together = digest(&[("x.yaml", &format!("{b}---\n{a}"))]);
        assert_eq!(together, digest(&[("1.yaml", &a), ("2.yaml", &b)]));
        assert_eq!(together, digest(&[("1.yaml", &b), ("d/2.yaml", &a)]));
        assert_ne!(together, digest(&[("1.yaml", &a)]));
        assert!(together.starts_with("sha256:") && together.len() == 71);
    }

    #[test]
    fn an_empty_set_must_be_allowed() {
        let folder = folder(&[("a.yaml", "apiVersion: v1\n")]);
        assert_snapshot!(result_of(folder.path()), @"FOLDER: no manifest found (ignored: 1 document of other API groups); allowed: at least one *.yaml or *.yml file with a manifest; add --allow-empty if the folder is empty on purpose");
        let loaded = load(folder.path(), &Options { allow_empty: true }).unwrap();
        assert_eq!((loaded.desired.len(), loaded.files), (0, 1));
        assert_snapshot!(result_of(&folder.path().join("gone")), @"FOLDER: no such folder; allowed: a folder of manifests; set --manifests to the folder of the manifests");
        assert_snapshot!(result_of(&folder.path().join("a.yaml")), @"FOLDER: found a file; allowed: a folder of manifests: set --manifests to the folder of the file");
        let gone = load(&folder.path().join("gone"), &Options { allow_empty: true });
        assert!(gone.is_err());
    }

    #[test]
    fn what_cannot_be_read_is_reported_and_hides_no_other_problem() {
        let folder = folder(&[
            ("a.yaml", "suspend: {"),
            ("b.yaml", &manifest("b")),
            ("c.yaml", &manifest("B")),
        ]);
        write(&folder.path().join("latin.yaml"), b"# ok\nname: f\xfcr\n");
        write(&folder.path().join("utf16.yaml"), b"\xff\xfea\0");
        write(
            &folder.path().join("long.yaml"),
            &vec![b'#'; MAX_FILE_BYTES + 1],
        );
        write(
            &folder.path().join("full.yaml"),
            &vec![b'#'; MAX_FILE_BYTES],
        );
        assert_snapshot!(result_of(folder.path()), @r#"
        a.yaml:2:1: found no valid YAML: while parsing a node, did not find expected node content; allowed: valid YAML; nothing after this place was read; check the indentation, and that each quote and bracket is closed, here or above
        c.yaml:3:19: metadata.name: found "B": character 1 is "B"; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit; did you mean b?
        latin.yaml:2:8: found the byte 0xfc, which is not UTF-8; allowed: text in UTF-8
        long.yaml: found 262145 bytes; allowed: at most 262144 bytes (256 KiB); split the file
        utf16.yaml:1:1: found the byte 0xff, which is not UTF-8; allowed: text in UTF-8; save the file as UTF-8: it is UTF-16, as some Windows programs write it
        "#);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_followed_and_nothing_is_waited_for() {
        use std::os::unix::fs::symlink;
        // As Kubernetes mounts a ConfigMap.
        let folder = folder(&[("..2026_11/a.yaml", &manifest("a"))]);
        let link = |to: &str, name: &str| symlink(to, folder.path().join(name)).unwrap();
        link("..2026_11", "..data");
        link("..data/a.yaml", "a.yaml");
        assert_eq!(result_of(folder.path()), "a of 1 files");

        link("..2026_11", "team");
        link(".", "circle");
        link("gone", "dangling.yaml");
        link("itself.yaml", "itself.yaml");
        link("/dev/zero", "zero.yaml");
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s.yaml")).unwrap();
        let pipe = folder.path().join("pipe.yaml");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        assert_snapshot!(result_of(folder.path()), @"
        circle: found a symbolic link to a folder; allowed: folders and symbolic links to files; a name that begins with '.' is ignored
        dangling.yaml: found a broken symbolic link: No such file or directory (os error 2); allowed: a link to a file
        itself.yaml: found a broken symbolic link: Too many levels of symbolic links (os error 40); allowed: a link to a file
        pipe.yaml: found a named pipe; allowed: a regular file
        s.yaml: found a socket; allowed: a regular file
        team: found a symbolic link to a folder; allowed: folders and symbolic links to files; a name that begins with '.' is ignored
        zero.yaml: found a device; allowed: a regular file
        ");
        // Should a name change hands after the listing, opening waits for no writer either.
        let pipe = read::Found {
            shown: "pipe".into(),
            path: pipe,
            is_link: false,
        };
        let refused = read::text(&pipe, &mut Vec::new()).unwrap_err();
        assert_snapshot!(refused, @"pipe: found a named pipe; allowed: a regular file");
    }

    #[test]
    fn folders_are_not_followed_without_end() {
        let levels = |count: usize| {
            let path = format!("{}a.yaml", "d/".repeat(count));
            self::folder(&[(&path, &manifest("a"))])
        };
        assert_eq!(result_of(levels(16).path()), "a of 1 files");
        let folder = levels(17);
        assert_snapshot!(result_of(folder.path()), @"d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d: found a folder nested deeper than 16; allowed: manifests in fewer levels of folders");
    }

    #[test]
    fn conflicts_name_both_places() {
        let named = VALID.replace("name: finance", "name: other");
        let folder = folder(&[
            ("1.yaml", VALID),
            ("2.yaml", &named),
            ("3.yaml", &format!("---\n---\n{}", manifest("finance"))),
            (
                "4.yaml",
                &format!(
                    "{}---\n{}",
                    made_from("a", "imageName: b"),
                    made_from("b", "imageName: a")
                ),
            ),
            ("5.yaml", &made_from("c", "imageName: c")),
            ("6.yaml", "apiVersion: 1\n"),
            ("7.yaml", &manifest("twin")),
            ("8.yaml", &manifest("twin")),
        ]);
        assert_snapshot!(result_of(folder.path()), @r#"
        2.yaml:6:14: spec.imageName: found the image name "Finance_1", which 1.yaml:6:14 declares too; allowed: an image name that no other manifest declares
        3.yaml:5:19: metadata.name: found "finance", which 1.yaml:4:9 declares too; allowed: a name that no other manifest has
        4.yaml:12:24: spec.source.imageName: found a circle of sources, each made from the next: b (4.yaml:12:24), a (4.yaml:5:24), b (4.yaml:12:24); allowed: a chain of sources that begins with an image that no manifest declares
        5.yaml:5:24: spec.source.imageName: found "c", the image of this manifest itself; allowed: another image to start from, by its name or with imageId
        6.yaml:1:1: kind: missing; allowed: UpdatedImage
        6.yaml:1:13: apiVersion: found the number 1; allowed: repave.dev/v1alpha1
        8.yaml:3:19: metadata.name: found "twin", which 7.yaml:3:19 declares too; allowed: a name that no other manifest has
        "#);
    }

    #[test]
    fn so_many_conflicts_of_a_file_are_reported_and_the_rest_is_counted() {
        for (count, last) in [(99, None), (100, None), (101, Some(1)), (102, Some(2))] {
            let images: Vec<String> = (0..=count)
                .map(|n| {
                    let text = manifest(&format!("n{n}"));
                    text.replace("  description", "  imageName: One\n  description")
                })
                .collect();
            let folder = folder(&[("a.yaml", &images.join("---\n"))]);
            let loaded = result_of(folder.path());
            let conflicts = loaded.matches("which a.yaml:").count();
            assert_eq!(conflicts, count.min(100), "{loaded}");
            let more = loaded
                .lines()
                .find(|line| line.contains(" more problems in this file"));
            let expected =
                last.map(|more| format!("a.yaml: at least {more} more problems in this file"));
            assert_eq!(more, expected.as_deref(), "{loaded}");
        }
    }

    /// Returns the problems of a circle of so many images.
    fn circle(count: usize) -> String {
        let texts: Vec<(String, String)> = (0..count)
            .map(|n| {
                let next = format!("imageName: n{}", (n + 1) % count);
                (format!("{n:04}.yaml"), made_from(&format!("n{n}"), &next))
            })
            .collect();
        let files: Vec<(&str, &str)> = texts
            .iter()
            .map(|(n, t)| (n.as_str(), t.as_str()))
            .collect();
        result_of(folder(&files).path())
    }

    #[test]
    fn a_circle_is_reported_with_its_end_or_says_how_long_it_is() {
        for (count, shown, end) in [
            (9, 10, "n8 (0008.yaml:5:24); allowed"),
            (
                10,
                10,
                "n8 (0008.yaml:5:24), … and so on through 10 manifests back to the first;",
            ),
            (
                11,
                10,
                "n8 (0008.yaml:5:24), … and so on through 11 manifests back to the first;",
            ),
        ] {
            let loaded = circle(count);
            assert!(loaded.contains(end), "{count}: {loaded}");
            assert_eq!(
                loaded.matches(".yaml:5:24)").count(),
                shown,
                "{count}: {loaded}"
            );
        }
    }

    #[test]
    fn a_long_circle_is_reported_in_short() {
        let loaded = circle(1000);
        assert!(
            loaded.starts_with("0999.yaml:5:24: spec.source.imageName: found a circle"),
            "{loaded}"
        );
        assert!(
            loaded.contains("n999 (0999.yaml:5:24), n0 (0000.yaml:5:24), n1 ("),
            "{loaded}"
        );
        assert!(loaded.len() < 600, "{loaded}");
    }

    #[test]
    fn the_samples_are_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (folder, count) in [("manifests", 3), ("examples/chain", 2)] {
            let loaded = load(&root.join(folder), &STRICT).unwrap();
            assert_eq!(
                (loaded.desired.len(), lines(&loaded.warnings)),
                (count, String::new())
            );
        }
    }

    #[test]
    fn the_error_shows_the_first_problem_and_escapes_what_is_foreign() {
        let folder = folder(&[("a\u{1b}.yaml", "a"), ("b.yaml", "b")]);
        let error = load(folder.path(), &STRICT).unwrap_err();
        let text = error
            .to_string()
            .replace(&folder.path().display().to_string(), "");
        assert_snapshot!(text, @r#"the manifests have 2 problems, the first: /a\u{1b}.yaml:1:1: found "a"; allowed: a manifest, which begins with apiVersion: repave.dev/v1alpha1 and kind: UpdatedImage; if this is another tool's file, move it out of the folder or let its name begin with a dot"#);
        let json = serde_json::to_value(&error.problems[1]).unwrap();
        assert_eq!(json["range"]["start"]["line"], 1);
        assert_eq!(json["document"], 1);
        assert_eq!(json["path"], "");
    }
}

mod hostile {
    use super::*;

    const FULL: usize = MAX_FILE_BYTES;

    fn fill(unit: &str) -> String {
        unit.repeat(FULL / unit.len())
    }

    fn surrounded(before: &str, unit: &str, after: &str) -> String {
        let count = (FULL - before.len() - after.len()) / unit.len();
        format!("{before}{}{after}", unit.repeat(count))
    }

    fn numbered(line: impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        for n in 0.. {
            let line = line(n);
            if text.len() + line.len() > FULL {
                break;
            }
            text += &line;
        }
        text
    }

    /// Repeated to the largest size.
    #[rustfmt::skip]
    const UNITS: [&str; 67] = [
        "[", "{", "{a: ", "[\n", "- ", "-\n", "- x\n", "-\t", "? ", "? \n", ": \n", "{? ", "[:", "[]", "[]\n",
        "]", "a: b\n", "a:\n", "x", "x\n", "x ", "x\t", "\n", " ", "\t", "\t\n", "\r", "a: b\r\n", "a: b\r",
        "---\n", "--- a\n", "--- {}\n", "--- ", "...\n", "# x\n", "#\n", "!!str ", "- !!str x\n", "- ! x\n",
        "!", "&", "*", "- *a\n", "- &a x\n", "%", "%X\n", "%TAG !a! x\n---\n", "%YAML 1.2\n---\n", "- |\n x\n",
        "- |\n", "a: b\u{85}", "a: b\u{2028}", "\u{2028}", "\u{2028}%TAG !a! x", "\u{feff}", "漢", "😀: 😀\n",
        "\0", "\u{7}", "@", "`", "|", ">", "a #b\n", "- a: b\n", "<<: a\n", "- - x\n",
    ];

    /// Begin, what is repeated, end.
    #[rustfmt::skip]
    const SURROUNDED: [(&str, &str, &str); 33] = [
        ("[", "?,", "]"), ("[", ":,", "]"), ("[", "x,", "]"), ("[", "x,\n", "]"), ("[", "[],", "]"),
        ("{", "a,", "}"), ("{", "?,\n", "}"), ("{", "a: b, ", "}"), ("[", "\"\",", "]"), ("[", "\"a\" ", "]"),
        ("\"", "x", "\""), ("'", "''", "'"), ("\"", "x", ""), ("\"", "\\x00", "\""), ("\"", "\\L", "\""),
        ("\"", "\\\n", "\""), ("\"", "\n", "\""), ("a: \"", "b: c\n", ""), ("a: [", "b: c\n", ""),
        ("a:", "\t", "b"), ("", "k", ": v"), ("? ", "k", "\n: v"), ("!", "x", " y"), ("!<", "x", "> y"),
        ("!", "%41", " y"), ("&", "x", " y"), ("- &a x\n", "- *a\n", ""), ("|\n", " x\n", ""),
        ("|\n", "\n", " x"), ("|\n", " ", "x"), (">\n", " x\n  y\n", ""), ("a: &a [x]\nb: [", "*a, ", "]"),
        ("#", "x", ""),
    ];

    /// Texts of the largest size, each costly for some parser.
    fn corpus() -> Vec<String> {
        let head = "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {name: a}\nspec:\n  source: {imageName: a}\n  description: d\n";
        let mut texts: Vec<String> = UNITS.into_iter().map(fill).collect();
        for (before, unit, after) in SURROUNDED {
            texts.push(surrounded(before, unit, after));
        }
        texts.push(surrounded(&"[".repeat(63), "x,\n", &"]".repeat(63)));
        texts.push(surrounded(
            "[",
            &format!("{}{},", "[".repeat(60), "]".repeat(60)),
            "]",
        ));
        texts.push(numbered(|n| format!("k{n}: v\n")));
        texts.push(numbered(|n| format!("%TAG !k{n}! x\n")));
        texts.push(numbered(|n| format!("- &k{n} x\n")));
        texts.push(numbered(|n| format!("{}a:\n", " ".repeat(n % 700))));
        texts.push(numbered(|n| {
            if n == 0 {
                "|\n".into()
            } else {
                format!("{}\n", " ".repeat(n % 700))
            }
        }));
        texts.push(format!(
            "{head}{}",
            numbered(|n| format!("  unknown{n}: v\n"))
                .split_at(FULL - 1000)
                .0
        ));
        texts.push(format!("{head}  tags: {{{}}}\n", "a: b, ".repeat(5000)));
        texts.push(format!("{head}  tags:\n{}", "    a: b\n".repeat(20_000)));
        texts.push(format!(
            "{head}  tags:\n{}",
            numbered(|n| format!("    a{n}: b\n"))
                .split_at(FULL - 1000)
                .0
        ));
        texts.push(numbered(|n| format!("---\n{}", manifest(&format!("A{n}")))));
        // Nine levels of aliases, each nine of the one before.
        let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for n in 1..30 {
            let alias = format!("*a{}", n - 1);
            let nine = [alias.as_str(); 9].join(",");
            laughs = format!("{laughs}a{n}: &a{n} [{nine}]\n");
        }
        texts.push(laughs);
        texts.push(
            surrounded("a: &a \"", "x", "\"\n")
                .split_at(FULL / 2)
                .0
                .to_owned()
                + "\"\nb: ["
                + &"*a,".repeat(9000)
                + "]\n",
        );
        texts
    }

    fn count(node: &yaml::Node<'_>) -> usize {
        1 + match &node.value {
            yaml::Value::Map(entries) => {
                let each = entries.iter().map(|(key, value)| count(key) + count(value));
                each.sum::<usize>()
            }
            yaml::Value::List(items) => items.iter().map(count).sum(),
            yaml::Value::Null
            | yaml::Value::Bool(_)
            | yaml::Value::Number(_)
            | yaml::Value::Text(_) => 0,
        }
    }

    #[test]
    fn no_text_makes_more_than_its_share() {
        for text in corpus() {
            let name: String = text.chars().take(40).collect();
            let result = parse("f", &text);
            let problems = result.problems.len() + result.warnings.len();
            assert!(
                problems <= 2 * problem::Problems::MAX + 2,
                "{name:?}: {problems}"
            );
            let shown: usize = result
                .problems
                .iter()
                .map(|p| p.found.len() + p.path.len())
                .sum();
            assert!(shown < 100_000, "{name:?}: {shown} bytes of problems");

            // What serde_yaml makes of it is bounded.
            let read = yaml::read(&text, &mut problem::Problems::default());
            let nodes: usize = read.documents.iter().map(|(_, root)| count(root)).sum();
            assert!(nodes <= yaml::limits::MAX_NODES, "{name:?}: {nodes} nodes");
        }
    }

    #[test]
    fn texts_beyond_the_limits_are_refused_and_what_stands_before_them_is_not_lost() {
        let deep = |n: usize| format!("{}x{}", "[".repeat(n), "]".repeat(n));
        assert_snapshot!(problems(&format!("a: {}\n", deep(63))), @"f:1:1: found neither apiVersion nor kind; allowed: a manifest, which begins with apiVersion: repave.dev/v1alpha1 and kind: UpdatedImage; if this is another tool's file, move it out of the folder or let its name begin with a dot");
        assert_snapshot!(problems(&format!("a: {}\n", deep(64))), @"f:1:68: found values nested more than 64 deep; allowed: fewer; split the file. Nothing after this place was read");
        assert_snapshot!(problems(&"- ".repeat(100)), @"f:1:131: found values nested more than 64 deep; allowed: fewer; split the file. Nothing after this place was read");
        let many = format!(
            "{}---\n[{}]\n",
            manifest("Bad"),
            "x,".repeat(yaml::limits::MAX_NODES)
        );
        assert_snapshot!(problems(&many), @r#"
        f:3:19: metadata.name: found "Bad": character 1 is "B"; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit; did you mean bad?
        f:8:65502: found more than 32768 values in the file; allowed: fewer; split the file. Nothing after this place was read
        "#);
        let marks = |n: usize| problems(&format!("apiVersion: v1\nd: |\n  {}\n", ",".repeat(n)));
        assert_eq!(marks(49_150), "0 images, 1 skipped");
        assert_snapshot!(marks(49_151), @"f:3:49153: found more than 49152 structural characters; allowed: fewer commas, colons, quotes and brackets: split the file; nothing of this file was read");
        let many = format!("{}---\n{}", manifest("a"), deep(300));
        assert_eq!(parse("f", &many).images.len(), 1);
        assert_snapshot!(problems(&many), @"f:8:256: found values nested more than 64 deep; allowed: fewer; split the file. Nothing after this place was read");
    }

    #[test]
    fn aliases_are_not_multiplied() {
        let text = format!(
            "a: &a '{}'\nb: [{}]\n",
            "x".repeat(1000),
            "*a,".repeat(1000)
        );
        let loaded = problems(&text);
        assert!(
            loaded.contains("f: at least 901 more problems in this file"),
            "{loaded}"
        );
    }
}

mod torn {
    use super::*;

    /// A file may be read while it is written. What a cut can do without a word is: drop whole documents and whole optional
    /// fields at the end, and only between two lines.
    #[test]
    fn a_cut_manifest_is_refused_or_says_no_more_than_the_whole() {
        let whole = parse("f", VALID).images.remove(0);
        let mut silent = 0;
        for end in 0..=VALID.len() {
            let result = parse("f", &VALID[..end]);
            assert!(result.skipped == 0 || end < VALID.len());
            if !result.problems.is_empty() || result.is_unended {
                continue;
            }
            let [cut] = result.images.as_slice() else {
                assert_eq!(VALID[..end].trim_end_matches('\n'), "", "at {end}");
                continue;
            };
            silent += 1;
            assert_eq!(cut.subject, whole.subject);
            assert_eq!(cut.image_name, whole.image_name);
            assert_eq!(cut.source, whole.source);
            assert_eq!(cut.description, whole.description);
            assert!(cut.tags == whole.tags || cut.tags.is_empty());
            // A default in place of a value is a field cut off.
            assert!(
                cut.create_when == whole.create_when || !VALID[..end].contains("createWhen: U")
            );
            assert!(cut.suspend == whole.suspend || !VALID[..end].contains("suspend:"));
        }
        // After each of the last four lines: the fourth is the whole.
        assert_snapshot!(silent, @"4");
    }

    #[test]
    fn a_last_line_that_does_not_end_is_a_warning() {
        let warnings = |text: &str| {
            let result = parse("f", text);
            assert_eq!(result.problems, [], "{text}");
            assert!(result.is_unended, "{text}");
            lines(&result.warnings)
        };
        let cut = VALID.trim_end();
        assert_snapshot!(warnings(cut), @"f:12:16: found no line break at the end of the file, so the file may be incomplete; allowed: a line break at the end of the last line");
        // Also a cut that leaves a valid value.
        assert_snapshot!(warnings(cut.split_once("sktop").unwrap().0), @"f:9:26: found no line break at the end of the file, so the file may be incomplete; allowed: a line break at the end of the last line");
        let two = format!("{}---\n{}", manifest("b"), manifest("a").trim_end());
        assert_snapshot!(warnings(&two), @"f:13:17: found no line break at the end of the file, so the file may be incomplete; allowed: a line break at the end of the last line");
        // However many warnings there are, the file is known to be unended.
        let many: Vec<String> = (0..101)
            .map(|n| manifest(&format!("n{n}")).replace(": d\n", ": d-d\n"))
            .collect();
        assert!(parse("f", many.join("---\n").trim_end()).is_unended);
        for ended in [
            format!("{cut}\r"),
            format!("{cut}\r\n"),
            format!("{cut} # c\n"),
            format!("{cut}\n...\n"),
            // Other tools' files need none.
            "apiVersion: v1\nkind: ConfigMap".into(),
            "# nothing".into(),
        ] {
            let result = parse("f", &ended);
            assert_eq!(
                (result.problems, result.warnings),
                (vec![], vec![]),
                "{ended}"
            );
            assert!(!result.is_unended, "{ended}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse("f", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_yaml_like_text_causes_a_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "a", "b: ", ": ", ":", "- ", "? ", "[", "]", "{", "}", ",", "\n", "\n  ", "\n    ", "\r\n", "\t", " ", "# c", "\"", "'", "|\n", ">-\n", "---", "---\n", "...\n",
        "&a ", "*a", "!t ", "!!str ", "!<x>", "%YAML 1.2\n", "%TAG ! x\n", "\\x41", "\u{85}", "\u{2028}", "\u{feff}", "é", "\0", "~", "1.5", "true", "<<",
        "apiVersion: repave.dev/v1alpha1\n", "kind: UpdatedImage\n", "metadata:\n  name: a\n", "spec:\n  source:\n    imageId: wsi-0123456789ab\n  description: d\n",
    ]), 0..60)) {
        let text = pieces.concat();
        let result = parse("f", &text);
        for problem in result.problems.iter().chain(&result.warnings) {
            prop_assert!(!problem.to_string().chars().any(char::is_control));
            if let Some(Span { line, .. }) = problem.span {
                prop_assert!(line >= 1 && line <= text.len() + 1);
            }
        }
    }

    #[test]
    fn places_are_those_of_the_values(name in "[A-Z][a-z]{0,5}", blank in 0usize..5, comment in "[ -~é漢]{0,10}") {
        let text = format!("{}# {comment}\n{}", "\n".repeat(blank), manifest(&name));
        let result = parse("f", &text);
        let span = result.problems[0].span.unwrap();
        prop_assert_eq!(span.line, blank + 4);
        prop_assert_eq!((span.column, span.end_column), (19, 19 + name.len()));
    }
}
