//! `network`.

use super::Lower;
use super::trace::Sink;
use crate::matcher::Position;
use crate::spec::forms;
use crate::spec::plan::{Check, NetworkCheck};
use crate::yaml::Node;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn network(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        self.each(node, "network", "entries of `network`", sink, |lower, node| {
            let fields = lower.reader.fields(node, &forms::NETWORK)?;
            let call = lower.reader.need(&fields, "call").and_then(|node| {
                let scalar = lower.reader.scalar(node, "a call such as `a -> b`", false)?;
                lower.call(&scalar.text, scalar.at, None, false)
            });
            let optional = lower.flag(&fields, "optional");
            let overhead = lower.bound(&fields, "overhead", Position::Duration);
            let request = lower.bound(&fields, "request", Position::Duration);
            let response = lower.bound(&fields, "response", Position::Duration);
            if overhead.is_none() && request.is_none() && response.is_none() {
                lower.nothing_bounded(node.span, "how long the network may take", "overhead: < 20ms");
            }
            let (overhead, request, response) =
                (overhead.unwrap_or_default(), request.unwrap_or_default(), response.unwrap_or_default());
            let bounded = overhead.is_some() || request.is_some() || response.is_some();
            let check = NetworkCheck { call: call?, optional, overhead, request, response };
            bounded.then(|| Check::Network(Box::new(check)))
        });
    }
}
