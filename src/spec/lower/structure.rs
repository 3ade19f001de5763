//! `structure`.

use super::Lower;
use crate::spec::forms;
use crate::spec::plan::{Structure, StructureNode};
use crate::yaml::Node;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn structure(&mut self, node: &Arc<Node>) -> Option<Structure> {
        let fields = self.reader.fields(node, &forms::STRUCTURE)?;
        let exact = fields.get("mode").map(|node| self.reader.choice(node, &[("partial", false), ("exact", true)]));
        let ordered = fields.get("ordered").map(|node| self.reader.boolean(node));
        let tree = self.reader.need(&fields, "tree").and_then(|node| self.node(node));
        Some(Structure { exact: exact.unwrap_or(Some(false))?, ordered: ordered.unwrap_or(Some(false))?, tree: tree? })
    }

    /// As deep as the file is: its depth is bounded when it is read.
    fn node(&mut self, node: &Arc<Node>) -> Option<StructureNode> {
        let fields = self.reader.fields(node, &forms::NODE)?;
        let select = self.reader.need(&fields, "select").and_then(|node| self.selector(node));
        let count = self.count(fields.get("count"));
        let mut children = Vec::new();
        if let Some(items) = fields.get("children").and_then(|node| self.reader.list(node, "children")) {
            children = items.iter().filter_map(|item| self.node(item)).collect();
        }
        Some(StructureNode { at: node.span, select: select?, count, children })
    }
}
