//! The forms of output, and which command has which.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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
