//! The pipelines of the documentation are YAML, and what they call exists.

use super::tracespec::command;
use std::collections::BTreeSet;
use std::path::Path;
use tracespec::source::SourceFile;
use tracespec::yaml::parse;

#[test]
fn the_pipelines_of_the_documentation_are_yaml_and_call_what_exists() {
    let help = command().args(["gate", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags: BTreeSet<&str> = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pipelines");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = parse(&SourceFile::new(path.clone(), text.clone()));
        // Block scalars stand here where specs have none, so only errors of YAML itself count.
        assert!(parsed.root.is_some(), "{}: {:?}", path.display(), parsed.problems);
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | '[' | ']' | '='));
        let called: BTreeSet<&str> = words.filter(|word| word.starts_with("--")).collect();
        assert!(called.contains("--candidate"), "{}: {called:?}", path.display());
        assert!(called.iter().all(|flag| flags.contains(flag)), "{}: {called:?}", path.display());
        files += 1;
    }
    assert_eq!(files, 5);
}
