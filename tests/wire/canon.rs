//! A trace as plain data, so that two formats' readings can be compared, and so that what a format loses can be told.

use std::collections::BTreeMap;
use tracespec::trace::{Injected, Sym, Trace, TraceBuilder, TraceId, Value};
use tracespec::wire::detect;

pub type Facts = BTreeMap<String, Fact>;

#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Empty,
    Str(String),
    Bool(bool),
    Int(i64),
    /// By its text, so that NaN equals NaN.
    Double(String),
    Bytes(Vec<u8>),
    Array(Vec<Fact>),
    Map(Facts),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub trace_id: String,
    pub parent: Option<String>,
    pub name: String,
    pub service: String,
    pub kind: &'static str,
    pub status: &'static str,
    pub message: String,
    pub trace_state: String,
    pub flags: Option<u32>,
    pub start: u64,
    pub end: u64,
    pub attributes: Facts,
    pub events: Vec<(u64, String, Facts)>,
    pub links: Vec<(String, String, String, Facts)>,
    pub resource: Facts,
    pub scope: (String, String, Facts),
}

/// Spans by id (with their kind, since an id may be shared).
pub type Canon = BTreeMap<(String, &'static str), Span>;

pub fn fact(trace: &Trace, value: &Value) -> Fact {
    match value {
        Value::Empty => Fact::Empty,
        Value::Str(sym) => Fact::Str(trace.text(*sym).to_owned()),
        Value::Bool(flag) => Fact::Bool(*flag),
        Value::Int(number) => Fact::Int(*number),
        Value::Double(number) => Fact::Double(format!("{number:?}")),
        Value::Bytes(bytes) => Fact::Bytes(bytes.to_vec()),
        Value::Array(items) => Fact::Array(items.iter().map(|item| fact(trace, item)).collect()),
        Value::Map(entries) => Fact::Map(facts(trace, entries)),
    }
}

fn facts(trace: &Trace, from: &[(Sym, Value)]) -> Facts {
    from.iter().map(|(key, value)| (trace.text(*key).to_owned(), fact(trace, value))).collect()
}

pub fn canon(trace: &Trace) -> Canon {
    trace
        .spans()
        .map(|span| {
            let scope = span.scope();
            let told = Span {
                trace_id: span.trace_id().to_string(),
                parent: span.parent_id().map(|id| id.to_string()),
                name: span.name().to_owned(),
                service: span.service().to_owned(),
                kind: span.kind().word(),
                status: span.status().word(),
                message: span.status_message().to_owned(),
                trace_state: span.trace_state().to_owned(),
                flags: span.flags(),
                start: span.start_ns(),
                end: span.end_ns(),
                attributes: span
                    .attributes()
                    .map(|(key, value)| (trace.text(key).to_owned(), fact(trace, value)))
                    .collect(),
                events: span
                    .events()
                    .iter()
                    .map(|at| (at.time_ns, trace.text(at.name).to_owned(), facts(trace, &at.attributes)))
                    .collect(),
                links: span
                    .links()
                    .iter()
                    .map(|at| {
                        let state = trace.text(at.trace_state).to_owned();
                        (at.trace_id.to_string(), at.span_id.to_string(), state, facts(trace, &at.attributes))
                    })
                    .collect(),
                resource: facts(trace, &span.resource().attributes),
                scope: (
                    trace.text(scope.name).to_owned(),
                    trace.text(scope.version).to_owned(),
                    facts(trace, &scope.attributes),
                ),
            };
            ((span.id().to_string(), span.kind().word()), told)
        })
        .collect()
}

/// Reads messages that together hold one trace.
pub fn read(messages: &[Vec<u8>], id: &str) -> Trace {
    let mut builder = TraceBuilder::new();
    for message in messages {
        detect::read(message, &mut builder).unwrap();
    }
    let id: TraceId = id.parse().unwrap();
    builder.build(id, &[], &Injected::Unknown)
}

/// Something that a format cannot tell. Both sides of a comparison are brought down to what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Start, duration and event times are cut to microseconds, each for itself.
    Microseconds,
    /// Span flags.
    Flags,
    /// Attributes of the scope.
    ScopeAttributes,
    /// Attributes and tracestate of links.
    LinkFacts,
    /// Arrays and maps are told as JSON text, no value as empty text.
    Nested,
    /// Every value is told as text.
    Types,
    /// Empty text is told as "-".
    Dash,
    /// Maps are told as one attribute for each entry.
    FlatMaps,
    /// NaN is told as an error's text.
    NaN,
    /// Spans that end before they start are left out.
    NegativeSpans,
    /// The store moves an end that does not come after the start.
    NotAfterStart,
    /// Text is cut to 2048 bytes.
    LongText,
}

pub fn without(mut canon: Canon, losses: &[Loss]) -> Canon {
    for loss in losses {
        if *loss == Loss::NegativeSpans {
            canon.retain(|_, span| span.name != "neg-orphan");
        }
        for span in canon.values_mut() {
            lose(span, *loss);
        }
    }
    canon
}

fn lose(span: &mut Span, loss: Loss) {
    match loss {
        Loss::Microseconds => {
            let duration = (span.end - span.start) / 1000 * 1000;
            span.start = span.start / 1000 * 1000;
            span.end = span.start + duration;
            span.events.iter_mut().for_each(|event| event.0 = event.0 / 1000 * 1000);
            span.events.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        }
        Loss::Flags => span.flags = None,
        Loss::ScopeAttributes => span.scope.2.clear(),
        Loss::LinkFacts => span.links.iter_mut().for_each(|link| {
            link.2.clear();
            link.3.clear();
        }),
        Loss::NotAfterStart if span.end <= span.start + 1 => span.end = span.start,
        Loss::NotAfterStart | Loss::NegativeSpans => {}
        Loss::FlatMaps => each_map(span, |map| {
            let flat: Vec<(String, Fact)> = std::mem::take(map)
                .into_iter()
                .flat_map(|(key, value)| match value {
                    Fact::Map(inner) => inner.into_iter().map(|(sub, at)| (format!("{key}.{sub}"), at)).collect(),
                    value => vec![(key, value)],
                })
                .collect();
            map.extend(flat);
        }),
        Loss::Nested | Loss::Types | Loss::Dash | Loss::NaN | Loss::LongText => {
            each_map(span, |map| map.values_mut().for_each(|value| lose_value(value, loss)));
        }
    }
}

fn each_map(span: &mut Span, change: impl Fn(&mut Facts)) {
    change(&mut span.attributes);
    change(&mut span.resource);
    change(&mut span.scope.2);
    span.events.iter_mut().for_each(|event| change(&mut event.2));
    span.links.iter_mut().for_each(|link| change(&mut link.3));
}

fn lose_value(value: &mut Fact, loss: Loss) {
    let text = |text: String| Fact::Str(text);
    *value = match (loss, &*value) {
        (Loss::Nested, Fact::Array(_) | Fact::Map(_)) => text(as_json(value)),
        (Loss::Nested, Fact::Empty) => text(String::new()),
        (Loss::Types, Fact::Bool(flag)) => text(flag.to_string()),
        (Loss::Types, Fact::Int(number)) => text(number.to_string()),
        (Loss::Types, Fact::Double(number)) => text(number.strip_suffix(".0").unwrap_or(number).to_owned()),
        (Loss::Types, Fact::Bytes(bytes)) => text(base64(bytes)),
        (Loss::Dash, Fact::Str(empty)) if empty.is_empty() => text("-".to_owned()),
        (Loss::NaN, Fact::Str(at)) if at == "NaN" => text("json: unsupported value: NaN".to_owned()),
        (Loss::LongText, Fact::Str(at)) if at.len() > 2048 => text(at[..2048].to_owned()),
        _ => return,
    };
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn as_json(value: &Fact) -> String {
    match value {
        Fact::Empty => "null".to_owned(),
        Fact::Str(text) => format!("{text:?}"),
        Fact::Bool(flag) => flag.to_string(),
        Fact::Int(number) => number.to_string(),
        Fact::Double(number) => number.clone(),
        Fact::Bytes(bytes) => format!("{:?}", base64(bytes)),
        Fact::Array(items) => format!("[{}]", items.iter().map(as_json).collect::<Vec<_>>().join(",")),
        Fact::Map(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key:?}:{}", as_json(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

/// Asserts that two readings agree but for the losses, and that each loss named is a real one.
pub fn assert_same(format: &str, sent: &Canon, told: &Canon, losses: &[Loss]) {
    let (left, right) = (without(sent.clone(), losses), without(told.clone(), losses));
    for (id, span) in &left {
        assert_eq!(right.get(id), Some(span), "{format}: span {id:?}");
    }
    assert_eq!(left.len(), right.len(), "{format}");
    for at in 0..losses.len() {
        let fewer: Vec<Loss> = losses.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, loss)| *loss).collect();
        let agrees = without(sent.clone(), &fewer) == without(told.clone(), &fewer);
        assert!(!agrees, "{format}: {:?} is named as lost, and is not", losses[at]);
    }
}
