//! `repeat`, `percentiles` and `compare`: many runs, and what is judged over all of them.

use super::Lower;
use crate::analyse::stats::Quantile;
use crate::analyse::stats::confidence::fewest_for;
use crate::diag::{Code, Problem};
use crate::matcher::{Comparison, Fact as Value, Literal, Lookup, Matcher, Operand, Position, Value as Var, count_of};
use crate::source::{Span, Spanned};
use crate::spec::forms;
use crate::spec::plan::{
    Check, Compare, Expectation, Fact, Pace, Percentiles, Quantifier, Repeat, Selector, SpanCheck, Step, Timed,
    TraceExpectations, Trigger, is_enough,
};
use crate::spec::read::Fields;
use crate::yaml::Node;
use std::sync::Arc;
use std::time::Duration;

/// The most runs of a test: more are a load test.
const MOST_RUNS: u32 = 100_000;
/// The most runs that wait for an answer at once.
const MOST_AT_ONCE: u32 = 1_000;
/// The most runs that begin in a second.
const MOST_A_SECOND: u32 = 10_000;
/// A median of ratios has an interval from so many on.
const LEAST_COMPARED: u32 = 6;

const QUANTILES: [(&str, u16); 6] =
    [("p50", 5000), ("p75", 7500), ("p90", 9000), ("p95", 9500), ("p99", 9900), ("p99.9", 9990)];

impl Lower<'_> {
    /// Reads what a test says of many runs. Names of spans must be known, and captures must not be: there are as many of
    /// each as there are runs.
    pub(super) fn repeat(&mut self, fields: &Fields<'_>) -> Option<Repeat> {
        if !fields.has("repeat") {
            for key in ["percentiles", "compare"].into_iter().filter(|key| fields.has(key)) {
                let says = format!("`{key}` judges many runs, and this test runs once");
                let help = "add `repeat: { runs: 60 }`; of one run, `trace: { spans: [{ select: …, duration: < 300ms }] }` judges";
                self.reader.error(Code::MissingKey, fields.key_span(key), says, help);
            }
            return None;
        }
        let own = self.reader.fields(fields.get("repeat")?, &forms::REPEAT)?;
        let runs = self.reader.need(&own, "runs").cloned().and_then(|node| self.runs(&node));
        let warmup = own.get("warmup").and_then(|node| self.at_most(node, MOST_RUNS, "runs")).unwrap_or(0);
        let pace = self.pace(&own, runs.map(|runs| runs.saturating_add(warmup)));
        // Of runs whose number cannot be read nothing else is wrong.
        let enough = runs.unwrap_or(MOST_RUNS);
        let pass_rate = own.get("pass_rate").and_then(|node| self.pass_rate(node, runs));
        let percentiles = self.percentiles(fields, enough);
        let compare = self.compare(fields, enough);
        let retries = fields.get("retries").filter(|node| node.scalar().is_some_and(|number| &*number.text != "0"));
        if retries.is_some() {
            let says =
                "a test that is repeated has no `retries`: what passes at another try would hide how often it fails";
            let help = "remove it; `repeat: { pass_rate: '95%..' }` says how many runs may fail";
            self.reader.error(Code::ConflictingKeys, fields.key_span("retries"), says, help);
        }
        let at = fields.key_span("repeat");
        Some(Repeat { at, runs: runs?, warmup, pace: pace?, pass_rate, percentiles, compare })
    }

    fn runs(&mut self, node: &Node) -> Option<u32> {
        let runs = self.at_most(node, MOST_RUNS, "runs")?;
        if runs == 0 {
            let help = "write how many runs are judged, such as `runs: 20`; `skip: reason` leaves the test out";
            self.reader.error(Code::BadValue, node.span, "no runs judge nothing", help);
        }
        (runs > 0).then_some(runs)
    }

    fn at_most(&mut self, node: &Node, most: u32, what: &str) -> Option<u32> {
        let number = self.reader.number(node)?;
        if number > most {
            let says = format!("{number} {what} are more than this tool makes of one test ({most})");
            self.reader.error(
                Code::TooLarge,
                node.span,
                says,
                "for load there are load generators: `command` starts one",
            );
        }
        (number <= most).then_some(number)
    }

    fn pace(&mut self, own: &Fields<'_>, all: Option<u32>) -> Option<Pace> {
        if let Some(node) = own.get("rate") {
            for key in ["concurrency", "interval"].into_iter().filter(|key| own.has(key)) {
                let says = format!("`{key}` has no effect beside `rate`: runs begin by the clock, answered or not");
                self.reader.error(Code::ConflictingKeys, own.key_span(key), says, format!("remove `{key}` or `rate`"));
            }
            let rate = self.reader.word(node, "a rate")?;
            let Some((starts, per)) = rate_of(&rate.value) else {
                let says = format!("`{}` is not a rate", rate.value);
                let help = "write how many runs begin each second, minute or hour: `20/s`, `30/m`";
                self.reader.error(Code::BadValue, node.span, says, help);
                return None;
            };
            if starts / u32::try_from(per.as_secs()).unwrap_or(1) > MOST_A_SECOND {
                let says = format!("{} is more than this tool can begin ({MOST_A_SECOND}/s)", rate.value);
                self.reader.error(
                    Code::TooLarge,
                    node.span,
                    says,
                    "for load there are load generators: `command` starts one",
                );
                return None;
            }
            return Some(Pace::Open { starts, per, at: node.span });
        }
        let interval = own.get("interval").and_then(|node| self.reader.duration(node)).unwrap_or_default();
        let Some(node) = own.get("concurrency") else { return Some(Pace::Closed { concurrency: 1, interval }) };
        let concurrency = self.at_most(node, MOST_AT_ONCE, "runs at once")?;
        if concurrency == 0 {
            self.reader.error(Code::BadValue, node.span, "with none at once, no run begins", "write at least 1");
            return None;
        }
        if let Some(all) = all.filter(|&all| concurrency > all) {
            let says = format!("{concurrency} runs can never be under way at once: there are {all}");
            let help = format!("write `concurrency: {all}` at most, or more `runs`");
            self.reader.error(Code::BadValue, node.span, says, help);
            return None;
        }
        Some(Pace::Closed { concurrency, interval })
    }

    /// The share of runs that must pass: a lower bound that some number of runs keeps and another does not.
    fn pass_rate(&mut self, node: &Arc<Node>, runs: Option<u32>) -> Option<Spanned<Matcher>> {
        let matcher = self.reader.spanned_matcher(node, Position::Share)?;
        if matcher.value.bind(&NoVariables, Position::Share).is_err() {
            let says = "the pass rate cannot hold a variable";
            self.reader.error(
                Code::BadTemplate,
                node.span,
                says,
                "it must be known before anything runs: write it out",
            );
            return None;
        }
        let runs = runs?;
        let enough = |passed: u32| is_enough(&matcher.value, passed, runs);
        let least = (0..=runs).find(|&passed| enough(passed));
        let (code, says, help) = match least {
            None => {
                let says = format!("no number of {} is `{}`", count_of(runs as usize, "run"), matcher.value);
                (Code::NeverMatches, says, "write the least share that will do: `95%..`".to_owned())
            }
            Some(0) if (0..=runs).all(enough) => {
                let says = format!("no runs can violate this: every share satisfies `{}`", matcher.value);
                (Code::AlwaysMatches, says, "write the least share that will do: `95%..`".to_owned())
            }
            Some(least) if least == 0 || !(least..=runs).all(enough) => {
                let says = format!("`{}` is missed by runs that pass: a pass rate is a lower bound", matcher.value);
                (Code::BadValue, says, "write the least share that will do: `95%..`".to_owned())
            }
            Some(least) if least == runs && is_enough(&matcher.value, u32::MAX - 1, u32::MAX) => {
                let needed = (runs..=MOST_RUNS).find(|&runs| is_enough(&matcher.value, runs - 1, runs));
                let share = 100.0 * f64::from(runs - 1) / f64::from(runs);
                let runs = count_of(runs as usize, "run");
                let says =
                    format!("of {runs}, `{}` means all: one that does not pass leaves {share:.1}%", matcher.value);
                let more = needed.map_or(String::new(), |needed| format!("write `runs: {needed}` at least, or "));
                (Code::TooFewRuns, says, format!("{more}remove `pass_rate`: without it all must pass"))
            }
            Some(_) => return Some(matcher),
        };
        self.reader.error(code, node.span, says, help);
        None
    }

    fn percentiles(&mut self, fields: &Fields<'_>, runs: u32) -> Vec<Percentiles> {
        let Some(node) = fields.get("percentiles") else { return Vec::new() };
        let items = self.reader.full_list(node, "entries of `percentiles`").unwrap_or_default();
        items.iter().enumerate().filter_map(|(i, item)| self.percentile(item, i, runs)).collect()
    }

    fn percentile(&mut self, node: &Arc<Node>, i: usize, runs: u32) -> Option<Percentiles> {
        let fields = self.reader.fields(node, &forms::PERCENTILES)?;
        let of = match (fields.get("select"), fields.get("of")) {
            (Some(_), Some(_)) => {
                let says = "an entry is of spans (`select`) or of the answer (`of: response`)";
                self.reader.error(Code::ConflictingKeys, fields.key_span("of"), says, "make two entries of it");
                None
            }
            (Some(select), None) => self.related(select).map(Timed::Spans),
            (None, Some(of)) => self.reader.choice(of, &[("response", Timed::Response)]),
            (None, None) => {
                if !fields.has("select") && !fields.has("of") {
                    let help = "add `select: …` for spans, or `of: response`";
                    self.reader.error(Code::MissingKey, node.span, "nothing says whose durations", help);
                }
                None
            }
        };
        let mut bounds = Vec::new();
        let mut written = false;
        for (name, share) in QUANTILES {
            let Some(quantile) = Quantile::new(share) else { continue };
            let Some(bound) = self.bound(&fields, name, Position::Duration) else { continue };
            written = true;
            let Some(bound) = bound.filter(|bound| self.is_budget(bound, Position::Duration)) else { continue };
            if bound.value.is_always_true(Position::Duration) {
                let says = format!("no runs can violate this: every duration satisfies `{}`", bound.value);
                self.reader.error(Code::AlwaysMatches, bound.span, says, "write a bound that can fail: `< 300ms`");
                continue;
            }
            let (low, high) = (bound.value.test(&Value::Duration(0)), bound.value.test(&Value::Duration(i128::MAX)));
            let needed = fewest_for(quantile, !low, !high);
            if (runs as usize) < needed {
                let which = if high { "fastest lies below" } else { "slowest lies above" };
                let says = format!(
                    "{name} needs {needed} runs, and there are {runs}: of fewer, not even the {which} it in 95 of 100 cases"
                );
                self.reader.error(Code::TooFewRuns, bound.span, says, format!("write `runs: {needed}`"));
                continue;
            }
            bounds.push((quantile, bound));
        }
        if !written {
            self.nothing_bounded(node.span, "what their percentiles must be", "p95: < 300ms");
        }
        (!bounds.is_empty()).then_some(())?;
        Some(Percentiles { path: format!("percentiles[{i}]"), of: of?, bounds })
    }

    /// Whether a bound leaves room: what is only known up to an interval never equals anything.
    fn is_budget(&mut self, bound: &Spanned<Matcher>, position: Position) -> bool {
        fn exact(matcher: &Matcher) -> bool {
            match matcher {
                Matcher::All(all) => all.iter().any(exact),
                Matcher::Compare(comparison, _) => matches!(comparison, Comparison::Eq | Comparison::Ne),
                Matcher::Range(..) => false,
                _ => true,
            }
        }
        let exact = exact(&bound.value);
        if exact {
            let (what, help) = match position {
                Position::Ratio => ("ratio", "`< 0.8`, `0.9..1.1`"),
                _ => ("duration", "`< 300ms`, `100ms..300ms`"),
            };
            let says = format!("`{}` is no bound: a {what} over many runs is known up to an interval", bound.value);
            self.reader.error(Code::BadMatcher, bound.span, says, format!("write {help}"));
        }
        !exact
    }

    fn compare(&mut self, fields: &Fields<'_>, runs: u32) -> Vec<Compare> {
        let Some(node) = fields.get("compare") else { return Vec::new() };
        let one = |lower: &mut Self, node: &Arc<Node>, path: String| {
            let own = lower.reader.fields(node, &forms::COMPARE)?;
            let left = lower.reader.need(&own, "left").cloned().and_then(|node| lower.related(&node));
            let right = lower.reader.need(&own, "right").cloned().and_then(|node| lower.related(&node));
            own.get("by").and_then(|node| lower.reader.choice(node, &[("median", ())]));
            let ratio = lower.reader.need(&own, "ratio").cloned();
            let ratio = ratio.and_then(|node| lower.reader.spanned_matcher(&node, Position::Ratio));
            let ratio = ratio.filter(|ratio| lower.is_budget(ratio, Position::Ratio))?;
            let (left, right) = (left?, right?);
            let (code, at, says, help) = if ratio.value.is_always_true(Position::Ratio) {
                let says = format!("no runs can violate this: every ratio satisfies `{}`", ratio.value);
                (Code::AlwaysMatches, ratio.span, says, "write a bound that can fail: `< 0.8`".to_owned())
            } else if left.query == right.query {
                let says = "both sides select the same spans, so their ratio is always 1".to_owned();
                (Code::BadValue, own.key_span("right"), says, "write with whose durations they are compared".to_owned())
            } else if runs < LEAST_COMPARED {
                let says =
                    format!("a ratio needs {LEAST_COMPARED} runs, and there are {runs}: with fewer it has no interval");
                (Code::TooFewRuns, ratio.span, says, format!("write `runs: {LEAST_COMPARED}` at least"))
            } else {
                return Some(Compare { path, left, right, ratio });
            };
            lower.reader.error(code, at, says, help);
            None
        };
        if node.scalar().is_some() || !matches!(node.value, crate::yaml::Value::List(_)) {
            return one(self, node, "compare".to_owned()).into_iter().collect();
        }
        let items = self.reader.full_list(node, "entries of `compare`").unwrap_or_default();
        items.iter().enumerate().filter_map(|(i, item)| one(self, item, format!("compare[{i}]"))).collect()
    }

    /// Checks that the runs differ and that their traces are looked at, and lets each trace come to rest before its spans
    /// are timed: one that comes later may be the longest.
    pub(super) fn repeated(&mut self, repeat: &Repeat, fields: &Fields<'_>, steps: &mut [Step]) {
        let sends = |step: &Step| !matches!(step.trigger, Trigger::TraceId(_) | Trigger::TraceFile { .. });
        if !steps.iter().all(sends) {
            let says = "a trace that exists already is the same in each run";
            self.reader.error(
                Code::ConflictingKeys,
                repeat.at,
                says,
                "remove `repeat`, or send a `request` in each step",
            );
            return;
        }
        let several = steps.len() > 1;
        for entry in repeat.percentiles.iter().filter(|entry| matches!(entry.of, Timed::Response)) {
            let at = entry.bounds.first().map_or(repeat.at, |(_, bound)| bound.span);
            if several || steps.iter().any(|step| step.until.is_some()) {
                let (what, help) = match several {
                    true => ("a test of several steps has several answers", "time spans of their traces by `select`"),
                    false => ("`until` asks again and again", "remove `until`, or time spans by `select`"),
                };
                self.reader.error(
                    Code::ConflictingKeys,
                    at,
                    format!("`of: response` times one answer, and {what}"),
                    help,
                );
            }
        }
        let of_spans = |(path, timed)| match timed {
            Timed::Spans(select) => Some((path, select)),
            Timed::Response => None,
        };
        let selected: Vec<(String, Selector)> = repeat.timed().filter_map(of_spans).collect();
        if selected.is_empty() {
            return;
        }
        if let [step] = &mut steps[..]
            && step.trace.is_none()
            && !fields.has("trace")
        {
            let max_skew = self.max_skew.map(|skew| u64::try_from(skew.as_nanos()).unwrap_or(u64::MAX));
            step.trace = Some(TraceExpectations {
                at: repeat.at,
                list: Vec::new(),
                names: self.all_names(),
                exact_names: self.exact_names,
                follow_links: false,
                max_skew,
            });
        }
        if steps.iter().all(|step| step.trace.is_none()) {
            if self.reader.broken_within(fields.node.span) {
                return;
            }
            let says = "spans are timed, and no trace is looked at";
            let help = if several { "give the step that makes them a `trace`" } else { "remove `trace: none`" };
            self.reader.error(Code::ConflictingKeys, selected[0].1.at, says, help);
            return;
        }
        for trace in steps.iter_mut().filter_map(|step| step.trace.as_mut()) {
            trace.list.extend(selected.iter().map(|(path, select)| at_rest(path, select, several)));
        }
    }
}

/// Spans are selected (in one of `several` traces, at least), and each has a duration. As whatever is said of every span that
/// is selected, it holds for certain only once the trace is at rest.
fn at_rest(path: &str, select: &Selector, several: bool) -> Expectation {
    let any = Matcher::Range(Some(Operand::Literal(Literal::Duration(0))), None);
    let check = SpanCheck {
        select: select.clone(),
        name: None,
        count: None,
        optional: several,
        quantifier: Quantifier::All,
        distinct: false,
        facts: vec![Spanned::new(Fact::Duration(any), select.at)],
    };
    Expectation { at: select.at, path: path.to_owned(), check: Check::Spans(Box::new(check)) }
}

/// `20/s`
fn rate_of(text: &str) -> Option<(u32, Duration)> {
    let (starts, unit) = text.split_once('/')?;
    let seconds = match unit.trim() {
        "s" | "1s" => 1,
        "m" | "min" | "1m" => 60,
        "h" | "1h" => 3600,
        _ => return None,
    };
    let starts = starts.trim();
    let starts = starts.bytes().all(|byte| byte.is_ascii_digit()).then(|| starts.parse().ok())??;
    (starts > 0).then_some((starts, Duration::from_secs(seconds)))
}

struct NoVariables;

impl Lookup for NoVariables {
    fn value(&self, _: &str, _: Option<&str>, span: Span) -> Result<Var, Problem> {
        Err(Problem::error(Code::UnboundVariable, span, String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_so_many_in_a_second_a_minute_or_an_hour() {
        let of = |text| rate_of(text).map(|(starts, per)| (starts, per.as_secs()));
        assert_eq!(of("20/s"), Some((20, 1)));
        assert_eq!((of("30/m"), of("5 / h"), of("1/min")), (Some((30, 60)), Some((5, 3600)), Some((1, 60))));
        for wrong in ["", "20", "0/s", "-1/s", "1.5/s", "20/d", "/s", "99999999999/s", "20/s/s", "+5/s"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
