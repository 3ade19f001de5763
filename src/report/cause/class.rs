//! What a rule speaks of, and how near it is to a cause: the tables behind the blocks. A new rule needs a row in `class_of`.

use crate::assert::{Finding, RuleId};

/// What kind of thing a rule speaks of, as far as one finding can follow from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// What the answer is: its status.
    Answer,
    /// What is in the answer.
    OfAnswer,
    /// That something failed.
    Error,
    /// How often something is there.
    Number,
    /// How many of all there are, or what the whole looks like.
    Total,
    Order,
    /// What ran one after another and should not.
    AtOnce,
    /// How long a part takes.
    Time,
    /// How long the whole takes.
    Whole,
    /// What a span says.
    Fact,
    Other,
}

impl Class {
    pub(super) fn is_number(self) -> bool {
        matches!(self, Class::Error | Class::Number)
    }
}

pub(super) fn class_of(rule: RuleId) -> Class {
    use RuleId as R;
    match rule {
        R::ResponseStatus | R::ResponseErrors | R::ResponseExitCode => Class::Answer,
        R::ResponseStatusMessage
        | R::ResponseMetadata
        | R::ResponseHeader
        | R::ResponseJson
        | R::ResponseBody
        | R::ResponseStdout
        | R::ResponseStderr
        | R::ResponseCapture => Class::OfAnswer,
        R::ErrorsCount | R::ErrorsSwallowed | R::SpansStatus | R::SpansStatusMessage => Class::Error,
        R::ServicesAll
        | R::ServicesAny
        | R::ServicesNone
        | R::ServicesOnly
        | R::CallsRequire
        | R::CallsForbid
        | R::CallsOnly
        | R::SpansCount
        | R::SpansAny
        | R::SpansDistinct
        | R::PropagationParent
        | R::PropagationRoot
        | R::PropagationAnswer
        | R::RepeatsPerParent
        | R::RepeatsPerTrace
        | R::FanOut
        | R::TraceQlMatch
        | R::TraceQlNone
        | R::GateStructure => Class::Number,
        R::SpanCount | R::Depth | R::Roots | R::Chain | R::StructurePartial | R::StructureExact | R::SnapshotShape => {
            Class::Total
        }
        R::OrderParallel | R::OrderOverlaps | R::SerialSaving | R::Concurrency => Class::AtOnce,
        R::OrderBefore
        | R::OrderStartsBefore
        | R::OrderEndsBefore
        | R::OrderWithin
        | R::OrderAdjacent
        | R::OrderSequence
        | R::OrderNever => Class::Order,
        R::SpansDuration
        | R::SpansSelfTime
        | R::CriticalPathSelect
        | R::CriticalPathShare
        | R::CriticalPathTime
        | R::NetworkCall
        | R::NetworkOverhead
        | R::NetworkRequest
        | R::NetworkResponse
        | R::GapsSelect
        | R::GapsMax
        | R::GapsTotal
        | R::GapsRatio
        | R::GateDuration
        | R::GateTail => Class::Time,
        R::DurationTrace | R::DurationRoot | R::ResponseDuration => Class::Whole,
        R::SpansKind
        | R::SpansService
        | R::SpansName
        | R::SpansAttributes
        | R::SpansResource
        | R::SpansScope
        | R::SpansEvents
        | R::SpansEventOrder
        | R::SpansLinks
        | R::SpansParent
        | R::SpansAncestor
        | R::SpansChildren => Class::Fact,
        R::RepeatPassRate | R::RepeatRate | R::GateRequests => Class::Other,
        R::Percentiles | R::Compare => Class::Whole,
        R::ClockSkew
        | R::ConventionsScore
        | R::ConventionsRules
        | R::SnapshotAccepted
        | R::GateEvidence
        | R::GateRuns
        | R::TraceComplete
        | R::AbsenceWitnessed => Class::Other,
    }
}

/// How near a finding is to what went wrong, nearest first: what failed, what is lost, what is there too often or not at all, when,
/// how long, what it says, and numbers of the whole.
pub(super) fn rank(finding: &Finding) -> usize {
    use RuleId as R;
    match (class_of(finding.rule), finding.rule) {
        (Class::Answer, _) => 0,
        (Class::Error, R::ErrorsCount | R::ErrorsSwallowed) => 1,
        (Class::Error, _) => 2,
        (_, R::PropagationParent | R::PropagationRoot | R::PropagationAnswer) => 3,
        (_, R::RepeatsPerParent | R::RepeatsPerTrace | R::SerialSaving) => 4,
        (_, R::CallsRequire | R::CallsForbid | R::CallsOnly) => 5,
        (_, R::ServicesAll | R::ServicesAny | R::ServicesNone | R::ServicesOnly) => 6,
        (Class::Number, _) => 7,
        (Class::AtOnce | Class::Order, _) => 8,
        (Class::Time, _) => 9,
        (Class::Whole, R::DurationRoot) => 10,
        (Class::Whole, R::DurationTrace) => 11,
        (Class::Whole, _) => 12,
        (Class::OfAnswer, _) => 13,
        (Class::Fact | Class::Other, _) => 14,
        (Class::Total, _) => 15,
    }
}
