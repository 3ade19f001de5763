//! Which traces are built where records of a span contradict each other: every combination of versions while these are few.

use super::duplicates::{Disputed, MOST_VERSIONS};
use super::held::Held;

/// Combinations of versions, each the position of a disputed span's version: 0 is the fullest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Versions {
    /// All but the one with every fullest version.
    pub(super) others: Vec<Vec<usize>>,
    /// Whether these are all that there are.
    pub(super) complete: bool,
}

pub(super) fn of(disputed: &[Disputed]) -> Versions {
    combinations(&disputed.iter().map(|span| span.others.len() + 1).collect::<Vec<_>>())
}

fn combinations(counts: &[usize]) -> Versions {
    let total =
        counts.iter().try_fold(1usize, |all, count| all.checked_mul(*count).filter(|all| *all <= MOST_VERSIONS));
    let Some(total) = total else {
        // Each span in each of its versions at least, all spans in step.
        let most = counts.iter().copied().max().unwrap_or(1);
        let others = (1..most).map(|at| counts.iter().map(|count| at.min(count - 1)).collect()).collect();
        return Versions { others, complete: false };
    };
    let choice = |mut at: usize| {
        let digit = |count: &usize| {
            let digit = at % count;
            at /= count;
            digit
        };
        counts.iter().map(digit).collect()
    };
    Versions { others: (1..total).map(choice).collect(), complete: true }
}

/// Puts the chosen versions in the place of the fullest ones.
pub(super) fn choose(records: &mut [Held<'_>], disputed: &[Disputed], choice: &[usize]) {
    for (span, version) in disputed.iter().zip(choice) {
        if let Some(other) = version.checked_sub(1).and_then(|at| span.others.get(at)) {
            records[span.at].set(other.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_versions_are_combined_in_every_way_and_many_go_in_step() {
        assert_eq!(combinations(&[]), Versions { others: vec![], complete: true });
        assert_eq!(combinations(&[3]), Versions { others: vec![vec![1], vec![2]], complete: true });
        let two = combinations(&[2, 2]);
        assert_eq!(two, Versions { others: vec![vec![1, 0], vec![0, 1], vec![1, 1]], complete: true });
        assert_eq!(combinations(&[2, 2, 2]).others.len(), 7);
        let many = combinations(&[2, 3, 2, 2]);
        assert_eq!(many, Versions { others: vec![vec![1, 1, 1, 1], vec![1, 2, 1, 1]], complete: false });
    }
}
