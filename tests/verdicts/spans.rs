//! A trace as the generator tells it, and as OTLP JSON: what a failing seed prints can be judged by hand.

use std::fmt::Write as _;

pub(crate) const TRACE: u128 = 0x0abc;
const START: u64 = 1_700_000_000_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        ["unspecified", "internal", "server", "client", "producer", "consumer"][self as usize]
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Any {
    Text(&'static str),
    Int(i64),
    Double(f64),
    Bool(bool),
    List(Vec<Any>),
    Written(String),
}

impl Any {
    /// The same, as a format tells it that knows nothing but text.
    pub(crate) fn as_text(&mut self) {
        if let Any::Int(number) = self {
            *self = Any::Written(number.to_string());
        }
    }
    fn json(&self) -> String {
        match self {
            Any::Text(text) => format!(r#"{{"stringValue":"{text}"}}"#),
            Any::Written(text) => format!(r#"{{"stringValue":"{text}"}}"#),
            Any::Int(number) => format!(r#"{{"intValue":"{number}"}}"#),
            Any::Double(number) => format!(r#"{{"doubleValue":{number:?}}}"#),
            Any::Bool(flag) => format!(r#"{{"boolValue":{flag}}}"#),
            Any::List(items) => {
                let items: Vec<String> = items.iter().map(Any::json).collect();
                format!(r#"{{"arrayValue":{{"values":[{}]}}}}"#, items.join(","))
            }
        }
    }
}

pub(crate) type Attributes = Vec<(&'static str, Any)>;

#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) instance: usize,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) status: u8,
    pub(crate) message: &'static str,
    /// In units of the system's, from its start.
    pub(crate) times: (u64, u64),
    pub(crate) no_start: bool,
    pub(crate) no_end: bool,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<(u64, &'static str, Attributes)>,
    pub(crate) links: Vec<(u128, u64, Attributes)>,
    pub(crate) dropped: (u32, u32, u32),
    pub(crate) scope: usize,
}

impl Default for Draft {
    fn default() -> Draft {
        Draft {
            trace: TRACE,
            id: 0,
            parent: 0,
            instance: 0,
            name: "",
            kind: Kind::default(),
            status: 0,
            message: "",
            times: (0, 0),
            no_start: false,
            no_end: false,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: (0, 0, 0),
            scope: 0,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) service: &'static str,
    pub(crate) host: &'static str,
    pub(crate) id: String,
    pub(crate) version: &'static str,
}

/// A trace, what made it, and how it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct System {
    /// Nanoseconds.
    pub(crate) unit: u64,
    /// Whether the runner sent the request itself.
    pub(crate) known: bool,
    pub(crate) instances: Vec<Instance>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) linked: bool,
    pub(crate) partial: bool,
    pub(crate) untyped: bool,
    pub(crate) invalid: bool,
}

impl System {
    pub(crate) fn service(&self, span: &Draft) -> &'static str {
        self.instances[span.instance].service
    }

    /// One line for each span.
    pub(crate) fn otlp_json(&self) -> String {
        let mut text = String::from("{\"resourceSpans\":[\n");
        for (at, span) in self.drafts.iter().enumerate() {
            let instance = &self.instances[span.instance];
            let mut resource: Vec<(&str, String)> = Vec::new();
            for (key, value) in [
                ("service.name", instance.service),
                ("host.name", instance.host),
                ("service.instance.id", &instance.id),
                ("service.version", instance.version),
            ] {
                if !value.is_empty() {
                    resource.push((key, format!(r#"{{"stringValue":"{value}"}}"#)));
                }
            }
            let comma = if at == 0 { "" } else { ",\n" };
            let scope = ["m", "n"][span.scope];
            let _ = write!(
                text,
                r#"{comma}{{"resource":{{"attributes":{}}},"scopeSpans":[{{"scope":{{"name":"{scope}","version":"1"}},"spans":[{}]}}]}}"#,
                pairs(resource.into_iter()),
                self.span(span)
            );
        }
        text + "\n]}"
    }

    fn span(&self, span: &Draft) -> String {
        let at = |time: u64, unknown: bool| if unknown { 0 } else { START + time * self.unit };
        let mut text = format!(
            r#"{{"traceId":"{:032x}","spanId":"{:016x}","name":"{}","kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}""#,
            span.trace,
            span.id,
            span.name,
            span.kind as u8,
            at(span.times.0, span.no_start),
            at(span.times.1, span.no_end)
        );
        if span.parent != 0 {
            let _ = write!(text, r#","parentSpanId":"{:016x}""#, span.parent);
        }
        if span.status != 0 {
            let _ = write!(text, r#","status":{{"code":{},"message":"{}"}}"#, span.status, span.message);
        }
        if !span.attributes.is_empty() {
            let _ = write!(text, r#","attributes":{}"#, attributes(&span.attributes));
        }
        let events: Vec<String> = span
            .events
            .iter()
            .map(|(time, name, own)| {
                let time = at(*time, false);
                format!(r#"{{"timeUnixNano":"{time}","name":"{name}","attributes":{}}}"#, attributes(own))
            })
            .collect();
        let links: Vec<String> = span
            .links
            .iter()
            .map(|(trace, id, own)| {
                format!(r#"{{"traceId":"{trace:032x}","spanId":"{id:016x}","attributes":{}}}"#, attributes(own))
            })
            .collect();
        for (key, items) in [("events", events), ("links", links)] {
            if !items.is_empty() {
                let _ = write!(text, r#","{key}":[{}]"#, items.join(","));
            }
        }
        let (attributes, events, links) = span.dropped;
        for (key, count) in
            [("droppedAttributesCount", attributes), ("droppedEventsCount", events), ("droppedLinksCount", links)]
        {
            if count > 0 {
                let _ = write!(text, r#","{key}":{count}"#);
            }
        }
        text + "}"
    }
}

fn attributes(all: &Attributes) -> String {
    pairs(all.iter().map(|(key, value)| (*key, value.json())))
}

fn pairs<'a>(all: impl Iterator<Item = (&'a str, String)>) -> String {
    let all: Vec<String> = all.map(|(key, value)| format!(r#"{{"key":"{key}","value":{value}}}"#)).collect();
    format!("[{}]", all.join(","))
}
