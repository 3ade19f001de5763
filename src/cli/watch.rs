//! `tracespec run --watch`: runs what a changed file concerns, again and again, against a system that is kept up.

use super::args::{Common, RunArgs};
use super::run::{Only, once};
use super::streams::{error, put, say};
use super::up;
use crate::engine::up::{Background, Stopped, stamp, stop};
use crate::engine::{Interrupts, discover, exit, history, load};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A file is saved in several steps (written beside, renamed, its times set), which are one change.
const SETTLED: Duration = Duration::from_millis(20);
/// But somebody may write without end.
const AT_MOST: Duration = Duration::from_millis(500);

/// Runs until it is interrupted; returns the exit code.
pub(super) async fn watch(args: &RunArgs, common: &Common, interrupts: &mut Interrupts) -> u8 {
    let mut watched = match Watched::new(args, common) {
        Ok(watched) => watched,
        Err(why) => {
            error(&why);
            return exit::USAGE;
        }
    };
    let (mut watcher, mut changes) = match watched.begin() {
        Ok(begun) => begun,
        Err(why) => {
            error(&format!("cannot watch files: {why}"));
            return exit::ERROR;
        }
    };
    let mut contents = watched.contents();
    let mut own = false;
    let mut only = Only::All;
    let mut programs = BTreeMap::new();
    loop {
        if run(args, common, interrupts, &only, &mut own, &mut programs).await == exit::INTERRUPTED {
            break;
        }
        watched.and_programs(std::mem::take(&mut programs), &mut watcher, &mut contents);
        say(&format!("watching {}; Ctrl-C ends", watched.shown()));
        let changed = tokio::select! {
            changed = watched.next(&mut changes, &mut contents) => changed,
            () = interrupts.next() => break,
        };
        only = watched.concerns(&changed);
        let names: Vec<String> = changed.iter().map(|path| watched.short(path)).collect();
        let what = match &only {
            Only::All => "all tests run again",
            Only::Files(_) => "its tests run again",
        };
        clear();
        say(&format!("changed: {}; {what}", names.join(", ")));
    }
    drop(watcher);
    if own {
        match stop(&watched.state).await {
            Ok(Stopped::Processes(names)) if !names.is_empty() => say(&format!("stopped {}", names.join(", "))),
            Ok(_) => {}
            Err(why) => error(&why),
        }
    }
    exit::INTERRUPTED
}

/// One run, with the system up; `own` says whether this command has started it, `programs` of which files it runs.
async fn run(
    args: &RunArgs,
    common: &Common,
    interrupts: &mut Interrupts,
    only: &Only,
    own: &mut bool,
    programs: &mut BTreeMap<PathBuf, u64>,
) -> u8 {
    // What is wrong with the configuration is said by the run itself.
    let settings = load::settings(&common.inputs(&[], &args.variables, None));
    if settings.is_some_and(|settings| Background::is_wanted(&settings)) {
        match up::ensure(&args.variables, common, interrupts).await {
            Ok(up) => {
                *own |= up.is_new;
                let whole = |(file, stamp): &(PathBuf, u64)| Some((file.canonicalize().ok()?, *stamp));
                programs.extend(up.background.programs().filter_map(whole));
            }
            Err(refused) => return refused.code,
        }
    }
    once(args, common, interrupts, only).await
}

/// On a terminal each run begins on an empty screen.
fn clear() {
    if std::io::stdout().is_terminal() && std::io::stderr().is_terminal() {
        // A terminal that is gone shows nothing.
        let _ = put("\u{1b}[2J\u{1b}[H");
    }
}

/// What is watched, with whole paths.
struct Watched {
    here: PathBuf,
    /// The folder in which what is up is found.
    state: PathBuf,
    config: Option<PathBuf>,
    /// Spec files and folders of them.
    specs: Vec<PathBuf>,
    /// Folders of sources.
    also: Vec<PathBuf>,
    /// The files of which the system runs; a build replaces them.
    programs: BTreeSet<PathBuf>,
    /// What runs write themselves.
    written: BTreeSet<PathBuf>,
}

impl Watched {
    fn new(args: &RunArgs, common: &Common) -> Result<Watched, String> {
        let whole = |path: &Path| path.canonicalize().map_err(|why| format!("cannot watch {}: {why}", path.display()));
        let here = whole(Path::new("."))?;
        let config = discover::config(common.config.as_deref())?;
        let beside = config.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        let root = discover::root(common.config.as_deref(), beside.unwrap_or(Path::new(".")));
        let mut specs = args.selection.files();
        if specs.is_empty() {
            specs.push(root.join("specs"));
        }
        let reports = args.outcome.report.iter().filter_map(|report| Some(here.join(report.split_once('=')?.1)));
        let saved = args.save_traces.iter().map(|folder| here.join(folder));
        Ok(Watched {
            state: history::folder_of(common.config.as_deref())?,
            config: config.as_deref().map(whole).transpose()?,
            specs: specs.iter().map(|path| whole(path)).collect::<Result<_, _>>()?,
            also: args.watch_also.iter().map(|path| whole(path)).collect::<Result<_, _>>()?,
            programs: BTreeSet::new(),
            written: reports.chain(saved).collect(),
            here,
        })
    }

    /// Tells of every change from now on, as long as the first is kept.
    fn begin(&self) -> notify::Result<(notify::RecommendedWatcher, UnboundedReceiver<Vec<PathBuf>>)> {
        let (send, changes) = unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Runs read these files themselves.
            let is_change = match event.kind {
                EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
                _ => true,
            };
            if is_change {
                // Nobody listens any more once the command ends.
                let _ = send.send(event.paths);
            }
        })?;
        let mut folders: BTreeMap<&Path, RecursiveMode> = BTreeMap::new();
        for path in self.specs.iter().chain(&self.also) {
            if path.is_dir() {
                folders.insert(path, RecursiveMode::Recursive);
            }
        }
        // A file that is replaced is another one: its folder is watched.
        let files = self.specs.iter().filter(|path| !path.is_dir()).chain(&self.config);
        for folder in files.filter_map(|path| path.parent()) {
            folders.entry(folder).or_insert(RecursiveMode::NonRecursive);
        }
        for (folder, mode) in folders {
            watcher.watch(folder, mode)?;
        }
        Ok((watcher, changes))
    }

    /// Waits for changes of what matters, and until they have come to rest.
    async fn next(
        &self,
        changes: &mut UnboundedReceiver<Vec<PathBuf>>,
        contents: &mut BTreeMap<PathBuf, u64>,
    ) -> BTreeSet<PathBuf> {
        loop {
            // Built while they were started, or before they were watched.
            let built: BTreeSet<PathBuf> =
                self.programs.iter().filter(|path| self.is_changed(path, contents)).cloned().collect();
            if !built.is_empty() {
                return built;
            }
            let Some(first) = changes.recv().await else { return std::future::pending().await };
            let mut paths: BTreeSet<PathBuf> = first.into_iter().collect();
            let end = tokio::time::Instant::now() + AT_MOST;
            while let Ok(Some(more)) =
                tokio::time::timeout_at(end.min(tokio::time::Instant::now() + SETTLED), changes.recv()).await
            {
                paths.extend(more);
            }
            paths.retain(|path| self.matters(path) && self.is_changed(path, contents));
            if !paths.is_empty() {
                return paths;
            }
        }
    }

    fn is_spec(&self, path: &Path) -> bool {
        self.specs.iter().any(|spec| path.starts_with(spec))
    }

    /// Watches these as well, from when they had these stamps. One whose folder cannot be watched is looked at before each run
    /// all the same.
    fn and_programs(
        &mut self,
        programs: BTreeMap<PathBuf, u64>,
        watcher: &mut notify::RecommendedWatcher,
        contents: &mut BTreeMap<PathBuf, u64>,
    ) {
        for (program, then) in programs {
            contents.insert(program.clone(), then);
            if self.programs.contains(&program) {
                continue;
            }
            // A folder that is watched with all below it stays so.
            let is_below = self.specs.iter().chain(&self.also).any(|root| program.starts_with(root));
            if let (false, Some(folder)) = (is_below, program.parent()) {
                let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
            }
            self.programs.insert(program);
        }
    }

    /// Whether a file holds something else than when it was last looked at, or is gone.
    fn is_changed(&self, path: &Path, contents: &mut BTreeMap<PathBuf, u64>) -> bool {
        if self.programs.contains(path) {
            let now = stamp(path);
            return contents.insert(path.to_owned(), now) != Some(now);
        }
        is_changed(path, contents)
    }

    /// Whether a change there can change a verdict.
    fn matters(&self, path: &Path) -> bool {
        if self.programs.contains(path) {
            return true;
        }
        if self.written.iter().any(|written| path.starts_with(written)) {
            return false;
        }
        let root = self.also.iter().chain(&self.specs).find(|root| path.starts_with(root));
        let Some(root) = root else { return self.config.as_deref() == Some(path) };
        let below = path.strip_prefix(root).unwrap_or(Path::new(""));
        // What tools keep for themselves, and what runs write: pending snapshots.
        let is_noise = |part: &str| {
            part.starts_with('.') || part.ends_with('~') || matches!(part, "target" | "node_modules" | "snapshots")
        };
        !below.components().any(|part| is_noise(&part.as_os_str().to_string_lossy()))
    }

    /// Which tests these concern: those of spec files alone, or all.
    fn concerns(&self, changed: &BTreeSet<PathBuf>) -> Only {
        let is_yaml = |path: &Path| {
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("yaml") || end.eq_ignore_ascii_case("yml"))
        };
        let is_alone = |path: &PathBuf| self.is_spec(path) && is_yaml(path) && self.config.as_ref() != Some(path);
        if changed.iter().all(is_alone) { Only::Files(changed.clone()) } else { Only::All }
    }

    /// What the files hold now, as far as one is told from another.
    fn contents(&self) -> BTreeMap<PathBuf, u64> {
        let mut contents = BTreeMap::new();
        let mut open: Vec<PathBuf> = self.specs.iter().chain(&self.also).chain(&self.config).cloned().collect();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
                open.extend(entries.map(|entry| entry.path()).filter(|path| self.matters(path)));
            } else {
                self.is_changed(&path, &mut contents);
            }
        }
        contents
    }

    fn shown(&self) -> String {
        let all = self.specs.iter().chain(&self.also).chain(&self.config);
        all.map(|path| self.short(path)).collect::<Vec<_>>().join(", ")
    }

    /// As the user would write it.
    fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.here).unwrap_or(path).display().to_string()
    }
}

/// Whether a file holds something else than when it was last looked at, or is gone.
fn is_changed(path: &Path, contents: &mut BTreeMap<PathBuf, u64>) -> bool {
    if path.is_dir() {
        return false;
    }
    match discover::read(path) {
        Ok(bytes) => {
            let hash = foldhash::fast::FixedState::default().hash_one(bytes);
            contents.insert(path.to_owned(), hash) != Some(hash)
        }
        Err(_) => contents.remove(path).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        Watched {
            here: "/p".into(),
            state: "/p/.tracespec".into(),
            config: Some("/p/tracespec.yaml".into()),
            specs: vec!["/p/specs".into()],
            also: vec!["/p/src".into()],
            programs: BTreeSet::from(["/p/src/target/shop".into()]),
            written: BTreeSet::from(["/p/src/report.html".into()]),
        }
    }

    #[test]
    fn what_can_change_no_verdict_does_not_matter() {
        let watched = watched();
        for path in ["specs/a.yaml", "specs/deep/rows.csv", "src/main.rs", "tracespec.yaml", "src/target/shop"] {
            assert!(watched.matters(&Path::new("/p").join(path)), "{path}");
        }
        let noise = [
            "specs/.a.yaml.swp",
            "specs/a.yaml~",
            "specs/snapshots/a.yaml",
            "src/target/x",
            "src/report.html",
            "README.md",
        ];
        for path in noise {
            assert!(!watched.matters(&Path::new("/p").join(path)), "{path}");
        }
    }

    #[test]
    fn a_spec_concerns_its_own_tests_and_everything_else_concerns_all() {
        let watched = watched();
        let concerns =
            |paths: &[&str]| watched.concerns(&paths.iter().map(|path| Path::new("/p").join(path)).collect());
        assert!(matches!(concerns(&["specs/a.yaml", "specs/b.yml"]), Only::Files(files) if files.len() == 2));
        for other in ["specs/rows.csv", "src/lib.rs", "tracespec.yaml"] {
            assert!(matches!(concerns(&["specs/a.yaml", other]), Only::All), "{other}");
        }
    }
}
