//! Every fenced command of the README, the docs and the examples runs in a copy of a checkout, and prints what its page shows.
//!
//! The commands of a page run in order, in one folder. AWS is the simulator on loopback, with builds that end at once. What
//! runs until it is stopped is stopped at the end of its page. A page shows a command's output below the command in the same
//! `console` block, or alone (stdout only) in the `json` block that follows. A line of three points stands for any lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How commands begin that a test cannot run, and why not.
const NOT_RUN: [(&str, &str); 7] = [
    ("cargo ", "builds and measures for minutes; see .ci/run"),
    ("CI=true bash .ci/run", "runs this test, and all others"),
    ("python3 ", "measures or tests for minutes; see .ci/run"),
    ("aws ", "tests/clients/check.py runs the AWS CLI"),
    ("sudo ", "changes the machine"),
    ("journalctl ", "reads the machine's log"),
    ("systemd-analyze ", "unit_file.rs runs it where it exists"),
];

/// What fenced blocks hold besides commands.
const NO_COMMANDS: [&str; 6] = ["", "text", "yaml", "ini", "json", "python"];

/// Changes to the copied examples: waiting shows nothing that a page claims.
const FASTER: [(&str, &str, &str); 3] = [
    ("account.yaml", "buildTime: 20s", "buildTime: 0s"),
    ("accounts.yaml", "buildTime: 20s", "buildTime: 0s"),
    ("faults.yaml", "busyFor: 20s", "busyFor: 1s"),
];

/// How long a command may take to print what its page shows, while a server or daemon of the page starts.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command of a page, and what the page shows of its output.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
    /// The output stands in a block of its own: stdout alone.
    stdout_alone: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the pages by their path in the checkout.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec!["README.md".into(), "CONTRIBUTING.md".into()];
    let mut folders: Vec<PathBuf> = vec!["docs".into(), "examples".into()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// A fenced block of a page, without the indentation of its fence.
struct Block<'a> {
    line: usize,
    info: &'a str,
    lines: Vec<&'a str>,
    /// Only empty lines stand between the block before and this one.
    follows: bool,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut indent = None;
    let mut follows = false;
    for (line, text) in (1..).zip(text.lines()) {
        let fence = text.trim_start().strip_prefix("```");
        match (indent, fence, blocks.last_mut()) {
            (None, Some(info), _) => {
                let lines = Vec::new();
                indent = Some(text.len() - text.trim_start().len());
                blocks.push(Block {
                    line,
                    info,
                    lines,
                    follows,
                });
            }
            (None, None, _) => follows &= text.is_empty(),
            (Some(_), Some(_), _) => (indent, follows) = (None, true),
            (Some(indent), None, Some(block)) => {
                block.lines.push(text.get(indent..).unwrap_or_default());
            }
            (Some(_), None, None) => {}
        }
    }
    blocks
}

/// Returns the commands of a page: in `console` blocks after `$ `, in `sh` blocks every line.
fn commands(text: &str) -> Result<Vec<Shown>, String> {
    let mut shown: Vec<Shown> = Vec::new();
    for block in blocks(text) {
        let wrong = |what: &str| Err(format!("{}: {what}", block.line));
        let last = shown.last_mut().filter(|_| block.follows);
        match (block.info, last) {
            ("json", Some(last)) if last.output.is_empty() => {
                last.stdout_alone = true;
                last.output = block.lines.iter().map(ToString::to_string).collect();
            }
            ("json", _) => return wrong("a json block without the command that prints it"),
            ("sh" | "console", _) => {}
            (info, _) if NO_COMMANDS.contains(&info) => {}
            _ => return wrong("is it a sh block, a console block, or text?"),
        }
        let (is_console, is_sh) = (block.info == "console", block.info == "sh");
        if is_console && !block.lines.first().is_some_and(|l| l.starts_with("$ ")) {
            return wrong("a console block begins with a command");
        }
        let mut continued = false;
        for (line, text) in (block.line + 1..).zip(block.lines) {
            let command = match text.strip_prefix("$ ") {
                Some(command) if is_console => Some(command),
                _ if is_sh => Some(text).filter(|text| !text.is_empty() && !text.starts_with('#')),
                _ => None,
            };
            match (command.filter(|_| !continued), shown.last_mut()) {
                (Some(command), _) => shown.push(Shown {
                    line,
                    command: command.to_owned(),
                    ..Shown::default()
                }),
                (None, Some(last)) if continued => last.command += text,
                (None, Some(last)) if is_console => last.output.push(text.to_owned()),
                (None, _) => {}
            }
            continued = false;
            if let Some(last) = shown.last_mut().filter(|_| is_console || is_sh)
                && last.output.is_empty()
                && let Some(begun) = last.command.strip_suffix('\\')
            {
                last.command = begun.to_owned();
                continued = true;
            }
        }
    }
    Ok(shown)
}

/// Returns whether the command runs until it is stopped.
fn stays(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    match words.get(..2) {
        Some(["repave", "simulate"]) => true,
        Some(["repave", "reconcile"]) => !has("--once"),
        Some(["repave", _]) => has("--watch") || has("-w"),
        _ => false,
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(name));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// A command that runs until it is stopped, and what it has printed.
struct Running {
    child: Child,
    command: String,
    lines: Receiver<String>,
    printed: String,
}

impl Running {
    /// Reads until `is_enough`, or for so long.
    fn read_until(&mut self, limit: Duration, is_enough: impl Fn(&str) -> bool) -> bool {
        let end = Instant::now() + limit;
        while !is_enough(&self.printed) {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.printed += &line,
                Err(_) => return false,
            }
        }
        true
    }
}

/// The folder, the environment and the servers of one page.
struct Session {
    folder: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    running: Vec<Running>,
    /// The addresses that the page names, and those that servers have in their place.
    addresses: Vec<(String, String)>,
}

impl Session {
    #[expect(clippy::disallowed_methods, reason = "a checkout")]
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for part in ["README.md", "manifests", "examples", "schema", "docs"] {
            copy(&root().join(part), &at(part));
        }
        for (file, slow, fast) in FASTER {
            let path = at("examples/simulator").join(file);
            let seed = std::fs::read_to_string(&path).unwrap();
            assert!(seed.contains(slow), "{file}: {slow}");
            std::fs::write(path, seed.replace(slow, fast)).unwrap();
        }
        std::fs::create_dir(at("home")).unwrap();
        let search = crate::revision::search_path().into_string().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_repave")).parent().unwrap();
        let environment = [
            ("PATH", format!("{}:{search}", binary.display())),
            ("HOME", at("home").display().to_string()),
            ("AWS_ACCESS_KEY_ID", "any".into()),
            ("AWS_SECRET_ACCESS_KEY", "any".into()),
            ("AWS_REGION", "eu-west-1".into()),
        ];
        let mut session = Self {
            environment: environment.map(|(key, to)| (key.to_owned(), to)).into(),
            folder,
            running: Vec::new(),
            addresses: Vec::new(),
        };
        let commit = "git init -q -b main && git add -A && git -c user.name=x -c user.email=x commit -qm one";
        assert!(session.bash(commit).status().unwrap().success());
        let account = Shown {
            command: "repave simulate --seed examples/simulator/account.yaml --listen 127.0.0.1:0"
                .to_owned(),
            ..Shown::default()
        };
        session.start(&account).unwrap();
        let (_, address) = session.addresses.pop().unwrap();
        let url = format!("http://{address}");
        session.environment.insert("AWS_ENDPOINT_URL".into(), url);
        session
    }

    fn bash(&self, command: &str) -> Command {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-o", "pipefail", "-c", command])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
        bash
    }

    /// Starts what stays, at a free port in place of the page's.
    fn start(&mut self, shown: &Shown) -> Result<(), String> {
        let listens = ["--listen 127.0.0.1:", "--health-addr "]
            .iter()
            .find_map(|flag| {
                let (before, rest) = shown.command.split_once(flag)?;
                let port = rest.split_whitespace().next()?;
                let after = rest.strip_prefix(port)?;
                Some((
                    format!("{before}{flag}0{after}"),
                    format!("127.0.0.1:{port}"),
                ))
            });
        let (command, page_address) = listens.unzip();
        let command = command.unwrap_or_else(|| shown.command.clone());
        let mut bash = self.bash(&format!("exec 2>&1; exec {command}"));
        let mut child = bash.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while out.read_line(&mut line).is_ok_and(|read| read > 0) {
                let _ = send.send(std::mem::take(&mut line));
            }
        });
        let mut running = Running {
            child,
            command,
            lines,
            printed: String::new(),
        };
        let is_enough = |printed: &str| {
            (page_address.is_none() || address(printed).is_some())
                && (shown.output.is_empty() || is_shown(printed, &shown.output))
        };
        let started = if page_address.is_none() && shown.output.is_empty() {
            // Nothing to wait for, but what ends within a second does not stay.
            running.read_until(Duration::from_secs(1), |_| false);
            true
        } else {
            running.read_until(PATIENCE, is_enough)
        };
        let printed = running.printed.clone();
        self.running.push(running);
        if let (Some(page_address), Some(is)) = (page_address, address(&printed)) {
            self.addresses.push((page_address, is.to_owned()));
        }
        if started {
            Ok(())
        } else {
            Err(differs(&printed, &shown.output))
        }
    }

    fn run(&mut self, shown: &Shown) -> Result<(), String> {
        let mut command = shown.command.clone();
        for (page, is) in &self.addresses {
            command = command.replace(page, is);
        }
        if let Some(set) = command.strip_prefix("export ") {
            let pairs = set.split_whitespace();
            for (key, value) in pairs.filter_map(|pair| pair.split_once('=')) {
                self.environment.insert(key.into(), value.into());
            }
            return Ok(());
        }
        if stays(&shown.command) {
            return self.start(shown);
        }
        let begun = Instant::now();
        loop {
            let (printed, fails) = match command.strip_prefix("curl -s ") {
                Some(url) => (get(url).map_err(|error| error.to_string())?, None),
                None => self.print(&command, shown.stdout_alone),
            };
            if !names_its_account_first(&printed) {
                return Err(format!("shows a plan before the account: {printed}"));
            }
            match (fails, self.running.get_mut(1..)) {
                (None, _) if shown.output.is_empty() => return Ok(()),
                (_, _) if !shown.output.is_empty() && is_shown(&printed, &shown.output) => {
                    return Ok(());
                }
                // The page's daemon may not have come so far.
                (_, Some([daemon, ..])) if begun.elapsed() < PATIENCE => {
                    daemon.read_until(Duration::from_millis(100), |_| false);
                }
                (Some(fails), _) if shown.output.is_empty() => return Err(fails + &printed),
                _ => return Err(differs(&printed, &shown.output)),
            }
        }
    }

    /// Returns what the command prints, and how it ends unless it ends well.
    fn print(&self, command: &str, stdout_alone: bool) -> (String, Option<String>) {
        let both = if stdout_alone { "" } else { "exec 2>&1; " };
        let output = self.bash(&format!("{both}{command}")).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let ended_well = matches!(output.status.code(), Some(0 | 2));
        let fails = (!ended_well).then(|| format!("{}: ", output.status));
        (printed, fails)
    }

    /// Returns what should run until now and has ended by itself.
    fn ended(&mut self) -> Vec<String> {
        let ended = self.running.iter_mut().filter_map(|running| {
            let ended = running.child.try_wait().unwrap().is_some();
            running.read_until(Duration::ZERO, |_| false);
            ended.then(|| format!("{} ended: {}", running.command, running.printed))
        });
        ended.collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for running in &mut self.running {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

/// Returns whether a plan stands below the account whose credentials signed the requests for it.
fn names_its_account_first(printed: &str) -> bool {
    let mut plans = ["\nPlan: ", "\nNothing to create: ", "\nNothing to do: "].into_iter();
    let Some(at) = plans.find_map(|plan| printed.find(plan)) else {
        return true;
    };
    printed[..at].contains("Account 111122223333, Region eu-west-1")
}

fn differs(printed: &str, page: &[String]) -> String {
    let any = ["...".to_owned()];
    let fits = |lines: usize| is_shown(printed, &[&page[..lines], &any].concat());
    let first = (0..page.len()).rev().find(|lines| fits(*lines));
    let line = page.get(first.unwrap_or_default());
    let line = line.map_or("an address", String::as_str);
    format!("prints\n{printed}\nbut not, or not there or not only: {line}")
}

/// Returns what `curl -s` prints, which is not on every machine.
fn get(url: &str) -> std::io::Result<String> {
    let place = url.trim_start_matches("http://");
    let (address, path) = place.split_once('/').unwrap_or((place, ""));
    let mut connection = TcpStream::connect(address)?;
    write!(connection, "GET /{path} HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    Ok(body.unwrap_or_default().to_owned())
}

/// Returns the first address on loopback in the text.
fn address(text: &str) -> Option<&str> {
    let from = &text[text.find("127.0.0.1:")?..];
    let is_address = |c: char| c.is_ascii_digit() || c == '.' || c == ':';
    // Only a line that has come whole has a whole address.
    from.contains('\n')
        .then(|| from.split(|c| !is_address(c)).next())?
}

/// Returns the line without what differs from run to run: times, durations, long ids and checksums, ports, the machine.
fn plain(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut words: Vec<String> = Vec::new();
    let (mut before, mut last) = ("", "");
    for text in line.split_whitespace() {
        let core = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_duration = core
            .strip_suffix(['s', 'm', 'h'])
            .is_some_and(|number| number.parse::<u32>().is_ok());
        let is_time = core.parse::<jiff::Timestamp>().is_ok()
            || (core.len() == 10 && core.parse::<u32>().is_ok());
        let is_uuid = core.len() == 36 && core.split('-').count() == 5;
        let stands_for = match core {
            _ if is_time => "TIME",
            _ if is_duration => "LASTED",
            _ if is_uuid || matches!(last, "\"pid\":" | "\"host\":" | "process") => "ID",
            _ if last == "on" && before.ends_with('Z') => "ID",
            _ => core,
        };
        let word = text.replacen(core, stands_for, usize::from(!core.is_empty()));
        let is_word = |c: char| !c.is_ascii_alphanumeric();
        let long = word
            .split(is_word)
            .filter(|part| part.len() >= 32 && part.chars().all(|c| c.is_ascii_hexdigit()));
        let word = long.fold(word.clone(), |word, hex| word.replace(hex, "ID"));
        let word = match address(&format!("{word}\n")) {
            Some(address) => word.replace(address, "ADDRESS"),
            None => word,
        };
        // "10m 1s" lasts as "10m" does.
        if words.last().is_none_or(|last| last != "LASTED") || !word.starts_with("LASTED") {
            words.push(word);
        } else if let Some(last) = words.last_mut() {
            *last = word;
        }
        (before, last) = (last, text);
    }
    format!("{}{}", &line[..indent], words.join(" "))
}

/// Sorts the samples of each metric, which have no order.
fn sorted(mut lines: Vec<String>) -> Vec<String> {
    let metric = |line: &str| {
        let name = line.split_once('{')?.0;
        (name.starts_with("repave_") && !name.ends_with("_bucket")).then(|| name.to_owned())
    };
    for samples in lines.chunk_by_mut(|a, b| metric(a).is_some() && metric(a) == metric(b)) {
        samples.sort();
    }
    lines
}

/// Returns whether the page's lines show what was printed.
fn is_shown(printed: &str, page: &[String]) -> bool {
    fn fits(printed: &[String], page: &[String]) -> bool {
        match page.split_first() {
            None => printed.is_empty(),
            Some((first, rest)) if first.trim() == "..." => {
                (0..=printed.len()).any(|from| fits(&printed[from..], rest))
            }
            Some((first, rest)) => printed.first() == Some(first) && fits(&printed[1..], rest),
        }
    }
    let printed = sorted(printed.lines().map(plain).collect());
    let page = sorted(page.iter().map(|line| plain(line)).collect());
    fits(&printed, &page)
}

/// Returns the command as the test runs it: the program is built, and a comment is for the reader.
fn runnable(command: &str) -> String {
    let command = command.split(" #").next().unwrap_or_default().trim_end();
    match command.strip_prefix("cargo run -- ") {
        Some(arguments) => format!("repave {arguments}"),
        None => command.to_owned(),
    }
}

/// What became of a page's commands.
#[derive(Default)]
struct Report {
    wrong: Vec<String>,
    ran: usize,
    not_run: BTreeSet<&'static str>,
}

fn report(page: &Path) -> Report {
    let mut report = Report::default();
    let name = page.display();
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let commands = match commands(&text) {
        Ok(commands) => commands,
        Err(why) => {
            report.wrong.push(format!("{name}:{why}"));
            return report;
        }
    };
    let mut session = None;
    for shown in commands {
        let shown = Shown {
            command: runnable(&shown.command),
            ..shown
        };
        let mut known = NOT_RUN.iter().map(|(begins, _)| *begins);
        if let Some(begins) = known.find(|begins| shown.command.starts_with(begins)) {
            report.not_run.insert(begins);
            continue;
        }
        report.ran += 1;
        let session = session.get_or_insert_with(Session::new);
        if let Err(why) = session.run(&shown) {
            let place = format!("{name}:{}: {}", shown.line, shown.command);
            report.wrong.push(format!("{place}\n{why}"));
        }
    }
    if let Some(mut session) = session {
        let ended = session.ended().into_iter();
        report
            .wrong
            .extend(ended.map(|why| format!("{name}: {why}")));
    }
    report
}

#[test]
fn every_command_of_the_pages_runs_and_prints_what_they_show() {
    let pages = pages();
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let reports: Vec<_> = pages
            .iter()
            .map(|page| scope.spawn(|| report(page)))
            .collect();
        let reports = reports.into_iter();
        reports.map(|report| report.join().unwrap()).collect()
    });
    let wrong: Vec<&str> = reports
        .iter()
        .flat_map(|report| report.wrong.iter().map(String::as_str))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n----\n"));
    let used: BTreeSet<&str> = reports.iter().flat_map(|r| r.not_run.clone()).collect();
    assert_eq!(used, NOT_RUN.map(|(begins, _)| begins).into());
    let ran: usize = reports.iter().map(|report| report.ran).sum();
    assert!(ran >= 40, "{ran}");
}

#[test]
fn commands_and_outputs_are_found() {
    let text = "\
```sh
# a comment
first \\
  --flag

second
```

1. In a list:

   ```console
   $ third  # why
   one

     two
   $ fourth
   ```

   ```json
   {}
   ```

```yaml
$ no command
```
";
    let shown = |line, command: &str, output: &[&str], stdout_alone| Shown {
        line,
        command: command.into(),
        output: output.iter().map(ToString::to_string).collect(),
        stdout_alone,
    };
    assert_eq!(
        commands(text),
        Ok(vec![
            shown(3, "first   --flag", &[], false),
            shown(6, "second", &[], false),
            shown(12, "third  # why", &["one", "", "  two"], false),
            shown(16, "fourth", &["{}"], true),
        ])
    );
    for (text, part) in [
        ("```bash\na\n```\n", "is it a sh block"),
        (
            "```sh\na\n```\nprose\n```json\n{}\n```\n",
            "without the command",
        ),
        ("```console\noutput\n```\n", "begins with a command"),
    ] {
        assert!(commands(text).unwrap_err().contains(part), "{text}");
    }
}

#[test]
fn a_changed_word_is_noticed() {
    let page = [
        "...",
        "  \"at\": \"2026-11-26T10:17:42Z\",",
        "a    1m 5s  sha256:00000000000000000000000000000000",
        "at 127.0.0.1:4566",
    ]
    .map(str::to_owned);
    let printed = "\
one
two
  \"at\": \"2027-01-01T00:00:00.5Z\",
a  9s      sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
at 127.0.0.1:39999
";
    assert!(is_shown(printed, &page));
    for (is, other) in [
        ("  \"at\"", " \"at\""),
        ("\"at\"", "\"since\""),
        ("a  9s", "b  9s"),
        ("at 127", "on 127"),
        ("39999\n", "39999\nmore\n"),
    ] {
        let other = printed.replacen(is, other, 1);
        assert!(!is_shown(&other, &page), "{other}");
    }
}
