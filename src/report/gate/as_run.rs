//! A gate as the record of a run, so that every reporter of runs (JUnit, SARIF, Markdown, HTML, …) shows it: a test for each test, a
//! step for either arm with a trace to look at, an expectation for each difference and each path that was judged.

use super::{requests, words};
use crate::analyse::conventions::normalised;
use crate::assert::{self, Finding, RuleId};
use crate::baseline::{Key, Place};
use crate::gate::Verdict;
use crate::gate::acks::Acked;
use crate::gate::durations::Change;
use crate::gate::judgement::{Judgement, word};
use crate::gate::record::GateRecord;
use crate::gate::requests::{AllRequests, Found, Operation, TEST};
use crate::gate::structure::Structural;
use crate::gate::timing::Timed;
use crate::matcher::brief_duration;
use crate::run::record::{self, EnvironmentRecord, ExpectationRecord, RunRecord, StepRecord, TestRecord};
use crate::source::{SourceFile, Span};
use crate::trace::{SpanIx, SpanRef, Trace};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What belongs to a test beside its judgement.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    /// The file or folder that holds the baseline.
    pub source: PathBuf,
    /// A trace of the baseline.
    pub baseline: Option<Arc<Trace>>,
    /// And one of the candidate.
    pub candidate: Option<Arc<Trace>>,
}

/// The run. `examples` are in the order of the tests.
pub fn as_run(record: &GateRecord, examples: &[Examples], environment: EnvironmentRecord) -> RunRecord {
    let none = Examples::default();
    let nothing = || "nothing was judged".to_owned();
    let at = |at: usize| examples.get(at).unwrap_or(&none);
    let mut tests: Vec<TestRecord> =
        record.tests.iter().enumerate().map(|(number, one)| test(record, one, at(number))).collect();
    let source = &at(0).source;
    tests.extend(record.requests.as_ref().map(|all| all_requests(record, all, source)));
    RunRecord {
        // Neither is ever green, whatever the tests are.
        errors: record.doubt.clone().or_else(|| tests.is_empty().then(nothing)).into_iter().collect(),
        tests,
        remarks: record.remarks.clone(),
        started_ns: record.started_ns,
        duration: Duration::from_nanos(record.duration_ns),
        environment,
        ..RunRecord::default()
    }
}

fn test(record: &GateRecord, judgement: &Judgement, examples: &Examples) -> TestRecord {
    let source = SourceFile::new(examples.source.clone(), String::new());
    let candidate = candidate(judgement, examples.candidate.as_ref());
    let baseline = StepRecord {
        verdict: record::Verdict::Pass,
        trace_id: judgement.examples.0,
        trace: examples.baseline.clone(),
        remarks: vec![format!("{}, {} runs", record.baseline, judgement.runs.0)],
        ..StepRecord::new("baseline")
    };
    TestRecord {
        verdict: candidate.verdict,
        started_ns: record.started_ns,
        attempts: 1,
        steps: vec![candidate, baseline],
        ..TestRecord::new(judgement.name.clone(), &source, 1)
    }
}

/// All requests as one more test.
fn all_requests(record: &GateRecord, all: &AllRequests, source: &Path) -> TestRecord {
    let of = |(one, found): (&Operation, &Found)| {
        let path = format!("{}: {}", found.worse.word(), one.baseline.operation());
        let said = finding(RuleId::GateRequests, assert::Verdict::Fail, requests::sentence(one, found));
        judged(path, Verdict::Fail, found.acked.as_ref(), said)
    };
    let found = all.operations.iter().flat_map(|one| one.found.iter().map(move |found| (one, found)));
    let kept = all.operations.iter().filter(|one| one.judged && one.found.is_empty());
    let kept = kept
        .map(|one| expectation(format!("requests: {}", one.baseline.operation()), record::Verdict::Pass, Vec::new()));
    let verdict = match all.verdict() {
        Verdict::Pass => record::Verdict::Pass,
        Verdict::Inconclusive => record::Verdict::Inconclusive,
        Verdict::Fail => record::Verdict::Fail,
    };
    let step =
        StepRecord { verdict, expectations: found.map(of).chain(kept).collect(), ..StepRecord::new("candidate") };
    let source = SourceFile::new(source.to_owned(), String::new());
    TestRecord {
        verdict,
        started_ns: record.started_ns,
        attempts: 1,
        steps: vec![step],
        ..TestRecord::new(TEST.to_owned(), &source, 1)
    }
}

fn candidate(judgement: &Judgement, trace: Option<&Arc<Trace>>) -> StepRecord {
    let look = trace.map(|trace| &**trace);
    let structure = judgement.structure.iter().filter(|(one, _)| one.verdict > Verdict::Pass);
    let mut expectations: Vec<ExpectationRecord> =
        structure.map(|(one, acked)| of_structure(one, acked.as_ref(), look)).collect();
    expectations
        .extend(judgement.durations.iter().map(|(one, acked)| of_duration(judgement, one, acked.as_ref(), look)));
    expectations.extend(judgement.doubts.iter().map(|doubt| {
        let finding = finding(RuleId::GateEvidence, assert::Verdict::Inconclusive, words::doubted(judgement, doubt));
        expectation("runs".to_owned(), record::Verdict::Inconclusive, vec![finding])
    }));
    if let Some(why) = words::failed_by_itself(judgement) {
        // The whole is as bad as that only where nothing else is worse.
        let (verdict, found) = match judgement.verdict {
            Verdict::Fail => (record::Verdict::Fail, assert::Verdict::Fail),
            _ => (record::Verdict::Inconclusive, assert::Verdict::Inconclusive),
        };
        let finding = finding(RuleId::GateRuns, found, why);
        expectations.push(expectation("runs pass".to_owned(), verdict, vec![finding]));
    }
    let said = judgement.structure.iter().filter(|(one, _)| one.verdict == Verdict::Pass);
    let mut remarks: Vec<String> = said.map(|(one, _)| words::different(one)).collect();
    remarks.extend(judgement.durations.iter().filter_map(|(one, _)| words::worth_a_word(one, judgement)));
    remarks.extend([format!("{} runs", judgement.runs.1)]);
    StepRecord {
        verdict: match judgement.verdict {
            Verdict::Pass => record::Verdict::Pass,
            Verdict::Inconclusive => record::Verdict::Inconclusive,
            Verdict::Fail => record::Verdict::Fail,
        },
        trace_id: judgement.examples.1,
        trace: trace.cloned(),
        expectations,
        remarks,
        ..StepRecord::new("candidate")
    }
}

fn expectation(path: String, verdict: record::Verdict, findings: Vec<Finding>) -> ExpectationRecord {
    ExpectationRecord { path, at: Span::new(0, 0), family: "gate", verdict, findings }
}

fn finding(rule: RuleId, verdict: assert::Verdict, message: String) -> Finding {
    Finding::new(rule, verdict, Span::new(0, 0), "", message)
}

/// An expectation with a finding, or, where somebody accepted that, with none.
fn judged(path: String, verdict: Verdict, acked: Option<&Acked>, mut finding: Finding) -> ExpectationRecord {
    if acked.is_some_and(|acked| !acked.expired) {
        return expectation(path, record::Verdict::Pass, Vec::new());
    }
    finding.hint = acked.map(words::acked).or(finding.hint);
    let verdict = if verdict == Verdict::Fail { record::Verdict::Fail } else { record::Verdict::Inconclusive };
    finding.expectation.clone_from(&path);
    expectation(path, verdict, vec![finding])
}

fn of_structure(one: &Structural, acked: Option<&Acked>, trace: Option<&Trace>) -> ExpectationRecord {
    let difference = &one.difference;
    let verdict = if one.verdict == Verdict::Fail { assert::Verdict::Fail } else { assert::Verdict::Inconclusive };
    let mut found = finding(RuleId::GateStructure, verdict, words::different(one));
    (found.expected, found.actual) = (difference.baseline(), difference.candidate());
    found.hint = Some("if it is meant, record the baseline anew, or accept it with `acks`".to_owned());
    mark(&mut found, trace, difference.place.as_ref());
    judged(format!("{}: {}", difference.change.word(), difference.subject()), one.verdict, acked, found)
}

fn of_duration(judgement: &Judgement, one: &Timed, acked: Option<&Acked>, trace: Option<&Trace>) -> ExpectationRecord {
    let path = format!("duration: {}", one.place.text());
    let (Some(_), Some(measured)) = (word(one.judged.change), &one.judged.measured) else {
        return expectation(path, record::Verdict::Pass, Vec::new());
    };
    let mut message = words::moved(one).unwrap_or_default();
    if one.is_root {
        message = words::slower_because(judgement, one).unwrap_or(message);
    }
    let rule = if one.judged.change == Change::SlowTail { RuleId::GateTail } else { RuleId::GateDuration };
    let mut found = finding(rule, assert::Verdict::Fail, message);
    (found.expected, found.actual) = (brief_duration(measured.baseline_ns), brief_duration(measured.candidate_ns));
    mark(&mut found, trace, Some(&one.place));
    judged(path, Verdict::Fail, acked, found)
}

/// The spans of a path.
fn mark(found: &mut Finding, trace: Option<&Trace>, place: Option<&Place>) {
    let (Some(trace), Some(place)) = (trace, place) else { return };
    let is = |span: SpanRef<'_>, key: Option<&Key>| {
        key.is_some_and(|key| {
            *key.service == *span.service() && key.kind == span.kind() && *key.name == *normalised(span.name())
        })
    };
    let of_path = trace.spans().filter(|span| is(*span, place.last()));
    let of_path = of_path.filter(|span| {
        span.parent().is_none() && place.above().is_none()
            || span.parent().is_some_and(|above| is(above, place.above()))
    });
    found.rows = of_path.map(|span| span.ix()).collect::<Vec<SpanIx>>();
    found.span_ids = found.rows.iter().map(|&ix| trace.span(ix).id()).collect();
}
