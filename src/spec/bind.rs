//! Variables' values into what is sent and what is expected, just before each is used.

mod repeat;

use super::plan::{
    Auth, Body, CallRule, Calls, Check, Conventions, Errors, EventCheck, Expectation, Fact, GRPC_CODES, GapsCheck,
    GraphQlErrors, HttpRequest, JsonTemplate, LinkCheck, NetworkCheck, Order, OrderRelation, Part, PathCheck, Per,
    RepeatBound, Repeats, Response, Selector, Serial, Services, SpanCheck, Structure, StructureNode, TraceExpectations,
    TraceIdSource,
};
use crate::diag::{Code, Problem};
use crate::matcher::{Budget, Literal, Lookup, Matcher, Operand, Position, Template, Value, units};
use crate::select::{Field, Query, SelectError, Values};
use crate::source::Spanned;
use crate::spec::forms::{KINDS, STATUSES};

type Bound<T> = Result<T, Problem>;

/// Things that hold variables.
pub trait Bind: Sized {
    /// The same with every variable's value in place: every operand a literal, every template plain text.
    fn bind(&self, scope: &dyn Lookup) -> Bound<Self>;
}

fn each<T: Clone>(items: &[T], mut bind: impl FnMut(&T) -> Bound<T>) -> Bound<Vec<T>> {
    items.iter().map(&mut bind).collect()
}

fn option<T>(item: &Option<T>, bind: impl FnOnce(&T) -> Bound<T>) -> Bound<Option<T>> {
    item.as_ref().map(bind).transpose()
}

fn text(template: &Template, scope: &dyn Lookup) -> Bound<Template> {
    Ok(Template::text(template.bind(scope)?, template.span))
}

fn matcher(matcher: &Matcher, scope: &dyn Lookup, position: Position) -> Bound<Matcher> {
    matcher.bind(scope, position)
}

fn spanned(item: &Spanned<Matcher>, scope: &dyn Lookup, position: Position) -> Bound<Spanned<Matcher>> {
    Ok(Spanned::new(item.value.bind(scope, position)?, item.span))
}

fn boxed(
    item: &Option<Box<Spanned<Matcher>>>,
    scope: &dyn Lookup,
    position: Position,
) -> Bound<Option<Box<Spanned<Matcher>>>> {
    item.as_ref().map(|item| spanned(item, scope, position).map(Box::new)).transpose()
}

fn operand(operand: &Operand, scope: &dyn Lookup) -> Bound<Operand> {
    operand.bind(scope, Position::Text, false)
}

impl Bind for HttpRequest {
    fn bind(&self, scope: &dyn Lookup) -> Bound<HttpRequest> {
        let pairs =
            |pairs: &Vec<(String, Template)>| each(pairs, |(name, value)| Ok((name.clone(), text(value, scope)?)));
        let body = match &self.body {
            Body::Empty => Body::Empty,
            Body::Json(json) => Body::Json(json.bind(scope)?),
            Body::Text(body) => Body::Text(text(body, scope)?),
            Body::Form(fields) => Body::Form(pairs(fields)?),
            Body::Multipart(parts) => Body::Multipart(each(parts, |(name, part)| {
                let part = match part {
                    Part::Text(template) => Part::Text(text(template, scope)?),
                    Part::File(path) => Part::File(path.clone()),
                };
                Ok((name.clone(), part))
            })?),
            Body::File(path) => Body::File(path.clone()),
        };
        Ok(HttpRequest {
            url: text(&self.url, scope)?,
            query: pairs(&self.query)?,
            headers: pairs(&self.headers)?,
            body,
            auth: option(&self.auth, |auth| auth.bind(scope))?,
            ..self.clone()
        })
    }
}

impl Bind for Auth {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Auth> {
        Ok(match self {
            Auth::Basic { user, password } => {
                Auth::Basic { user: text(user, scope)?, password: text(password, scope)? }
            }
            Auth::Bearer(token) => Auth::Bearer(text(token, scope)?),
        })
    }
}

impl Bind for JsonTemplate {
    fn bind(&self, scope: &dyn Lookup) -> Bound<JsonTemplate> {
        Ok(match self {
            JsonTemplate::Text(template) => typed(template.bind_value(scope)?, template.is_lone(), template),
            JsonTemplate::Array(items) => JsonTemplate::Array(each(items, |item| item.bind(scope))?),
            JsonTemplate::Object(entries) => {
                JsonTemplate::Object(each(entries, |(key, value)| Ok((text(key, scope)?, value.bind(scope)?)))?)
            }
            other => other.clone(),
        })
    }
}

/// A lone variable keeps its type, and a number its own text.
fn typed(value: Value, lone: bool, template: &Template) -> JsonTemplate {
    fn of(literal: &Literal, text: &str, span: crate::source::Span) -> JsonTemplate {
        match literal {
            Literal::Bool(value) => JsonTemplate::Bool(*value),
            Literal::Int(_) | Literal::Float(_) => JsonTemplate::Number(text.trim_start_matches('+').to_owned()),
            Literal::Null => JsonTemplate::Null,
            Literal::List(items) => {
                JsonTemplate::Array(items.iter().map(|item| of(item, &item.to_string(), span)).collect())
            }
            _ => JsonTemplate::Text(Template::text(text, span)),
        }
    }
    if lone {
        of(&value.literal, &value.text, template.span)
    } else {
        JsonTemplate::Text(Template::text(&*value.text, template.span))
    }
}

impl JsonTemplate {
    /// The document as text, once variables are bound; `None` while one is left.
    pub fn to_json(&self) -> Option<String> {
        let mut out = String::new();
        self.write(&mut out)?;
        Some(out)
    }

    fn write(&self, out: &mut String) -> Option<()> {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            JsonTemplate::Null => out.push_str("null"),
            JsonTemplate::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            JsonTemplate::Number(text) => out.push_str(text),
            JsonTemplate::Text(template) => out.push_str(&quote(template.as_text()?)),
            JsonTemplate::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out)?;
                }
                out.push(']');
            }
            JsonTemplate::Object(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    out.push_str(&quote(key.as_text()?));
                    out.push(':');
                    value.write(out)?;
                }
                out.push('}');
            }
        }
        Some(())
    }
}

impl Bind for TraceIdSource {
    fn bind(&self, scope: &dyn Lookup) -> Bound<TraceIdSource> {
        Ok(match self {
            TraceIdSource::Value(template) => TraceIdSource::Value(text(template, scope)?),
            other => other.clone(),
        })
    }
}

impl Bind for Response {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Response> {
        let scope: &dyn Lookup = &Budget::new(scope);
        Ok(Response {
            at: self.at,
            status: boxed(&self.status, scope, Position::Int)?,
            headers: each(&self.headers, |(name, one)| Ok((name.clone(), matcher(one, scope, Position::Text)?)))?,
            json: each(&self.json, |(path, one)| Ok((path.clone(), matcher(one, scope, Position::Any)?)))?,
            body: boxed(&self.body, scope, Position::Text)?,
            grpc_status: boxed(&self.grpc_status, scope, Position::Word(GRPC_CODES))?,
            status_message: boxed(&self.status_message, scope, Position::Text)?,
            metadata: each(&self.metadata, |(name, one)| Ok((name.clone(), matcher(one, scope, Position::Text)?)))?,
            errors: match &self.errors {
                GraphQlErrors::Are(errors) => GraphQlErrors::Are(Box::new(spanned(errors, scope, Position::Any)?)),
                other => other.clone(),
            },
            exit_code: boxed(&self.exit_code, scope, Position::Int)?,
            stdout: boxed(&self.stdout, scope, Position::Text)?,
            stderr: boxed(&self.stderr, scope, Position::Text)?,
            duration: boxed(&self.duration, scope, Position::Duration)?,
            capture: self.capture.clone(),
            redactor: self.redactor.clone(),
        })
    }
}

impl Bind for TraceExpectations {
    fn bind(&self, scope: &dyn Lookup) -> Bound<TraceExpectations> {
        let scope: &dyn Lookup = &Budget::new(scope);
        Ok(TraceExpectations {
            list: each(&self.list, |one| Ok(Expectation { check: one.check.bind(scope)?, ..one.clone() }))?,
            names: each(&self.names, |(name, selector)| Ok((name.clone(), selector.bind(scope)?)))?,
            ..self.clone()
        })
    }
}

impl Bind for Check {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Check> {
        let count = |one: &Matcher| matcher(one, scope, Position::Count);
        Ok(match self {
            Check::Services(services) => Check::Services(services.bind(scope)?),
            Check::Calls(calls) => Check::Calls(calls.bind(scope)?),
            Check::Spans(span) => Check::Spans(Box::new(span.bind(scope)?)),
            Check::SpanCount(one) => Check::SpanCount(count(one)?),
            Check::Depth(one) => Check::Depth(count(one)?),
            Check::Roots(one) => Check::Roots(count(one)?),
            Check::Errors(errors) => Check::Errors(Errors {
                count: option(&errors.count, count)?,
                allow: each(&errors.allow, |selector| selector.bind(scope))?,
                swallowed_none: errors.swallowed_none,
            }),
            Check::Duration { of_root, matcher: one } => {
                Check::Duration { of_root: *of_root, matcher: matcher(one, scope, Position::Duration)? }
            }
            Check::Order(order) => Check::Order(order.bind(scope)?),
            Check::Structure(structure) => {
                Check::Structure(Structure { tree: structure.tree.bind(scope)?, ..structure.clone() })
            }
            Check::TraceQl { query, text, none } => {
                Check::TraceQl { query: bind_query(query, scope)?, text: text.clone(), none: *none }
            }
            Check::Repeats(repeats) => Check::Repeats(repeats.bind(scope)?),
            Check::Serial(serial) => Check::Serial(Serial {
                saving: spanned(&serial.saving, scope, Position::Duration)?,
                except: each(&serial.except, |selector| selector.bind(scope))?,
            }),
            Check::FanOut(one) => Check::FanOut(count(one)?),
            Check::Chain(one) => Check::Chain(count(one)?),
            Check::Concurrency(one) => Check::Concurrency(count(one)?),
            Check::Conventions(conventions) => Check::Conventions(Conventions {
                score: option(&conventions.score, |score| spanned(score, scope, Position::Score))?,
                ..conventions.clone()
            }),
            Check::CriticalPath(path) => Check::CriticalPath(Box::new(path.bind(scope)?)),
            Check::Network(network) => Check::Network(Box::new(network.bind(scope)?)),
            Check::Gaps(gaps) => Check::Gaps(Box::new(gaps.bind(scope)?)),
            Check::Propagation | Check::ClockSkew | Check::Snapshot { .. } => self.clone(),
        })
    }
}

impl Bind for Repeats {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Repeats> {
        let bound = |one: &RepeatBound| {
            Ok(RepeatBound { count: spanned(&one.count, scope, Position::Count)?, is_keyed: one.is_keyed })
        };
        Ok(Repeats {
            per_parent: option(&self.per_parent, bound)?,
            per_trace: option(&self.per_trace, bound)?,
            except: each(&self.except, |selector| selector.bind(scope))?,
        })
    }
}

impl Bind for Services {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Services> {
        let list = |names: &Vec<Spanned<Operand>>| {
            each(names, |name| Ok(Spanned::new(operand(&name.value, scope)?, name.span)))
        };
        Ok(Services {
            all: list(&self.all)?,
            any: list(&self.any)?,
            none: list(&self.none)?,
            only: option(&self.only, list)?,
        })
    }
}

impl Bind for PathCheck {
    fn bind(&self, scope: &dyn Lookup) -> Bound<PathCheck> {
        Ok(PathCheck {
            select: self.select.bind(scope)?,
            optional: self.optional,
            share: option(&self.share, |share| spanned(share, scope, Position::Share))?,
            time: option(&self.time, |time| spanned(time, scope, Position::Duration))?,
        })
    }
}

impl Bind for NetworkCheck {
    fn bind(&self, scope: &dyn Lookup) -> Bound<NetworkCheck> {
        let time = |time: &Option<Spanned<Matcher>>| option(time, |time| spanned(time, scope, Position::Duration));
        Ok(NetworkCheck {
            call: self.call.bind(scope)?,
            optional: self.optional,
            overhead: time(&self.overhead)?,
            request: time(&self.request)?,
            response: time(&self.response)?,
        })
    }
}

impl Bind for GapsCheck {
    fn bind(&self, scope: &dyn Lookup) -> Bound<GapsCheck> {
        let time = |time: &Option<Spanned<Matcher>>| option(time, |time| spanned(time, scope, Position::Duration));
        Ok(GapsCheck {
            select: option(&self.select, |select| select.bind(scope))?,
            optional: self.optional,
            max: time(&self.max)?,
            total: time(&self.total)?,
            ratio: option(&self.ratio, |ratio| spanned(ratio, scope, Position::Share))?,
        })
    }
}

impl Bind for CallRule {
    fn bind(&self, scope: &dyn Lookup) -> Bound<CallRule> {
        Ok(CallRule {
            at: self.at,
            from: option(&self.from, |side| operand(side, scope))?,
            to: option(&self.to, |side| operand(side, scope))?,
            count: option(&self.count, |count| matcher(count, scope, Position::Count))?,
        })
    }
}

impl Bind for Calls {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Calls> {
        let list = |rules: &Vec<CallRule>| each(rules, |rule| rule.bind(scope));
        Ok(Calls { require: list(&self.require)?, forbid: list(&self.forbid)?, only: option(&self.only, list)? })
    }
}

impl Bind for Selector {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Selector> {
        Ok(Selector {
            query: bind_query(&self.query, scope)?,
            parts: each(&self.parts, |(key, one)| Ok((key.clone(), matcher(one, scope, position_of(key))?)))?,
            ..self.clone()
        })
    }
}

/// What kind of fact a part of a mapping selector is about.
pub(super) fn position_of(key: &str) -> Position {
    match key {
        "service" | "name" => Position::Text,
        "kind" => Position::Word(KINDS),
        "status" => Position::Word(STATUSES),
        "duration" => Position::Duration,
        _ => Position::Any,
    }
}

/// Text is tried as text, and as a number only where text does not fit.
fn bind_query(query: &Query, scope: &dyn Lookup) -> Bound<Query> {
    let text = query.bind(&QueryValues { scope, numbers: false });
    match text {
        Err(Unbound::Unfit(error)) => query
            .bind(&QueryValues { scope, numbers: true })
            .map_err(|_| Problem::error(Code::BadValue, error.span, error.message).maybe_help(error.help)),
        Err(Unbound::Problem(problem)) => Err(*problem),
        Ok(query) => Ok(query),
    }
}

enum Unbound {
    Problem(Box<Problem>),
    Unfit(SelectError),
}

struct QueryValues<'a> {
    scope: &'a dyn Lookup,
    numbers: bool,
}

impl Values for QueryValues<'_> {
    type Error = Unbound;
    fn value(&self, template: &Template) -> Result<Literal, Unbound> {
        let value = template.bind_value(self.scope).map_err(|problem| Unbound::Problem(Box::new(problem)))?;
        Ok(match &value.literal {
            Literal::Str(text) if self.numbers => units::parse(text.trim()).unwrap_or(value.literal),
            _ => value.literal,
        })
    }
    fn matcher(&self, field: &Field, matcher: &Matcher) -> Result<Matcher, Unbound> {
        let position = match field {
            Field::Service | Field::Name | Field::StatusMessage => Position::Text,
            Field::Kind => Position::Word(KINDS),
            Field::Status => Position::Word(STATUSES),
            Field::Duration => Position::Duration,
            _ => Position::Any,
        };
        matcher.bind(self.scope, position).map_err(|problem| Unbound::Problem(Box::new(problem)))
    }
    fn unfit(&self, error: SelectError) -> Unbound {
        Unbound::Unfit(error)
    }
}

impl Bind for SpanCheck {
    fn bind(&self, scope: &dyn Lookup) -> Bound<SpanCheck> {
        Ok(SpanCheck {
            select: self.select.bind(scope)?,
            count: option(&self.count, |count| spanned(count, scope, Position::Count))?,
            facts: each(&self.facts, |fact| Ok(Spanned::new(fact.value.bind(scope)?, fact.span)))?,
            ..self.clone()
        })
    }
}

impl Bind for Fact {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Fact> {
        let any = |one: &Matcher| matcher(one, scope, Position::Any);
        let plain = |one: &Matcher| matcher(one, scope, Position::Text);
        let count = |one: &Option<Matcher>| option(one, |one| matcher(one, scope, Position::Count));
        let attributes = |list: &Vec<(String, Matcher)>| each(list, |(name, one)| Ok((name.clone(), any(one)?)));
        Ok(match self {
            Fact::Duration(one) => Fact::Duration(matcher(one, scope, Position::Duration)?),
            Fact::SelfTime(one) => Fact::SelfTime(matcher(one, scope, Position::Duration)?),
            Fact::Status(one) => Fact::Status(matcher(one, scope, Position::Word(STATUSES))?),
            Fact::StatusMessage(one) => Fact::StatusMessage(plain(one)?),
            Fact::Kind(one) => Fact::Kind(matcher(one, scope, Position::Word(KINDS))?),
            Fact::Service(one) => Fact::Service(plain(one)?),
            Fact::Name(one) => Fact::Name(plain(one)?),
            Fact::Attribute(name, one) => Fact::Attribute(name.clone(), any(one)?),
            Fact::Resource(name, one) => Fact::Resource(name.clone(), any(one)?),
            Fact::Scope(name, one) => Fact::Scope(name.clone(), any(one)?),
            Fact::Event(event) => Fact::Event(EventCheck {
                name: option(&event.name, plain)?,
                attributes: attributes(&event.attributes)?,
                count: count(&event.count)?,
            }),
            Fact::EventOrder(names) => {
                Fact::EventOrder(each(names, |name| Ok(Spanned::new(operand(&name.value, scope)?, name.span)))?)
            }
            Fact::Link(link) => Fact::Link(LinkCheck {
                trace_id: option(&link.trace_id, plain)?,
                span_id: option(&link.span_id, plain)?,
                span: option(&link.span, |span| span.bind(scope))?,
                attributes: attributes(&link.attributes)?,
                count: count(&link.count)?,
            }),
            Fact::Parent(selector) => Fact::Parent(selector.bind(scope)?),
            Fact::Ancestor(selector) => Fact::Ancestor(selector.bind(scope)?),
            Fact::Child(selector, one) => Fact::Child(selector.bind(scope)?, count(one)?),
        })
    }
}

impl Bind for Order {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Order> {
        let list = |sides: &Vec<Selector>| each(sides, |side| side.bind(scope));
        Ok(match self {
            Order::Relation(relation) => Order::Relation(OrderRelation {
                first: relation.first.bind(scope)?,
                then: relation.then.bind(scope)?,
                per: match &relation.per {
                    Per::Under(selector) => Per::Under(selector.bind(scope)?),
                    other => other.clone(),
                },
                ..relation.clone()
            }),
            Order::Sequence(sides) => Order::Sequence(list(sides)?),
            Order::Parallel(sides) => Order::Parallel(list(sides)?),
            Order::Never(first, then) => Order::Never(first.bind(scope)?, then.bind(scope)?),
        })
    }
}

impl Bind for StructureNode {
    fn bind(&self, scope: &dyn Lookup) -> Bound<StructureNode> {
        Ok(StructureNode {
            at: self.at,
            select: self.select.bind(scope)?,
            count: option(&self.count, |count| matcher(count, scope, Position::Count))?,
            children: each(&self.children, |child| child.bind(scope))?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::matcher::Value;
    use crate::source::Span;

    struct One(&'static str);

    impl Lookup for One {
        fn value(&self, _: &str, _: Option<&str>, _: Span) -> Result<Value, Problem> {
            Ok(Value::text(self.0))
        }
    }

    #[test]
    fn text_in_a_query_stays_text_where_text_fits_and_is_a_number_where_only_a_number_does() {
        let bound = |text: &str, value| {
            let query = crate::select::parse(text, Span::new(0, text.len())).0.unwrap();
            bind_query(&query, &One(value)).map(|query| query.to_string()).ok()
        };
        for (text, value, expected) in [
            ("{ span.code = ${x} }", "500", Some("{ span.code = \"500\" }")),
            ("{ name = ${x} }", "500", Some("{ name = \"500\" }")),
            ("{ span:childCount = ${x} }", "500", Some("{ span:childCount = 500 }")),
            ("{ duration > ${x} }", "5s", Some("{ duration > 5s }")),
            ("{ kind = server } | count() > ${x}", "5", Some("{ kind = server } | count() > 5")),
            ("{ duration > ${x} }", "soon", None),
        ] {
            assert_eq!(bound(text, value).as_deref(), expected, "{text}");
        }
    }
}
