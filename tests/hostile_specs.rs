//! Specs that are no specs: whatever the bytes, loading ends, and says something or yields a plan that binds or refuses.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use tracespec::diag::{self, RenderOptions};
use tracespec::spec::bind::Bind;
use tracespec::spec::plan::Trigger;
use tracespec::spec::vars::{RunVars, Scope};
use tracespec::spec::{self, LoadOptions};

fn try_out(bytes: Vec<u8>) {
    let (plan, diagnostics) = spec::load(vec![(PathBuf::from("a.yaml"), bytes.clone())], &LoadOptions::default());
    let shown = diag::render(&diagnostics, RenderOptions::default());
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    diag::to_json(&diagnostics);
    diag::to_sarif(&diagnostics);
    let tests: usize = plan.files.iter().map(|file| file.tests.len()).sum();
    assert!(
        tests > 0 || !diagnostics.is_empty(),
        "nothing, and not a word about it: {:?}",
        String::from_utf8_lossy(&bytes)
    );
    for file in &plan.files {
        for test in &file.tests {
            let scope = Scope::new(Arc::new(RunVars::default()), file, Some(test), 0);
            for step in &test.steps {
                if let Trigger::Http(request) = &step.trigger {
                    let _ = request.bind(&scope);
                }
                let _ = step.response.bind(&scope);
                let _ = step.trace.as_ref().map(|trace| trace.bind(&scope));
            }
        }
    }
    spec::config::parse("tracespec.yaml".as_ref(), bytes);
}

/// The reference's own examples: every key is in one of them.
fn seeds() -> Vec<String> {
    let text = include_str!("../docs/spec-reference.md");
    text.split("```yaml")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(|block| block.trim_start().to_owned())
        .collect()
}

const WORDS: &[&str] = &[
    "${",
    "}",
    "{",
    "[",
    "]",
    "'",
    "\"",
    ": ",
    "- ",
    "\n",
    "\t",
    "  ",
    "#",
    "!",
    "&a ",
    "*a",
    "|",
    ">",
    "<<: ",
    "~",
    "..",
    "< ",
    "== ",
    "null",
    "true",
    "${x}",
    "->",
    "$.a[",
    "\u{0}",
    "\u{feff}",
    "ü",
    "💥",
    "count",
    "select",
    "trace:",
    "9999999999999999999999999999999999999999999",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        try_out(bytes);
    }

    #[test]
    fn arbitrary_words_never_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        try_out(words.concat().into_bytes());
    }

    #[test]
    fn a_changed_spec_never_panics(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(WORDS), 0usize..8), 1..4),
    ) {
        let seeds = seeds();
        let mut text = seed.get(&seeds).clone();
        for (at, word, cut) in changes {
            let mut from = at.index(text.len() + 1);
            while !text.is_char_boundary(from) { from -= 1; }
            let mut to = (from + cut).min(text.len());
            while !text.is_char_boundary(to) { to -= 1; }
            text.replace_range(from..to.max(from), word);
        }
        try_out(text.into_bytes());
    }
}

#[test]
fn large_and_odd_files_are_read_in_no_time() {
    let lines = |line: &str| line.repeat((1 << 20) / line.len());
    for text in [
        lines("a: \"\n"),
        lines("a: '\n"),
        lines("a: [\n"),
        lines("- > 2\n"),
        lines("a: {b: ${x}}\n"),
        lines("- "),
        lines("a: >2\n\n\n\n"),
        lines("\t\n\ta\n"),
        lines("{"),
        lines("&a *a "),
        format!("tests:\n{}", "  - name: x\n   y\n".repeat(20_000)),
        format!(
            "tests:\n{}",
            (0..3000)
                .map(|i| format!(
                    "  - {{ name: t{i}, needs: [t{}], request: {{ url: 'http://a/${{needs.t{i}.x}}' }} }}\n",
                    i / 2
                ))
                .collect::<String>()
        ),
        format!(
            "vars: {{ {} }}\ntests: []\n",
            (0..5000).map(|i| format!("v{i}: '${{v{}}}'", i - i.min(1))).collect::<Vec<_>>().join(", ")
        ),
    ] {
        try_out(text.into_bytes());
    }
}
