//! What no trace could violate: it would pass whatever the system does, so it is an error of the spec.

use super::Lower;
use super::names::Names;
use crate::analyse::conventions::Score;
use crate::diag::{Code, Problem};
use crate::matcher::{Matcher, Position, SHARE_OF_ONE};
use crate::select::{constant, constant_of_failed};
use crate::source::{Span, Spanned};
use crate::spec::forms::{KINDS, STATUSES};
use crate::spec::plan::{
    CallRule, Check, Conventions, Errors, Expectation, Fact, GRPC_CODES, GapsCheck, PathCheck, Response, Selector,
    SpanCheck, Step, StructureNode,
};

/// A place, what is wrong there, and what to write.
type Wrong = (Span, String, &'static str);

const COUNTS: &str = "write a count that can fail: `2`, `<= 5`, `1..5`; without one, at least one is needed";
const TOTALS: &str = "write a bound that can fail: `<= 60`, `2..5`";
const SHARES: &str = "write a bound that can fail: `< 60%`, `20%..60%`";
const TIMES: &str = "write a bound that can fail: `< 3s`, `> 1ms`, `200ms..3s`";

impl Lower<'_> {
    /// Reports what no trace could violate, and takes out the entries of `spans` that only declare a name.
    pub(super) fn vacuous(&mut self, steps: &mut [Step]) {
        for step in steps {
            let mut wrong = of_response(&step.response);
            if let Some(trace) = &mut step.trace {
                let declares =
                    |one: &Expectation| matches!(&one.check, Check::Spans(span) if declares(span, &self.names));
                trace.list.retain(|one| !declares(one));
                trace.list.iter().for_each(|one| of_check(one, &mut wrong));
            }
            for (at, says, help) in wrong {
                self.reader.push(Problem::error(Code::AlwaysMatches, at, says).help(help));
            }
        }
    }
}

/// Whether a count says nothing: any number satisfies it, none included.
pub(super) fn is_open(count: &Matcher) -> bool {
    count.is_always_true(Position::Count)
}

/// Whether an entry of `spans` is only there so that others can use its name.
fn declares(span: &SpanCheck, names: &Names) -> bool {
    let open = match &span.count {
        Some(count) => is_open(&count.value) || (span.optional && count.value.is_any_but_none()),
        None => span.optional,
    };
    open && !span.distinct && span.facts.is_empty() && span.name.as_ref().is_some_and(|name| names.is_used(name))
}

fn every_count(matcher: &Matcher) -> String {
    format!("no trace can violate this: every count satisfies `{matcher}`")
}

fn every_time(matcher: &Matcher) -> String {
    format!("no trace can violate this: every duration satisfies `{matcher}`")
}

/// Whether a node of a structure can stand for no span: it selects none, or needs a child that never occurs. (In an exact
/// structure a span that is selected and does not fit is a violation.)
fn never(node: &StructureNode, exact: bool) -> bool {
    let needed = |child: &&StructureNode| !child.count.as_ref().is_some_and(Matcher::admits_none);
    picks_nothing(&node.select) || (!exact && node.children.iter().filter(needed).any(|child| never(child, exact)))
}

/// Whether a selector picks no span, whatever the trace.
fn picks_nothing(select: &Selector) -> bool {
    constant(&select.query) == Some(false)
}

fn of_check(expectation: &Expectation, wrong: &mut Vec<Wrong>) {
    let at = expectation.at;
    match &expectation.check {
        Check::SpanCount(matcher)
        | Check::Depth(matcher)
        | Check::Roots(matcher)
        | Check::FanOut(matcher)
        | Check::Chain(matcher)
        | Check::Concurrency(matcher)
            if is_open(matcher) =>
        {
            wrong.push((at, every_count(matcher), TOTALS));
        }
        Check::Repeats(repeats) => {
            let bounds = repeats.per_parent.iter().chain(&repeats.per_trace);
            for bound in bounds.filter(|bound| is_open(&bound.count.value)) {
                wrong.push((bound.count.span, every_count(&bound.count.value), TOTALS));
            }
            let mut bounds = repeats.per_parent.iter().chain(&repeats.per_trace);
            if bounds.all(|bound| bound.count.value.test(&crate::matcher::Fact::count(0))) {
                of_except(&repeats.except, wrong);
            }
        }
        Check::Serial(serial) => {
            if serial.saving.value.is_always_true(Position::Duration) {
                wrong.push((serial.saving.span, every_time(&serial.saving.value), TIMES));
            }
            if serial.saving.value.test(&crate::matcher::Fact::nanoseconds(0)) {
                of_except(&serial.except, wrong);
            }
        }
        Check::Duration { matcher, .. } if matcher.is_always_true(Position::Duration) => {
            wrong.push((at, every_time(matcher), TIMES));
        }
        Check::Calls(calls) => {
            let open = |rule: &&CallRule| rule.count.as_ref().is_some_and(is_open);
            for rule in calls.require.iter().filter(open) {
                let says = "no trace can violate this: the call may occur any number of times, or not at all";
                wrong.push((rule.at, says.to_owned(), COUNTS));
            }
            let any =
                |rule: &&CallRule| rule.from.is_none() && rule.to.is_none() && rule.count.as_ref().is_none_or(is_open);
            if let Some(rule) = calls.only.iter().flatten().find(any) {
                let says = "no trace can violate this: `* -> *` allows every call";
                wrong.push((rule.at, says.to_owned(), "name the calls that may occur, or remove `only`"));
            }
        }
        Check::Errors(errors) => of_errors(errors, at, wrong),
        Check::Structure(structure) if never(&structure.tree, structure.exact) => {
            let admitted = structure.tree.count.as_ref().is_some_and(Matcher::admits_none);
            let says = "no trace can violate this: the structure never occurs, and its root's `count` admits that";
            wrong.extend(
                admitted.then(|| (structure.tree.at, says.to_owned(), "write selectors that can select a span")),
            );
        }
        Check::Structure(structure) if !structure.exact => {
            let is_anything = constant(&structure.tree.select.query) == Some(true)
                && structure.tree.count.as_ref().is_none_or(Matcher::is_any_but_none)
                && structure.tree.children.iter().all(|child| child.count.as_ref().is_some_and(is_open));
            if is_anything {
                let says = "no trace can violate this: every span fits, and nothing must hang below it";
                wrong.push((structure.tree.at, says.to_owned(), "say which spans, or what must hang below them"));
                return;
            }
            if let Some(count) = structure.tree.count.as_ref().filter(|count| is_open(count)) {
                let says = format!(
                    "no trace can violate this: with `count: {count}` at its root, the structure may occur any number of \
                     times, or not at all"
                );
                wrong.push((
                    structure.tree.at,
                    says,
                    "remove the root's `count`: the structure must then occur at least once",
                ));
            }
        }
        Check::TraceQl { query, none: false, .. } if constant(query) == Some(true) => {
            let says = "no trace can violate this: every trace has a span that this query selects";
            wrong.push((
                at,
                says.to_owned(),
                "say which spans: `{ name = \"charge\" }`, or how many: `{ … } | count() > 2`",
            ));
        }
        Check::TraceQl { query, none: true, .. } if constant(query) == Some(false) => {
            let says = "no trace can violate this: the query never matches, and `none` asks that it does not";
            wrong.push((at, says.to_owned(), "write a query that can match"));
        }
        Check::Conventions(Conventions { score: Some(score), .. })
            if Score::possible().iter().all(|one| score.value.test(&one.fact())) =>
        {
            let says = format!("no trace can violate this: every score satisfies `{}`", score.value);
            wrong.push((score.span, says, "write the least score that will do: `>= 75`"));
        }
        Check::Spans(span) => of_spans(span, at, wrong),
        Check::CriticalPath(path) => {
            let PathCheck { select, optional, share, time } = &**path;
            of_picked(Some(select), *optional, wrong);
            of_bounds(&[time], &[share], wrong);
            let all = |one: &&Spanned<Matcher>| {
                constant(&select.query) == Some(true) && one.value.test(&crate::matcher::Fact::Share(SHARE_OF_ONE))
            };
            if let Some(share) = share.as_ref().filter(all) {
                let says = "no trace can violate this: every span is selected, and together they have all of the path";
                wrong.push((share.span, says.to_owned(), "say which spans: `{ service: payment-service }`"));
            }
        }
        Check::Gaps(gaps) => {
            let GapsCheck { select, optional, max, total, ratio } = &**gaps;
            of_picked(select.as_ref(), *optional, wrong);
            of_bounds(&[max, total], &[ratio], wrong);
        }
        _ => {}
    }
}

/// `except` that leaves nothing.
fn of_except(except: &[Selector], wrong: &mut Vec<Wrong>) {
    if let Some(select) = except.iter().find(|select| constant(&select.query) == Some(true)) {
        let says = "no trace can violate this: every call is excepted";
        wrong.push((
            select.at,
            says.to_owned(),
            "say which calls may be made so often: `{ attributes: { db.system.name: redis } }`",
        ));
    }
}

/// What is said of spans that may be missing, and never are there.
fn of_picked(select: Option<&Selector>, optional: bool, wrong: &mut Vec<Wrong>) {
    if let Some(select) = select.filter(|select| optional && picks_nothing(select)) {
        let says = "no trace can violate this: the selector never selects a span";
        wrong.push((select.at, says.to_owned(), "write a selector that can select one"));
    }
}

/// Bounds that every time, or every share, keeps.
fn of_bounds(times: &[&Option<Spanned<Matcher>>], shares: &[&Option<Spanned<Matcher>>], wrong: &mut Vec<Wrong>) {
    for time in times.iter().copied().flatten().filter(|one| one.value.is_always_true(Position::Duration)) {
        wrong.push((time.span, every_time(&time.value), TIMES));
    }
    for share in shares.iter().copied().flatten().filter(|one| one.value.is_always_true(Position::Share)) {
        let says = format!("no trace can violate this: every share satisfies `{}`", share.value);
        wrong.push((share.span, says, SHARES));
    }
}

fn of_errors(errors: &Errors, at: Span, wrong: &mut Vec<Wrong>) {
    if let Some(count) = errors.count.as_ref().filter(|count| is_open(count)) {
        let says = match errors.swallowed_none {
            true => format!("this count says nothing: any number of errors satisfies `{count}`"),
            false => format!("no trace can violate this: any number of errors satisfies `{count}`"),
        };
        wrong.push((at, says, "write `none`, or a bound such as `<= 2`; for `swallowed: none` alone remove the count"));
    }
    let everything = |select: &&Selector| constant_of_failed(&select.query) == Some(true);
    if let Some(select) = errors.allow.iter().find(everything) {
        let says = "no trace can violate this: every span is allowed to fail";
        wrong.push((select.at, says.to_owned(), "say which spans may fail: `{ service: payment-service }`"));
    }
}

fn of_spans(span: &SpanCheck, at: Span, wrong: &mut Vec<Wrong>) {
    if let Some(count) =
        span.count.as_ref().filter(|count| is_open(&count.value) && span.facts.is_empty() && !span.distinct)
    {
        wrong.push((count.span, every_count(&count.value), COUNTS));
    } else if span.optional
        && span.count.as_ref().is_none_or(|count| count.value.is_any_but_none())
        && span.facts.is_empty()
        && !span.distinct
    {
        let says = "no trace can violate this: the spans may be missing, and nothing is said of them";
        wrong.push((
            at,
            says.to_owned(),
            "remove `optional`, say what must hold of them, or name them with `as` and use the name",
        ));
    }
    let admits_none = span.optional || span.count.as_ref().is_some_and(|count| count.value.admits_none());
    if admits_none && picks_nothing(&span.select) {
        let says = "no trace can violate this: the selector never selects a span";
        wrong.push((span.select.at, says.to_owned(), "write a selector that can select one"));
    }
    for fact in &span.facts {
        of_fact(&fact.value, fact.span, wrong);
    }
}

fn of_fact(fact: &Fact, at: Span, wrong: &mut Vec<Wrong>) {
    let every = |what: &str, matcher: &Matcher| format!("no span can violate this: every {what} satisfies `{matcher}`");
    match fact {
        Fact::Duration(matcher) | Fact::SelfTime(matcher) if matcher.is_always_true(Position::Duration) => {
            wrong.push((at, every("duration", matcher), TIMES));
        }
        Fact::Kind(matcher) if matcher.is_always_true(Position::Word(KINDS)) => {
            wrong.push((at, every("kind", matcher), "leave out the kinds that it must not be"));
        }
        Fact::Status(matcher) if matcher.is_always_true(Position::Word(STATUSES)) => {
            wrong.push((at, every("status", matcher), "leave out the statuses that it must not be"));
        }
        Fact::Name(matcher) if matcher.is_always_true(Position::Text) => {
            wrong.push((at, every("name", matcher), "write what the name must be"));
        }
        Fact::Event(event) if event.count.as_ref().is_some_and(is_open) => {
            let says = "no span can violate this: any number of such events will do, none included";
            wrong.push((at, says.to_owned(), COUNTS));
        }
        Fact::Link(link) if link.count.as_ref().is_some_and(is_open) => {
            let says = "no span can violate this: any number of such links will do, none included";
            wrong.push((at, says.to_owned(), COUNTS));
        }
        Fact::Child(_, Some(count)) if is_open(count) => {
            let says = "no span can violate this: any number of such children will do, none included";
            wrong.push((at, says.to_owned(), COUNTS));
        }
        _ => {}
    }
}

fn of_response(response: &Response) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let every =
        |what: &str, matcher: &Matcher| format!("no response can violate this: every {what} satisfies `{matcher}`");
    if let Some(status) = response.status.as_ref().filter(|one| one.value.is_always_true(Position::Int)) {
        wrong.push((status.span, every("status", &status.value), "write `200`, `< 400`, `200..299`"));
    }
    let every_code = Position::Word(GRPC_CODES);
    if let Some(status) = response.grpc_status.as_ref().filter(|one| one.value.is_always_true(every_code)) {
        wrong.push((status.span, every("status", &status.value), "write `OK`, `NOT_FOUND`, `!= OK`"));
    }
    if let Some(body) = response.body.as_ref().filter(|one| one.value.is_always_true(Position::Text)) {
        wrong.push((body.span, every("body", &body.value), "write what the body must be or contain"));
    }
    for (what, text) in
        [("output", &response.stdout), ("error output", &response.stderr), ("status message", &response.status_message)]
    {
        if let Some(text) = text.as_ref().filter(|one| one.value.is_always_true(Position::Text)) {
            wrong.push((text.span, every(what, &text.value), "write what it must be or contain"));
        }
    }
    if let Some(time) = response.duration.as_ref().filter(|one| one.value.is_always_true(Position::Duration)) {
        wrong.push((time.span, every("duration", &time.value), TIMES));
    }
    wrong
}
