//! A bound on a test that does not run while the test waits for its turn: how many tests a run has is not the test's fault.

use super::wait::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long something may take, not counting the time in queues.
#[derive(Debug)]
pub struct Patience {
    timeout: Option<Duration>,
    began: Instant,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The time spent in queues that were left.
    waited: Duration,
    /// Since when it stands in one.
    since: Option<Instant>,
}

impl Patience {
    /// Begins now. Without a timeout it never ends.
    pub fn new(timeout: Option<Duration>) -> Patience {
        Patience { timeout, began: Instant::now(), queue: Mutex::default() }
    }

    /// Waits for a turn, outside of the bound.
    pub async fn turn<'s>(&self, slots: &'s Semaphore) -> Option<SemaphorePermit<'s>> {
        lock(&self.queue).since = Some(Instant::now());
        // Slots are never closed; were they, going on without one is right.
        let permit = slots.acquire().await.ok();
        let mut queue = lock(&self.queue);
        let waited = queue.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        queue.waited += waited;
        permit
    }

    /// The time spent in queues so far.
    pub fn queued(&self) -> Duration {
        let queue = lock(&self.queue);
        queue.waited + queue.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Returns when the bound is reached.
    pub async fn over(&self) {
        let Some(timeout) = self.timeout else { return std::future::pending().await };
        loop {
            let left = (timeout + self.queued()).saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return;
            }
            // At least a millisecond: in a queue, the rest does not shrink.
            tokio::time::sleep(left.max(Duration::from_millis(1))).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_bound_does_not_run_in_a_queue() {
        let slots = Semaphore::new(1);
        let held = slots.acquire().await.unwrap();
        let patience = Patience::new(Some(Duration::from_millis(30)));
        let queued = async {
            let _turn = patience.turn(&slots).await;
            std::future::pending::<()>().await;
        };
        let release = async {
            tokio::time::sleep(Duration::from_millis(90)).await;
            drop(held);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = queued => {}
            () = release => {}
            () = patience.over() => {}
        }
        // The whole queue, and the bound besides.
        assert!(patience.began.elapsed() >= Duration::from_millis(120));
        assert!(patience.queued() >= Duration::from_millis(90));
    }
}
