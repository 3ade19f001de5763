//! What names a test in every run and on every machine: its spec file as seen from the configuration, and its name.

use crate::spec::plan::Test;
use std::path::{Component, Path, PathBuf};

/// A test, whichever run or machine speaks of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TestId {
    /// With forward slashes.
    pub(crate) spec: String,
    pub(crate) name: String,
}

impl TestId {
    /// That of a test, where the configuration (or without one, the current folder) is `folder`.
    pub(crate) fn of(folder: &Path, test: &Test) -> TestId {
        TestId { spec: spec(folder, test.source.path()), name: test.name.value.clone() }
    }
}

/// A spec file as seen from a folder: the same from wherever the command is given, and wherever the whole was checked out.
pub(crate) fn spec(folder: &Path, path: &Path) -> String {
    Seen::from(folder).spec(path)
}

/// Spec files as seen from one folder; the current folder is asked for once.
pub(crate) struct Seen {
    folder: PathBuf,
    here: PathBuf,
}

impl Seen {
    pub(crate) fn from(folder: &Path) -> Seen {
        // Without a current folder there is nothing better than what was written.
        let here = std::env::current_dir().unwrap_or_default();
        Seen { folder: absolute(&here, folder), here }
    }

    /// See [`spec`].
    pub(crate) fn spec(&self, path: &Path) -> String {
        // As most are written. Of a thousand tests taking paths apart is half of what the index of a run costs.
        if self.folder == self.here && path.components().all(|part| matches!(part, Component::Normal(_))) {
            let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
            return parts.collect::<Vec<_>>().join("/").replace('\\', "/");
        }
        let path = absolute(&self.here, path);
        let shared = self.folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
        let up = self.folder.components().skip(shared).map(|_| Component::ParentDir);
        let relative: PathBuf = up.chain(path.components().skip(shared)).collect();
        relative.to_string_lossy().replace('\\', "/")
    }
}

fn absolute(here: &Path, path: &Path) -> PathBuf {
    let path = here.join(path);
    normal(&std::path::absolute(&path).unwrap_or(path))
}

/// Without `.` and `..`, by the text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_named_from_the_folder_of_the_configuration() {
        let named = |folder: &str, path: &str| spec(Path::new(folder), Path::new(path));
        assert_eq!(named("/repo/shop", "/repo/shop/specs/a.yaml"), "specs/a.yaml");
        assert_eq!(named("/repo/shop", "/repo/shop/./x/../specs/a.yaml"), "specs/a.yaml");
        assert_eq!(named("/repo/shop", "/repo/cart/a.yaml"), "../cart/a.yaml");
        assert_eq!(named(".", "specs/a.yaml"), "specs/a.yaml");
        assert_eq!(named("..", "specs/a.yaml"), named("..", "./specs/a.yaml"));
    }
}
