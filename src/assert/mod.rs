//! Expectations of a trace: one file per family, each yielding findings and saying whether it is decided.
//!
//! [`judge`] is called on every new snapshot of a trace with the [`Phase`] that the completeness engine gives it, until
//! nothing is open. Its rules (backends.md, section 6): presence and lower bounds may pass early; what the spans at hand
//! break for good fails early; all else waits until the trace has settled. `state` holds the one table of them.
//!
//! Where links are followed, services, calls, selections, orders, errors and structures see the spans of linked traces
//! too; `span_count`, `depth`, `roots`, `duration` and `propagation` speak of the trace itself.

mod bounds;
mod calls;
mod clock_skew;
mod conventions;
mod criteria;
mod critical_path;
mod differs;
mod distinct;
mod errors;
mod finding;
mod gaps;
mod judging;
mod lack;
mod logic;
mod lookup;
mod lost;
mod matching;
mod nearest;
mod network;
mod order;
mod outgoing;
mod propagation;
mod repeats;
mod rule;
pub mod runs;
mod selections;
mod serial;
mod services;
mod shape;
mod snapshot;
mod spans;
mod state;
mod structure;
mod text;
mod times;
mod totals;
mod traceql;
mod unended;
mod unsettled;
mod versions;
mod whereabouts;
mod witness;

pub use errors::failure;
pub use finding::{Context, Finding, Judgement, Verdict, Witnessed};
pub use lack::{Absent, Lack};
pub use rule::RuleId;
pub use snapshot::shape;
pub use text::quoted;
pub use whereabouts::{begun_by, kept, set};
pub use witness::{Unseen, UnseenKind};

use crate::facts::Facts;
use crate::spec::plan::{Check, TraceExpectations};
use crate::trace::Phase;
use judging::Judging;

/// Judges a trace, or its facts where they are at hand: one [`Judgement`] for each expectation, in the order of
/// `expect.list`. All operands must be bound.
pub fn judge<'t>(
    trace: impl Into<Facts<'t>>,
    expect: &TraceExpectations,
    phase: Phase,
    context: &Context,
) -> Vec<Judgement> {
    versions::all(&trace.into(), |version| judge_facts(version, expect, phase, context))
}

fn judge_facts(facts: &Facts<'_>, expect: &TraceExpectations, phase: Phase, context: &Context) -> Vec<Judgement> {
    let cx = &Judging::new(facts, expect, phase, context);
    // What several expectations of one family share.
    let (exporters, shares) = (propagation::Exporters::default(), distinct::Shares::default());
    let (families, unsettled) = (order::Families::default(), unsettled::Unsettled::default());
    let (path, network) = (critical_path::Path::default(), network::Measured::default());
    let judged = expect.list.iter().enumerate().map(|(index, at)| {
        let mut outcome = match &at.check {
            Check::Services(services) => services::judge(cx, services, at),
            Check::Calls(calls) => calls::judge(cx, &exporters, calls, at),
            Check::Spans(check) => spans::judge(cx, &shares, index, check, at),
            Check::SpanCount(matcher) => totals::span_count(cx, matcher, at),
            Check::Depth(matcher) => totals::depth(cx, matcher, at),
            Check::Roots(matcher) => totals::roots(cx, matcher, at),
            Check::Errors(errors) => errors::judge(cx, errors, at),
            Check::Duration { of_root, matcher } => totals::duration(cx, *of_root, matcher, at),
            Check::Order(order) => order::judge(cx, &shares, &families, order, at),
            Check::Structure(structure) => structure::judge(cx, structure, at),
            Check::Propagation => propagation::judge(cx, &exporters, at),
            Check::ClockSkew => clock_skew::judge(cx, at),
            Check::Repeats(repeats) => repeats::judge(cx, repeats, at),
            Check::Serial(serial) => serial::judge(cx, serial, at),
            Check::FanOut(matcher) => shape::fan_out(cx, matcher, at),
            Check::Chain(matcher) => shape::chain(cx, matcher, at),
            Check::Concurrency(matcher) => shape::concurrency(cx, matcher, at),
            Check::CriticalPath(check) => critical_path::judge(cx, &path, check, at),
            Check::Network(check) => network::judge(cx, &network, check, at),
            Check::Gaps(check) => gaps::judge(cx, check, at),
            Check::TraceQl { query, text, none } => traceql::judge(cx, query, text, *none, at),
            Check::Conventions(conventions) => conventions::judge(cx, conventions, at),
            Check::Snapshot { name, accepted } => snapshot::judge(cx, name, accepted.as_deref(), at),
        };
        cx.take_remarks().into_iter().for_each(|remark| outcome.remark(remark));
        state::conclude(cx, &unsettled, index, outcome)
    });
    judged.collect()
}
