//! `conventions`: rules of OpenTelemetry's conventions, and the instrumentation score of those that a trace can answer.
//!
//! A rule that is broken stays so, except that a parent may still arrive (`SPA-002`). A rule that is kept can be broken by a
//! later span, so that it holds only of a settled trace; and where an SDK dropped what would break it, it is undecided.

use super::judging::Judging;
use super::logic::{Cause, Cond};
use super::rule::RuleId;
use super::state::{Outcome, State};
use super::text;
use crate::analyse::conventions::{Answer, Breach, Conventions, Rule, Score};
use crate::matcher::Matcher;
use crate::source::Spanned;
use crate::spec::plan::{self, Expectation};

pub(super) fn judge(cx: &Judging<'_>, expected: &plan::Conventions, at: &Expectation) -> Outcome {
    let mut outcome = Outcome::default();
    if cx.trace.is_empty() {
        let message = "The trace has no spans, so the conventions cannot be checked.".to_owned();
        return State::lacks(Cond::ABSENT, cx.finding(RuleId::ConventionsRules, at.at, &at.path, message, &[])).into();
    }
    let found = Conventions::of(cx.facts);
    if let Some(score) = &expected.score {
        outcome.push(of_score(cx, &found, score, at));
    }
    for rule in &expected.rules {
        outcome.push(of_rule(cx, &found, rule, expected.all, at));
    }
    outcome
}

fn of_score(cx: &Judging<'_>, found: &Conventions, expected: &Spanned<Matcher>, at: &Expectation) -> State {
    let holds = |scores: Vec<Score>| -> Option<bool> {
        let mut truths = scores.iter().map(|score| expected.value.test(&score.fact()));
        let first = truths.next()?;
        truths.all(|truth| truth == first).then_some(first)
    };
    let now = holds(found.scores(|_, answer| answer == Answer::Unknown));
    let later = holds(found.scores(|rule, answer| answer != Answer::Broken || rule.may_mend()));
    let cond = match (now, later) {
        (_, Some(holds)) => Cond::fixed(holds.into()),
        (Some(true), None) => Cond::HOLDS,
        (Some(false), None) => Cond::ABSENT,
        (None, None) => Cond::undecidable(Cause::Dropped),
    };
    if cond.holds() {
        return cond.into();
    }
    let score = found.score();
    let wanted = text::matcher(&expected.value);
    let scored: Vec<&Breach> = found.breaches.iter().filter(|breach| breach.rule.is_scored()).collect();
    let mut broken: Vec<&str> = scored.iter().map(|breach| breach.rule.id()).collect();
    broken.dedup();
    let because = match broken.as_slice() {
        [] => "no rule is broken".to_owned(),
        [only] => format!("{only} is broken"),
        all => format!("{} are broken", text::list(all, 6)),
    };
    let message = match now {
        None => format!(
            "Expected an instrumentation score of {wanted}; it is at most {score}, and attributes that were dropped may lower it."
        ),
        Some(_) => {
            format!("Expected an instrumentation score of {wanted}, found {score} ({}): {because}.", score.category())
        }
    };
    let rows = scored.first().map_or(&[][..], |breach| &breach.spans);
    let path = format!("{}.score", at.path);
    let mut finding = cx.finding(RuleId::ConventionsScore, expected.span, &path, message, rows);
    finding.expected = format!("score: {wanted}");
    finding.actual = score.to_string();
    finding.hint = scored.first().map(|breach| format!("{}: {}", sentence(breach), breach.rule.remedy()));
    State::lacks(cond, finding)
}

fn of_rule(cx: &Judging<'_>, found: &Conventions, rule: &Spanned<Rule>, all: bool, at: &Expectation) -> State {
    let id = rule.value.id();
    let lost = || cx.trace.dropped().first().map(|(ix, _)| *ix).or_else(|| cx.trace.untimed().next());
    let (cond, said, rows) = match found.answer(rule.value) {
        Answer::Kept => return Cond::HOLDS.into(),
        Answer::Silent if all => return Cond::HOLDS.into(),
        Answer::Silent => {
            let said = format!("No resource says enough for {id} to be answered.");
            (Cond::undecidable(Cause::Dropped), said, Vec::new())
        }
        Answer::Unknown => {
            let lost: Vec<_> = lost().into_iter().collect();
            let first = lost.first().map_or(String::new(), |&ix| format!(" (first: {})", text::span(cx.trace, ix)));
            let said = format!("Whether {id} is kept is unknown, since attributes or times of spans were lost{first}.");
            (Cond::undecidable(Cause::Dropped), said, lost)
        }
        Answer::Broken => {
            let breaches: Vec<&Breach> = found.of_rule(rule.value).collect();
            let more = breaches.len().saturating_sub(1);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let first = breaches.first().map_or(String::new(), |breach| sentence(breach));
            let cond = if rule.value.may_mend() { Cond::ABSENT } else { Cond::FINAL };
            let rows = breaches.iter().flat_map(|breach| breach.spans.iter().copied()).collect();
            (cond, format!("Rule {id} is broken: {first}{more}."), rows)
        }
    };
    let mut finding = cx.finding(RuleId::ConventionsRules, rule.span, &format!("{}.rules", at.path), said, &rows);
    finding.expected = rule.value.describes().to_owned();
    let actual: Vec<String> = found.of_rule(rule.value).take(5).map(sentence).collect();
    finding.actual = if actual.is_empty() { "unknown".to_owned() } else { actual.join("; ") };
    finding.hint = (!actual.is_empty()).then(|| rule.value.remedy().to_owned());
    State::lacks(cond, finding)
}

fn sentence(breach: &Breach) -> String {
    breach.sentence(text::safe)
}
