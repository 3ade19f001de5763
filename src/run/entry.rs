//! The lines in which tests wait: for their mutex, and at the door for the turn of their first step.

use super::wait::lock;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::unconstrained;

/// A place in a line, which is first come, first served.
///
/// It is taken where tests are begun, in the order of the plan: tests are tasks, and of two that are begun one after the other
/// either may be the first to run.
pub(super) enum Place {
    Reached(Option<OwnedSemaphorePermit>),
    Waits(BoxFuture<'static, Result<OwnedSemaphorePermit, AcquireError>>),
}

impl Place {
    pub(super) fn take(line: &Arc<Semaphore>) -> Place {
        // Without a budget, which whoever begins many tests in one go would use up: it would not stand in the line then.
        let mut waits = unconstrained(Arc::clone(line).acquire_owned()).boxed();
        // Asked once, it stands in the line.
        match (&mut waits).now_or_never() {
            // Never closed; were it, going on is right.
            Some(reached) => Place::Reached(reached.ok()),
            None => Place::Waits(waits),
        }
    }

    /// Waits until it is this one's turn, which lasts until what is returned is dropped.
    pub(super) async fn turn(self) -> Option<OwnedSemaphorePermit> {
        match self {
            Place::Reached(permit) => permit,
            Place::Waits(waits) => waits.await.ok(),
        }
    }
}

/// The places of a test that has nothing to wait for but its turn.
pub(super) struct Places {
    pub(super) mutex: Option<Place>,
    /// None as long as the mutex is another's: who waits for that keeps nobody from the door.
    pub(super) door: Option<Place>,
}

/// The way in of a test, which it clears when its first step has got its turn.
pub(crate) struct Entry(Mutex<Option<OwnedSemaphorePermit>>);

impl Entry {
    /// Waits at the door.
    pub(super) async fn at(place: Place) -> Entry {
        Entry(Mutex::new(place.turn().await))
    }

    /// Lets the next one in.
    pub(crate) fn clear(&self) {
        drop(lock(&self.0).take());
    }
}
