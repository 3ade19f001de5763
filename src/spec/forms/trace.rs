//! `trace`: the families of expectations.

use super::*;
use crate::analyse::conventions::Rule;

form!(
    /// `trace`.
    TRACE, "trace", "a trace", [
    key("id", Any(&[Word, Shape::Form(&TRACE_ID)]), "Where to read the trace's id when the system makes its own.", "{ header: x-trace-id }"),
    key("services", Any(&[List(&Scalar), Shape::Form(&SERVICES)]), "Services that take part.", "[api-gateway, order-service]"),
    key("calls", Any(&[List(&Any(&[Word, Map(&COUNT)])), Shape::Form(&CALLS), Map(&COUNT)]), "Calls from service to service, with counts.", "[api-gateway -> order-service, { 'order-service -> payment-service': 1 }]"),
    key("spans", List(&Shape::Form(&SPAN)), "Selections of spans and what must hold of them.", "[{ select: { service: payment-service, name: authorize }, as: charge, count: 1, duration: < 1500ms }]"),
    key("span_count", COUNT, "How many spans the trace has.", "<= 60"),
    key("depth", COUNT, "Spans on the longest path from a root.", "<= 8"),
    key("roots", COUNT, "How many roots the trace has.", "1"),
    key("errors", Any(&[OneOf(&["none"]), Shape::Form(&ERRORS), COUNT]), "Spans with status error: `none`, a count, or which are allowed.", "none"),
    key("duration", Any(&[Shape::Form(&TRACE_DURATION), TIME]), "The trace's duration: latest end − earliest start; or the root span's.", "< 3s"),
    key("order", OneOrList(&Any(&[Word, Shape::Form(&ORDER)])), "What comes before what.", "[charge -> reserve]"),
    key("structure", Shape::Form(&STRUCTURE), "A tree that must occur.", "{ tree: { select: { service: api-gateway, kind: server }, children: [{ select: { service: order-service } }] } }"),
    key("propagation", OneOf(&["intact"]), "One root, no orphan, no unanswered call.", "intact"),
    key("clock_skew", OneOf(&["none"]), "No proven skew between hosts.", "none"),
    key("traceql", OneOrList(&Any(&[TraceQl, Shape::Form(&TRACEQL)])), "Queries that must match, and `none` ones that must not.", "['{ kind = server } | count() < 20', { none: '{ name = \"legacy\" }' }]"),
    key("snapshot", Word, "The trace's shape equals the accepted one of this name.", "checkout"),
    key("follow_links", Bool, "Traces that link to this one are fetched and merged.", "true"),
    key("wait", Shape::Form(&WAIT), "How long to wait for the trace.", "{ timeout: 10s }"),
    key("exact_names", Bool, "Attribute names match exactly, not across renames of the semantic conventions.", "true"),
    key("clocks", Shape::Form(&CLOCKS), "What is known of the clocks of the system.", "{ max_skew: 5ms }"),
    key("critical_path", OneOrList(&Shape::Form(&CRITICAL_PATH)), "How much of the root's time some spans have.", "{ select: { service: payment-service }, share: < 60% }"),
    key("network", OneOrList(&Shape::Form(&NETWORK)), "How long the network takes between two services.", "{ call: order-service -> payment-service, overhead: < 20ms }"),
    key("gaps", OneOrList(&Shape::Form(&GAPS)), "Time in a span that no child accounts for, the network's left out.", "{ max: < 200ms }"),
    key("repeats", Any(&[Shape::Form(&REPEATS), COUNT]), "How often one call is made at most under one span; or in the whole trace.", "< 5"),
    key("serial", Shape::Form(&SERIAL), "What calls one after another cost that could have overlapped.", "{ saving: < 100ms }"),
    key("fan_out", COUNT, "Most calls that one span makes.", "<= 20"),
    key("chain", COUNT, "Most hops from service to service on one path.", "<= 6"),
    key("concurrency", COUNT, "Most spans of one service at once.", "<= 4"),
    key("conventions", Any(&[List(&RULE), Shape::Form(&CONVENTIONS)]), "OpenTelemetry's conventions: rules that hold, and the instrumentation score.", "{ score: 75.., rules: [RES-005, secrets] }"),
]);

form!(
    /// `trace.id` as a mapping.
    TRACE_ID, "trace_id_source", "the source of a trace id", [
    key("header", Word, "A response header: an id, or a value in the form of W3C, B3, Jaeger, X-Ray, Datadog or Server-Timing.", "x-trace-id"),
    key("regex", Word, "A regular expression looked for in the header's value; its group is the id.", "root=([0-9a-f]+)"),
    key("json", Word, "A JSONPath into the response's body, or into a program's output.", "$.trace_id"),
    key("stdout", Word, "A regular expression looked for in each line of a program's output; its group is the id.", "trace=(.*)"),
]);

form!(
    /// `services` as a mapping.
    SERVICES, "services", "`services`", [
    key("all", List(&Scalar), "All of these take part.", "[api-gateway, order-service]"),
    key("any", List(&Scalar), "At least one of these takes part.", "[cache-a, cache-b]"),
    key("none", List(&Scalar), "None of these takes part.", "[legacy]"),
    key("only", List(&Scalar), "No others than these take part.", "[api-gateway, order-service]"),
]);

const CALL_LIST: Shape = Any(&[List(&Any(&[Word, Map(&COUNT)])), Map(&COUNT)]);

form!(
    /// `calls` as a mapping of lists.
    CALLS, "calls", "`calls`", [
    key("require", CALL_LIST, "Each of these calls occurs.", "[order -> inventory]"),
    key("forbid", CALL_LIST, "None of these calls occurs.", "['* -> legacy']"),
    key("only", CALL_LIST, "No other calls than these occur.", "[gateway -> order]"),
]);

form!(
    /// An entry of `spans`.
    SPAN, "span", "an entry of `spans`", [
    key("select", Selector, "Which spans.", "{ service: payment-service, name: authorize }"),
    key("as", Word, "A name for the picked spans, known in the whole test.", "charge"),
    key("count", COUNT, "How many spans are picked; without it, at least one.", "1"),
    key("optional", Bool, "No span may be picked at all, and then nothing else is checked.", "true"),
    key("match", OneOf(&["all", "any"]), "Whether the facts hold of every picked span (default) or of at least one.", "any"),
    key("distinct", Bool, "Picks spans that no other entry with `distinct` picks.", "true"),
    key("duration", TIME, "The span's duration.", "< 1500ms"),
    key("self_time", TIME, "Its time not covered by children.", "< 100ms"),
    key("status", STATUS, "Its status: unset, ok, error.", "ok"),
    key("status_message", TEXT, "Its status' message.", "~ card.*"),
    key("kind", KIND, "Its kind.", "server"),
    key("name", TEXT, "Its name.", "~ GET .*"),
    key("service", TEXT, "Its service.", "payment-service"),
    key("attributes", Map(&ANY), "Its attributes.", "{ payment.method: card, payment.processor: exists }"),
    key("resource", Map(&ANY), "Its resource's attributes.", "{ deployment.environment.name: staging }"),
    key("scope", Map(&ANY), "Its instrumentation scope: name, version, attributes.", "{ name: ~ .*http }"),
    key("events", List(&Any(&[Word, Shape::Form(&EVENT)])), "Events that it has.", "[{ name: exception, attributes: { exception.type: CardDeclined } }]"),
    key("event_order", List(&Word), "Names of its events in this order, others between them allowed.", "[queued, sent]"),
    key("links", List(&Shape::Form(&LINK)), "Links that it has.", "[{ span: { service: order-service, kind: producer } }]"),
    key("parent", Selector, "Its parent is one of these.", "{ service: order-service }"),
    key("ancestor", Selector, "One of its ancestors is one of these.", "{ service: api-gateway }"),
    key("children", List(&Any(&[Selector, Shape::Form(&CHILD)])), "Children that it has, with counts.", "[{ select: { kind: client }, count: <= 2 }]"),
]);

form!(
    /// A selector as a mapping.
    SELECTOR, "selector_mapping", "a selector", [
    key("service", TEXT, "The service's name.", "payment-service"),
    key("name", TEXT, "The span's name.", "authorize"),
    key("kind", KIND, "The span's kind.", "client"),
    key("status", STATUS, "The span's status.", "error"),
    key("attributes", Map(&ANY), "Its attributes.", "{ db.system.name: postgresql }"),
    key("resource", Map(&ANY), "Its resource's attributes.", "{ service.version: 2.1.0 }"),
    key("scope", Map(&ANY), "Its instrumentation scope: name, version, attributes.", "{ name: ~ .*sql }"),
    key("duration", TIME, "Its duration.", "'> 100ms'"),
    key("parent", Selector, "Its parent is one of these.", "{ service: order-service }"),
    key("ancestor", Selector, "One of its ancestors is one of these.", "{ service: api-gateway }"),
    key("where", TraceQl, "TraceQL that must pick it too.", "'{ span.http.response.status_code >= 500 }'"),
]);

form!(
    /// A child.
    CHILD, "child", "a child", [
    key("select", Selector, "Which spans.", "{ service: inventory-service }"),
    key("count", COUNT, "How many; without it, at least one.", "<= 5"),
]);

form!(
    /// An event.
    EVENT, "event", "an event", [
    key("name", TEXT, "Its name.", "exception"),
    key("attributes", Map(&ANY), "Its attributes.", "{ exception.type: CardDeclined }"),
    key("count", COUNT, "How many; without it, at least one.", "1"),
]);

form!(
    /// A link.
    LINK, "link", "a link", [
    key("trace_id", TEXT, "The linked trace's id.", "exists"),
    key("span_id", TEXT, "The linked span's id.", "exists"),
    key("span", Selector, "The linked span is one of these.", "{ kind: producer }"),
    key("attributes", Map(&ANY), "Its attributes.", "{ messaging.batch.message_count: 2 }"),
    key("count", COUNT, "How many; without it, at least one.", "1"),
]);

form!(
    /// `errors` as a mapping.
    ERRORS, "errors", "`errors`", [
    key("count", COUNT, "How many spans may fail, those allowed not counted; without it none, or beside `swallowed` alone any number.", "<= 1"),
    key("allow", OneOrList(&Selector), "Spans that may fail.", "[{ service: payment-service }]"),
    key("swallowed", OneOf(&["none"]), "No span fails without an ancestor failing.", "none"),
]);

form!(
    /// `repeats` as a mapping.
    REPEATS, "repeats", "`repeats`", [
    key("per_parent", COUNT, "How often one call is made at most under one span.", "< 5"),
    key("per_trace", COUNT, "How often one call is made at most in the whole trace.", "<= 20"),
    key("except", OneOrList(&Selector), "Calls that do not count, by the caller's span or the callee's.", "[{ attributes: { db.system.name: redis } }]"),
]);

form!(
    /// `serial`.
    SERIAL, "serial", "`serial`", [
    key("saving", TIME, "What would be saved at most if the calls of one span that could have overlapped had run at once.", "< 100ms"),
    key("except", OneOrList(&Selector), "Calls that do not count, by the caller's span or the callee's.", "[{ service: payment-service }]"),
]);

form!(
    /// `duration` of the root.
    TRACE_DURATION, "trace_duration", "the duration of a trace", [
    key("of", OneOf(&["trace", "root"]), "Of the whole trace, or of the root span.", "root"),
    key("eq", Duration, "Equal to.", "2s"),
    key("ne", Duration, "Not equal to.", "2s"),
    key("lt", Duration, "Less than.", "2s"),
    key("lte", Duration, "At most.", "2s"),
    key("gt", Duration, "More than.", "1ms"),
    key("gte", Duration, "At least.", "1ms"),
    key("between", List(&Duration), "From, to.", "[1ms, 2s]"),
]);

form!(
    /// An entry of `order` as a mapping.
    ORDER, "order", "an order", [
    key("first", Selector, "The one side.", "charge"),
    key("then", Selector, "The other side.", "reserve"),
    key("relation", OneOf(&["before", "starts_before", "ends_before", "overlaps", "within", "adjacent"]), "How they lie; `before`: the first has ended when the other starts.", "before"),
    key("pairing", OneOf(&["all", "each", "first", "last"]), "Which of several spans are compared.", "all"),
    key("per", Any(&[OneOf(&["trace", "siblings"]), Shape::Form(&PER)]), "Within what they are compared.", "siblings"),
    key("sequence", List(&Selector), "Each before the next.", "[charge, reserve, notify]"),
    key("parallel", List(&Selector), "Each overlaps each.", "[reserve_a, reserve_b]"),
    key("never", Word, "`a -> b`: no a ends before any b starts.", "reserve -> charge"),
]);

form!(
    /// `per` as a mapping.
    PER, "per", "`per`", [
    key("under", Selector, "Below each of these spans, each by itself.", "{ service: order-service, kind: server }"),
]);

form!(
    /// `structure`.
    STRUCTURE, "structure", "a structure", [
    key("mode", OneOf(&["partial", "exact"]), "`exact`: children that are not named make it fail, below every span that the tree's root selects.", "partial"),
    key("ordered", Bool, "Siblings start in the order written.", "false"),
    key("tree", Shape::Form(&NODE), "The tree.", "{ select: { service: api-gateway } }"),
]);

form!(
    /// A node of a structure.
    NODE, "node", "a node of a structure", [
    key("select", Selector, "Which spans it stands for.", "{ service: order-service }"),
    key("count", COUNT, "How many.", "1"),
    key("children", List(&Shape::Form(&NODE)), "What hangs below.", "[{ select: { service: payment-service } }]"),
]);

const RULE: Shape = OneOf(Rule::IDS);

form!(
    /// `conventions` as a mapping.
    CONVENTIONS, "conventions", "`conventions`", [
        key("score", SCORE, "The instrumentation score (0 to 100) of the rules that a trace can answer.", "75.."),
        key("rules", Any(&[OneOf(&["all"]), List(&RULE)]), "Rules that hold: of the score (`RES-005`) or our own (`secrets`); `all` of them.", "[RES-005, secrets, unknown_service]"),
        key("ignore", List(&RULE), "Rules that `all` leaves out. The score is always that of all rules.", "[RES-001]"),
]);

form!(
    /// An entry of `traceql` as a mapping.
    TRACEQL, "traceql_none", "an entry of `traceql`", [
    key("none", TraceQl, "A query that must not match.", "'{ status = error }'"),
]);
