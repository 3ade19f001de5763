//! Files as tools name them that know the repository: relative to its root, with forward slashes.

use super::text::clean;
use std::path::{Component, Path, PathBuf};

/// How files are named. By default as they are written.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The current folder and the root of the repository around it.
    roots: Option<(PathBuf, PathBuf)>,
}

impl Places {
    /// Files below `root`, of a run in the folder `current`; both absolute.
    pub fn new(current: &Path, root: &Path) -> Places {
        Places { roots: Some((plain(current), plain(root))) }
    }

    /// A file's name for such a tool.
    pub fn name(&self, path: &Path) -> String {
        clean(&self.raw(path), false)
    }

    fn raw(&self, path: &Path) -> String {
        let below = self.roots.as_ref().and_then(|(current, root)| {
            let whole = plain(&current.join(path));
            whole.strip_prefix(root).ok().map(Path::to_path_buf)
        });
        below.unwrap_or_else(|| plain(path)).to_string_lossy().replace('\\', "/")
    }

    /// The same as a reference of a URI.
    pub fn uri(&self, path: &Path) -> String {
        let mut out = String::new();
        for byte in self.raw(path).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
                other => out.push_str(&format!("%{other:02X}")),
            }
        }
        out
    }
}

/// Without `.` and, where that is possible, `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root_of_the_repository() {
        let places = Places::new(Path::new("/repo/services/shop"), Path::new("/repo/./"));
        let named = |path: &str| places.name(Path::new(path));
        assert_eq!(named("specs/./a b.yaml"), "services/shop/specs/a b.yaml");
        assert_eq!(named("../cart/specs/a.yaml"), "services/cart/specs/a.yaml");
        assert_eq!(named("/repo/x.yaml"), "x.yaml");
        assert_eq!(named("/elsewhere/x.yaml"), "/elsewhere/x.yaml");
        assert_eq!(places.uri(Path::new("a b:ä.yaml")), "services/shop/a%20b%3A%C3%A4.yaml");
        assert_eq!(Places::default().name(Path::new("./specs/a.yaml")), "specs/a.yaml");
    }
}
