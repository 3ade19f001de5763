//! One run of a repeated test, as its steps see it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// A run as its steps see it.
pub(crate) struct Running {
    /// Whether it begins when the spec says, not when it is its turn among the requests of all tests.
    pub(in super::super) is_free: bool,
    /// When its first request was sent.
    pub(in super::super) sent: OnceLock<Instant>,
    /// When the last one was answered.
    pub(super) responded: OnceLock<Instant>,
    answered: AtomicBool,
    tell: UnboundedSender<()>,
}

impl Running {
    /// One that says by `tell` that it was answered.
    pub(super) fn new(is_free: bool, tell: UnboundedSender<()>) -> Running {
        let (sent, responded) = (OnceLock::new(), OnceLock::new());
        Running { is_free, sent, responded, answered: AtomicBool::new(false), tell }
    }
    /// The last answer has come: another run may begin.
    pub(in super::super) fn answered(&self, responded: Option<Instant>) {
        if let Some(responded) = responded {
            self.responded.get_or_init(|| responded);
        }
        if !self.answered.swap(true, Ordering::Relaxed) {
            // Nobody hears it once all have begun.
            let _ = self.tell.send(());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.answered(None);
    }
}
