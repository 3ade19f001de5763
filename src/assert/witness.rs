//! Absences of things that nobody has ever seen: they hold, and prove little.

use super::criteria;
use super::cx::Cx;
use super::finding::Witnessed;
use super::text;
use crate::matcher::{Fact, Matcher, alias};
use crate::select::{
    Attribute, Compiled, Field, FieldExpr, FieldKind, FieldOp, FieldTest, Intrinsic, Mode, Pipeline, Query, ScalarExpr,
    ScalarFilter, Scope, SpansetExpr, SpansetKind, SpansetOp, Stage, Static,
};
use std::collections::BTreeSet;

/// How a remark begins that says an absence names what no trace of this run has shown; `--strict-absence` turns such a
/// pass into a failure.
pub const UNWITNESSED: &str = "unwitnessed: ";

/// Something that an absence names and that its trace does not show.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// The remark that says so; it begins with [`UNWITNESSED`].
    pub remark: String,
    name: Name,
}

#[derive(Debug, Clone)]
struct Name {
    of: Of,
    test: Test,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Service,
    Span,
    /// Whether other names that it had count as well.
    Attribute(bool),
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    Fits(Matcher),
    Matches(Compiled, String),
}

impl Unseen {
    /// Whether these names show it: what one trace of a run has not shown, a later one may have.
    pub fn is_answered(&self, witnessed: &Witnessed) -> bool {
        self.name.is_among(self.name.of.names(witnessed))
    }
    /// The same where it decides whether anything is checked at all.
    fn that_skips(mut self) -> Unseen {
        let skipped = "ll that is said of it was skipped";
        self.remark += &if self.remark.ends_with('?') { format!(" A{skipped}.") } else { format!("; a{skipped}") };
        self
    }
    #[cfg(test)]
    pub(crate) fn service(name: &str, remark: &str) -> Unseen {
        Unseen { remark: remark.to_owned(), name: Name { of: Of::Service, test: Test::Equal(name.to_owned()) } }
    }
}

impl Of {
    fn names(self, witnessed: &Witnessed) -> &BTreeSet<String> {
        match self {
            Of::Service => &witnessed.services,
            Of::Span => &witnessed.span_names,
            Of::Attribute(_) => &witnessed.attribute_keys,
        }
    }
}

impl Name {
    fn equal(of: Of, name: &str) -> Name {
        Name { of, test: Test::Equal(name.to_owned()) }
    }
    fn is_among(&self, names: &BTreeSet<String>) -> bool {
        match &self.test {
            Test::Equal(name) => {
                let aliases = matches!(self.of, Of::Attribute(true));
                names.contains(name) || aliases && alias::others(name).any(|other| names.contains(other.name))
            }
            _ => names.iter().any(|name| self.fits(name)),
        }
    }
    fn fits(&self, name: &str) -> bool {
        match &self.test {
            Test::Equal(wanted) => wanted == name,
            Test::Fits(matcher) => matcher.test(&Fact::text(name)),
            Test::Matches(pattern, _) => pattern.is_match(name),
        }
    }
    /// A remark, if neither this trace nor another has shown it.
    fn unseen(self, cx: &Cx<'_>) -> Option<Unseen> {
        let has = |name: &str| match self.of {
            Of::Service => cx.services().contains_key(name),
            Of::Span => cx.span_names().contains(name),
            Of::Attribute(_) => cx.attribute_keys().contains(name),
        };
        let known = || -> Vec<&str> {
            match self.of {
                Of::Service => cx.services().keys().copied().collect(),
                Of::Span => cx.span_names().iter().copied().collect(),
                Of::Attribute(_) => cx.attribute_keys().iter().copied().collect(),
            }
        };
        let shown = match &self.test {
            Test::Equal(name) => {
                let aliases = matches!(self.of, Of::Attribute(true));
                has(name) || aliases && alias::others(name).any(|other| has(other.name))
            }
            _ => known().into_iter().any(|name| self.fits(name)),
        };
        let witnessed = self.of.names(&cx.context.witnessed);
        if shown || self.is_among(witnessed) {
            return None;
        }
        let remark = match &self.test {
            Test::Equal(name) => {
                let what = match self.of {
                    Of::Service => "service",
                    Of::Span => "span named",
                    Of::Attribute(_) => "attribute",
                };
                let near = text::nearest(name, known().into_iter().chain(witnessed.iter().map(String::as_str)));
                let hint = near.map_or(String::new(), |(near, _)| format!("; did you mean {}?", text::quoted(near)));
                format!("{UNWITNESSED}no {what} {} was seen in any trace of this run{hint}", text::quoted(name))
            }
            Test::Fits(_) | Test::Matches(..) => {
                let of = if matches!(self.of, Of::Service) { "service" } else { "span" };
                let asked = match &self.test {
                    Test::Fits(matcher) => text::matcher(matcher),
                    Test::Matches(_, written) => written.clone(),
                    Test::Equal(name) => name.clone(),
                };
                format!(
                    "{UNWITNESSED}no {of} with a name that is {} was seen in any trace of this run",
                    text::quoted(&asked)
                )
            }
        };
        Some(Unseen { remark, name: self })
    }
}

/// A remark, if no trace has shown such a service.
pub(super) fn service(cx: &Cx<'_>, name: &str) -> Option<Unseen> {
    Name::equal(Of::Service, name).unseen(cx)
}

/// The same for a callee, which a silent service or a mere name (`postgresql`) may be.
pub(super) fn callee(cx: &Cx<'_>, name: &str) -> Option<Unseen> {
    let edges = cx.edges.get_or_init(|| super::edges::Edges::of(cx));
    if cx.context.silent.contains(name) || edges.names(name) {
        return None;
    }
    service(cx, name)
}

/// Remarks on a selection that picks nothing, as it should, for whatever it names that nobody has ever seen.
pub(super) fn of_query(cx: &Cx<'_>, query: &Query) -> Vec<Unseen> {
    let mut asked = Asked { cx, names: Vec::new() };
    asked.pipeline(&query.pipeline);
    asked.names.into_iter().filter_map(|name| name.unseen(cx)).collect()
}

/// The same on one that need not pick anything, and then says nothing.
pub(super) fn of_skipped(cx: &Cx<'_>, query: &Query) -> Vec<Unseen> {
    of_query(cx, query).into_iter().map(Unseen::that_skips).collect()
}

/// The names without which a query can pick nothing. What is only asked not to be, or below a `!`, is none of them.
struct Asked<'c, 'a> {
    cx: &'c Cx<'a>,
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
        let of = match &test.field {
            Field::Service => Of::Service,
            Field::Name => Of::Span,
            Field::Attribute(key) | Field::Resource(key) if !test.matcher.test(&Fact::Missing) => {
                return self.names.push(Name::equal(Of::Attribute(aliases), key));
            }
            _ => return,
        };
        let test = match text::literal_of(&test.matcher) {
            Some(name) => Test::Equal(name.to_owned()),
            None if asks_for_some(&test.matcher) => Test::Fits(test.matcher.clone()),
            None => return,
        };
        self.names.push(Name { of, test });
    }
    /// An expression of TraceQL.
    fn expr(&mut self, expr: &FieldExpr) {
        match &expr.kind {
            FieldKind::Binary(_, lhs, rhs) => {
                // No other comparison names something without which it cannot hold.
                if let Some((FieldOp::Eq, operand, Static::Str(name))) = criteria::comparison(expr)
                    && let Some(of) = named(operand)
                {
                    self.names.push(Name::equal(of, name));
                }
                self.expr(lhs);
                self.expr(rhs);
            }
            FieldKind::Matches { operand, compiled, negated, .. } => {
                if let (Some(of), Some(pattern), false) = (named(operand), compiled, negated) {
                    self.names.push(Name { of, test: Test::Matches(pattern.clone(), expr.to_string()) });
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
        let elsewhere = match scope {
            Scope::Span | Scope::Resource => false,
            Scope::Any => self.is_elsewhere(key),
            Scope::Event | Scope::Link | Scope::Instrumentation => true,
        };
        if !elsewhere {
            self.names.push(Name::equal(Of::Attribute(!self.cx.expect.exact_names), key));
        }
    }
    /// Whether events, links or scopes of the trace have such an attribute.
    fn is_elsewhere(&self, key: &str) -> bool {
        let trace = self.cx.trace;
        if self.cx.attribute_keys().contains(key) {
            return false;
        }
        let Some(key) = trace.symbols().get(key) else { return false };
        let has = |attributes: &[(crate::trace::Sym, crate::trace::Value)]| attributes.iter().any(|(at, _)| *at == key);
        trace.scopes.iter().any(|scope| has(&scope.attributes))
            || trace.spans().any(|span| {
                span.events().iter().any(|event| has(&event.attributes))
                    || span.links().iter().any(|link| has(&link.attributes))
            })
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
fn named(operand: &FieldExpr) -> Option<Of> {
    match &operand.kind {
        FieldKind::Attribute(Attribute::Intrinsic(Intrinsic::Name | Intrinsic::RootName)) => Some(Of::Span),
        FieldKind::Attribute(Attribute::Intrinsic(Intrinsic::RootService)) => Some(Of::Service),
        FieldKind::Attribute(Attribute::Named { scope: Scope::Resource | Scope::Any, name, .. }) => {
            (name == "service.name").then_some(Of::Service)
        }
        _ => None,
    }
}
