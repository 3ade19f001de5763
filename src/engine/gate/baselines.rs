//! Files of baselines: where they are, how they are read and written.

use crate::backend::file::files_in;
use crate::gate::stored::{Recorded, Stored};
use crate::report::ReportFile;
use crate::source::read_file;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The most that is read of a baseline.
const LIMIT: u64 = 64 << 20;

/// Where baselines are, unless told otherwise: beside the specs.
pub(crate) fn folder(configured: &Path) -> PathBuf {
    crate::engine::discover::plain(&configured.join("specs").join("baselines"))
}

/// A baseline's file, with what it says.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) stored: Stored,
}

/// All baselines of a folder, in the order of their files; none where there is no folder.
pub(crate) fn all(folder: &Path) -> Result<Vec<Found>, String> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let files = files_in(folder).map_err(|why| format!("cannot read {}: {why}", folder.display()))?;
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    files.map(|path| read(&path)).collect()
}

/// One baseline.
pub(crate) fn read(path: &Path) -> Result<Found, String> {
    let failed = |why: &dyn std::fmt::Display| format!("cannot read the baseline {}: {why}", path.display());
    let bytes = read_file(path, LIMIT).map_err(|why| failed(&why))?;
    let text = String::from_utf8(bytes).map_err(|_| failed(&"it is not UTF-8"))?;
    let stored = Stored::parse(&text).map_err(|why| failed(&why))?;
    Ok(Found { path: path.to_owned(), stored })
}

/// The name of a test's file, without its ending.
pub(crate) fn stem(test: &str) -> String {
    let name = crate::engine::saved_traces::plain(test);
    if name.is_empty() { "test".to_owned() } else { name }
}

/// Where the baseline of a test is kept.
pub(crate) fn path_of(folder: &Path, test: &str) -> PathBuf {
    folder.join(format!("{}.json", stem(test)))
}

/// Writes a baseline, whole or not at all.
pub(crate) fn write(path: &Path, stored: &Stored) -> Result<(), String> {
    let failed = |why: std::io::Error| format!("cannot write the baseline {}: {why}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = ReportFile::create(path).map_err(failed)?;
    file.write_all(stored.text().as_bytes()).and_then(|()| file.flush()).map_err(failed)
}

/// When and where runs are made: now and here.
pub(crate) fn recorded(environment: &crate::run::record::EnvironmentRecord) -> Recorded {
    Recorded {
        at: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
        tracespec: environment.version.clone(),
        host: environment.host.clone(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        commit: environment.commit.clone(),
    }
}
