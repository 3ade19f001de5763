//! The bytes of files → the plan, and everything that is wrong in all of them.

use super::lower;
use super::options::LoadOptions;
use super::plan::{Plan, TraceExpectations, Wait};
use crate::diag::{self, Code, Diagnostic, Problem};
use crate::source::{SourceFile, Span};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

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
    let lowered = |(path, bytes): (PathBuf, Vec<u8>)| {
        let source = decode(&path, bytes)?;
        let (file, problems, used) = lower::file(&source, options);
        let problems: Vec<Diagnostic> = problems.into_iter().map(|problem| problem.in_file(&source)).collect();
        Ok((file, problems, used))
    };
    plan.files.reserve_exact(files.len());
    for lowered in side_by_side(files, lowered) {
        match lowered {
            Ok((file, problems, used)) => {
                plan.used.extend(used);
                diagnostics.extend(problems);
                plan.files.extend(file);
            }
            Err(diagnostic) => {
                let diagnostic: Box<Diagnostic> = diagnostic;
                diagnostics.push(*diagnostic);
            }
        }
    }
    diag::sort(&mut diagnostics);
    (plan, diagnostics)
}

/// What `work` makes of each item, in their order. All processors work at it if there are many.
pub(crate) fn side_by_side<T: Send, R: Send>(mut items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    /// To begin a thread takes as long as a few files.
    const EACH: usize = 64;
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len() / EACH).max(1);
    let share = items.len().div_ceil(threads);
    let parts: Vec<Vec<T>> = (1..threads).rev().map(|part| items.split_off((part * share).min(items.len()))).collect();
    let work = &work;
    thread::scope(|scope| {
        let of_part = |part: Vec<T>| move || part.into_iter().map(work).collect::<Vec<R>>();
        let others: Vec<_> = parts.into_iter().rev().map(|part| scope.spawn(of_part(part))).collect();
        let mut done: Vec<R> = items.into_iter().map(work).collect();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
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

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn what_is_made_side_by_side_is_in_the_order_of_its_items() {
        for many in [0, 1, 63, 64, 127, 129, 1000] {
            let made = side_by_side((0..many).collect(), |item: usize| item * 2);
            assert_eq!(made, (0..many).map(|item| item * 2).collect::<Vec<_>>());
        }
    }
}
