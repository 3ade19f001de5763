//! Work on many things by all processors, whose results come in the order of the things however many processors there are.

use std::sync::atomic::{AtomicUsize, Ordering};

/// As many threads as there are processors.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What `of` makes of each, in their order.
pub(super) fn side_by_side<T: Sync, R: Send>(all: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    beside(processors(), all, of, || ())
}

/// Hands what `of` makes of each to `learn`, in their order and one by one. While a batch is learnt the next one is made, so that no
/// more than two batches are held.
pub(super) fn in_batches<T: Sync, R: Send, E>(
    all: &[T],
    batch: usize,
    of: impl Fn(&T) -> R + Sync,
    learn: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    in_batches_by(processors(), all, batch, of, learn)
}

fn in_batches_by<T: Sync, R: Send, E>(
    threads: usize,
    all: &[T],
    batch: usize,
    of: impl Fn(&T) -> R + Sync,
    mut learn: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let mut learnt = 0;
    let mut all_of = |made: Vec<R>| {
        made.into_iter().try_for_each(|one| {
            learnt += 1;
            learn(learnt - 1, one)
        })
    };
    let mut made = Vec::new();
    for things in all.chunks(batch) {
        let (before, mut result) = (std::mem::take(&mut made), Ok(()));
        made = beside(threads, things, &of, || result = all_of(before));
        result?;
    }
    all_of(made)
}

/// What `of` makes of each, in their order, by so many threads, of which this one does `first` before it helps.
fn beside<T: Sync, R: Send>(threads: usize, all: &[T], of: impl Fn(&T) -> R + Sync, first: impl FnOnce()) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(at) else { return done };
            done.push((at, of(one)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(all.len().max(1))).map(|_| scope.spawn(work)).collect();
        first();
        let mut done = work();
        // A thread that panicked has lost what it was given; the panic goes on here.
        others
            .into_iter()
            .for_each(|other| done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Barrier;

    proptest! {
        #[test]
        fn results_come_in_order_whatever_the_number_of_threads(
            count in 0_usize..70, batch in 1_usize..20, threads in 1_usize..9, wrong in 0_usize..100,
        ) {
            let all: Vec<usize> = (0..count).collect();
            let square = |at: &usize| at * at;
            let squares: Vec<usize> = all.iter().map(square).collect();
            prop_assert_eq!(&beside(threads, &all, square, || ()), &squares);
            let mut learnt = Vec::new();
            let learn = |at, square| {
                learnt.push((at, square));
                if at == wrong { Err(at) } else { Ok(()) }
            };
            let result = in_batches_by(threads, &all, batch, square, learn);
            // Nothing is learnt after the first that is wrong.
            prop_assert_eq!(result, if wrong < count { Err(wrong) } else { Ok(()) });
            let expected: Vec<(usize, usize)> = squares.into_iter().enumerate().take(wrong + 1).collect();
            prop_assert_eq!(learnt, expected);
        }
    }

    /// Two threads make one of each pair, since neither goes on before the other has come.
    #[test]
    fn what_several_threads_made_in_turn_comes_in_order() {
        let all: Vec<usize> = (0..40).collect();
        let both = Barrier::new(2);
        let of = |at: &usize| {
            both.wait();
            *at
        };
        assert_eq!(beside(2, &all, of, || ()), all);
        let mut learnt = Vec::new();
        let learn = |at, made| {
            learnt.push((at, made));
            Ok::<(), ()>(())
        };
        assert_eq!(in_batches_by(2, &all, 10, of, learn), Ok(()));
        assert_eq!(learnt, all.iter().map(|&at| (at, at)).collect::<Vec<_>>());
    }

    /// The other threads make the next batch while this one learns: no more than two batches were ever begun and not learnt.
    #[test]
    fn no_more_than_two_batches_are_held() {
        let all: Vec<usize> = (0..200).collect();
        let (made, learnt, most) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let of = |_: &usize| {
            let held = made.fetch_add(1, Ordering::SeqCst) + 1 - learnt.load(Ordering::SeqCst);
            most.fetch_max(held, Ordering::SeqCst);
        };
        let learn = |_, ()| -> Result<(), ()> {
            learnt.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        assert_eq!(in_batches_by(4, &all, 10, of, learn), Ok(()));
        assert!(most.into_inner() <= 20);
    }
}
