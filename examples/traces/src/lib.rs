//! Realistic traces from a seed, in every format that servers and exporters write.
//!
//! A [`System`] is a set of services that call each other, with names and attributes as OpenTelemetry's conventions give them.
//! [`System::trace`] yields the spans of one trace, one by one, so that a trace of a million spans takes no more memory than its text;
//! [`write()`] puts spans down in a [`Format`]. The same options give the same bytes everywhere.

mod damage;
mod system;
mod trace;
mod write;

pub use damage::damage;
pub use system::{Service, System};
pub use trace::Trace;
pub use write::{Format, write};

/// What the traces look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Equal seeds give equal traces.
    pub seed: u64,
    /// How many services there are.
    pub services: usize,
    /// How many spans a trace has, exactly.
    pub spans: usize,
    /// How many services a request goes through at most, one below the other.
    pub depth: usize,
    /// How many calls a handler makes at most.
    pub fan_out: usize,
    /// The part of the calls that fail.
    pub errors: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 1, services: 12, spans: 50, depth: 5, fan_out: 4, errors: 0.01 }
    }
}

/// OpenTelemetry's SpanKind, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work inside a service.
    Internal = 1,
    /// Handles a request.
    Server = 2,
    /// Awaits an answer.
    Client = 3,
    /// Sends a message.
    Producer = 4,
    /// Handles a message.
    Consumer = 5,
}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// A list of texts.
    Texts(Vec<String>),
}

/// A key and its value.
pub type Attribute = (&'static str, Value);

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, in Unix nanoseconds.
    pub time_ns: u64,
    /// Its name.
    pub name: &'static str,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: u128,
    /// Its id.
    pub id: u64,
    /// Its parent's id; 0 for a root.
    pub parent: u64,
    /// The service that made it, by its place in [`System::services`].
    pub service: usize,
    /// Which of the service's two libraries made it: the server's or the client's.
    pub library: usize,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Start, Unix nanoseconds.
    pub start_ns: u64,
    /// End, Unix nanoseconds.
    pub end_ns: u64,
    /// What went wrong, if anything did.
    pub error: Option<&'static str>,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
    /// Its events.
    pub events: Vec<Event>,
    /// Trace and span of what it links to.
    pub links: Vec<(u128, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn spans(options: &Options) -> Vec<Span> {
        System::new(options).trace(0).collect()
    }

    #[test]
    fn a_trace_has_as_many_spans_as_asked_for_and_is_one_tree() {
        for count in [1, 2, 3, 50, 1_000] {
            let all = spans(&Options { spans: count, ..Options::default() });
            assert_eq!(all.len(), count);
            let by_id: HashMap<u64, &Span> = all.iter().map(|span| (span.id, span)).collect();
            assert_eq!(by_id.len(), count);
            assert_eq!(all.iter().filter(|span| span.parent == 0).count(), 1);
            for span in all.iter().filter(|span| span.parent != 0) {
                let parent = by_id[&span.parent];
                assert!(span.start_ns >= parent.start_ns && span.start_ns < span.end_ns, "{span:?}");
                let sent = parent.kind == Kind::Producer;
                assert!(sent || span.end_ns <= parent.end_ns, "{span:?} in {parent:?}");
            }
        }
    }

    #[test]
    fn equal_seeds_give_equal_traces_and_others_give_others() {
        let of = |seed| spans(&Options { seed, ..Options::default() });
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        let system = System::new(&Options::default());
        assert_ne!(system.trace(0).next(), system.trace(1).next());
    }

    #[test]
    fn every_kind_error_event_and_link_occurs_in_a_trace_of_some_size() {
        let all = spans(&Options { spans: 5_000, errors: 0.05, ..Options::default() });
        for kind in [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer] {
            assert!(all.iter().any(|span| span.kind == kind), "{kind:?}");
        }
        assert!(all.iter().any(|span| span.error.is_some() && !span.events.is_empty()));
        assert!(all.iter().any(|span| !span.links.is_empty()));
        assert!(all.iter().map(|span| span.service).max() == Some(11));
    }
}
