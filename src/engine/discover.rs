//! Finding spec files and the configuration file.

use crate::source::{read_file, sort_paths};
use std::io;
use std::path::{Path, PathBuf};

/// The configuration file's name.
pub(crate) const CONFIG: &str = "tracespec.yaml";
/// A spec file or configuration larger than this is no such thing.
pub(crate) const LIMIT: u64 = 16 << 20;

/// Reads a file of bounded size; the error is a sentence that names it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    read_file(path, LIMIT).map_err(|why| format!("cannot read {}: {why}", path.display()))
}

/// The configuration file: the one named, or the nearest one in this folder and those above.
pub(crate) fn config(named: Option<&Path>) -> Result<Option<PathBuf>, String> {
    if let Some(named) = named {
        return if named.is_file() {
            Ok(Some(named.to_owned()))
        } else {
            Err(format!("there is no {}", named.display()))
        };
    }
    let here = std::env::current_dir().map_err(|why| format!("cannot determine the current folder: {why}"))?;
    // As short as the user would write it: `../tracespec.yaml`.
    let mut found = PathBuf::from(CONFIG);
    for folder in here.ancestors() {
        if folder.join(CONFIG).is_file() {
            return Ok(Some(found));
        }
        found = Path::new("..").join(found);
    }
    Ok(None)
}

/// The folder that `specs` is in: this one, or, where the configuration was found further up and `specs` is not here, the
/// configuration's. A configuration that was named says nothing about where specs are.
pub(crate) fn root(named: Option<&Path>, configured: &Path) -> PathBuf {
    let here = Path::new(".");
    if named.is_some() || here.join("specs").is_dir() { here.to_owned() } else { configured.to_owned() }
}

/// The spec files among these paths: files as named, folders searched for `.yaml` and `.yml`, sorted. A folder's
/// `snapshots` and `baselines`, and whatever begins with a dot, are not searched. Without paths, the folder `specs` of
/// `root`.
pub(crate) fn specs(paths: &[PathBuf], root: &Path) -> Result<Vec<PathBuf>, String> {
    let default = [plain(&root.join("specs"))];
    let paths = if paths.is_empty() { &default[..] } else { paths };
    let mut found = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound if paths == default => {
                let place = if root == Path::new(".") { "here".to_owned() } else { format!("in {}", root.display()) };
                format!(
                    "there is no folder `specs` {place}; run in the folder it is in, or name the spec files or their folder"
                )
            }
            io::ErrorKind::NotFound => {
                format!("there is no {}; name the spec files, or the folder they are in", path.display())
            }
            _ => format!("cannot read {}: {why}", path.display()),
        })?;
        if kind.is_dir() { folder(path, 0, &mut found)? } else { found.push(path.clone()) }
    }
    sort_paths(&mut found);
    found.dedup();
    if found.is_empty() {
        let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(format!("no spec file (*.yaml) in {}", shown.join(", ")));
    }
    Ok(found)
}

/// Without the `./` that nobody writes.
pub(crate) fn plain(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}

/// Whether a file's name says that it is YAML, in whatever case.
fn is_yaml(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
}

/// Whether a file is named like the configuration. Where it holds tests it is a spec all the same.
fn is_config(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == CONFIG)
}

/// Of the files that were found in folders, those that are named like the configuration and hold no tests: they are not
/// read as specs.
pub(crate) fn configs(files: &mut Vec<(PathBuf, Vec<u8>)>, named: &[PathBuf]) -> Vec<PathBuf> {
    let has_tests = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"tests:"));
    let is_other = |(path, bytes): &(PathBuf, Vec<u8>)| is_config(path) && !named.contains(path) && !has_tests(bytes);
    let others = files.iter().filter(|file| is_other(file)).map(|(path, _)| path.clone()).collect();
    files.retain(|file| !is_other(file));
    others
}

fn folder(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), String> {
    // A link may lead in a circle.
    if depth > 32 {
        return Err(format!("folders below {} are nested too deeply", path.display()));
    }
    let fail = |why: io::Error| format!("cannot read {}: {why}", path.display());
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        // Only what a link leads to has to be asked for.
        let kind = entry.file_type().map_err(fail)?;
        if kind.is_dir() || kind.is_symlink() && path.is_dir() {
            if name != "snapshots" && name != "baselines" {
                folder(&path, depth + 1, found)?;
            }
        } else if is_yaml(&name) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_are_searched_and_what_is_no_spec_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for sub in ["snapshots", "deep/er", ".hidden"] {
            std::fs::create_dir_all(at(sub)).unwrap();
        }
        for name in
            ["b.yaml", "a.yml", "deep/er/c.yaml", "snapshots/s.yaml", ".hidden/d.yaml", "C.YAML", "e.Yml", "n.txt"]
        {
            std::fs::write(at(name), "").unwrap();
        }
        let specs = |paths: &[PathBuf]| super::specs(paths, Path::new("."));
        let found = specs(&[folder.path().to_owned(), at("b.yaml")]).unwrap();
        assert_eq!(found, [at("C.YAML"), at("a.yml"), at("b.yaml"), at("deep/er/c.yaml"), at("e.Yml")]);
        assert!(specs(&[at("nowhere")]).unwrap_err().contains("there is no"));
        assert!(specs(&[at("snapshots/..").join(".hidden")]).is_ok());
        assert!(specs(&[at("deep")]).is_ok() && specs(&[at("n.txt")]).is_ok());
    }
}
