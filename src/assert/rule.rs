//! The rules that findings name: stable ids by which a reader, a filter or another tool tells one kind of finding from
//! another. An id never changes its meaning; `docs/rules.md` lists them for users.

use crate::spec::plan::{Fact, Relation};
use std::fmt;

macro_rules! rules {
    ($($name:ident $id:literal $doc:literal)*) => {
        /// Which rule a finding says was not kept, or could not be checked. Whether it was violated or only undecided is
        /// the finding's verdict.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $(#[doc = $doc] $name,)*
        }

        impl RuleId {
            /// All of them, in the order of the keys of the language.
            pub const ALL: &'static [RuleId] = &[$(RuleId::$name),*];

            /// The id: the key of the spec that it belongs to, a dot, and what it asks for.
            pub const fn id(self) -> &'static str {
                match self { $(RuleId::$name => $id,)* }
            }
            /// What it asks for, in one sentence.
            pub const fn describes(self) -> &'static str {
                match self { $(RuleId::$name => $doc,)* }
            }
        }
    };
}

rules! {
    ResponseStatus "response.status" "The answer has the expected status; without an expectation, one below 400."
    ResponseHeader "response.header" "A header of the answer is as expected."
    ResponseJson "response.json" "What a JSON path selects in the answer's body is as expected."
    ResponseBody "response.body" "The answer's body is as expected."
    ResponseStatusMessage "response.status_message" "The message of a gRPC status is as expected."
    ResponseMetadata "response.metadata" "The metadata of a gRPC answer is as expected."
    ResponseErrors "response.errors" "A GraphQL answer has the expected errors; without an expectation, none."
    ResponseExitCode "response.exit_code" "A program ends with the expected code; without an expectation, with 0."
    ResponseStdout "response.stdout" "What a program writes is as expected."
    ResponseStderr "response.stderr" "What a program writes to its other output is as expected."
    ResponseDuration "response.duration" "The answer comes in the expected time."
    ResponseCapture "response.capture" "The answer has every value that is to be captured."

    ServicesAll "services.all" "Every listed service has a span in the trace."
    ServicesAny "services.any" "At least one of the listed services has a span in the trace."
    ServicesNone "services.none" "No listed service has a span in the trace."
    ServicesOnly "services.only" "No other service than the listed ones has a span in the trace."

    CallsRequire "calls.require" "A required call is made, and answered, as often as expected."
    CallsForbid "calls.forbid" "A forbidden call is not made."
    CallsOnly "calls.only" "No other call than the listed ones is made."

    SpansCount "spans.count" "A selection picks as many spans as expected; without a count, at least one."
    SpansAny "spans.any" "At least one picked span has all the facts of the entry."
    SpansDistinct "spans.distinct" "The entries with `distinct` share out the spans among them, each getting its own."
    SpansDuration "spans.duration" "A picked span has the expected duration."
    SpansSelfTime "spans.self_time" "A picked span has the expected self time."
    SpansStatus "spans.status" "A picked span has the expected status."
    SpansStatusMessage "spans.status_message" "A picked span has the expected status message."
    SpansKind "spans.kind" "A picked span has the expected kind."
    SpansService "spans.service" "A picked span is of the expected service."
    SpansName "spans.name" "A picked span has the expected name."
    SpansAttributes "spans.attributes" "An attribute of a picked span is as expected."
    SpansResource "spans.resource" "A resource attribute of a picked span is as expected."
    SpansScope "spans.scope" "The instrumentation scope of a picked span is as expected."
    SpansEvents "spans.events" "A picked span has the expected events."
    SpansEventOrder "spans.event_order" "The events of a picked span come in the expected order."
    SpansLinks "spans.links" "A picked span has the expected links."
    SpansParent "spans.parent" "The parent of a picked span is as expected."
    SpansAncestor "spans.ancestor" "A span above a picked span is as expected."
    SpansChildren "spans.children" "A picked span has the expected children."

    SpanCount "span_count" "The trace has as many spans as expected."
    Depth "depth" "The longest path from a root has as many spans as expected."
    Roots "roots" "The trace has as many roots as expected."

    ErrorsCount "errors.count" "As many spans fail as expected, those allowed not counted."
    ErrorsSwallowed "errors.swallowed" "Every failure is reported by a span above the one that failed."

    DurationTrace "duration.trace" "The whole trace has the expected duration."
    DurationRoot "duration.root" "The root has the expected duration."

    OrderBefore "order.before" "The spans of one selection end before those of another start."
    OrderStartsBefore "order.starts_before" "The spans of one selection start before those of another."
    OrderEndsBefore "order.ends_before" "The spans of one selection end before those of another end."
    OrderOverlaps "order.overlaps" "The spans of one selection overlap those of another."
    OrderWithin "order.within" "The spans of one selection lie within those of another."
    OrderAdjacent "order.adjacent" "No sibling starts between the spans of one selection and those of another."
    OrderSequence "order.sequence" "The spans of a list of selections follow each other."
    OrderParallel "order.parallel" "The spans of a list of selections overlap each other."
    OrderNever "order.never" "No span of one selection ends before one of another starts."

    StructurePartial "structure.partial" "The tree of selections occurs in the trace as often as expected."
    StructureExact "structure.exact" "The tree of selections occurs in the trace, and nothing beside it."

    PropagationParent "propagation.parent" "Every parent that a span names is in the trace."
    PropagationRoot "propagation.root" "The trace has one root."
    PropagationAnswer "propagation.answer" "Every call of an instrumented service is answered in the trace."

    ClockSkew "clock_skew" "No two clocks are proven to differ."

    RepeatsPerParent "repeats.per_parent" "One call is made under one span as often as expected at most."
    RepeatsPerTrace "repeats.per_trace" "One call is made in the whole trace as often as expected at most."
    SerialSaving "serial.saving" "Calls one after another that could have overlapped cost no more time than expected."
    FanOut "fan_out" "One span makes as many calls as expected at most."
    Chain "chain" "As many services as expected await each other in a row at most."
    Concurrency "concurrency" "One service does as many things at once as expected at most."

    CriticalPathSelect "critical_path.select" "The trace has one critical path, and spans whose time on it is asked for."
    CriticalPathShare "critical_path.share" "The picked spans have the expected part of the critical path."
    CriticalPathTime "critical_path.time" "The picked spans have the critical path for the expected time."

    NetworkCall "network.call" "A call whose network time is asked for is made, and each can be measured."
    NetworkOverhead "network.overhead" "A CLIENT span takes longer than its SERVER span by the expected time."
    NetworkRequest "network.request" "A SERVER span starts the expected time after its CLIENT span."
    NetworkResponse "network.response" "A CLIENT span ends the expected time after its SERVER span."

    GapsSelect "gaps.select" "There are spans with children whose gaps are asked for."
    GapsMax "gaps.max" "The longest time in a span that no child accounts for is as expected."
    GapsTotal "gaps.total" "All time in a span that no child accounts for is as expected."
    GapsRatio "gaps.ratio" "The part of a span that no child accounts for is as expected."

    TraceQlMatch "traceql.match" "The query matches."
    TraceQlNone "traceql.none" "The query does not match."

    ConventionsScore "conventions.score" "The instrumentation score is as expected."
    ConventionsRules "conventions.rules" "A listed rule of the conventions is kept."

    SnapshotAccepted "snapshot.accepted" "There is an accepted shape of this name."
    SnapshotShape "snapshot.shape" "The trace has the accepted shape."

    GateStructure "gate.structure" "What every run of the baseline has in common, runs of the candidate have too, and nothing beside it."
    GateDuration "gate.duration" "No path takes longer than in the baseline by more than its margin."
    GateRequests "gate.requests" "No greater share of all requests fails, or is slow, than in the baseline, as a store counts them."
    GateTail "gate.tail" "No greater share of runs is slow than in the baseline."
    GateRuns "gate.runs" "The test itself passes in all runs."
    GateEvidence "gate.evidence" "There are enough whole runs to tell."

    RepeatPassRate "repeat.pass_rate" "As many runs of a test pass as expected; without a pass rate, all of them."
    RepeatRate "repeat.rate" "The runs of a test begin as often as its rate says."
    Percentiles "percentiles" "A percentile of the durations of all runs is as expected."
    Compare "compare" "The median, over all runs, of how one duration compares with another is as expected."

    TraceComplete "trace.complete" "The trace is known to be complete, as what holds for the spans at hand needs it to be."
    AbsenceWitnessed "absence.witnessed" "What an absence names exists in some trace of the run (`--strict-absence`)."
}

impl RuleId {
    /// The rule that a fact of an entry of `spans` is.
    pub(super) fn of_fact(fact: &Fact) -> RuleId {
        match fact {
            Fact::Duration(_) => RuleId::SpansDuration,
            Fact::SelfTime(_) => RuleId::SpansSelfTime,
            Fact::Status(_) => RuleId::SpansStatus,
            Fact::StatusMessage(_) => RuleId::SpansStatusMessage,
            Fact::Kind(_) => RuleId::SpansKind,
            Fact::Service(_) => RuleId::SpansService,
            Fact::Name(_) => RuleId::SpansName,
            Fact::Attribute(..) => RuleId::SpansAttributes,
            Fact::Resource(..) => RuleId::SpansResource,
            Fact::Scope(..) => RuleId::SpansScope,
            Fact::Event(_) => RuleId::SpansEvents,
            Fact::EventOrder(_) => RuleId::SpansEventOrder,
            Fact::Link(_) => RuleId::SpansLinks,
            Fact::Parent(_) => RuleId::SpansParent,
            Fact::Ancestor(_) => RuleId::SpansAncestor,
            Fact::Child(..) => RuleId::SpansChildren,
        }
    }
    /// The rule that a relation of `order` is.
    pub(super) fn of_relation(relation: Relation) -> RuleId {
        match relation {
            Relation::Before => RuleId::OrderBefore,
            Relation::StartsBefore => RuleId::OrderStartsBefore,
            Relation::EndsBefore => RuleId::OrderEndsBefore,
            Relation::Overlaps => RuleId::OrderOverlaps,
            Relation::Within => RuleId::OrderWithin,
            Relation::Adjacent => RuleId::OrderAdjacent,
        }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::RuleId;
    use std::collections::BTreeSet;

    #[test]
    fn the_documentation_lists_every_rule() {
        let rows = RuleId::ALL.iter().map(|rule| format!("| `{rule}` | {} |\n", rule.describes()));
        let documented = include_str!("../../docs/rules.md");
        let table = documented.split_once("|---|---|\n").expect("a table").1;
        assert_eq!(table, rows.collect::<String>());
    }

    #[test]
    fn ids_are_unique_and_of_one_form() {
        let ids: BTreeSet<&str> = RuleId::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), RuleId::ALL.len());
        let plain = |id: &&str| id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'.'));
        assert!(ids.iter().all(plain), "{ids:?}");
    }
}
