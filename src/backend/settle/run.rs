//! What the tests of one run learn together.

use super::config::Config;
use super::reason::Seconds;
use crate::facts::CallKey;
use std::collections::HashSet;
use std::fmt;

/// Keys come from outside: no more than this many of a sort are kept. A key that is not kept is merely open.
const MOST_KEYS: usize = 100_000;
/// Of learned lags and conflicts no more than this many are told.
const MOST_WARNINGS: usize = 100;

/// How an unanswered call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Its like has been answered in this run: the answer must come.
    Known,
    /// A trace settled without its answer, or the spec says that the callee is silent: none is awaited.
    Silent,
    /// Nothing is known: the callee may be slow to export, or silent.
    Open,
}

/// Something about waiting that the report should say once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A span of synchronous work came later than the settle allows for, so that waits are longer from now on.
    Late {
        /// The service whose span it was.
        service: String,
        /// How long after the response it came, at the least. Nanoseconds.
        lag_ns: u64,
        /// The settle that was too short, nanoseconds.
        settle_ns: u64,
        /// The settle from now on, nanoseconds.
        learned_ns: u64,
    },
    /// A callee taken for silent has answered after all.
    NotSilent {
        /// The call.
        call: CallKey,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Late { service, lag_ns, settle_ns, learned_ns } => write!(
                f,
                "a span of {service} arrived {} after the response, later than the settle of {} allows; waits settle \
                 after {} for the rest of the run (set `exporter_delay` to what {service} uses)",
                Seconds(*lag_ns),
                Seconds(*settle_ns),
                Seconds(*learned_ns)
            ),
            Warning::NotSilent { call } => write!(f, "call {call} was taken for silent, but has been answered since"),
        }
    }
}

/// Knowledge shared by all tests of a run: which calls get answered, which never do, how late spans come.
#[derive(Debug, Clone, Default)]
pub struct Run {
    known: HashSet<CallKey>,
    silent: HashSet<CallKey>,
    // Failed calls that settled unanswered. Kept apart: a refused connection says nothing of the callee's exporting.
    silent_failed: HashSet<CallKey>,
    learned_ns: u64,
    warnings: Vec<Warning>,
    version: u64,
}

impl Run {
    /// A run that starts with what a baseline knows to be silent.
    pub fn seeded(silent: impl IntoIterator<Item = CallKey>) -> Run {
        Run { silent: silent.into_iter().take(MOST_KEYS).collect(), ..Run::default() }
    }
    /// The calls whose callee answered in some trace of this run, sorted.
    pub fn known(&self) -> Vec<&CallKey> {
        sorted(&self.known)
    }
    /// The calls that settled unanswered and were answered nowhere, sorted: what a baseline keeps.
    pub fn silent(&self) -> Vec<&CallKey> {
        sorted(&self.silent)
    }
    /// 1.5 × the longest lag seen beyond the settle, or 0. Nanoseconds.
    pub fn learned_ns(&self) -> u64 {
        self.learned_ns
    }
    /// What to warn of, in the order met. Grows only.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
    /// Changes whenever something was learned. A wait in progress may settle earlier or later by it, so whoever sleeps
    /// until [`super::Step::wake_at`] may tick again when it changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How an unanswered call stands.
    pub fn standing(&self, config: &Config, call: &CallKey, error: bool) -> Standing {
        if config.is_silent(&call.peer) {
            return Standing::Silent;
        }
        if error {
            return if self.silent_failed.contains(call) { Standing::Silent } else { Standing::Open };
        }
        if self.known.contains(call) {
            // Host and port alone may be several services, of which only one exports.
            return if call.operation.is_empty() { Standing::Open } else { Standing::Known };
        }
        if self.silent.contains(call) { Standing::Silent } else { Standing::Open }
    }

    /// A call was answered. It is never silent again: better one wait too long than a wrong verdict.
    pub(super) fn answered(&mut self, call: &CallKey) {
        if self.known.contains(call) {
            return;
        }
        let was_silent = self.silent.remove(call);
        if was_silent {
            self.warn(Warning::NotSilent { call: call.clone() });
        }
        let kept = self.known.len() < MOST_KEYS && self.known.insert(call.clone());
        self.version += u64::from(was_silent || kept);
    }

    /// A trace settled with the call unanswered.
    pub(super) fn settled_unanswered(&mut self, call: &CallKey, error: bool) {
        let known = self.known.contains(call);
        let silent = if error { &mut self.silent_failed } else { &mut self.silent };
        if (!error && known) || silent.contains(call) || silent.len() >= MOST_KEYS {
            return;
        }
        silent.insert(call.clone());
        self.version += 1;
    }

    /// A synchronous span came `lag_ns` after its response.
    pub(super) fn lagged(&mut self, config: &Config, service: &str, least_ns: u64, lag_ns: u64) {
        let settle_ns = config.auto_ns(false).max(self.learned_ns);
        let learned_ns = lag_ns.saturating_add(lag_ns / 2);
        if least_ns <= settle_ns || learned_ns <= self.learned_ns {
            return;
        }
        self.learned_ns = learned_ns;
        self.version += 1;
        self.warn(Warning::Late { service: service.to_owned(), lag_ns: least_ns, settle_ns, learned_ns });
    }

    fn warn(&mut self, warning: Warning) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }
}

fn sorted(keys: &HashSet<CallKey>) -> Vec<&CallKey> {
    let mut keys: Vec<&CallKey> = keys.iter().collect();
    keys.sort_unstable();
    keys
}
