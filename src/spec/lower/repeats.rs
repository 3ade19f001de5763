//! `repeats`.

use super::Lower;
use crate::diag::Code;
use crate::matcher::Position;
use crate::source::Spanned;
use crate::spec::forms;
use crate::spec::plan::{RepeatBound, Repeats, Selector};
use crate::spec::read::Fields;
use crate::yaml::{Node, Value};
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn repeats(&mut self, node: &Arc<Node>) -> Option<Repeats> {
        let is_matcher = |key: &str| crate::matcher::KEYS.contains(&key);
        let keyed = matches!(&node.value, Value::Map(entries) if !entries.iter().any(|(key, _)| is_matcher(&key.text)));
        if !keyed {
            if node.scalar().is_some_and(|scalar| &*scalar.text == "none") {
                let says = "every call is made once at least, and `none` would allow no call at all";
                self.reader.error(Code::BadValue, node.span, says, "write `1`: no call is made twice");
                return None;
            }
            let per_parent = Some(self.repeat_bound(node, false)?);
            return Some(Repeats { per_parent, ..Repeats::default() });
        }
        let fields = self.reader.fields(node, &forms::REPEATS)?;
        let per_parent = fields.get("per_parent").map(|node| self.repeat_bound(node, true));
        let per_trace = fields.get("per_trace").map(|node| self.repeat_bound(node, true));
        let except = self.except(&fields);
        if !fields.has("per_parent") && !fields.has("per_trace") && !self.reader.broken_within(node.span) {
            let says = "nothing says how often one call may be made";
            self.reader.error(Code::Empty, node.span, says, "write `per_parent: < 5`, or `per_trace: <= 20`");
        }
        let (per_parent, per_trace) = (per_parent.flatten(), per_trace.flatten());
        (per_parent.is_some() || per_trace.is_some()).then_some(Repeats { per_parent, per_trace, except })
    }

    fn repeat_bound(&mut self, node: &Arc<Node>, is_keyed: bool) -> Option<RepeatBound> {
        let count = self.reader.matcher(node, Position::Count)?;
        Some(RepeatBound { count: Spanned::new(count, node.span), is_keyed })
    }

    /// The selectors of `except`: one, or a list.
    pub(super) fn except(&mut self, fields: &Fields<'_>) -> Vec<Selector> {
        let Some(node) = fields.get("except") else { return Vec::new() };
        let items = match &node.value {
            Value::List(_) => self.reader.full_list(node, "selectors").unwrap_or_default(),
            _ => std::slice::from_ref(node),
        };
        items.iter().filter_map(|item| self.related(item)).collect()
    }
}
