//! `critical_path`.

use super::Lower;
use super::trace::Sink;
use crate::diag::Code;
use crate::matcher::{Matcher, Position};
use crate::source::{Span, Spanned};
use crate::spec::forms;
use crate::spec::plan::{Check, PathCheck};
use crate::spec::read::Fields;
use crate::yaml::{Node, Value};
use std::sync::Arc;

/// A matcher that is read, or that was written and could not be.
type Bound = Option<Option<Spanned<Matcher>>>;

impl Lower<'_> {
    pub(super) fn critical_path(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        self.each(node, "critical_path", "entries of `critical_path`", sink, |lower, node| {
            let fields = lower.reader.fields(node, &forms::CRITICAL_PATH)?;
            let select = lower.reader.need(&fields, "select").and_then(|node| lower.related(node));
            let optional = lower.flag(&fields, "optional");
            let share = lower.bound(&fields, "share", Position::Share);
            let time = lower.bound(&fields, "time", Position::Duration);
            if share.is_none() && time.is_none() {
                lower.nothing_bounded(node.span, "how much of the critical path these spans may have", "share: < 60%");
            }
            let (share, time) = (share.unwrap_or_default(), time.unwrap_or_default());
            let bounded = share.is_some() || time.is_some();
            let check = Check::CriticalPath(Box::new(PathCheck { select: select?, optional, share, time }));
            bounded.then_some(check)
        });
    }

    /// One entry, or a list of them: one expectation for each.
    pub(super) fn each(
        &mut self,
        node: &Arc<Node>,
        key: &str,
        what: &str,
        sink: &mut Sink,
        mut read: impl FnMut(&mut Self, &Arc<Node>) -> Option<Check>,
    ) {
        let Value::List(_) = &node.value else {
            if let Some(check) = read(self, node) {
                sink.push(node.span, key, check);
            }
            return;
        };
        for (i, item) in self.reader.full_list(node, what).unwrap_or_default().iter().enumerate() {
            if let Some(check) = read(self, item) {
                sink.push(item.span, &format!("{key}[{i}]"), check);
            }
        }
    }

    pub(super) fn flag(&mut self, fields: &Fields<'_>, name: &str) -> bool {
        fields.get(name).and_then(|node| self.reader.boolean(node)).unwrap_or(false)
    }

    /// A key with a matcher; `None` where it is not written.
    pub(super) fn bound(&mut self, fields: &Fields<'_>, name: &str, position: Position) -> Bound {
        fields.has(name).then(|| fields.get(name).and_then(|node| self.reader.spanned_matcher(node, position)))
    }

    /// Reports an entry that selects something and says nothing of it.
    pub(super) fn nothing_bounded(&mut self, at: Span, what: &str, example: &str) {
        if !self.reader.broken_within(at) {
            self.reader.error(Code::MissingKey, at, format!("nothing says {what}"), format!("add `{example}`"));
        }
    }
}
