//! `calls`, and arrows.

use super::Lower;
use crate::diag::Code;
use crate::matcher::{self, Matcher, Operand, Position, template};
use crate::spec::forms;
use crate::spec::plan::{CallRule, Calls};
use crate::yaml::{Node, TextSpan, Value};
use std::sync::Arc;

/// The parts of `a -> b -> c` with their places. At least two, none empty; else what is wrong.
pub(super) fn arrow(text: &str, at: TextSpan) -> Result<Vec<(&str, TextSpan)>, &'static str> {
    let mut parts = Vec::new();
    let mut offset = 0;
    for part in text.split("->") {
        let lead = part.len() - part.trim_start().len();
        let trimmed = part.trim();
        let place = at.skip(offset + lead);
        parts.push((trimmed, TextSpan { whole: place.part(0, trimmed.len()), start: place.start }));
        offset += part.len() + 2;
    }
    if parts.len() < 2 {
        return Err("there is no arrow in it");
    }
    if parts.iter().any(|(part, _)| part.is_empty()) {
        return Err("a side of the arrow is empty");
    }
    Ok(parts)
}

impl Lower<'_> {
    pub(super) fn calls(&mut self, node: &Arc<Node>) -> Option<Calls> {
        let keyed =
            matches!(&node.value, Value::Map(entries) if !entries.iter().any(|(key, _)| key.text.contains("->")));
        if !keyed {
            return Some(Calls { require: self.call_list(node, true)?, ..Calls::default() });
        }
        let fields = self.reader.fields(node, &forms::CALLS)?;
        let require = fields.get("require").map(|node| self.call_list(node, true).unwrap_or_default());
        let forbid = fields.get("forbid").map(|node| self.call_list(node, false).unwrap_or_default());
        let only = fields.get("only").map(|node| self.call_list(node, true).unwrap_or_default());
        if require.is_none() && forbid.is_none() && only.is_none() {
            if !["require", "forbid", "only"].iter().any(|name| fields.has(name)) {
                self.reader.error(
                    Code::Empty,
                    node.span,
                    "this says nothing of calls",
                    "write `- a -> b`, or `require`, `forbid`, `only` with a list",
                );
            }
            return None;
        }
        Some(Calls { require: require.unwrap_or_default(), forbid: forbid.unwrap_or_default(), only })
    }

    fn call_list(&mut self, node: &Arc<Node>, counts: bool) -> Option<Vec<CallRule>> {
        let mut rules = Vec::new();
        match &node.value {
            Value::Map(entries) => {
                if entries.is_empty() {
                    self.reader.error(Code::Empty, node.span, "no call is named here", "write `a -> b: 1`");
                    return None;
                }
                for (key, value) in entries.iter().filter(|(key, _)| !key.broken) {
                    rules.extend(self.call(&key.text, key.at, Some(value), counts));
                }
            }
            Value::Scalar(scalar) => rules.extend(self.call(&scalar.text, scalar.at, None, counts)),
            _ => {
                for item in self.reader.full_list(node, "calls")? {
                    match &item.value {
                        Value::Map(entries) => {
                            for (key, value) in entries.iter().filter(|(key, _)| !key.broken) {
                                rules.extend(self.call(&key.text, key.at, Some(value), counts));
                            }
                        }
                        _ => {
                            let Some(scalar) = self.reader.scalar(item, "a call such as `a -> b`", false) else {
                                continue;
                            };
                            rules.extend(self.call(&scalar.text, scalar.at, None, counts));
                        }
                    }
                }
            }
        }
        Some(rules)
    }

    fn call(&mut self, text: &str, at: TextSpan, count: Option<&Arc<Node>>, counts: bool) -> Option<CallRule> {
        let count = match count {
            Some(node) if !counts => {
                self.reader.error(
                    Code::UnusedKey,
                    node.span,
                    "a forbidden call has no count: it may not occur at all",
                    "write the arrow alone, or a count under `require`",
                );
                return None;
            }
            Some(node) => Some(self.reader.matcher(node, Position::Count)?),
            None => None,
        };
        let sides = match arrow(text, at) {
            Ok(sides) => sides,
            Err(why) => {
                self.reader.error(
                    Code::BadValue,
                    at.whole,
                    format!("`{text}` is no call: {why}"),
                    "a call is written `caller -> callee`, with `*` for any service",
                );
                return None;
            }
        };
        let [(from, from_at), (to, to_at)] = sides.as_slice() else {
            self.reader.error(
                Code::BadValue,
                at.whole,
                format!("`{text}` is more than one call"),
                "write one `a -> b` for each",
            );
            return None;
        };
        // `'a -> b : 1'` in quotes is one text: a forbidden call of that name would never occur, and so always pass.
        if let Some((name, count)) =
            to.split_once(':').filter(|(name, count)| name.ends_with(' ') || count.starts_with(' '))
        {
            self.reader.error(
                Code::BadValue,
                to_at.whole,
                format!("`{to}` is no service's name: a count stands outside the quotes"),
                format!("write `{from} -> {}: {}` without quotes", name.trim(), count.trim()),
            );
            return None;
        }
        let from = self.side(from, *from_at)?;
        let to = self.side(to, *to_at)?;
        Some(CallRule { at: at.whole, from, to, count })
    }

    /// `*`, a service's name, or a variable with one.
    fn side(&mut self, text: &str, at: TextSpan) -> Option<Option<Operand>> {
        if text == "*" {
            return Some(None);
        }
        match template::parse(text, at) {
            Ok(template) => {
                self.reader.uses(&template);
                Some(Some(matcher::name(template)))
            }
            Err(problem) => {
                self.reader.push(problem);
                None
            }
        }
    }

    pub(super) fn count(&mut self, node: Option<&Arc<Node>>) -> Option<Matcher> {
        node.and_then(|node| self.reader.matcher(node, Position::Count))
    }
}
