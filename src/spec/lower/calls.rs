//! `calls`, and arrows.

use super::Lower;
use super::services::unquoted;
use crate::diag::{Code, Problem};
use crate::matcher::{self, Fact, Matcher, Operand, Position, template};
use crate::source::Span;
use crate::spec::forms;
use crate::spec::plan::{CallRule, Calls};
use crate::yaml::{Key, Node, TextSpan, Value};
use std::collections::{BTreeMap, BTreeSet};
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

/// What stands where `->` belongs, between its sides.
fn other_arrow(text: &str) -> Option<(&str, &str, &str)> {
    // Longer ones first, since `-->` has an arrow in it.
    let (at, other) =
        ["-->", "->>", "==>", "=>", "- >", "→"].iter().find_map(|other| Some((text.find(other)?, *other)))?;
    let (from, to) = (text[..at].trim(), text[at + other.len()..].trim());
    (!from.is_empty() && !to.is_empty()).then_some((from, other, to))
}

/// Whether at least one call must be there for the rule to hold.
fn is_needed(rule: &CallRule) -> bool {
    rule.count.as_ref().is_none_or(|count| {
        let mut variables = false;
        count.templates(&mut |_| variables = true);
        !variables && !count.test(&Fact::count(0))
    })
}

impl Lower<'_> {
    pub(super) fn calls(&mut self, node: &Arc<Node>) -> Option<Calls> {
        let keyed =
            matches!(&node.value, Value::Map(entries) if !entries.iter().any(|(key, _)| key.text.contains("->")));
        if !keyed {
            return Some(Calls { require: self.call_list(node, true)?, ..Calls::default() });
        }
        if let Value::Map(entries) = &node.value
            && self.sides_as_keys(node, entries)
        {
            return None;
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
                    "no calls are named here",
                    "write `- a -> b`, or `require`, `forbid`, `only` with a list",
                );
            }
            return None;
        }
        let calls = Calls { require: require.unwrap_or_default(), forbid: forbid.unwrap_or_default(), only };
        self.contradictory_calls(&calls);
        Some(calls)
    }

    fn call_list(&mut self, node: &Arc<Node>, counts: bool) -> Option<Vec<CallRule>> {
        let mut rules = Vec::new();
        match &node.value {
            Value::Map(entries) => {
                if entries.is_empty() {
                    self.reader.error(Code::Empty, node.span, "no call is named here", "write `a -> b: 1`");
                    return None;
                }
                if self.sides_as_keys(node, entries) {
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
                            if self.sides_as_keys(item, entries) {
                                continue;
                            }
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

    /// Reports `{ from: a, to: b }`, with the arrow that it means.
    fn sides_as_keys(&mut self, node: &Node, entries: &[(Key, Arc<Node>)]) -> bool {
        const SIDES: &[(&str, &str)] = &[
            ("from", "to"),
            ("caller", "callee"),
            ("client", "server"),
            ("source", "target"),
            ("source", "destination"),
        ];
        let value = |name: &str| {
            let found = entries.iter().find(|(key, _)| &*key.text == name)?;
            Some(found.1.scalar().map_or("…", |scalar| &scalar.text))
        };
        let Some((from, to)) = SIDES.iter().find_map(|(from, to)| Some((value(from)?, value(to)?))) else {
            return false;
        };
        let count = value("count").map_or(String::new(), |count| format!(": {count}"));
        let says = "a call is written with an arrow, not with keys for its two sides";
        self.reader.error(Code::WrongType, node.span, says, format!("write `{from} -> {to}{count}`"));
        true
    }

    pub(super) fn call(
        &mut self,
        text: &str,
        at: TextSpan,
        count: Option<&Arc<Node>>,
        counts: bool,
    ) -> Option<CallRule> {
        // `{a -> b:1}` is a key without a value.
        if let Some((before, after)) = count.filter(|node| node.is_null()).and_then(|_| text.rsplit_once(':'))
            && !after.is_empty()
        {
            let says = format!("`{text}` has no count: a space is missing after the colon");
            self.reader.error(Code::BadValue, at.whole, says, format!("write `{before}: {after}`"));
            return None;
        }
        // `{ a: b }`, where two names stand without an arrow.
        if let Some(callee) =
            count.and_then(|node| node.scalar()).filter(|_| !text.contains("->") && other_arrow(text).is_none())
            && callee.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        {
            let says = "a call is written with an arrow, not as a key and its value";
            self.reader.error(Code::BadValue, at.whole, says, format!("write `{text} -> {}`", callee.text));
            return None;
        }
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
        if let Some((from, other, to)) = other_arrow(text) {
            let says = format!("`{other}` is not the arrow of a call");
            self.reader.error(Code::BadValue, at.whole, says, format!("write `{from} -> {to}`"));
            return None;
        }
        let sides = match arrow(text, at) {
            Ok(sides) => sides,
            Err(why) => {
                self.reader.error(
                    Code::BadValue,
                    at.whole,
                    format!("`{text}` is not a call: {why}"),
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
                format!("`{to}` is not the name of a service: a count is written outside the quotes"),
                format!("write `{from} -> {}: {}` without quotes", name.trim(), count.trim()),
            );
            return None;
        }
        // In quotes of their own, sides are names with quotes in them: no call would ever have them.
        let bare = |side: &str| unquoted(side).unwrap_or(side).to_owned();
        for (side, at) in [(from, from_at), (to, to_at)] {
            if unquoted(side).is_some() {
                let says = format!("the quotes are part of the name here: no service is called `{side}`");
                let help = format!(
                    "write `{} -> {}`; where quotes are needed, they go around all of it",
                    bare(from),
                    bare(to)
                );
                self.reader.error(Code::BadValue, at.whole, says, help);
                return None;
            }
        }
        let from = self.side(from, *from_at);
        let to = self.side(to, *to_at);
        Some(CallRule { at: at.whole, from: from?, to: to?, count })
    }

    /// `*`, a service's name, or a variable with one.
    fn side(&mut self, text: &str, at: TextSpan) -> Option<Option<Operand>> {
        if text == "*" {
            return Some(None);
        }
        if !self.reader.is_name(text, at.whole, "a service's name") || !self.is_service(text, at.whole) {
            return None;
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

    /// Reports required calls that `forbid` or `only` rules out. Looked up, not compared one by one: a list may be long.
    fn contradictory_calls(&mut self, calls: &Calls) {
        let known = |side: &Option<Operand>| matches!(side, None | Some(Operand::Literal(_)));
        let name = |side: &Option<Operand>| side.as_ref().map(ToString::to_string);
        let sides = |rule: &CallRule| (name(&rule.from), name(&rule.to));
        let forbidden: BTreeMap<_, Span> = calls.forbid.iter().map(|rule| (sides(rule), rule.at)).collect();
        let only = calls.only.as_deref().unwrap_or_default();
        // A side whose name is not known yet may be any.
        let open = |side: &Option<Operand>| name(side).filter(|_| known(side));
        let allowed: BTreeSet<_> = only.iter().map(|rule| (open(&rule.from), open(&rule.to))).collect();
        let froms: BTreeSet<_> = allowed.iter().map(|(from, _)| from).collect();
        let tos: BTreeSet<_> = allowed.iter().map(|(_, to)| to).collect();
        // `only` counts no calls to databases and brokers; what calls others itself is none.
        let callers: BTreeSet<String> = calls.require.iter().chain(only).filter_map(|rule| name(&rule.from)).collect();
        for rule in calls.require.iter().filter(|rule| is_needed(rule) && known(&rule.from) && known(&rule.to)) {
            let (from, to) = sides(rule);
            let found = forbidden.get(&(from.clone(), to.clone())).or_else(|| forbidden.get(&(None, to.clone())));
            if let Some(at) = found {
                let problem = Problem::error(Code::NeverMatches, rule.at, "this call is both required and forbidden");
                self.reader.push(problem.related(*at, "forbidden here").help("remove one of them"));
                continue;
            }
            let is_allowed = match (&from, &to) {
                (None, None) => true,
                (None, Some(_)) => tos.contains(&to) || tos.contains(&None),
                (Some(_), None) => froms.contains(&from) || froms.contains(&None),
                _ => [(from.clone(), to.clone()), (None, to.clone()), (from.clone(), None), (None, None)]
                    .iter()
                    .any(|pair| allowed.contains(pair)),
            };
            if only.is_empty() || is_allowed {
                continue;
            }
            let says = "this call must occur, but `only` does not list it";
            let problem = match &to {
                Some(name) if !callers.contains(name) => Problem::warning(Code::NeverMatches, rule.at, says)
                    .help("add it to `only`, unless it leads to a database or a broker: `only` does not count those"),
                _ => Problem::error(Code::NeverMatches, rule.at, says).help("add it to `only`"),
            };
            self.reader.push(problem);
        }
    }

    pub(super) fn count(&mut self, node: Option<&Arc<Node>>) -> Option<Matcher> {
        node.and_then(|node| self.reader.matcher(node, Position::Count))
    }
}
