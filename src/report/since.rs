//! What is different since a test last passed, in one sentence for all reports.

use super::difference::time_line;
use crate::baseline::Difference;
use crate::run::record::SinceLastPass;
use std::time::Duration;

/// The most differences that are written out.
const MOST: usize = 3;
/// A path's time is worth a word if it moved by so much, one part in so many of the root's time before, and so much at least: one
/// run against one other says no more. Where the structure differs, times differ for that, and it takes half of the time.
const SHARE: u64 = 4;
const FLOOR_NS: u64 = 20_000_000;

/// `since it last passed (12 min ago, 3f9c2e1): order reversed: …; nothing else changed`
pub(super) fn sentence(since: &SinceLastPass) -> String {
    let commit = since.commit.as_ref().map(|commit| format!(", {}", commit.chars().take(7).collect::<String>()));
    let when = format!("{}{}", ago(since.ago), commit.unwrap_or_default());
    let lead = match since.is_outdated {
        false => format!("since it last passed ({when})"),
        true => format!("compared with the last pass whose trace was whole ({when})"),
    };
    let mut says: Vec<String> = since.differences.iter().take(MOST).map(Difference::sentence).collect();
    if let Some(more) = since.differences.len().checked_sub(MOST).filter(|more| *more > 0) {
        says.push(format!("{more} more differences"));
    }
    let mut timed = false;
    if let Some(movement) = &since.movement {
        let share = match since.differences.is_empty() {
            true => movement.baseline_ns / SHARE,
            false => movement.baseline_ns.max(movement.candidate_ns) / 2,
        };
        let floor = share.max(FLOOR_NS);
        if !movement.at_least(floor).0.is_empty() {
            says.push(format!("time {}", time_line(movement, floor)));
            timed = true;
        }
    }
    match &since.incomplete {
        Some(why) => says.push(why.clone()),
        None if says.is_empty() => says.push("nothing changed in its trace".to_owned()),
        // That was said of times as well.
        None if timed => {}
        None => says.push("nothing else changed".to_owned()),
    }
    format!("{lead}: {}", says.join("; "))
}

/// How long ago, as people say it.
fn ago(ago: Duration) -> String {
    let seconds = ago.as_secs();
    match seconds {
        0..10 => "moments ago".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Change, Key, Place};
    use crate::trace::{Kind, TraceId};

    fn since(differences: Vec<Difference>) -> SinceLastPass {
        SinceLastPass {
            when_ns: 0,
            ago: Duration::from_secs(12 * 60 + 5),
            is_outdated: false,
            commit: Some("3f9c2e1a0b".to_owned()),
            trace_id: TraceId::new(1).expect("not zero"),
            trace: None,
            differences,
            movement: None,
            incomplete: None,
        }
    }

    #[test]
    fn it_says_when_at_which_commit_and_what_and_no_more_than_three_things() {
        let key = |name: &str| Key::new("orders", Kind::Client, name);
        let place = |name: &str| Some(Place { keys: vec![key("POST /orders"), key(name)], elided: 0 });
        let reversed = Difference {
            change: Change::OrderChanged { with: vec![key("POST /stock")], was_first: true },
            place: place("Pay/Charge"),
            implied: 0,
        };
        assert_eq!(
            sentence(&since(vec![reversed.clone()])),
            "since it last passed (12 min ago, 3f9c2e1): order reversed: orders Pay/Charge no longer ends before POST /stock \
             begins; nothing else changed"
        );
        assert_eq!(
            sentence(&since(Vec::new())),
            "since it last passed (12 min ago, 3f9c2e1): nothing changed in its trace"
        );
        let many = sentence(&since(vec![reversed; 5]));
        assert!(many.ends_with("; 2 more differences; nothing else changed"), "{many}");
    }

    #[test]
    fn what_is_not_whole_is_not_called_unchanged() {
        let incomplete = SinceLastPass { incomplete: Some("not compared".to_owned()), ..since(Vec::new()) };
        assert!(sentence(&incomplete).ends_with("): not compared"), "{}", sentence(&incomplete));
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let all = [5, 65, 7_300, 100_000, 200_000].map(|seconds| ago(Duration::from_secs(seconds)));
        assert_eq!(all, ["moments ago", "1 min ago", "2 h ago", "27 h ago", "2 days ago"]);
    }
}
