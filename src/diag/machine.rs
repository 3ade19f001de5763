//! Diagnostics for programs: JSON for editors, SARIF 2.1.0 for code scanning.

use super::{Code, Diagnostic, Place, Severity};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// All diagnostics as one JSON document, `tracespec/check/1`.
pub fn to_json(diagnostics: &[Diagnostic]) -> String {
    let list: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            let mut value = place(&d.place);
            value["code"] = json!(d.code.as_str());
            value["severity"] = json!(d.severity.as_str());
            value["message"] = json!(d.message);
            value["label"] = json!(d.label);
            value["help"] = json!(d.help);
            value["related"] = d
                .labels
                .iter()
                .map(|label| {
                    let mut value = place(&label.place);
                    value["message"] = json!(label.text);
                    value
                })
                .collect();
            value
        })
        .collect();
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    pretty(
        &json!({ "schema": "tracespec/check/1", "errors": errors, "warnings": diagnostics.len() - errors, "diagnostics": list }),
    )
}

/// All diagnostics as a SARIF 2.1.0 log with one run.
pub fn to_sarif(diagnostics: &[Diagnostic]) -> String {
    let used: BTreeSet<Code> = diagnostics.iter().map(|d| d.code).collect();
    let rules: Vec<Value> =
        used.iter().map(|code| json!({ "id": code.as_str(), "shortDescription": { "text": code.says() } })).collect();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            let message = std::iter::once(&d.message).chain(&d.help).cloned().collect::<Vec<_>>().join("\n");
            let related: Vec<Value> = d
                .labels
                .iter()
                .map(|label| {
                    let mut value = location(&label.place);
                    value["message"] = json!({ "text": label.text });
                    value
                })
                .collect();
            json!({
                "ruleId": d.code.as_str(),
                "ruleIndex": used.iter().position(|code| *code == d.code),
                "level": d.severity.as_str(),
                "message": { "text": message },
                "locations": [location(&d.place)],
                "relatedLocations": related,
            })
        })
        .collect();
    let driver = json!({
        "name": "tracespec",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    }))
}

fn place(place: &Place) -> Value {
    let start = place.line_column();
    let end = place.source.line_column(place.span.end);
    json!({
        "file": path(place),
        "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column,
    })
}

fn location(place: &Place) -> Value {
    let start = place.line_column();
    let end = place.source.line_column(place.span.end);
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&path(place)) },
        "region": {
            "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
        },
    }})
}

/// With forward slashes, as URIs and other machines want it.
fn path(place: &Place) -> String {
    place.source.path().display().to_string().replace('\\', "/")
}

fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b':' => out.push(byte as char),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Problem;
    use crate::source::{SourceFile, Span};

    #[test]
    fn both_formats_carry_place_kind_and_related_place() {
        let file = SourceFile::new("specs/a b.yaml", "name: x\nname: y\n");
        let d = Problem::error(Code::DuplicateKey, Span::new(8, 12), "twice")
            .related(Span::new(0, 4), "first")
            .in_file(&file);
        let json: Value = serde_json::from_str(&to_json(std::slice::from_ref(&d))).unwrap();
        assert_eq!(json["errors"], 1);
        assert_eq!(json["diagnostics"][0]["line"], 2);
        assert_eq!(json["diagnostics"][0]["related"][0]["line"], 1);
        let sarif: Value = serde_json::from_str(&to_sarif(&[d])).unwrap();
        let result = &sarif["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "duplicate-key");
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "specs/a%20b.yaml");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["endColumn"], 5);
    }
}
