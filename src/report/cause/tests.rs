//! Which findings are one block, and which comes first in it.

use super::*;
use crate::assert::RuleId;
use crate::run::record::ExpectationRecord;
use crate::run::record::Verdict as Record;
use crate::source::Span;
use crate::trace::Kind;
use crate::trace::fixture::{Draft, draft};
use std::sync::Arc;

/// A span for each of these: id, parent, name, start, end; one that begins with `!` failed.
fn trace(spans: &[(u64, u64, &str, u64, u64)]) -> Trace {
    let spans: Vec<Draft> = spans
        .iter()
        .map(|&(id, parent, name, start, end)| {
            let span = Draft::new(id, parent, "shop", Kind::Internal).name(name).times(start, end);
            if name.starts_with('!') { span.error() } else { span }
        })
        .collect();
    draft(&spans)
}

fn finding(rule: RuleId, rows: &[usize], trace: &Trace) -> Finding {
    let rows: Vec<SpanIx> = rows.iter().map(|&at| trace.spans().nth(at).expect("a row").ix()).collect();
    let message = format!("{rule} {rows:?}");
    Finding { rows, ..Finding::new(rule, Verdict::Fail, Span::default(), "", message) }
}

fn lacking(rule: RuleId, lacks: &[Lack], trace: &Trace) -> Finding {
    Finding { lacks: lacks.to_vec(), message: format!("{rule} {lacks:?}"), ..finding(rule, &[], trace) }
}

/// `lead: also, also` of each block.
fn shown(trace: Trace, findings: Vec<Finding>) -> Vec<String> {
    let mut step = StepRecord::new("");
    step.trace = Some(Arc::new(trace));
    step.expectations = findings
        .into_iter()
        .zip(0..)
        .map(|(finding, line)| ExpectationRecord {
            path: String::new(),
            at: Span::default(),
            family: "",
            verdict: Record::Fail,
            // Each at a place of its own.
            findings: vec![Finding { at: Span::new(line, line + 1), ..finding }],
        })
        .collect();
    let show = |block: Block<'_>| {
        let also: Vec<&str> = block.also.iter().map(|finding| finding.rule.id()).collect();
        let because = block.because.map_or(String::new(), |ix| {
            let trace = step.trace.as_ref().expect("a trace");
            format!(" because of {}", trace.span(ix).name())
        });
        format!("{}{because}: {}", block.lead.rule, also.join(", "))
    };
    blocks(&step).into_iter().map(show).collect()
}

#[test]
fn what_one_missing_service_causes_is_one_block() {
    let trace = trace(&[(1, 0, "a", 0, 9)]);
    let service = Lack::Service("stock".to_owned());
    let selection = Lack::Selection("{name: reserve}".to_owned());
    let findings = vec![
        lacking(RuleId::ServicesAll, std::slice::from_ref(&service), &trace),
        lacking(RuleId::CallsRequire, std::slice::from_ref(&service), &trace),
        finding(RuleId::SpanCount, &[], &trace),
        lacking(RuleId::SpansCount, &[selection.clone(), service], &trace),
        lacking(RuleId::OrderBefore, &[selection], &trace),
        lacking(RuleId::ServicesAll, &[Lack::Service("mail".to_owned())], &trace),
    ];
    let blocks = shown(trace, findings);
    assert_eq!(
        blocks,
        ["calls.require: services.all, span_count, spans.count, order.before", "services.all: "],
        "another service is another cause"
    );
}

#[test]
fn what_happens_too_often_leads_what_counts_it_and_what_is_below_it() {
    let spans = [(1, 0, "order", 0, 90), (2, 1, "pay", 1, 20), (3, 2, "charge", 2, 19), (4, 1, "pay", 30, 40)];
    let trace = trace(&spans);
    let findings = vec![
        finding(RuleId::SpanCount, &[], &trace),
        finding(RuleId::SpansCount, &[2], &trace),
        finding(RuleId::CallsRequire, &[1, 3], &trace),
    ];
    assert_eq!(shown(trace, findings), ["calls.require: span_count, spans.count"]);
}

#[test]
fn a_wrong_answer_leads_what_follows_from_it_and_names_where_it_began() {
    let spans = [(1, 0, "order", 0, 90), (2, 1, "!call", 1, 20), (3, 2, "!charge", 2, 19), (4, 1, "other", 30, 40)];
    let trace = trace(&spans);
    let findings = vec![
        finding(RuleId::ResponseJson, &[], &trace),
        finding(RuleId::ResponseStatus, &[], &trace),
        lacking(RuleId::ServicesAll, &[Lack::Service("stock".to_owned())], &trace),
        finding(RuleId::ErrorsCount, &[1, 2], &trace),
        finding(RuleId::SpansAttributes, &[0], &trace),
        finding(RuleId::SpansAttributes, &[3], &trace),
        finding(RuleId::SpansDuration, &[3], &trace),
    ];
    assert_eq!(
        shown(trace, findings),
        [
            "response.status because of !charge: response.json, services.all, errors.count, spans.attributes",
            "spans.duration: ",
            "spans.attributes: ",
        ]
    );
}

#[test]
fn without_a_failure_a_wrong_answer_explains_only_the_answer() {
    let trace = trace(&[(1, 0, "order", 0, 90)]);
    let findings = vec![
        finding(RuleId::ResponseStatus, &[], &trace),
        finding(RuleId::ResponseJson, &[], &trace),
        lacking(RuleId::ServicesAll, &[Lack::Service("stock".to_owned())], &trace),
    ];
    assert_eq!(shown(trace, findings), ["response.status: response.json", "services.all: "]);
}

#[test]
fn a_slow_span_leads_the_whole_only_if_it_has_half_of_it() {
    let spans = [(1, 0, "order", 0, 100), (2, 1, "charge", 10, 90), (3, 1, "mail", 91, 99)];
    let told: [(usize, &[&str]); 2] = [
        (1, &["spans.duration: response.duration, duration.trace"]),
        (2, &["spans.duration: ", "duration.trace: response.duration"]),
    ];
    for (row, blocks) in told {
        let trace = trace(&spans);
        let findings = vec![
            finding(RuleId::ResponseDuration, &[], &trace),
            finding(RuleId::DurationTrace, &[0, 2], &trace),
            finding(RuleId::SpansDuration, &[row], &trace),
        ];
        assert_eq!(shown(trace, findings), blocks);
    }
}

#[test]
fn every_finding_is_in_exactly_one_block() {
    let trace = trace(&[(1, 0, "a", 0, 9), (2, 1, "!b", 1, 8)]);
    let all: Vec<Finding> = RuleId::ALL.iter().map(|&rule| finding(rule, &[1], &trace)).collect();
    let number = all.len();
    let blocks = shown(trace, all);
    let said: usize =
        blocks.iter().map(|block| block.matches(", ").count() + usize::from(!block.ends_with(": ")) + 1).sum();
    assert_eq!(said, number, "{blocks:#?}");
}
