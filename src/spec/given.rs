//! Variables and secrets that are given on the command line: `--var`, `--vars-file`, `--secrets-file`.

use super::load::decode;
use super::read::Reader;
use crate::diag::{self, Code, Diagnostic, Problem};
use crate::matcher::{Value, literal};
use crate::source::Span;
use crate::yaml::{self, Core, TextSpan};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads `k=v`. The value is typed as YAML types a plain scalar; in quotes it is text.
pub fn flag(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` gives no value: write `name=value`"))?;
    let fits = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if !fits {
        return Err(format!("`{name}` cannot be a variable's name: letters, digits, `_` and `-`"));
    }
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = match quoted {
        Some(text) => Value::text(text),
        None => typed(value),
    };
    Ok((name.to_owned(), value))
}

fn typed(text: &str) -> Value {
    let scalar = yaml::Scalar { text: text.into(), style: yaml::Style::Plain, at: TextSpan::default() };
    match scalar.core() {
        // An empty `--var x=` is empty text, and so is the word null.
        Core::Null => Value::text(text),
        _ => Value { literal: literal(&scalar), text: scalar.text.clone() },
    }
}

/// Reads a file of variables: a YAML (or JSON) mapping of names to scalars.
pub fn vars_file(path: &Path, bytes: Vec<u8>) -> (BTreeMap<String, Value>, Vec<Diagnostic>) {
    let mut vars = BTreeMap::new();
    let source = match decode(path, bytes) {
        Ok(source) => source,
        Err(diagnostic) => return (vars, vec![*diagnostic]),
    };
    let parsed = yaml::parse(&source);
    let mut reader = Reader { problems: parsed.problems, ..Reader::default() };
    if let Some(entries) = parsed.root.as_deref().and_then(|root| reader.entries(root, "variables")) {
        let entries: Vec<_> = entries.collect();
        for (key, node) in entries {
            if let Some(scalar) = reader.scalar(node, "a variable's value", true) {
                vars.insert(key.text.to_string(), Value { literal: literal(scalar), text: scalar.text.clone() });
            }
        }
    }
    let mut diagnostics: Vec<Diagnostic> =
        reader.problems.into_iter().map(|problem| problem.in_file(&source)).collect();
    diag::sort(&mut diagnostics);
    (vars, diagnostics)
}

/// Reads a file of secrets: `NAME=value` on each line, as in a `.env` file, or a YAML mapping. No message shows a value.
pub fn secrets_file(path: &Path, bytes: Vec<u8>) -> (BTreeMap<String, String>, Vec<Diagnostic>) {
    let mut secrets = BTreeMap::new();
    // Whatever is wrong is said of a file without text: a rendered line could hold a secret.
    let blank = crate::source::SourceFile::new(path, String::new());
    let wrong = |says: String| {
        let problem = Problem::error(Code::BadValue, Span::new(0, 0), says);
        vec![problem.help("write `NAME=value` on each line, or a YAML mapping of names to values").in_file(&blank)]
    };
    let Ok(source) = decode(path, bytes) else {
        return (secrets, wrong("the file of secrets is not UTF-8".to_owned()));
    };
    let lines = || {
        source.text().lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
    };
    if lines().all(|(_, line)| {
        line.split_once('=').is_some_and(|(name, _)| is_env_name(name.trim_start_matches("export ").trim()))
    }) {
        for (_, line) in lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            let value =
                ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
            secrets.insert(name.trim_start_matches("export ").trim().to_owned(), value.to_owned());
        }
        return (secrets, Vec::new());
    }
    let parsed = yaml::parse(&source);
    let Some(yaml::Value::Map(entries)) = parsed.root.as_deref().map(|root| &root.value) else {
        let line = lines().find(|(_, line)| !line.contains('=')).map_or(1, |(line, _)| line + 1);
        return (secrets, wrong(format!("line {line} of the file of secrets cannot be read")));
    };
    for (key, node) in entries {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.core() != Core::Null) else {
            return (secrets, wrong(format!("the secret `{}` is {}, not text", key.text, node.noun())));
        };
        secrets.insert(key.text.to_string(), scalar.text.to_string());
    }
    (secrets, Vec::new())
}

fn is_env_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Literal;

    #[test]
    fn flags_are_typed_like_plain_yaml() {
        assert_eq!(flag("n=5").unwrap().1.literal, Literal::Int(5));
        assert_eq!(flag("n=\"5\"").unwrap().1.literal, Literal::Str("5".into()));
        assert_eq!(flag("zip=01234").unwrap().1, Value::text("01234"));
        assert_eq!(flag("x=a=b").unwrap().1, Value::text("a=b"));
        assert_eq!(flag("x=").unwrap().1, Value::text(""));
        assert!(flag("x").is_err() && flag("=x").is_err() && flag("a b=x").is_err());
    }

    #[test]
    fn secrets_are_read_in_both_forms_and_never_shown() {
        let read = |text: &str| secrets_file(Path::new("s"), text.as_bytes().to_vec());
        assert_eq!(
            read("# x\nA=1=2\nexport B='two words'\n").0,
            BTreeMap::from([("A".into(), "1=2".into()), ("B".into(), "two words".into())])
        );
        assert_eq!(read("A: 01\nB: x\n").0["A"], "01");
        let (_, wrong) = read("A=1\nhunter22\n");
        let shown = diag::render(&wrong, diag::RenderOptions::default());
        assert!(!wrong.is_empty() && !shown.contains("hunter22"), "{shown}");
    }
}
