//! The bytes of files → the plan, and everything that is wrong in all of them.

use super::lower;
use super::options::LoadOptions;
use super::plan::{Plan, TraceExpectations, Wait};
use crate::diag::{self, Code, Diagnostic, Problem};
use crate::source::{SourceFile, Span};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder with the accepted snapshots that a spec file names: `snapshots` beside it, wherever it is run from.
pub fn snapshots(spec: &Path) -> PathBuf {
    spec.parent().unwrap_or(Path::new("")).join("snapshots")
}

pub fn load(files: Vec<(PathBuf, Vec<u8>)>, options: &LoadOptions<'_>) -> (Plan, Vec<Diagnostic>) {
    let mut files = files;
    files.sort();
    files.dedup();
    let mut plan = Plan::default();
    let mut diagnostics = Vec::new();
    for (path, bytes) in files {
        let source = match decode(&path, bytes) {
            Ok(source) => source,
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                continue;
            }
        };
        let (file, problems, used) = lower::file(&source, options);
        plan.used.extend(used);
        diagnostics.extend(problems.into_iter().map(|problem| problem.in_file(&source)));
        plan.files.extend(file);
    }
    diag::sort(&mut diagnostics);
    (plan, diagnostics)
}

/// Reads the keys of a `trace` that stands alone, with what it says of waiting, and everything that is wrong with them.
pub fn expectations(
    source: &Arc<SourceFile>,
    options: &LoadOptions<'_>,
) -> (Option<(TraceExpectations, Wait)>, Vec<Diagnostic>) {
    let (plan, problems) = lower::trace_alone(source, options);
    let mut diagnostics: Vec<Diagnostic> = problems.into_iter().map(|problem| problem.in_file(source)).collect();
    diag::sort(&mut diagnostics);
    (plan, diagnostics)
}

/// Bytes as text: UTF-8, without a byte order mark.
pub(crate) fn decode(path: &Path, bytes: Vec<u8>) -> Result<Arc<SourceFile>, Box<Diagnostic>> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(path, text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
            let says = if wide {
                "the file is UTF-16, not UTF-8".to_owned()
            } else {
                format!("byte {} of the file is not UTF-8", at + 1)
            };
            let source = SourceFile::new(path, String::from_utf8_lossy(&bytes).into_owned());
            let span = Span::new(at, at + '\u{fffd}'.len_utf8());
            Err(Box::new(Problem::error(Code::Encoding, span, says).help("save the file as UTF-8").in_file(&source)))
        }
    }
}
