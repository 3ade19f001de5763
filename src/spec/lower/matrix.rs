//! `matrix`: rows inline, from CSV, from JSON.

use super::Lower;
use crate::diag::{Code, Problem};
use crate::matcher::{Value, literal};
use crate::source::{SourceFile, Span};
use crate::spec::{forms, table};
use crate::yaml::{self, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of one matrix.
const MAX_ROWS: usize = 10_000;

/// A matrix: its columns, and its rows with a value for each.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<BTreeMap<String, Value>>,
}

type Raw = Vec<(Vec<(String, Value)>, Span)>;

impl Lower<'_> {
    /// The columns only; problems are reported elsewhere.
    pub(super) fn columns(&mut self, node: &Node) -> Vec<String> {
        let kept = std::mem::take(&mut self.reader.problems);
        let columns = self.matrix(node).columns;
        self.reader.problems = kept;
        columns
    }

    pub(super) fn matrix(&mut self, node: &Node) -> Rows {
        let rows = match &node.value {
            yaml::Value::List(items) => {
                let items: Vec<_> =
                    items.iter().filter_map(|item| self.row(item).map(|row| (row, item.span))).collect();
                Some(items)
            }
            yaml::Value::Map(entries)
                if entries.iter().any(|(_, value)| matches!(value.value, yaml::Value::List(_))) =>
            {
                self.columns_instead_of_rows(node, entries);
                None
            }
            yaml::Value::Map(_) => {
                let Some(fields) = self.reader.fields(node, &forms::MATRIX) else { return Rows::default() };
                self.reader.need(&fields, "file").and_then(|node| self.matrix_file(node))
            }
            yaml::Value::Broken => None,
            yaml::Value::Scalar(_) => self.matrix_file(node),
        };
        rows.map(|rows| self.check_rows(node, rows)).unwrap_or_default()
    }

    /// Reports `{ id: [a, b] }`, as other tools write a matrix, with the rows that it means.
    fn columns_instead_of_rows(&mut self, node: &Node, entries: &[(yaml::Key, Arc<Node>)]) {
        const SHOWN: usize = 4;
        let written = |node: &Node| node.scalar().map_or("…".to_owned(), |scalar| scalar.text.to_string());
        let mut rows: Vec<String> = vec![String::new()];
        for (key, value) in entries {
            let values = match &value.value {
                yaml::Value::List(items) => items.iter().take(SHOWN).map(|item| written(item)).collect(),
                _ => vec![written(value)],
            };
            let with = |row: &String| {
                let comma = if row.is_empty() { "" } else { ", " };
                values.iter().map(|value| format!("{row}{comma}{}: {value}", key.text)).collect::<Vec<_>>()
            };
            rows = rows.iter().flat_map(with).take(SHOWN).collect();
        }
        let rows: Vec<String> = rows.iter().map(|row| format!("{{ {row} }}")).collect();
        let says = "a matrix is a list of rows, not a list of values for each name";
        let help = format!("write one row for each test: `[{}]`", rows.join(", "));
        self.reader.error(Code::WrongType, node.span, says, help);
    }

    fn row(&mut self, node: &Node) -> Option<Vec<(String, Value)>> {
        let entries = self.reader.entries(node, "the row's values")?;
        let entries: Vec<_> = entries.collect();
        let mut row = Vec::new();
        for (key, value) in entries {
            if !self.name_of_variable(&key.text, key.at.whole) {
                continue;
            }
            let Some(scalar) = self.reader.scalar(value, "a value", true) else { continue };
            if scalar.text.contains("${") {
                self.reader.error(
                    Code::BadTemplate,
                    value.span,
                    "a matrix value cannot hold a variable",
                    "rows are known before anything runs: write the value out",
                );
                continue;
            }
            row.push((key.text.to_string(), Value { literal: literal(scalar), text: scalar.text.clone() }));
        }
        Some(row)
    }

    fn check_rows(&mut self, node: &Node, rows: Raw) -> Rows {
        let Some((first, _)) = rows.first() else {
            if !self.reader.lenient {
                self.reader.error(
                    Code::MatrixRow,
                    node.span,
                    "this matrix has no rows: the test would never run",
                    "add a row, or remove `matrix`",
                );
            }
            return Rows::default();
        };
        let columns: Vec<String> = first.iter().map(|(column, _)| column.clone()).collect();
        if columns.is_empty() {
            self.reader.error(Code::MatrixRow, node.span, "this row has no values", "write at least one `name: value`");
            return Rows::default();
        }
        let mut seen: BTreeMap<Vec<String>, (usize, Span)> = BTreeMap::new();
        let mut kept = Vec::new();
        for (i, (row, span)) in rows.into_iter().enumerate() {
            if i == MAX_ROWS {
                self.reader.error(
                    Code::MatrixRow,
                    span,
                    format!("a matrix has at most {MAX_ROWS} rows"),
                    "split the file",
                );
                break;
            }
            let row: BTreeMap<String, Value> = row.into_iter().collect();
            let missing: Vec<&str> =
                columns.iter().filter(|column| !row.contains_key(*column)).map(String::as_str).collect();
            let extra: Vec<&str> = row.keys().filter(|column| !columns.contains(column)).map(String::as_str).collect();
            if !missing.is_empty() || !extra.is_empty() {
                let says = match (missing.as_slice(), extra.as_slice()) {
                    ([], extra) => format!("row {} has `{}`, which the first row has not", i + 1, extra.join("`, `")),
                    (missing, _) => format!("row {} lacks `{}`, which the first row has", i + 1, missing.join("`, `")),
                };
                self.reader.error(Code::MatrixRow, span, says, "every row has the same names");
                continue;
            }
            let key: Vec<String> = row.values().map(|value| value.text.to_string()).collect();
            if let Some((first, at)) = seen.get(&key) {
                let mut problem = Problem::error(
                    Code::MatrixRow,
                    span,
                    format!("row {} repeats row {}: its test is never a new one", i + 1, first + 1),
                );
                if *at != span {
                    problem = problem.related(*at, "the first of them");
                }
                self.reader.push(problem.help("remove one of them"));
                continue;
            }
            seen.insert(key, (i, span));
            kept.push(row);
        }
        Rows { columns, rows: kept }
    }

    fn matrix_file(&mut self, node: &Node) -> Option<Raw> {
        let word = self.reader.word(node, "a file's path")?;
        let path = self.beside(&word.value);
        let text = self.read_text(&path, node.span)?;
        match Path::new(&word.value).extension().and_then(|ext| ext.to_str()) {
            Some("csv") => self.csv(&text, &path, node.span),
            Some("json") => self.json_rows(&text, &path, node.span),
            _ => {
                self.reader.error(
                    Code::BadValue,
                    node.span,
                    "a matrix is a list of rows, or a file that ends in `.csv` or `.json`",
                    "write `- { name: value }` for each row, or name such a file",
                );
                None
            }
        }
    }

    /// A path as the spec writes it: relative to its file.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.source.path().parent().unwrap_or(Path::new("")).join(path)
    }

    /// The path of a file that only a run reads. It must be there already.
    pub(super) fn file_path(&mut self, node: &Node) -> Option<PathBuf> {
        let path = self.reader.word(node, "a file's path")?;
        let beside = self.beside(&path.value);
        if self.options.exists.is_some_and(|exists| !exists(&beside)) {
            let says = format!("`{}` cannot be read: there is no such file", beside.display());
            self.reader.error(Code::MissingFile, path.span, says, "paths are relative to the spec file");
        }
        Some(path.value.into())
    }

    fn read_text(&mut self, path: &Path, span: Span) -> Option<String> {
        let shown = path.display();
        match self.options.files.read(path) {
            Err(error) => {
                let says = format!(
                    "`{shown}` cannot be read: {}",
                    if error.kind() == std::io::ErrorKind::NotFound {
                        "there is no such file".to_owned()
                    } else {
                        error.to_string()
                    }
                );
                self.reader.error(Code::MissingFile, span, says, "paths are relative to the spec file");
                None
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
                Err(_) => {
                    self.reader.error(
                        Code::Encoding,
                        span,
                        format!("`{shown}` is not UTF-8"),
                        "save the file as UTF-8",
                    );
                    None
                }
            },
        }
    }

    fn csv(&mut self, text: &str, path: &Path, span: Span) -> Option<Raw> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let rows = match table::csv(text) {
            Ok(rows) => rows,
            Err((why, at)) => {
                self.reader.error(
                    Code::MatrixRow,
                    span,
                    format!("`{}` line {}: {why}", path.display(), line(at)),
                    "quote a field that holds a comma, a quote or a line end; write `\"\"` for a quote in it",
                );
                return None;
            }
        };
        let mut rows = rows.into_iter();
        let heading: Vec<String> =
            rows.next().unwrap_or_default().into_iter().map(|(name, _)| name.trim().to_owned()).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for name in &heading {
            self.name_of_variable(name, span).then_some(())?;
            if !seen.insert(name) {
                let says = format!("`{}` has two columns with the heading `{name}`", path.display());
                self.reader.error(Code::DuplicateKey, span, says, "give each column a name of its own");
                return None;
            }
        }
        let mut out = Vec::new();
        for row in rows {
            if row.len() != heading.len() {
                let says = format!(
                    "`{}` line {}: {} fields, but the heading has {}",
                    path.display(),
                    line(row[0].1),
                    row.len(),
                    heading.len()
                );
                self.reader.error(Code::MatrixRow, span, says, "give every row as many fields as the heading");
                continue;
            }
            let values = heading.iter().cloned().zip(row.into_iter().map(|(text, _)| Value::text(text))).collect();
            out.push((values, span));
        }
        Some(out)
    }

    fn json_rows(&mut self, text: &str, path: &Path, span: Span) -> Option<Raw> {
        let says = |why: &str| format!("`{}` {why}", path.display());
        let help = "a matrix file holds `[{ \"sku\": \"LAPTOP-1\" }, …]`";
        if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
            self.reader.error(Code::MatrixRow, span, says(&format!("is not JSON: {error}")), help);
            return None;
        }
        // JSON is YAML, and this reader keeps the numbers' own text.
        let parsed = yaml::parse(&SourceFile::new(path, text));
        let Some(yaml::Value::List(items)) = parsed.root.as_deref().map(|root| &root.value) else {
            self.reader.error(Code::MatrixRow, span, says("does not hold a list of objects"), help);
            return None;
        };
        let mut rows = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let yaml::Value::Map(entries) = &item.value else {
                self.reader.error(
                    Code::MatrixRow,
                    span,
                    says(&format!("item {} is {}, not an object", i + 1, item.noun())),
                    help,
                );
                continue;
            };
            let mut row = Vec::new();
            for (key, value) in entries {
                let Some(scalar) = value.scalar() else {
                    self.reader.error(
                        Code::MatrixRow,
                        span,
                        says(&format!("item {}: `{}` is {}", i + 1, key.text, value.noun())),
                        "values are text, numbers or booleans",
                    );
                    continue;
                };
                if self.name_of_variable(&key.text, span) {
                    row.push((key.text.to_string(), Value { literal: literal(scalar), text: scalar.text.clone() }));
                }
            }
            rows.push((row, span));
        }
        Some(rows)
    }
}
