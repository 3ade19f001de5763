//! What several traces say together: findings that come again, and how long calls take between services.

use super::findings::{Finding, rank};
use super::outgoing::Protocol;
use super::stats::Sample;
use super::whole::Analyses;
use std::collections::BTreeMap;

/// The calls from one service to another by one protocol, over all traces.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The caller.
    pub from: String,
    /// What is called.
    pub to: String,
    /// What is spoken.
    pub protocol: Protocol,
    /// How many of the calls failed.
    pub errors: usize,
    /// How long they took, as the caller saw it.
    pub times: Sample,
}

/// A finding that some traces share.
#[derive(Debug, Clone)]
pub struct Recurring {
    /// The one that costs most.
    pub finding: Finding,
    /// Which trace that is, by its position.
    pub worst: usize,
    /// How many traces have it.
    pub traces: usize,
    last: Option<usize>,
}

/// What is known of the traces that were added.
#[derive(Debug, Default)]
pub struct Across {
    traces: usize,
    roots: Vec<u64>,
    times: BTreeMap<(String, String, Protocol), (usize, Vec<u64>)>,
    findings: BTreeMap<Subject, Recurring>,
}

/// What the same finding has in common in several traces.
type Subject = (super::findings::Kind, String, String, String, String);

impl Across {
    /// Adds a trace.
    pub fn add(&mut self, analyses: &Analyses<'_>, findings: Vec<Finding>) {
        let trace = analyses.trace();
        self.roots.extend(analyses.path.as_ref().map(|path| path.duration_ns));
        for call in &analyses.calls.all {
            let signature = analyses.calls.signature(call);
            let span = trace.span(call.span);
            let key = (trace.text(signature.caller).to_owned(), signature.callee.clone(), signature.protocol);
            let (errors, times) = self.times.entry(key).or_default();
            *errors += usize::from(span.is_error());
            // What is only seen by the callee has no network time in it.
            if call.by_caller && span.is_timed() {
                times.push(span.duration_ns());
            }
        }
        for finding in findings {
            let (kind, service, span, callee, detail) = finding.subject();
            let key = (kind, service.to_owned(), span.to_owned(), callee.to_owned(), detail.to_owned());
            let at = self.traces;
            let known = self.findings.entry(key).or_insert_with(|| Recurring {
                finding: finding.clone(),
                worst: at,
                traces: 0,
                last: None,
            });
            // A trace may have it several times, under several spans of one name.
            known.traces += usize::from(known.last.replace(at) != Some(at));
            let cost = |one: &Finding| (one.cost_ns, one.count, one.time_ns);
            if cost(&finding) > cost(&known.finding) {
                (known.finding, known.worst) = (finding, at);
            }
        }
        self.traces += 1;
    }
    /// How many traces were added.
    pub fn traces(&self) -> usize {
        self.traces
    }
    /// The durations of the roots.
    pub fn roots(&self) -> Option<Sample> {
        Sample::new(self.roots.clone())
    }
    /// The findings, the most expensive first, each once.
    pub fn findings(&self) -> Vec<Recurring> {
        let mut order: Vec<Finding> = self.findings.values().map(|one| one.finding.clone()).collect();
        rank(&mut order);
        let of = |finding: &Finding| {
            let (kind, service, span, callee, detail) = finding.subject();
            let key = (kind, service.to_owned(), span.to_owned(), callee.to_owned(), detail.to_owned());
            self.findings.get(&key).cloned()
        };
        order.iter().filter_map(of).collect()
    }
    /// The calls between services, by caller, callee and protocol.
    pub fn pairs(&self) -> Vec<Pair> {
        let pair = |((from, to, protocol), (errors, times)): (&(String, String, Protocol), &(usize, Vec<u64>))| {
            let times = Sample::new(times.clone())?;
            Some(Pair { from: from.clone(), to: to.clone(), protocol: *protocol, errors: *errors, times })
        };
        self.times.iter().filter_map(pair).collect()
    }
}
