//! `--save-traces`: a folder a test, a file a trace, as OTLP JSON without the secrets of the run.

use crate::redact::Redactor;
use crate::report::fnv;
use crate::run::record::{RunRecord, StepRecord, TestRecord, Verdict};
use crate::view::redacted;
use crate::wire::write;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The most bytes of a test's or a step's name that a file's name keeps.
const NAME_KEPT: usize = 80;

/// Of which tests traces are saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that did not pass, and attempts that did not.
    Failed,
    All,
}

/// Saves the traces of a run below a folder.
pub(super) fn save(record: &RunRecord, folder: &Path, which: Which, redactor: &Redactor) -> io::Result<()> {
    let wanted = |verdict: Verdict| which == Which::All || verdict > Verdict::Flaky;
    for (test, name) in record.tests.iter().zip(folders(&record.tests, redactor)) {
        let folder = folder.join(name);
        for (number, attempt) in test.earlier.iter().enumerate().filter(|(_, attempt)| wanted(attempt.verdict)) {
            // Those that are kept are the latest before the last.
            let number = test.attempts as usize - test.earlier.len() + number;
            let prefix = format!("attempt-{number}-");
            attempt.steps.iter().try_for_each(|step| save_step(&folder, &prefix, step, redactor))?;
        }
        let kept = test.repeat.iter().flat_map(|repeat| &repeat.kept);
        for run in kept.filter(|run| wanted(run.verdict)) {
            let prefix = format!("run-{}-", run.number);
            run.steps.iter().try_for_each(|step| save_step(&folder, &prefix, step, redactor))?;
        }
        if wanted(test.verdict) {
            test.steps.iter().try_for_each(|step| save_step(&folder, "", step, redactor))?;
        }
    }
    Ok(())
}

fn save_step(folder: &Path, prefix: &str, step: &StepRecord, redactor: &Redactor) -> io::Result<()> {
    let Some(trace) = &step.trace else { return Ok(()) };
    let masked = redacted(trace, redactor);
    let document = write::saved_json(masked.as_ref().unwrap_or(trace), &step.injected);
    let step = plain(&redactor.text(&step.name));
    let step = if step.is_empty() { step } else { step + "-" };
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(format!("{prefix}{step}{}.json", trace.id())), document)
}

/// The name of each test's folder: readable, and another for each, also where a file system does not tell `a` from `A`.
fn folders(tests: &[TestRecord], redactor: &Redactor) -> Vec<PathBuf> {
    let names: Vec<String> = tests.iter().map(|test| plain(&redactor.text(&test.name))).collect();
    let mut alike: HashMap<String, usize> = HashMap::new();
    names.iter().for_each(|name| *alike.entry(name.to_lowercase()).or_default() += 1);
    let folder = |(test, name): (&TestRecord, &String)| {
        let is_cut = name.len() + 4 > NAME_KEPT;
        if alike[&name.to_lowercase()] == 1 && !is_cut && !is_reserved(name) {
            return PathBuf::from(name);
        }
        let file = redactor.text(&test.source.path().to_string_lossy()).into_owned();
        let print = fnv(&[&file, &redactor.text(&test.name), &test.line.to_string()]) as u64;
        let name = if name.is_empty() { "test" } else { name };
        PathBuf::from(format!("{name}-{:010x}", print & 0xff_ffff_ffff))
    };
    tests.iter().zip(&names).map(folder).collect()
}

/// Names that are no folder's, or on Windows no file's.
fn is_reserved(name: &str) -> bool {
    let upper = name.to_uppercase();
    let numbered = |device: &str| upper.strip_prefix(device).is_some_and(|number| number.chars().count() == 1);
    name.is_empty() || matches!(&*upper, "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// Letters and digits, with `-` for what stands between them.
pub(super) fn plain(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if out.len() + c.len_utf8() > NAME_KEPT {
            break;
        }
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn named(names: &[&str]) -> Vec<String> {
        let source = SourceFile::new("specs/a.yaml", "");
        let tests: Vec<TestRecord> =
            names.iter().enumerate().map(|(at, name)| TestRecord::new(*name, &source, at)).collect();
        folders(&tests, &Redactor::default()).iter().map(|folder| folder.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn names_are_readable_and_differ() {
        assert_eq!(named(&["An order / pays: twice", "注文 ok"]), ["An-order-pays-twice", "注文-ok"]);
        let all =
            ["a b", "a-b", "A b", "a  b", "", "..", "CON", "com1", "a/../b", &"x".repeat(300), &"x".repeat(301), "c"];
        let folders = named(&all);
        let folded: BTreeSet<String> = folders.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(folded.len(), all.len(), "{folders:?}");
        assert!(!folded.contains("con") && !folded.contains("com1") && !folded.contains(""), "{folders:?}");
    }

    proptest! {
        #[test]
        fn a_name_is_one_part_of_a_path_and_not_too_long(names in prop::collection::vec(any::<String>(), 1..4)) {
            let folders = named(&names.iter().map(String::as_str).collect::<Vec<_>>());
            for folder in &folders {
                prop_assert_eq!(Path::new(folder).components().count(), 1);
                prop_assert!(folder.len() <= 120 && !folder.starts_with('.') && !folder.starts_with('-'));
                prop_assert!(!folder.contains(|c: char| "/\\:*?\"<>|".contains(c) || c.is_control()));
            }
            prop_assert_eq!(folders.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>().len(), names.len());
        }
    }
}
