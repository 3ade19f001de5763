//! What a scenario is: spans, when and how they are exported, how the request is answered, how the store answers reads,
//! what is expected of the trace, and the verdict that is right.

use serde_json::{Value, json};

/// The request's own span id, as a parent.
pub const CALLER: u64 = u64::MAX;

/// A span of the system. Times are microseconds after the request came.
#[derive(Debug, Clone)]
pub struct Made {
    pub service: String,
    pub instance: String,
    pub host: String,
    pub name: String,
    pub kind: u8,
    pub id: u64,
    /// 0 for none.
    pub parent: u64,
    pub from_us: i64,
    /// `None`: the span is told without an end.
    pub to_us: Option<i64>,
    pub error: bool,
    pub attributes: Vec<(String, Value)>,
    pub dropped_attributes: u32,
    /// Spans of the trace itself that it links to.
    pub links: Vec<u64>,
    /// Which trace: 0 is that of the request, others are derived from it.
    pub trace: u8,
}

pub const INTERNAL: u8 = 1;
pub const SERVER: u8 = 2;
pub const CLIENT: u8 = 3;
pub const PRODUCER: u8 = 4;
pub const CONSUMER: u8 = 5;

impl Made {
    pub fn new(service: &str, kind: u8, name: &str, id: u64, parent: u64, (from, to): (i64, i64)) -> Made {
        Made {
            service: service.to_owned(),
            instance: String::new(),
            host: String::new(),
            name: name.to_owned(),
            kind,
            id,
            parent,
            from_us: from,
            to_us: Some(to),
            error: false,
            attributes: Vec::new(),
            dropped_attributes: 0,
            links: Vec::new(),
            trace: 0,
        }
    }
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Made {
        self.attributes.push((key.to_owned(), value.into()));
        self
    }
    pub fn failed(mut self) -> Made {
        self.error = true;
        self
    }
}

/// Spans that are exported together.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// After the request came.
    pub after_ms: u64,
    pub spans: Vec<Made>,
}

/// How one read of a store is answered before it answers as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Busy,
    NotFound,
    Empty,
    /// Another server's page.
    Html,
    /// Takes the request and closes the connection.
    Close,
    /// Says nothing for long.
    Hang,
    /// Only half of the spans.
    Half,
}

/// How the target answers.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    pub status: u16,
    pub after_ms: u64,
    /// Closes the connection instead.
    pub close: bool,
    /// Answers the first request by sending it elsewhere.
    pub redirect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Receiver,
    Jaeger,
    Tempo,
}

#[derive(Debug, Clone)]
pub struct Scenario {
    /// What is hostile about it.
    pub kind: &'static str,
    pub place: Place,
    pub deliveries: Vec<Delivery>,
    /// The deliveries' order is what it is about.
    pub ordered: bool,
    pub reply: Reply,
    pub faults: Vec<Fault>,
    /// Every answer of the store says that it is not all.
    pub partial: bool,
    /// Keys of the test beside `request` and `trace`, as lines of flow YAML.
    pub keys: Vec<String>,
    /// The body of `trace`, as flow YAML.
    pub expect: String,
    pub right: &'static str,
}

impl Scenario {
    pub fn new(kind: &'static str, spans: Vec<Made>, expect: impl Into<String>, right: &'static str) -> Scenario {
        Scenario {
            kind,
            place: Place::Receiver,
            deliveries: vec![Delivery { after_ms: 0, spans }],
            ordered: false,
            reply: Reply { status: 200, after_ms: 0, close: false, redirect: false },
            faults: Vec::new(),
            partial: false,
            keys: Vec::new(),
            expect: expect.into(),
            right,
        }
    }
    /// The same spans, arriving the other way round.
    pub fn reversed(mut self) -> Scenario {
        for delivery in &mut self.deliveries {
            delivery.spans.reverse();
        }
        if !self.ordered {
            let mut contents: Vec<Vec<Made>> =
                self.deliveries.iter_mut().map(|at| std::mem::take(&mut at.spans)).collect();
            contents.reverse();
            for (delivery, spans) in self.deliveries.iter_mut().zip(contents) {
                delivery.spans = spans;
            }
        }
        self
    }
}

/// Letters, since numbers in a path are taken for ids.
pub fn letters(number: usize) -> String {
    let letter = |at: usize| char::from(b'a' + (at % 26) as u8);
    [letter(number / 676), letter(number / 26), letter(number)].iter().collect()
}

/// `resourceSpans` of OTLP JSON, one entry for each span.
pub fn resource_spans(spans: &[Made], trace: u128, caller: u64, began_ns: u64) -> Vec<Value> {
    let at = |us: i64| began_ns.saturating_add_signed(us * 1000).to_string();
    let of = |which: u8| format!("{:032x}", trace ^ (u128::from(which) << 64));
    let one = |made: &Made| {
        let id = |id: u64| format!("{:016x}", if id == CALLER { caller } else { id });
        let mut span = json!({
            "traceId": of(made.trace),
            "spanId": id(made.id),
            "name": made.name,
            "kind": made.kind,
            "startTimeUnixNano": at(made.from_us),
            "endTimeUnixNano": made.to_us.map_or("0".to_owned(), at),
            "status": { "code": if made.error { 2 } else { 0 } },
            "attributes": made.attributes.iter().map(|(key, value)| pair(key, value)).collect::<Vec<_>>(),
            "droppedAttributesCount": made.dropped_attributes,
            "links": made.links.iter().map(|&to| json!({ "traceId": of(0), "spanId": id(to) })).collect::<Vec<_>>(),
        });
        if made.parent != 0 {
            span["parentSpanId"] = id(made.parent).into();
        }
        let mut resource = Vec::new();
        for (key, value) in
            [("service.name", &made.service), ("service.instance.id", &made.instance), ("host.name", &made.host)]
        {
            if !value.is_empty() {
                resource.push(pair(key, &Value::from(value.as_str())));
            }
        }
        json!({ "resource": { "attributes": resource }, "scopeSpans": [{ "scope": {}, "spans": [span] }] })
    };
    spans.iter().map(one).collect()
}

fn pair(key: &str, value: &Value) -> Value {
    json!({ "key": key, "value": any(value) })
}

fn any(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Array(items) => json!({ "arrayValue": { "values": items.iter().map(any).collect::<Vec<_>>() } }),
        _ => json!({}),
    }
}
