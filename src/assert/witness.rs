//! Absences of things that nobody has ever seen: they hold, and prove little.

use super::criteria;
use super::finding::Witnessed;
use super::judging::{InVain, Judging};
use super::text;
use crate::facts::semconv::http_status;
use crate::matcher::{Compiled, Fact, Matcher, alias};
use crate::select::{
    Attribute, Field, FieldExpr, FieldKind, FieldOp, FieldTest, Intrinsic, Mode, Pipeline, Query, ScalarExpr,
    ScalarFilter, Scope, SpansetExpr, SpansetKind, SpansetOp, Stage, Static,
};
use crate::source::Span;
use crate::trace::TraceId;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// What an absence names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnseenKind {
    /// A service.
    Service,
    /// The name of a span.
    SpanName,
    /// The key of an attribute, of spans or resources.
    Attribute,
    /// Something that was called, did not answer in the trace, and exported nothing: what it did nobody has seen.
    Callee,
}

/// Something that an absence names and that no trace shows to exist: the absence holds, and would hold of a misspelt name
/// as well.
#[derive(Debug, Clone)]
pub struct Unseen {
    name: Name,
    /// The nearest name that was seen, if one is near enough to be meant.
    pub near: Option<String>,
    /// Whether the expectation checks nothing at all for want of it (`optional`).
    pub skips: bool,
    /// Where the spec expects the absence.
    pub at: Span,
    /// The path of that expectation.
    pub path: String,
}

#[derive(Debug, Clone)]
struct Name {
    kind: UnseenKind,
    /// The name, or the pattern as the spec writes it.
    written: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    /// The name itself. `aliases`: other names that an attribute had count as well.
    Equal {
        aliases: bool,
    },
    Fits(Matcher),
    Matches(Compiled),
    /// One of these names. `call`: the span that called it, in words.
    Called {
        names: Vec<String>,
        call: String,
        elsewhere: Option<(TraceId, String)>,
    },
}

impl Unseen {
    /// What it names.
    pub fn kind(&self) -> UnseenKind {
        self.name.kind
    }
    /// The name, or the pattern as the spec writes it.
    pub fn name(&self) -> &str {
        &self.name.written
    }
    /// Whether these names show it: what one trace of a run has not shown, a later one may have.
    pub fn is_answered(&self, witnessed: &Witnessed) -> bool {
        self.name.is_among(self.name.kind.names(witnessed))
    }
    /// ``no service `legcy` was seen in any trace of this run``
    pub fn message(&self) -> String {
        let (kind, exact) = (self.name.kind, matches!(self.name.test, Test::Equal { .. }));
        let name = text::quoted(&self.name.written);
        if let Test::Called { call, elsewhere, .. } = &self.name.test {
            return match elsewhere {
                None => format!("{name} was called by {call}, did not answer, and exported no span in this run"),
                Some((trace, process)) => format!(
                    "{name} was called by {call} and did not answer in this trace; process {} began trace {trace} meanwhile",
                    text::quoted(process)
                ),
            };
        }
        let what = match (kind, exact) {
            (UnseenKind::Service, true) => "service",
            (UnseenKind::SpanName, true) => "span named",
            (UnseenKind::Attribute, _) => "attribute",
            (UnseenKind::Service, false) => "service with a name that is",
            (UnseenKind::SpanName, false) => "span with a name that is",
            (UnseenKind::Callee, _) => "callee",
        };
        format!("no {what} {name} was seen in any trace of this run")
    }
    /// ``did you mean `legacy`?``
    pub fn question(&self) -> Option<String> {
        if self.name.kind == UnseenKind::Callee {
            let name = text::safe(&self.name.written);
            if let Test::Called { elsewhere: Some(_), .. } = self.name.test {
                return Some("does it take up the context of the call?".to_owned());
            }
            return Some(format!("does it export? (`wait: {{ silent: [{name}] }}` says that it never does)"));
        }
        self.near.as_ref().map(|near| format!("did you mean {}?", text::quoted(near)))
    }
    pub(crate) fn says_the_same(&self, other: &Unseen) -> bool {
        let exact = |unseen: &Unseen| matches!(unseen.name.test, Test::Equal { .. });
        (self.kind(), self.name(), self.skips, exact(self)) == (other.kind(), other.name(), other.skips, exact(other))
    }
    #[cfg(test)]
    pub(crate) fn service(name: &str, near: Option<&str>) -> Unseen {
        Unseen {
            name: Name::equal(UnseenKind::Service, name),
            near: near.map(str::to_owned),
            skips: false,
            at: Span::new(3, 7),
            path: "trace.services".to_owned(),
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unwitnessed: {}", self.message())?;
        match (self.question(), self.skips) {
            (None, false) => Ok(()),
            (None, true) => f.write_str("; all that is said of it was skipped"),
            (Some(question), false) => write!(f, "; {question}"),
            (Some(question), true) => write!(f, "; {question} All that is said of it was skipped."),
        }
    }
}

impl UnseenKind {
    fn names(self, witnessed: &Witnessed) -> &BTreeSet<String> {
        match self {
            UnseenKind::Service | UnseenKind::Callee => &witnessed.services,
            UnseenKind::SpanName => &witnessed.span_names,
            UnseenKind::Attribute => &witnessed.attribute_keys,
        }
    }
}

impl Name {
    fn equal(kind: UnseenKind, name: &str) -> Name {
        Name { kind, written: name.to_owned(), test: Test::Equal { aliases: false } }
    }
    fn attribute(key: &str, aliases: bool) -> Name {
        Name { kind: UnseenKind::Attribute, written: key.to_owned(), test: Test::Equal { aliases } }
    }
    fn is_among(&self, names: &BTreeSet<String>) -> bool {
        self.is_shown(|name| names.contains(name), || names.iter().any(|name| self.fits(name)))
    }
    /// Whether it is among names that can be looked up one by one, or all be tried.
    fn is_shown(&self, has: impl Fn(&str) -> bool, any_fits: impl FnOnce() -> bool) -> bool {
        match self.test {
            Test::Equal { aliases } => {
                has(&self.written) || aliases && alias::others(&self.written).any(|other| has(&other.name))
            }
            Test::Fits(_) | Test::Matches(_) | Test::Called { .. } => any_fits(),
        }
    }
    fn fits(&self, name: &str) -> bool {
        match &self.test {
            Test::Equal { .. } => self.written == name,
            Test::Fits(matcher) => matcher.test(&Fact::text(name)),
            Test::Matches(pattern) => pattern.is_match(name),
            Test::Called { names, .. } => names.iter().any(|one| one == name),
        }
    }
    /// The name, if neither this trace nor another has shown it.
    fn unseen(self, cx: &Judging<'_>) -> Option<Unseen> {
        let has = |name: &str| match self.kind {
            UnseenKind::Service | UnseenKind::Callee => cx.facts.service(name).is_some(),
            UnseenKind::SpanName => cx.facts.has_span_name(name),
            UnseenKind::Attribute => cx.facts.has_attribute_key(name),
        };
        let known = || -> Vec<&str> {
            match self.kind {
                UnseenKind::Service | UnseenKind::Callee => cx.facts.services().map(|(name, _)| name).collect(),
                UnseenKind::SpanName => cx.facts.span_names().collect(),
                UnseenKind::Attribute => cx.facts.attribute_keys().collect(),
            }
        };
        let witnessed = self.kind.names(&cx.context.witnessed);
        let any_fits = || known().into_iter().any(|name| self.fits(name));
        if self.is_shown(has, any_fits) || self.is_among(witnessed) {
            return None;
        }
        let near = match self.test {
            Test::Equal { .. } => {
                text::nearest(&self.written, known().into_iter().chain(witnessed.iter().map(String::as_str)))
            }
            Test::Fits(_) | Test::Matches(_) | Test::Called { .. } => None,
        };
        let near = near.map(|(near, _)| near.to_owned());
        Some(Unseen { name: self, near, skips: false, at: Span::default(), path: String::new() })
    }
}

/// The service, if no trace has shown it.
pub(super) fn service(cx: &Judging<'_>, name: &str) -> Option<Unseen> {
    Name::equal(UnseenKind::Service, name).unseen(cx)
}

/// The same for a callee, which a silent service or a mere name (`postgresql`) may be.
pub(super) fn callee(cx: &Judging<'_>, name: &str) -> Option<Unseen> {
    let edges = cx.facts.edges();
    if cx.context.is_silent(name) || edges.names(name) {
        return None;
    }
    service(cx, name)
}

/// What a selection that picks nothing, as it should, names and nobody has ever seen.
pub(super) fn of_query(cx: &Judging<'_>, query: &Query) -> Vec<Unseen> {
    let mut asked = Asked { cx, names: Vec::new() };
    asked.pipeline(&query.pipeline);
    let service = |name: &Name| {
        let exact = name.kind == UnseenKind::Service && matches!(name.test, Test::Equal { .. });
        exact.then(|| name.written.clone())
    };
    let services: Vec<String> = asked.names.iter().filter_map(service).collect();
    let unseen = asked.names.into_iter().filter_map(|name| name.unseen(cx));
    unseen.chain(callees(cx, &services)).collect()
}

/// The callees on which an absence rests: they were called, did not answer in this trace, and exported nothing in this run,
/// so what is said to be absent may be what they did. `services`: those whose spans or calls are absent; none: any.
pub(super) fn callees(cx: &Judging<'_>, services: &[String]) -> Vec<Unseen> {
    let is_address = |name: &String| {
        let host = name.rsplit_once(':').map_or(name.as_str(), |(host, _)| host);
        host == "localhost" || name.parse::<IpAddr>().is_ok() || host.parse::<IpAddr>().is_ok()
    };
    let is_meant = |callee: &&InVain| {
        let names = &callee.names;
        services.is_empty() || names.iter().any(|name| services.contains(name)) || names.iter().all(is_address)
    };
    let in_vain = cx.in_vain.get_or_init(|| in_vain(cx));
    let name = |callee: &InVain| Name {
        kind: UnseenKind::Callee,
        written: callee.names[0].clone(),
        test: Test::Called {
            names: callee.names.clone(),
            call: text::span(cx.trace, callee.call),
            elsewhere: callee.elsewhere.clone(),
        },
    };
    in_vain.iter().filter(is_meant).filter_map(|callee| name(callee).unseen(cx)).collect()
}

/// Each callee once, by the first call of it.
fn in_vain(cx: &Judging<'_>) -> Vec<InVain> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let calls = cx.facts.edges().all().iter().filter(|edge| !edge.is_answered() && !edge.is_infrastructure());
    let silent = |name: &String| cx.context.is_silent(name);
    let calls = calls.filter(|edge| {
        let span = cx.trace.span(edge.span);
        // A call that failed without an answer may never have reached its callee.
        (!span.is_error() || http_status(span).is_some()) && !edge.names().iter().any(silent)
    });
    let first = calls.filter(|edge| edge.names().first().is_some_and(|name| seen.insert(name)));
    let elsewhere = |call| {
        let listener = cx.context.processes.called_by(cx.trace.span(call))?;
        Some((listener.began.first()?.trace, listener.process.to_owned()))
    };
    first
        .map(|edge| InVain { call: edge.span, names: edge.names().to_vec(), elsewhere: elsewhere(edge.span) })
        .collect()
}

/// The same of one that need not pick anything, and then checks nothing.
pub(super) fn of_skipped(cx: &Judging<'_>, query: &Query) -> Vec<Unseen> {
    of_query(cx, query).into_iter().map(|unseen| Unseen { skips: true, ..unseen }).collect()
}

/// The names without which a query can pick nothing. What is only asked not to be, or below a `!`, is none of them.
struct Asked<'c, 'a> {
    cx: &'c Judging<'a>,
    names: Vec<Name>,
}

impl Asked<'_, '_> {
    fn pipeline(&mut self, all: &Pipeline) {
        for stage in &all.stages {
            match stage {
                Stage::Spanset(expr) => self.spanset(expr),
                Stage::By(expr) => self.expr(expr),
                Stage::Scalar(ScalarFilter { lhs: ScalarExpr::Aggregate(aggregate), .. }) => {
                    aggregate.field.iter().for_each(|field| self.expr(field));
                }
                Stage::Scalar(_) | Stage::Coalesce | Stage::Select(_) => {}
            }
        }
    }
    fn spanset(&mut self, expr: &SpansetExpr) {
        match &expr.kind {
            SpansetKind::Filter(condition) => self.expr(condition),
            SpansetKind::Fields { tests, aliases } => tests.iter().for_each(|test| self.key(test, *aliases)),
            SpansetKind::Intersection(all) => all.iter().for_each(|expr| self.spanset(expr)),
            SpansetKind::Pipeline(inner) => self.pipeline(inner),
            SpansetKind::Binary { op, lhs, rhs, .. } => {
                if !matches!(op, SpansetOp::Structure(_, Mode::Not)) {
                    self.spanset(lhs);
                }
                self.spanset(rhs);
            }
        }
    }
    /// A key of a mapping.
    fn key(&mut self, test: &FieldTest, aliases: bool) {
        let kind = match &test.field {
            Field::Service => UnseenKind::Service,
            Field::Name => UnseenKind::SpanName,
            Field::Attribute(key) | Field::Resource(key) if !test.matcher.test(&Fact::Missing) => {
                return self.names.push(Name::attribute(key, aliases));
            }
            _ => return,
        };
        self.names.push(match text::literal_of(&test.matcher) {
            Some(name) => Name::equal(kind, name),
            None if asks_for_some(&test.matcher) => {
                Name { kind, written: text::matcher(&test.matcher), test: Test::Fits(test.matcher.clone()) }
            }
            None => return,
        });
    }
    /// An expression of TraceQL.
    fn expr(&mut self, expr: &FieldExpr) {
        match &expr.kind {
            FieldKind::Binary(_, lhs, rhs) => {
                // No other comparison names something without which it cannot hold.
                if let Some((FieldOp::Eq, operand, Static::Str(name))) = criteria::comparison(expr)
                    && let Some(kind) = named(operand)
                {
                    self.names.push(Name::equal(kind, name));
                }
                self.expr(lhs);
                self.expr(rhs);
            }
            FieldKind::Matches { operand, compiled, negated, .. } => {
                if let (Some(kind), Some(pattern), false) = (named(operand), compiled, negated) {
                    self.names.push(Name { kind, written: expr.to_string(), test: Test::Matches(pattern.clone()) });
                }
                self.expr(operand);
            }
            FieldKind::Attribute(Attribute::Named { scope, name, .. }) => self.attribute(*scope, name),
            FieldKind::Negative(inner) | FieldKind::Exists(inner) => self.expr(inner),
            FieldKind::Attribute(Attribute::Intrinsic(_)) | FieldKind::Not(_) | FieldKind::Missing(_) => {}
            FieldKind::Static(_) | FieldKind::Unreadable => {}
        }
    }
    /// Of events, links and scopes nobody keeps what was seen.
    fn attribute(&mut self, scope: Scope, key: &str) {
        if matches!(scope, Scope::Span | Scope::Resource | Scope::Any) {
            self.names.push(Name::attribute(key, !self.cx.expect.exact_names));
        }
    }
}

/// Whether a matcher wants text to be something, not only something else.
fn asks_for_some(matcher: &Matcher) -> bool {
    match matcher {
        Matcher::All(all) => all.iter().any(asks_for_some),
        Matcher::Matches { negated, .. } => !negated,
        Matcher::Contains(_) | Matcher::StartsWith(_) | Matcher::EndsWith(_) | Matcher::OneOf(_) => true,
        _ => false,
    }
}

/// What an attribute or intrinsic names.
fn named(operand: &FieldExpr) -> Option<UnseenKind> {
    match &operand.kind {
        FieldKind::Attribute(Attribute::Intrinsic(Intrinsic::Name | Intrinsic::RootName)) => Some(UnseenKind::SpanName),
        FieldKind::Attribute(Attribute::Intrinsic(Intrinsic::RootService)) => Some(UnseenKind::Service),
        FieldKind::Attribute(Attribute::Named { scope: Scope::Resource | Scope::Any, name, .. }) => {
            (name == "service.name").then_some(UnseenKind::Service)
        }
        _ => None,
    }
}
