//! The door at which tests wait for the turn of their first step.

use super::wait::lock;
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The way in of a test, which it clears when its first step has got its turn.
pub(crate) struct Entry(Mutex<Option<OwnedSemaphorePermit>>);

impl Entry {
    /// Waits at the door.
    pub(crate) async fn at(door: &Arc<Semaphore>) -> Entry {
        // Never closed; were it, going on is right.
        Entry(Mutex::new(Arc::clone(door).acquire_owned().await.ok()))
    }

    /// Lets the next one in.
    pub(crate) fn clear(&self) {
        drop(lock(&self.0).take());
    }
}
