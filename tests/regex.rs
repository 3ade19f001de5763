//! Patterns as Go reads them: `regex/patterns.json` holds Go's verdict of each, written by `regex/verdicts.go`.

#![allow(clippy::unwrap_used, missing_docs)]

use tracespec::matcher::Compiled;

#[test]
fn patterns_are_valid_and_match_as_in_go() {
    let rows: Vec<serde_json::Value> = serde_json::from_str(include_str!("regex/patterns.json")).unwrap();
    assert!(rows.len() >= 350);
    let texts = |row: &serde_json::Value, key: &str| -> Vec<String> {
        row[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut wrong = Vec::new();
    for row in &rows {
        let pattern = row["pattern"].as_str().unwrap();
        let compiled = match (Compiled::new(pattern), row["error"].as_str()) {
            (Err(error), Some(_)) => {
                let marked = pattern.get(error.at.clone());
                assert!(marked.is_some_and(|marked| !marked.is_empty()), "{pattern}: {error:?}");
                continue;
            }
            (Err(error), None) => {
                wrong.push(format!("{pattern:?} is refused: {}", error.message));
                continue;
            }
            (Ok(_), Some(error)) => {
                wrong.push(format!("{pattern:?} is accepted; Go: {error}"));
                continue;
            }
            (Ok(compiled), None) => compiled,
        };
        let both = [("matches", true), ("others", false)];
        for (text, expected) in
            both.iter().flat_map(|(key, expected)| texts(row, key).into_iter().map(move |text| (text, *expected)))
        {
            if compiled.is_match(&text) != expected {
                wrong.push(format!("{pattern:?} on {text:?}: Go says {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
