//! Two pieces of work at the same time.

use std::panic::resume_unwind;
use std::thread;

pub(super) fn is_there_another_core() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// What both come to; `aside` is done by a thread of its own if there is one to be had.
pub(super) fn both<A: Send, B>(aside: impl Fn() -> A + Sync, here: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, &aside) {
        Ok(beside) => {
            let here = here();
            (beside.join().unwrap_or_else(|panic| resume_unwind(panic)), here)
        }
        Err(_) => (aside(), here()),
    })
}

#[cfg(test)]
mod tests {
    use super::both;

    #[test]
    fn each_result_is_in_its_place() {
        assert_eq!(both(|| 1, || 2), (1, 2));
    }

    #[test]
    #[should_panic(expected = "the words of the one aside")]
    fn a_panic_aside_is_one_here() {
        both(|| panic!("the words of the one aside"), || ());
    }
}
