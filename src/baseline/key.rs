//! What tells one kind of span from another: service, kind, name.

use crate::trace::Kind;
use std::fmt;
use std::sync::Arc;

/// The spans of one operation: those of one service, kind and name, whatever data is in the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The service's name; empty where spans have none.
    pub service: Arc<str>,
    /// The span's name without data, as [`normalised`](crate::analyse::conventions) gives it.
    pub name: Arc<str>,
    /// The kind.
    pub kind: Kind,
}

impl Key {
    /// A key of a name that holds no data.
    pub fn new(service: &str, kind: Kind, name: &str) -> Key {
        Key { service: Arc::from(service), name: Arc::from(name), kind }
    }
    /// The same with each text as `text` has it.
    pub(super) fn with_texts(&self, text: &dyn Fn(&str) -> String) -> Key {
        let Key { service, name, kind } = self;
        Key::new(&text(service), *kind, &text(name))
    }
}

/// `order-service POST /orders`: what people call such spans. The kind is not said: it is what a name is not told apart by.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = if self.service.is_empty() { "(no service.name)" } else { &self.service };
        write!(f, "{service} {}", self.name)
    }
}
