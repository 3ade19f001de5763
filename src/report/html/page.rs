//! The file around the data: style and script, named by their hashes in the document's own policy, and the data as text that is
//! never executed.
//!
//! It has so few places to fill in that a template engine would be more to read than what it replaces.

use super::{data, plain};
use crate::run::record::{RunRecord, Verdict};
use crate::view;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use std::fmt::Write as _;

const STYLE: &str = include_str!("page/report.css");
/// Runs before anything is drawn, so that the plain document is not seen for a moment where the script replaces it.
const EARLY: &str = "document.documentElement.classList.add(\"scripted\");";
/// One script in several files, each with a concept of its own.
const SCRIPT: &str = concat!(
    "(() => {\n\"use strict\";\n",
    include_str!("page/text.js"),
    include_str!("page/dom.js"),
    include_str!("page/model.js"),
    include_str!("page/address.js"),
    include_str!("page/rows.js"),
    include_str!("page/search.js"),
    include_str!("page/align.js"),
    include_str!("page/axis.js"),
    include_str!("page/list.js"),
    include_str!("page/detail.js"),
    include_str!("page/chart.js"),
    include_str!("page/waterfall.js"),
    include_str!("page/compare.js"),
    include_str!("page/body.js"),
    include_str!("page/spec.js"),
    include_str!("page/runs.js"),
    include_str!("page/test.js"),
    include_str!("page/overview.js"),
    include_str!("page/main.js"),
    "})();\n"
);

/// The page of a run.
pub(super) fn of(record: &RunRecord) -> String {
    let style = format!("{}{STYLE}", palette());
    let verdict = record.verdict().unwrap_or(Verdict::Skipped).word();
    let title = plain::escape(&format!("{verdict}: {}", plain::headline(record)), false);
    let (document, traces) = data::document(record);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title} · tracespec</title>\n<style>{style}</style>\n<script>{EARLY}</script>\n</head>\n<body>\n\
         <main id=\"plain\">\n{}</main>\n<div id=\"app\"></div>\n",
        policy(&style),
        plain::document(record)
    );
    inert(&mut out, "run", &document.to_string());
    for (number, trace) in traces.documents().iter().enumerate() {
        inert(&mut out, &format!("trace-{number}"), trace);
    }
    out.push_str("<script>");
    out.push_str(SCRIPT);
    out.push_str("</script>\n</body>\n</html>\n");
    out
}

/// The document needs nothing but its own style and scripts, and says so.
fn policy(style: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {} {}; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(EARLY),
        hash(SCRIPT)
    )
}

/// The colours of services as variables of the style.
fn palette() -> String {
    let all = |of: fn((&'static str, &'static str)) -> &'static str| -> String {
        view::colours().map(of).enumerate().map(|(at, colour)| format!("--c{at}:{colour};")).collect()
    };
    let (light, dark) = (all(|(light, _)| light), all(|(_, dark)| dark));
    format!(":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n")
}

/// Data in an element that is not executed. Without `<` nothing in it can end the element or begin a comment.
fn inert(out: &mut String, id: &str, json: &str) {
    let _ = write!(out, "<script type=\"application/json\" id=\"{id}\">");
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out.push_str("</script>\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::Value;

    /// A JSON document as it stands in the page, for who wants to know what is in it.
    fn embedded(page: &str, id: &str) -> Value {
        let begin = format!("<script type=\"application/json\" id=\"{id}\">");
        let from = page.find(&begin).map_or(0, |at| at + begin.len());
        let to = page[from..].find("</script>").map_or(page.len(), |at| from + at);
        serde_json::from_str(&page[from..to]).unwrap_or_default()
    }

    #[test]
    fn what_the_policy_names_is_what_the_page_has() {
        let page = of(&RunRecord::default());
        let between = |from: &str, to: &str| {
            let at = page.find(from).unwrap() + from.len();
            page[at..at + page[at..].find(to).unwrap()].to_owned()
        };
        let policy = between("Content-Security-Policy\" content=\"", "\"");
        let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
        let scripts: Vec<&str> =
            page.split("<script>").skip(1).map(|rest| rest.split("</script>").next().unwrap()).collect();
        assert_eq!(scripts.len(), 2);
        for text in scripts.into_iter().map(str::to_owned).chain([between("<style>", "</style>")]) {
            assert!(policy.contains(&hash(&text)), "{policy}");
        }
    }

    #[test]
    fn no_text_of_a_record_ends_the_element_it_stands_in() {
        let evil = "</script><script>alert(1)</script><!-- \u{2028} ]]> </pre><img src=x onerror=alert(1)>";
        let record = RunRecord { errors: vec![evil.to_owned()], ..RunRecord::default() };
        let page = of(&record);
        assert_eq!(page.matches("<script").count(), 3);
        assert_eq!(page.matches("</script>").count(), 3);
        assert!(!page.contains("<img") && !page.contains("<!--") && !page.contains('\u{2028}'));
        assert_eq!(embedded(&page, "run")["errors"][0], evil);
    }

    #[test]
    fn nothing_in_the_page_is_loaded_from_elsewhere() {
        let page = of(&RunRecord::default());
        for part in ["src=", "url(", "@import", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch("]
        {
            assert!(!page.contains(part), "{part}");
        }
    }
}
