//! The document of `analyze --json`. Ids are lower-case hex, times integer nanoseconds; arrays are in the order of the spans,
//! by start, unless something else is said.

use super::one::ids;
use super::words::{keep, remedy, sentence};
use crate::analyse::Root;
use crate::analyse::conventions::{Answer, Rule};
use crate::analyse::findings::{Finding, Kind};
use crate::analyse::outgoing::Under;
use crate::analyse::repeats::Mode;
use crate::analyse::serial::Grade;
use crate::analyse::shape;
use crate::analyse::whole::Analyses;
use crate::trace::{SpanIx, SpanRef};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The document's schema.
pub const SCHEMA: &str = "tracespec/analyze/1";

/// One trace. `findings` come the most expensive first.
pub fn document(analyses: &Analyses<'_>, findings: &[Finding]) -> Value {
    let trace = analyses.trace();
    let id = |ix: SpanIx| trace.span(ix).id().to_string();
    let all_ids = |rows: &[SpanIx]| ids(analyses, rows);
    let named =
        |span: SpanRef<'_>| json!({"span_id": span.id().to_string(), "service": span.service(), "name": span.name()});
    let critical: Vec<Value> = analyses
        .path
        .iter()
        .flat_map(|path| &path.sections)
        .map(|section| {
            let mut entry = named(trace.span(section.span));
            entry["start_ns"] = json!(section.start_ns);
            entry["end_ns"] = json!(section.end_ns);
            entry
        })
        .collect();
    let own = |ix: SpanIx| json!({"span_id": id(ix), "self_ns": analyses.facts.self_time(ix)});
    let pair = |pair: &crate::analyse::network::Pair| {
        let (client, server) = (trace.span(pair.client), trace.span(pair.server));
        json!({
            "client_span_id": id(pair.client), "server_span_id": id(pair.server),
            "from": client.service(), "to": server.service(),
            "request_ns": number(pair.request_ns), "response_ns": number(pair.response_ns),
            "overhead_ns": number(pair.overhead_ns()),
        })
    };
    let host = |ix: SpanIx| {
        let instances = analyses.facts.instances();
        instances.label(instances.instance(trace.span(ix))).to_owned()
    };
    let skews = analyses.skews.pairs.iter().map(|skew| {
        json!({
            "from_host": host(skew.from), "to_host": host(skew.to),
            "low_ns": skew.low_ns.map(number), "high_ns": skew.high_ns.map(number),
            "proven": skew.proof().is_some(),
        })
    });
    let under = |under: Under| match under {
        Under::Span(ix) => json!(id(ix)),
        Under::Missing(id) => json!(id.to_string()),
        Under::Nothing => Value::Null,
    };
    let repeats = analyses.repeats.iter().map(|(group, repeat)| {
        let signature = analyses.calls.signature(&analyses.calls.all[group.calls[0] as usize]);
        json!({
            "parent_span_id": group.under.map_or(Value::Null, under),
            "caller": trace.text(signature.caller), "callee": signature.callee, "template": signature.operation,
            "count": repeat.count, "distinct_params": repeat.distinct_values,
            "mode": match repeat.mode {
                Mode::Sequential => "sequential",
                Mode::Concurrent => "concurrent",
                Mode::Mixed => "mixed",
                Mode::Unknown => "unknown",
            },
        })
    });
    let serial = analyses.runs.iter().map(|run| {
        json!({
            "parent_span_id": under(run.under), "span_ids": all_ids(&analyses.rows(&run.calls)),
            "saving_ns": run.saving_ns(),
            "grade": match run.grade {
                Grade::Certain => "certain",
                Grade::Possible => "possible",
                Grade::Unknown => "unknown",
            },
        })
    });
    let fan_out = shape::fan_out(&analyses.calls);
    let fan_out = fan_out
        .iter()
        .map(|one| json!({"parent_span_id": under(one.under), "calls": one.calls.len(), "callees": one.callees}));
    let gaps = analyses.gaps.iter().map(|gap| {
        json!({
            "span_id": id(gap.span), "start_ns": gap.start_ns, "end_ns": gap.end_ns, "position": gap.position.word(),
        })
    });
    let roots = match &analyses.root {
        Root::One(root) => vec![*root],
        Root::Several(roots) => roots.clone(),
        Root::Missing => Vec::new(),
    };
    let unanswered: Vec<SpanIx> = analyses.facts.calls().unanswered().map(|call| call.span).collect();
    let swallowed = &analyses.unreported.known;
    let errors = trace.spans().filter(|span| span.is_error()).map(|span| {
        let mut entry = named(span);
        entry["message"] = json!(span.status_message());
        entry["swallowed"] = json!(swallowed.binary_search(&span.ix()).is_ok());
        entry
    });
    json!({
        "trace_id": trace.id().to_string(),
        "span_count": trace.len(),
        "services": trace.service_names(),
        "duration_ns": trace.duration_ns(),
        "root": if let Root::One(root) = analyses.root { json!(id(root)) } else { Value::Null },
        "findings": findings.iter().map(|one| finding(analyses, one)).collect::<Vec<_>>(),
        "critical_path": critical,
        "self_time": trace.spans().map(|span| own(span.ix())).collect::<Vec<_>>(),
        "network": analyses.network.pairs.iter().map(pair).collect::<Vec<_>>(),
        "clock_skew": skews.collect::<Vec<_>>(),
        "repeats": repeats.collect::<Vec<_>>(),
        "serial": serial.collect::<Vec<_>>(),
        "fan_out": fan_out.collect::<Vec<_>>(),
        "chain_depth": shape::chain(&analyses.facts).map_or(0, |chain| chain.hops),
        "gaps": gaps.collect::<Vec<_>>(),
        "calls": calls(analyses),
        "propagation": {
            "roots": all_ids(&roots), "orphans": all_ids(trace.tree().orphans()), "unanswered": all_ids(&unanswered),
        },
        "errors": errors.collect::<Vec<_>>(),
        "conventions": conventions(analyses),
    })
}

/// A whole number; of one that is too great for JSON's readers the greatest that is not.
fn number(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

pub(super) fn finding(analyses: &Analyses<'_>, finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.word(),
        "impact": if let Kind::Convention(rule) = finding.kind { json!(rule.impact().word()) } else { Value::Null },
        "message": sentence(finding),
        "remedy": remedy(finding),
        "keep": keep(finding),
        "count": finding.count,
        "bytes": if finding.kind == Kind::Large { json!(finding.bytes) } else { Value::Null },
        "time_ns": finding.time_ns,
        "cost_ns": finding.cost_ns,
        "span_ids": ids(analyses, &finding.rows),
    })
}

/// By caller and callee.
fn calls(analyses: &Analyses<'_>) -> Vec<Value> {
    let trace = analyses.trace();
    let mut by_pair: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for call in &analyses.calls.all {
        let signature = analyses.calls.signature(call);
        let failed = trace.span(call.span).is_error() || call.entry.is_some_and(|entry| trace.span(entry).is_error());
        let entry = by_pair.entry((trace.text(signature.caller), &signature.callee)).or_default();
        *entry = (entry.0 + 1, entry.1 + usize::from(failed));
    }
    let entry = |((from, to), (count, errors))| json!({"from": from, "to": to, "count": count, "errors": errors});
    by_pair.into_iter().map(entry).collect()
}

/// Its findings by impact. Rules of our own are findings and never count for the score.
fn conventions(analyses: &Analyses<'_>) -> Value {
    let conventions = &analyses.conventions;
    let findings = conventions.breaches.iter().map(|breach| {
        json!({
            "rule": breach.rule.id(), "impact": breach.rule.impact().word(), "scored": breach.rule.is_scored(),
            "message": breach.sentence(super::words::short), "remedy": breach.rule.remedy(),
            "count": breach.count, "span_ids": ids(analyses, &breach.spans),
        })
    });
    let unanswered = Rule::ALL.iter().filter(|&&rule| conventions.answer(rule) > Answer::Broken);
    json!({
        "score": conventions.score().value(),
        "complete": false,
        "unanswered": unanswered.map(|rule| rule.id()).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}
