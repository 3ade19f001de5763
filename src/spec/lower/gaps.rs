//! `gaps`.

use super::Lower;
use super::trace::Sink;
use crate::diag::Code;
use crate::matcher::Position;
use crate::spec::forms;
use crate::spec::plan::{Check, GapsCheck};
use crate::yaml::Node;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn gaps(&mut self, node: &Arc<Node>, sink: &mut Sink) {
        self.each(node, "gaps", "entries of `gaps`", sink, |lower, node| {
            if let Some(scalar) = node.scalar().filter(|scalar| !scalar.text.is_empty()) {
                let key = if scalar.text.contains('%') { "ratio" } else { "max" };
                let says = "`gaps` takes a mapping that says which measure of a gap is meant";
                let help =
                    format!("write `{{ {key}: {} }}`", if &*scalar.text == "none" { "0s" } else { &scalar.text });
                lower.reader.error(Code::WrongType, node.span, says, help);
                return None;
            }
            let fields = lower.reader.fields(node, &forms::GAPS)?;
            let select = fields.has("select").then(|| fields.get("select").and_then(|node| lower.related(node)));
            let optional = lower.flag(&fields, "optional");
            if optional && select.is_none() {
                let says = "`optional` says that the selected spans may be missing, and nothing is selected";
                lower.reader.error(Code::UnusedKey, fields.key_span("optional"), says, "add `select`, or remove it");
            }
            let max = lower.bound(&fields, "max", Position::Duration);
            let total = lower.bound(&fields, "total", Position::Duration);
            let ratio = lower.bound(&fields, "ratio", Position::Share);
            if max.is_none() && total.is_none() && ratio.is_none() {
                lower.nothing_bounded(node.span, "how long gaps may be", "max: < 200ms");
            }
            let (max, total, ratio) = (max.unwrap_or_default(), total.unwrap_or_default(), ratio.unwrap_or_default());
            let bounded = max.is_some() || total.is_some() || ratio.is_some();
            let select = match select {
                Some(select) => Some(select?),
                None => None,
            };
            let check = Check::Gaps(Box::new(GapsCheck { select, optional, max, total, ratio }));
            bounded.then_some(check)
        });
    }
}
