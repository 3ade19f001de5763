//! What a gate says, in sentences: the cause first.

use super::requests;
use crate::baseline::Key;
use crate::gate::Verdict;
use crate::gate::acks::Acked;
use crate::gate::cause::{Cause, Mover, Where};
use crate::gate::durations::{Change, Measured};
use crate::gate::judgement::{Doubt, Judgement, OwnFailures};
use crate::gate::record::GateRecord;
use crate::gate::structure::Structural;
use crate::gate::timing::Timed;
use crate::matcher::{brief_duration, count_of};

/// The gate in one line.
pub fn headline(record: &GateRecord) -> String {
    let Some(worst) = record.verdict() else {
        return record.doubt.clone().unwrap_or_else(|| "nothing was judged".to_owned());
    };
    let all = record.requests.as_ref().and_then(requests::headline);
    let Some(test) = record.tests.iter().find(|test| test.verdict == worst) else {
        return all.or_else(|| record.doubt.clone()).unwrap_or_default();
    };
    if worst == Verdict::Pass {
        return format!("{}: nothing became worse", count_of(record.tests.len(), "test"));
    }
    let more = match record.count(worst) - 1 {
        0 => String::new(),
        1 => " (and 1 more test)".to_owned(),
        many => format!(" (and {many} more tests)"),
    };
    format!("{}: {}{more}", test.name, sentence(test))
}

/// What there is to say of a test, in one sentence.
pub(super) fn sentence(test: &Judgement) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(failed_by_itself(test));
    let failing: Vec<&Structural> = test.differences().filter(|one| one.verdict == test.verdict).collect();
    if let Some(first) = failing.first() {
        let more = match failing.len() - 1 {
            0 => String::new(),
            1 => " (and 1 more difference)".to_owned(),
            many => format!(" (and {many} more differences)"),
        };
        parts.push(format!("{}{more}", different(first)));
    }
    if test.verdict == Verdict::Fail {
        parts.extend(slowest(test));
    }
    if parts.is_empty() {
        parts.extend(test.doubts.first().map(|doubt| doubted(test, doubt)));
    }
    if parts.is_empty() {
        parts.extend(test.durations.iter().filter_map(|(one, _)| worth_a_word(one, test)));
    }
    if parts.is_empty() { "nothing became worse".to_owned() } else { parts.join("; ") }
}

/// The root if it became slower, otherwise the path that did most.
fn slowest(test: &Judgement) -> Option<String> {
    let ratio = |one: &&Timed| one.judged.measured.as_ref().map_or(0.0, |measured| measured.ratio);
    let slower: Vec<&Timed> = test.slower().collect();
    let root = slower.iter().copied().find(|one| one.is_root);
    let most = root.or_else(|| slower.iter().copied().max_by(|a, b| ratio(a).total_cmp(&ratio(b))))?;
    slower_because(test, most)
}

/// That a path became slower, and why.
pub(super) fn slower_because(test: &Judgement, one: &Timed) -> Option<String> {
    Some(moved(one)? + &because(test, one))
}

/// What is no failure but worth saying.
pub(super) fn worth_a_word(one: &Timed, test: &Judgement) -> Option<String> {
    match one.judged.change {
        Change::PerhapsSlower => {
            Some(format!("{}{}; machines and days may differ by as much", moved(one)?, because(test, one)))
        }
        Change::Faster if one.is_root => Some(moved(one)? + &because(test, one)),
        _ => None,
    }
}

fn because(test: &Judgement, one: &Timed) -> String {
    match &test.cause {
        Some(cause) if one.is_root => format!(": {}", caused(cause)),
        _ => String::new(),
    }
}

/// `checkout POST /orders is 1.9× slower (+386ms, 278ms to 473ms)`
pub(super) fn moved(one: &Timed) -> Option<String> {
    let measured = one.judged.measured.as_ref()?;
    let name = one.place.last().map(Key::to_string).unwrap_or_default();
    if let (Change::SlowTail, Some(tail)) = (one.judged.change, &measured.tail) {
        let shares = tail.shares;
        return Some(format!(
            "{} of {} runs of {name} take longer than {}, before {} of {}",
            shares.after,
            shares.of_after,
            brief_duration(tail.above_ns),
            shares.before,
            shares.of_before
        ));
    }
    let (times, word) =
        if measured.ratio >= 1.0 { (measured.ratio, "slower") } else { (1.0 / measured.ratio, "faster") };
    Some(format!("{name} is {} {word} ({})", factor(times), shift(measured)))
}

fn factor(times: f64) -> String {
    if times < 10.0 { format!("{times:.2}×") } else { format!("{times:.0}×") }
}

/// `+386ms, 278ms to 473ms`
fn shift(measured: &Measured) -> String {
    let by = signed(measured.shift_ns);
    match measured.shift_range_ns {
        Some((low, high)) => format!("{by}, {} to {}", plain(low), plain(high)),
        None => by,
    }
}

fn magnitude(ns: i128) -> String {
    brief_duration(u64::try_from(ns.unsigned_abs()).unwrap_or(u64::MAX))
}
fn plain(ns: i128) -> String {
    format!("{}{}", if ns < 0 { "−" } else { "" }, magnitude(ns))
}
pub(super) fn signed(ns: i128) -> String {
    format!("{}{}", if ns < 0 { "−" } else { "+" }, magnitude(ns))
}

/// `checkout → cart GetCart, network 6ms → 248ms; everything else moved ≤ 2ms`
fn caused(cause: &Cause) -> String {
    let mut parts: Vec<String> = cause.movers.iter().map(mover).collect();
    parts.push(format!("everything else moved ≤ {}", brief_duration(cause.rest_ns)));
    parts.join("; ")
}

fn mover(mover: &Mover) -> String {
    let key = &mover.key;
    let from_to = |from: u64, to: u64| format!("{} → {}", brief_duration(from), brief_duration(to));
    match &mover.went {
        Where::Itself { from_ns, to_ns } => format!("{key} {}", from_to(*from_ns, *to_ns)),
        Where::Network { to, from_ns, to_ns } => {
            format!("{} → {to}, network {}", key.service, from_to(*from_ns, *to_ns))
        }
        Where::Count { from, to } => format!("{key}, {from} → {to} times"),
        Where::OneAfterAnother { with } => {
            let with = match with.as_slice() {
                [] => "others like it".to_owned(),
                keys => keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" and "),
            };
            format!("{key} ({}) no longer runs beside {with}", signed(mover.shift_ns))
        }
        Where::Awaited { from_ns, to_ns } => {
            format!("{key} takes no longer, but is waited for {}", from_to(*from_ns, *to_ns))
        }
    }
}

/// A difference of structure, with the share of runs that have it.
pub(super) fn different(one: &Structural) -> String {
    let mut out = one.difference.sentence();
    if one.runs < one.of {
        out += &format!(", in {} of {}", one.runs, count_of(number(one.of), "run"));
    }
    if one.in_control > 0 {
        out += &format!(" (and in {} of the control arm)", count_of(number(one.in_control), "run"));
    }
    out
}

fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// That runs did not pass by themselves.
pub(super) fn failed_by_itself(test: &Judgement) -> Option<String> {
    let (baseline, candidate) = &test.failures;
    let count = |of: &OwnFailures| of.failed + of.undecided;
    match (count(baseline), count(candidate)) {
        (0, 0) => None,
        (0, many) => {
            Some(format!("the test itself did not pass in {} of the candidate: {}", runs(many), candidate.why))
        }
        (many, 0) => Some(format!("the test itself did not pass in {} of the baseline: {}", runs(many), baseline.why)),
        (old, new) => Some(format!(
            "the test itself did not pass in {} of the baseline and {new} of the candidate: {}",
            runs(old),
            candidate.why
        )),
    }
}

fn runs(count: u64) -> String {
    count_of(number(count), "run")
}

/// Why the runs do not tell, and what to do about it.
pub(super) fn doubted(test: &Judgement, doubt: &Doubt) -> String {
    let (baseline, candidate) = test.runs;
    match doubt {
        Doubt::TooFewRuns { least } => format!(
            "too few runs: {baseline} of the baseline and {candidate} of the candidate, expected {least} of either at least"
        ),
        Doubt::TooFewTimed { baseline, candidate, least } => format!(
            "too few durations: of {} of the baseline and {candidate} of the candidate, expected {least} of either at least",
            runs(*baseline)
        ),
        Doubt::Incomplete { why } => {
            let all: u64 = why.iter().map(|(_, runs)| runs).sum();
            let why: Vec<String> = why.iter().map(|(why, runs)| format!("{why} ({runs})")).collect();
            format!(
                "{} of the candidate may lack spans: {}; what is missing in them may only have come late",
                count_of(number(all), "trace"),
                why.join(", ")
            )
        }
        Doubt::TooNoisy => {
            let range = test.root().and_then(|root| root.judged.measured.as_ref()?.ratio_range);
            let high = range.map_or(String::new(), |(_, high)| format!(", up to {}", factor(high)));
            format!(
                "the durations vary so much that twice the time could not be told from the same{high}; more runs tell"
            )
        }
        Doubt::TooManyPaths => format!(
            "{baseline} and {candidate} runs can never be significant among {}; more runs, or a smaller test",
            count_of(test.durations.len(), "path")
        ),
        Doubt::Untimed => {
            "the traces have no single root with a start and an end, so no durations were judged".to_owned()
        }
    }
}

/// What an ack says.
pub(super) fn acked(acked: &Acked) -> String {
    let (year, month, day) = acked.until;
    match acked.expired {
        true => format!("the ack for it ended on {year:04}-{month:02}-{day:02}: {}", acked.reason),
        false => format!("accepted until {year:04}-{month:02}-{day:02}: {}", acked.reason),
    }
}

/// The gate's last line: `fail: 3 tests: 1 failed, 2 passed`.
pub(super) fn summary(record: &GateRecord) -> String {
    let words = [(Verdict::Fail, "failed"), (Verdict::Inconclusive, "inconclusive"), (Verdict::Pass, "passed")];
    let counted =
        words.into_iter().map(|(verdict, word)| (record.count(verdict), word)).filter(|(count, _)| *count > 0);
    let mut counted: Vec<String> = counted.map(|(count, word)| format!("{count} {word}")).collect();
    if record.requests.as_ref().is_some_and(|all| all.verdict() == Verdict::Fail) {
        counted.push("all requests failed the gate".to_owned());
    }
    let verdict = record.verdict().map_or("error", Verdict::word);
    format!(
        "gate: {verdict}: {} in {}: {}",
        count_of(record.tests.len(), "test"),
        brief_duration(record.duration_ns),
        if counted.is_empty() { "nothing was judged".to_owned() } else { counted.join(", ") }
    )
}
