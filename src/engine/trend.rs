//! Gate reports from files and folders, in the order of time.

use crate::backend::file::files_in;
use crate::trend::levels::MOST_REPORTS;
use crate::trend::reports::{GateReport, Refused, read};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The greatest report that is read.
const MOST_BYTES: u64 = 64 << 20;

/// The reports that were found.
#[derive(Debug, Default)]
pub struct Reports {
    /// Each with its file, the earliest first; of equal times by the name of the file.
    pub found: Vec<(PathBuf, GateReport)>,
    /// JSON files in folders that are something else.
    pub others: usize,
    /// How many earlier reports there were beyond those that are looked at.
    pub earlier: usize,
}

/// Reads all reports of these files and folders, of folders those named `*.json`.
///
/// # Errors
/// The file that cannot be read, and why. A file that was named itself must be a report.
pub fn reports(paths: &[PathBuf]) -> Result<Reports, String> {
    let mut reports = Reports::default();
    for path in paths {
        let failed = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
        let named = !path.is_dir();
        for file in files_in(path).map_err(|why| failed(&why))? {
            if !named && file.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&text(&file)?) {
                Ok(report) => reports.found.push((file, report)),
                Err(Refused::Another) if !named => reports.others += 1,
                Err(Refused::Another) => {
                    return Err(format!(
                        "{} is no gate report; `tracespec gate --report json=FILE` writes one",
                        file.display()
                    ));
                }
                Err(Refused::Broken(why)) => {
                    return Err(format!("{} is no gate report that can be read: {why}", file.display()));
                }
            }
        }
    }
    reports.found.sort_by(|(a, left), (b, right)| left.started_ns.cmp(&right.started_ns).then_with(|| a.cmp(b)));
    // The same report under two names, or a folder that was given twice.
    reports.found.dedup_by(|(_, left), (_, right)| left == right);
    reports.earlier = reports.found.len().saturating_sub(MOST_REPORTS);
    reports.found.drain(..reports.earlier);
    Ok(reports)
}

fn text(file: &Path) -> Result<String, String> {
    let failed = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", file.display());
    let is_file = std::fs::metadata(file).map_err(|why| failed(&why))?.is_file();
    if !is_file {
        return Err(failed(&"it is not a regular file"));
    }
    let mut text = Vec::new();
    let opened = std::fs::File::open(file).map_err(|why| failed(&why))?;
    opened.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(|why| failed(&why))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(failed(&format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    // What is no text is no report either.
    Ok(String::from_utf8_lossy(&text).into_owned())
}
