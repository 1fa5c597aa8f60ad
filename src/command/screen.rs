//! Writes data: stdout in the format of `-o`, and files beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{Copies, Output};
use crate::model::outcome::{ExitCode, Outcome};
use crate::show::live::Lines;
use crate::show::{Document, DocumentKind};
use crate::sys::environment::variable;
use crate::sys::escape::{escaped, to_json, with_causes};
use crate::sys::files;
use crate::sys::terminal::Terminal;

/// A body without fields.
#[derive(Serialize)]
pub(super) struct Empty {}

/// Writes data. A failed write is kept until the end: what a command does must not depend on who reads its output.
pub struct Screen<'a> {
    out: &'a mut dyn Write,
    /// None if the command has no JSON output.
    output: Option<Output>,
    terminal: Terminal,
    /// Where lines are written over, if not at stdout.
    lines: Option<Lines>,
    copies: Copies,
    summary_file: Option<PathBuf>,
    /// Why stdout cannot be written.
    broken: Option<io::Error>,
    /// Why a file cannot be written.
    unwritten: Option<String>,
}

impl<'a> Screen<'a> {
    /// Returns a screen without files beside it.
    pub fn new(out: &'a mut dyn Write, output: Option<Output>, terminal: Terminal) -> Self {
        Self {
            out,
            output,
            terminal,
            lines: None,
            copies: Copies::default(),
            summary_file: None,
            broken: None,
            unwritten: None,
        }
    }

    /// Writes lines that change here instead of at stdout.
    #[must_use]
    pub fn drawing_on(mut self, lines: Lines) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Returns lines that can be written over, if stdout has them; lines that were passed in are returned once.
    pub(super) fn lines(&mut self) -> Option<Lines> {
        let at_stdout = || self.terminal.can_overwrite().then(Lines::at_stdout);
        self.lines.take().or_else(at_stdout)
    }

    /// Writes these files too. A file that cannot be written in the end is refused now, before anything is done.
    pub(super) fn copy_into(&mut self, copies: &Copies) -> Result<(), Outcome> {
        self.copies = copies.clone();
        if copies.step_summary {
            self.summary_file = variable("GITHUB_STEP_SUMMARY").map(PathBuf::from);
        }
        self.check_files()
            .map_err(|why| Outcome::new(ExitCode::Usage, why))
    }

    fn check_files(&self) -> Result<(), String> {
        if self.copies.step_summary && self.summary_file.is_none() {
            return Err("--step-summary: GITHUB_STEP_SUMMARY is not set. Use this flag in a step of GitHub Actions".into());
        }
        let files = [
            ("--json-into", &self.copies.json_into),
            ("--markdown-into", &self.copies.markdown_into),
            ("$GITHUB_STEP_SUMMARY", &self.summary_file),
        ];
        for (name, path) in files {
            let Some(path) = path else { continue };
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            if path.is_dir() || path.file_name().is_none() {
                return Err(format!(
                    "{name}: {} is a directory. Give the path of a file",
                    path.display()
                ));
            }
            if folder.is_some_and(|folder| !folder.is_dir()) {
                return Err(format!(
                    "{name}: the folder of {} does not exist",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    /// Returns whether stdout cannot be written any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    pub(super) fn is_text(&self) -> bool {
        self.output == Some(Output::Text)
    }

    pub(super) fn terminal(&self) -> Terminal {
        self.terminal
    }

    /// Returns the width of the terminal at stdout, if there is one.
    pub(super) fn columns(&self) -> Option<usize> {
        self.terminal.size().map(|size| size.columns)
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.is_text() {
            self.write(text.as_bytes());
        }
    }

    pub(super) fn json<T: Serialize>(&mut self, kind: DocumentKind, outcome: &Outcome, body: &T) {
        let into = self.copies.json_into.clone();
        let is_json = self.output == Some(Output::Json);
        if !is_json && into.is_none() {
            return;
        }
        match to_json(&Document::new(kind, outcome, body)) {
            Ok(bytes) => {
                if is_json {
                    self.write(&bytes);
                }
                if let Some(path) = into {
                    self.keep(&path, files::write_whole(&path, &bytes));
                }
            }
            Err(error) => self.broken = Some(error.into()),
        }
    }

    /// Writes JSON of another shape.
    pub(super) fn value<T: Serialize>(&mut self, value: &T) {
        match to_json(value) {
            Ok(bytes) => self.write(&bytes),
            Err(error) => self.broken = Some(error.into()),
        }
    }

    /// Writes Markdown to the files for it; makes the text only if there are any.
    pub(super) fn markdown(&mut self, make: impl FnOnce() -> String) {
        let markdown_into = self.copies.markdown_into.clone();
        let summary_file = self.summary_file.clone();
        if markdown_into.is_none() && summary_file.is_none() {
            return;
        }
        let text = make();
        if let Some(path) = markdown_into {
            self.keep(&path, files::write_whole(&path, text.as_bytes()));
        }
        if let Some(path) = summary_file {
            self.keep(&path, files::append(&path, text.as_bytes()));
        }
    }

    fn keep(&mut self, path: &Path, written: Result<(), files::FileError>) {
        if let Err(error) = written {
            let why = with_causes(&error);
            tracing::error!("{}: {}", path.display(), escaped(&why, 500));
            self.unwritten.get_or_insert(why);
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        let written = self.out.write_all(bytes).and_then(|()| self.out.flush());
        if let (Err(error), None) = (written, &self.broken) {
            self.broken = Some(error);
        }
    }

    /// Returns the outcome, with what could not be written if the outcome is a success.
    pub(super) fn end(self, outcome: Outcome) -> Outcome {
        let broken = self
            .broken
            // The reader of the output is gone, as `head` goes: this is not a failure of the command.
            .filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
            .map(|error| format!("cannot write the output: {error}"));
        match self.unwritten.or(broken) {
            Some(why) if matches!(outcome.code, ExitCode::Done | ExitCode::ChangesPending) => {
                Outcome::new(ExitCode::Failed, format!("{}; {why}", outcome.message))
            }
            Some(_) | None => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes this number of bytes, and then fails with this error.
    struct Failing(usize, io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(self.1.into());
            }
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The exit code after two lines, if only so many bytes of them can be written.
    fn code_after(room: usize, error: io::ErrorKind, copies: Copies, code: ExitCode) -> ExitCode {
        let mut out = Failing(room, error);
        let mut screen = Screen::new(&mut out, Some(Output::Text), Terminal::None);
        screen.copies = copies;
        screen.text("one\n");
        screen.text("two\n");
        screen.markdown(|| "page".into());
        screen.end(Outcome::new(code, "so")).code
    }

    #[test]
    fn output_that_is_lost_is_a_failure_unless_more_is_reported_or_the_reader_left() {
        let folder = tempfile::tempdir().unwrap();
        let into = |path: &str| {
            let markdown_into = Some(folder.path().join(path));
            Copies {
                markdown_into,
                ..Copies::default()
            }
        };
        for code in ExitCode::ALL {
            let lost = match code {
                ExitCode::Done | ExitCode::ChangesPending => ExitCode::Failed,
                other => other,
            };
            for (room, error, copies, expected) in [
                (8, io::ErrorKind::StorageFull, into("page"), code),
                (7, io::ErrorKind::StorageFull, into("page"), lost),
                (3, io::ErrorKind::StorageFull, into("page"), lost),
                (0, io::ErrorKind::StorageFull, Copies::default(), lost),
                (0, io::ErrorKind::BrokenPipe, into("page"), code),
                (8, io::ErrorKind::StorageFull, into("none/page"), lost),
                (0, io::ErrorKind::BrokenPipe, into("none/page"), lost),
            ] {
                let found = code_after(room, error, copies, code);
                assert_eq!(found, expected, "{code:?} {room} {error}");
            }
        }
    }
}
