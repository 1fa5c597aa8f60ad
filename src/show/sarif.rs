//! Problems in manifests in SARIF 2.1.0, for code-scanning services.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::manifest::{Problem, Severity};

/// Returns the problems, then the warnings. The texts are not escaped.
pub fn sarif(problems: &[Problem], warnings: &[Problem]) -> Value {
    let results: Vec<Value> = problems.iter().chain(warnings).map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "repave",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule("invalid-manifest", "A manifest that cannot be used", "repave uses the manifests of a directory only if all of them are valid."),
                    rule("doubtful-manifest", "A manifest that is probably a mistake", "repave uses the manifest as it is."),
                ],
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(id: &str, short: &str, full: &str) -> Value {
    json!({ "id": id, "shortDescription": { "text": short }, "fullDescription": { "text": full } })
}

fn result(problem: &Problem) -> Value {
    let (level, rule) = match problem.severity {
        Severity::Error => ("error", "invalid-manifest"),
        Severity::Warning => ("warning", "doubtful-manifest"),
    };
    let mut text = problem.summary();
    if !problem.detail().is_empty() {
        text = format!("{text}; {}", problem.detail());
    }
    let mut place = json!({ "artifactLocation": { "uri": uri(&problem.file) } });
    if let Some(span) = problem.span {
        place["region"] = json!({
            "startLine": span.line,
            "startColumn": span.column,
            "endColumn": span.end_column,
        });
    }
    json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": text },
        "locations": [{ "physicalLocation": place }],
    })
}

/// Returns a path as a relative URI, percent-encoded.
fn uri(path: &str) -> String {
    let mut text = String::new();
    let path = path.strip_prefix("./").unwrap_or(path);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
