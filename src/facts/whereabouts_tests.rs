#![allow(clippy::unwrap_used)]
use super::*;
use crate::facts::{Exported, PROCESS_ATTRIBUTE, Setting};
use crate::trace::fixture::{Draft, TRACE, draft};
use crate::trace::{Link, SpanId, SpanRecord, StatusCode, Sym, Trace, TraceBuilder, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

const CALL_US: (u64, u64) = (1_000, 2_000);
const LATER_NS: u64 = 1_000_000_000;

/// An entry span that `service` exported as the root of trace `id`, at a nanosecond after a second.
fn begun(mark: Option<&str>, service: &str, id: u128, after_ns: u64, links: &[u128]) -> TraceBuilder {
    let mut builder = TraceBuilder::new();
    let name = Value::Str(builder.intern(service));
    let mut pairs = vec![(builder.intern("service.name"), name)];
    if let Some(mark) = mark {
        let mark = Value::Str(builder.intern(mark));
        pairs.push((builder.intern(PROCESS_ATTRIBUTE), mark));
    }
    let resource = builder.resource(pairs);
    let (name, scope) = (builder.intern("POST /charge"), builder.scope("", "", Vec::new()));
    let start_ns = LATER_NS + after_ns;
    let link = |id: &u128| Link {
        trace_id: TraceId::new(*id).unwrap(),
        span_id: SpanId::new(1).unwrap(),
        trace_state: Sym::EMPTY,
        attributes: Vec::new().into(),
    };
    builder.span(SpanRecord {
        trace_id: TraceId::new(id).unwrap(),
        span_id: SpanId::new(1).unwrap(),
        parent_id: None,
        name,
        kind: Kind::Server,
        status: StatusCode::Unset,
        status_message: Sym::EMPTY,
        trace_state: Sym::EMPTY,
        flags: None,
        start_ns,
        end_ns: start_ns + 1,
        attributes: Vec::new(),
        events: Vec::new(),
        links: links.iter().map(link).collect(),
        dropped: Default::default(),
        resource,
        scope,
    });
    builder
}

/// A shop that calls `billing` by name from 1 ms to 2 ms after a second.
fn shop(change: impl Fn(Draft) -> Draft) -> Trace {
    let call = Draft::new(2, 1, "shop", Kind::Client).times(CALL_US.0 * 1000, CALL_US.1 * 1000);
    draft(&[Draft::new(1, 0, "shop", Kind::Server), change(call.text("peer.service", "billing"))])
}

fn known(started: Vec<Started>, exported: &[TraceBuilder]) -> Processes {
    let mut all = Arc::default();
    exported.iter().for_each(|spans| Exported::learn(&mut all, Exported::of(spans)));
    Processes { started: started.into(), exported: vec![all], is_all: true }
}

fn found(known: &Processes, trace: &Trace) -> String {
    match known.whereabouts(&trace.into(), "billing", false) {
        None => "nothing".to_owned(),
        Some(Whereabouts::Linked(begun, own)) => format!("linked {} {own}", begun.trace.get()),
        Some(Whereabouts::Began { first, all, process }) => {
            format!("began {} of {all} {:?}", first.trace.get(), process.map(|one| one.name.as_str()))
        }
        Some(Whereabouts::Unsampled(_)) => "unsampled".to_owned(),
        Some(Whereabouts::Kept(started, setting)) => format!("{} {}", started.name, setting.name),
        Some(Whereabouts::Elsewhere(call)) => format!("elsewhere {}", call.is_some()),
        Some(Whereabouts::Nowhere(process, call)) => format!("nowhere {} {}", process.is_some(), call.is_some()),
    }
}

fn process(name: &str, service: Option<&str>, settings: &[(&'static str, Effect)]) -> Started {
    let setting = |(name, effect): &(&'static str, Effect)| Setting {
        name,
        value: "x".to_owned(),
        is_configured: true,
        effect: *effect,
    };
    Started {
        service: service.map(str::to_owned),
        settings: settings.iter().map(setting).collect(),
        ..Started::new(name, 0, BTreeSet::new())
    }
}

#[test]
fn what_the_service_did_meanwhile_comes_before_what_it_did_at_other_times() {
    let (during, before) = (CALL_US.0 * 1000, 0);
    let at = |ns, id| begun(None, "billing", id, ns, &[]);
    let trace = shop(|call| call);
    assert_eq!(found(&known(vec![], &[at(during, 8), at(before, 9)]), &trace), "began 9 of 2 None");
    // Long after the call, and after the trace.
    assert_eq!(found(&known(vec![], &[at(60_000_000_000, 9)]), &trace), "elsewhere true");
    // Another service's, or the trace itself.
    assert_eq!(found(&known(vec![], &[begun(None, "mailer", 8, during, &[])]), &trace), "nowhere false true");
    assert_eq!(found(&known(vec![], &[at(during, TRACE)]), &trace), "elsewhere true");
    let marked = begun(Some("till"), "billing", 8, during, &[]);
    assert_eq!(found(&known(vec![process("till", None, &[])], &[marked]), &trace), "began 8 of 1 Some(\"till\")");
}

#[test]
fn a_trace_that_links_here_is_named_unless_links_are_followed() {
    let trace = shop(|call| call);
    let own = begun(None, "billing", 8, 60_000_000_000, &[TRACE]);
    let all = known(vec![], &[own]);
    assert_eq!(found(&all, &trace), "linked 8 true");
    assert!(!matches!(all.whereabouts(&Facts::from(&trace), "billing", true), Some(Whereabouts::Linked(..))));
    // What another began may hold it only if it exports at all.
    let mailer = || begun(None, "mailer", 9, 60_000_000_000, &[TRACE]);
    assert_eq!(found(&known(vec![], &[mailer()]), &trace), "nowhere false true");
    let elsewhere = begun(None, "billing", 8, 90_000_000_000, &[]);
    assert_eq!(found(&known(vec![], &[mailer(), elsewhere]), &trace), "linked 9 false");
}

#[test]
fn a_call_that_is_not_sampled_by_its_flags_has_no_answer() {
    let of = |flags: Option<u32>| {
        found(&known(vec![], &[]), &shop(|call| flags.map_or(call.clone(), |it| call.clone().flags(it))))
    };
    assert_eq!(of(Some(0x100)), "unsampled");
    assert_eq!(of(Some(0x101)), "nowhere false true");
    // Flags that were not told are zero, too.
    assert_eq!((of(Some(0)), of(None)), ("nowhere false true".to_owned(), "nowhere false true".to_owned()));
}

#[test]
fn a_setting_is_a_cause_only_of_a_process_that_exported_nothing() {
    let trace = shop(|call| call);
    let off: &[(&str, Effect)] = &[("OTEL_TRACES_SAMPLER", Effect::Sampled)];
    let by_name = || process("billing", None, off);
    assert_eq!(found(&known(vec![by_name(), process("x", None, &[])], &[]), &trace), "billing OTEL_TRACES_SAMPLER");
    let by_service = process("till", Some("billing"), off);
    assert_eq!(found(&known(vec![process("x", None, &[]), by_service], &[]), &trace), "till OTEL_TRACES_SAMPLER");
    // Which process it is nobody knows, unless there is only one.
    let other = || process("other", None, off);
    assert_eq!(found(&known(vec![other(), process("x", None, &[])], &[]), &trace), "nowhere false true");
    assert_eq!(found(&known(vec![other()], &[]), &trace), "other OTEL_TRACES_SAMPLER");
    let exports = begun(Some("billing"), "mailer", 9, 0, &[]);
    assert_eq!(found(&known(vec![by_name()], &[exports]), &trace), "nowhere false true");
    // What it reads of a context keeps nothing back.
    let propagators = process("billing", None, &[("OTEL_PROPAGATORS", Effect::OtherContext)]);
    assert_eq!(found(&known(vec![propagators], &[]), &trace), "nowhere true true");
    // Of a store it is not known what never came to it.
    let remote = Processes { is_all: false, ..known(vec![], &[]) };
    assert_eq!(found(&remote, &trace), "nothing");
}

#[test]
fn moments_that_overlap_are_one_and_those_between_are_none() {
    const MS: u64 = 1_000_000;
    let moments = [(50 * MS, 60 * MS), (10 * MS, 20 * MS), (12 * MS, 13 * MS), (19 * MS, 30 * MS)];
    assert_eq!(joined(&moments), [(9 * MS, 31 * MS), (49 * MS, 61 * MS)]);
    assert_eq!(joined(&[(u64::MAX, 0)]), [(u64::MAX - MS, u64::MAX)]);
    assert!(joined(&[]).is_empty());
}
