//! The commands that show what is known, and the forms of output.

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::Command;
use super::values::reason;
use crate::model::reason::Reason;

/// Arguments of `status`.
#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Stay, and show what changes, until a signal
    #[arg(short, long, env = "REPAVE_WATCH", value_parser = FalseyValueParser::new())]
    pub watch: bool,
    /// Only images with this reason; may be given several times, or with commas
    #[arg(long = "reason", env = "REPAVE_REASON", value_name = "REASON", value_delimiter = ',', value_parser = reason)]
    pub reasons: Vec<Reason>,
}

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// A reason, an error code, an exit code, or the name of an image or of its manifest; without one, a list
    pub topic: Option<String>,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Output {
    Text,
    Json,
    /// status: as text, with ids and the last error
    Wide,
    /// status: the JSON document as YAML
    Yaml,
    /// validate: marks at the lines of a pull request in GitHub Actions
    Github,
    /// validate: SARIF 2.1.0, for code-scanning services
    Sarif,
}

/// The forms that a command has, by its name.
pub(super) fn forms(command: &str) -> &'static [Output] {
    match command {
        "validate" => &[Output::Text, Output::Json, Output::Github, Output::Sarif],
        "status" => &[Output::Text, Output::Wide, Output::Json, Output::Yaml],
        _ => &[Output::Text, Output::Json],
    }
}

/// Takes any form, and shows those of a command: what it lacks is refused in words of its own.
pub(super) fn parser_of_forms(command: &str) -> impl TypedValueParser<Value = Output> + use<> {
    let forms = forms(command);
    let values = Output::value_variants().iter().filter_map(|form| {
        let value = form.to_possible_value()?;
        Some(value.hide(!forms.contains(form)))
    });
    PossibleValuesParser::new(values).try_map(|name| Output::from_str(&name, false))
}

impl Command {
    /// Says that the command has no such form of output.
    pub(super) fn check_output(&self, output: Output) -> Result<(), String> {
        let (name, has_it, of) = match output {
            Output::Text | Output::Json => return Ok(()),
            Output::Wide => ("wide", matches!(self, Self::Status(_)), "status"),
            Output::Yaml => ("yaml", matches!(self, Self::Status(_)), "status"),
            Output::Github => ("github", matches!(self, Self::Validate), "validate"),
            Output::Sarif => ("sarif", matches!(self, Self::Validate), "validate"),
        };
        if has_it {
            return Ok(());
        }
        let forms = match self {
            Self::Status(_) => "text, wide, json and yaml",
            Self::Validate => "text, json, github and sarif",
            Self::Reconcile(_)
            | Self::Plan(_)
            | Self::Explain(_)
            | Self::Simulate(_)
            | Self::IamPolicy(_)
            | Self::Schema
            | Self::Completions(_)
            | Self::Man(_) => "text and json",
        };
        Err(format!(
            "-o {name} is for repave {of}; this command has {forms}"
        ))
    }
}
