//! What reading specs needs to know beside their text.

use super::config::BackendKind;
use crate::redact::Redactor;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Files that specs name: matrices and snapshots. An argument, so that loading does no I/O of its own.
pub trait Files: Sync {
    /// A file's bytes.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// No files at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// What loading needs to know beside the files.
pub struct LoadOptions<'a> {
    /// Files that specs name.
    pub files: &'a dyn Files,
    /// Whether a file is there that only a run reads: a body, a saved trace. `None`: not looked at.
    pub exists: Option<&'a (dyn Fn(&Path) -> bool + Sync)>,
    /// Names given by `--var`, the profile and the configuration.
    pub vars: BTreeSet<String>,
    /// The ports that processes ask for; `None`: any name is fine.
    pub ports: Option<BTreeSet<String>>,
    /// Whether an environment variable is set; `None`: not looked at (`check` on another machine).
    pub env: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    /// Whether a secret is known; `None`: not looked at.
    pub secrets: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    /// Where traces are read unless a spec says otherwise; `None`: the embedded receiver.
    pub backend: Option<&'a BackendKind>,
    /// CI is set: `only` is refused.
    pub ci: bool,
    /// `exact_names` of the configuration.
    pub exact_names: bool,
    /// `clocks.max_skew` of the configuration.
    pub max_skew: Option<std::time::Duration>,
    /// Takes secrets out of what is said of responses.
    pub redactor: Arc<Redactor>,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        LoadOptions {
            files: &NoFiles,
            exists: None,
            vars: BTreeSet::new(),
            ports: None,
            env: None,
            secrets: None,
            backend: None,
            ci: false,
            exact_names: false,
            max_skew: None,
            redactor: Arc::default(),
        }
    }
}
