//! `serial`.

use super::Lower;
use crate::diag::Code;
use crate::matcher::Position;
use crate::source::Spanned;
use crate::spec::forms;
use crate::spec::plan::Serial;
use crate::yaml::Node;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn serial(&mut self, node: &Arc<Node>) -> Option<Serial> {
        if let Some(scalar) = node.scalar().filter(|scalar| !scalar.text.is_empty()) {
            let says = "`serial` takes a mapping: a number alone does not say of what";
            let bound = if &*scalar.text == "none" { "0s" } else { &scalar.text };
            self.reader.error(Code::WrongType, node.span, says, format!("write `{{ saving: {bound} }}`"));
            return None;
        }
        let fields = self.reader.fields(node, &forms::SERIAL)?;
        let except = self.except(&fields);
        let saving = self.reader.need(&fields, "saving").cloned()?;
        let matcher = self.reader.matcher(&saving, Position::Duration)?;
        Some(Serial { saving: Spanned::new(matcher, saving.span), except })
    }
}
