//! The environment of a run, as its caller found it.

use crate::spec::vars::Source;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Environment variables; those that are not UTF-8 are left out, since no spec could name their values.
#[derive(Clone, Default)]
pub(crate) struct Environment(Arc<BTreeMap<String, String>>);

impl Environment {
    pub(crate) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Environment {
        Environment(Arc::new(variables.into_iter().collect()))
    }
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
    /// A run in CI writes no snapshots and refuses `only`.
    pub(crate) fn is_ci(&self) -> bool {
        self.get("CI").is_some_and(|value| !matches!(value, "" | "false" | "0"))
    }
    /// The same as a source of values for specs.
    pub(crate) fn source(&self) -> Source {
        let variables = Arc::clone(&self.0);
        Arc::new(move |name| variables.get(name).cloned())
    }
}
