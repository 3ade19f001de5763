//! Where a run takes place and of what: the machine and the commit. No process is started to find out.

use super::{Environment, discover};
use crate::run::record::EnvironmentRecord;
use crate::source::read_file;
use std::path::{Component, Path, PathBuf};

/// The most that is read of a file of git's; `packed-refs` of large repositories has some megabytes.
const LIMIT: u64 = 32 << 20;

/// Variables in which CI systems name the commit that they build.
const COMMITS: [&str; 9] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "BUILD_SOURCEVERSION",
    "TRAVIS_COMMIT",
    "DRONE_COMMIT_SHA",
    "GIT_COMMIT",
];

/// What is known of a run below this folder.
pub(crate) fn of(folder: &Path, backend: String, environment: &Environment) -> EnvironmentRecord {
    let in_ci = || COMMITS.iter().find_map(|name| environment.get(name)).and_then(as_commit);
    EnvironmentRecord {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        backend,
        host: host(environment),
        commit: checked_out(folder).or_else(in_ci),
    }
}

fn host(environment: &Environment) -> Option<String> {
    let of_kernel = || text(Path::new("/proc/sys/kernel/hostname"));
    let of_environment =
        || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| environment.get(name)).map(str::to_owned);
    of_kernel().or_else(of_environment).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(read_file(path, LIMIT).ok()?).ok()
}

/// The commit that is checked out in the repository around a folder.
fn checked_out(folder: &Path) -> Option<String> {
    let folder = discover::plain(folder);
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let git = match text(&git) {
        // A worktree or a submodule.
        Some(link) => git.parent()?.join(link.strip_prefix("gitdir:")?.trim()),
        None => git,
    };
    let head = text(&git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref:").map(str::trim) else { return as_commit(head.trim()) };
    // Nothing but a name below this folder.
    if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let common = text(&git.join("commondir")).map(|common| git.join(common.trim()));
    let folders = [Some(git), common];
    let folders = || folders.iter().flatten();
    let loose = folders().find_map(|folder| as_commit(text(&folder.join(name))?.trim()));
    loose.or_else(|| folders().find_map(|folder| packed(&text(&folder.join("packed-refs"))?, name)))
}

fn packed(refs: &str, name: &str) -> Option<String> {
    let of = |line: &str| line.split_once(' ').filter(|(_, own)| own.trim() == name).and_then(|(id, _)| as_commit(id));
    refs.lines().find_map(of)
}

fn as_commit(text: &str) -> Option<String> {
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    #[test]
    fn the_commit_is_found_however_git_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let at = |below: &str| {
            fs::create_dir_all(folder.join(below)).unwrap();
            checked_out(&folder.join(below))
        };
        write(folder, "loose/.git/HEAD", "ref: refs/heads/main\n");
        write(folder, "loose/.git/refs/heads/main", &format!("{ID}\n"));
        assert_eq!(at("loose/a/b").as_deref(), Some(ID));
        write(folder, "packed/.git/HEAD", "ref: refs/heads/main\n");
        let other = ID.replace('0', "f");
        let refs = format!("# pack-refs with: peeled\n{other} refs/heads/mainly\n{ID} refs/heads/main\n^{other}\n");
        write(folder, "packed/.git/packed-refs", &refs);
        assert_eq!(at("packed").as_deref(), Some(ID));
        write(folder, "detached/.git/HEAD", ID);
        assert_eq!(at("detached").as_deref(), Some(ID));
        write(folder, "tree/.git", "gitdir: ../loose/.git/worktrees/tree\n");
        write(folder, "loose/.git/worktrees/tree/HEAD", "ref: refs/heads/main\n");
        write(folder, "loose/.git/worktrees/tree/commondir", "../..\n");
        assert_eq!(at("tree").as_deref(), Some(ID));
    }

    #[test]
    fn what_is_no_commit_is_none() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "secret", ID);
        for head in ["", "nonsense", "ref: refs/heads/new\n", "ref: ../secret\n", "ref: /etc/hostname"] {
            write(folder.path(), ".git/HEAD", head);
            assert_eq!(checked_out(folder.path()), None, "{head}");
        }
    }

    #[test]
    fn without_a_repository_the_ci_system_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), ".git/HEAD", "ref: refs/heads/new\n");
        let set = |value: &str| Environment::new([("CI_COMMIT_SHA".to_owned(), value.to_owned())]);
        assert_eq!(of(folder.path(), String::new(), &set(ID)).commit.as_deref(), Some(ID));
        assert_eq!(of(folder.path(), String::new(), &set("main")).commit, None);
    }
}
