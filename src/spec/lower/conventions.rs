//! `conventions`.

use super::Lower;
use crate::analyse::conventions::{Rule, Score};
use crate::diag::{Code, Problem, did_you_mean};
use crate::matcher::{Matcher, Position};
use crate::source::Spanned;
use crate::spec::forms;
use crate::spec::plan::Conventions;
use crate::yaml::{Node, Value};
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn conventions(&mut self, node: &Arc<Node>) -> Option<Conventions> {
        if matches!(node.value, Value::List(_)) {
            let rules = self.rules(node);
            return (!rules.is_empty()).then(|| Conventions { rules, ..Conventions::default() });
        }
        let fields = self.reader.fields(node, &forms::CONVENTIONS)?;
        let score = fields.get("score").and_then(|node| self.reader.spanned_matcher(node, Position::Score));
        let score = score.filter(|score| self.is_a_score(score));
        let mut found = Conventions { score, ..Conventions::default() };
        let ignored = fields.get("ignore").map(|node| self.rules(node));
        if let Some(node) = fields.get("rules") {
            found.all = node.scalar().is_some_and(|scalar| &*scalar.text == "all");
            found.rules = if found.all {
                Rule::ALL.iter().map(|&rule| Spanned::new(rule, node.span)).collect()
            } else if let Some(scalar) = node.scalar().filter(|_| !node.is_null()) {
                let says = format!("`{}` is neither `all` nor a list of rules", scalar.text);
                let help = match Rule::of_id(&scalar.text) {
                    Some(rule) => format!("write `[{}]`", rule.id()),
                    None => "write `all`, or the rules that must hold: `[RES-005, secrets]`".to_owned(),
                };
                self.reader.error(Code::BadValue, node.span, says, help);
                return None;
            } else {
                self.rules(node)
            };
        }
        if let Some(ignored) = ignored {
            if !found.all {
                let help = "it says which rules `rules: all` leaves out: write `rules: all` beside it, or remove it";
                self.reader.error(Code::UnusedKey, fields.key_span("ignore"), "`ignore` has no effect here", help);
            }
            found.rules.retain(|rule| !ignored.iter().any(|ignored| ignored.value == rule.value));
            if found.all && found.rules.is_empty() {
                let says = "every rule is ignored, so that nothing is checked";
                self.reader.error(Code::Empty, fields.key_span("ignore"), says, "leave a rule to be checked");
            }
        }
        if found.score.is_none() && found.rules.is_empty() {
            if !self.reader.broken_within(node.span) {
                let help = "write `{ score: 75.. }`, or the rules that must hold: `[RES-005, secrets]`";
                self.reader.error(Code::Empty, node.span, "nothing is expected of the conventions", help);
            }
            return None;
        }
        Some(found)
    }

    /// Rules by their ids, each once.
    fn rules(&mut self, node: &Arc<Node>) -> Vec<Spanned<Rule>> {
        let Some(items) = self.reader.full_list(node, "rules") else { return Vec::new() };
        let mut rules: Vec<Spanned<Rule>> = Vec::new();
        for item in items {
            let Some(id) = self.reader.word(item, "a rule's id") else { continue };
            let Some(rule) = Rule::of_id(&id.value) else {
                let says = format!("there is no rule `{}`", id.value);
                let known = || format!("the rules are {}", Rule::IDS.join(", "));
                let help = did_you_mean(&id.value, Rule::IDS.iter().copied()).unwrap_or_else(known);
                self.reader.error(Code::BadValue, item.span, says, help);
                continue;
            };
            if let Some(first) = rules.iter().find(|one| one.value == rule) {
                let problem = Problem::warning(Code::Redundant, item.span, "this rule is listed twice");
                self.reader.push(problem.related(first.span, "first here").help("remove one of them"));
                continue;
            }
            rules.push(Spanned::new(rule, item.span));
        }
        rules
    }

    /// Whether some trace has such a score.
    fn is_a_score(&mut self, score: &Spanned<Matcher>) -> bool {
        let known = !score.value.to_string().contains("${");
        if known && !Score::possible().iter().any(|one| score.value.test(&one.fact())) {
            let says = format!("no trace has a score that satisfies `{}`", score.value);
            let help = "scores lie between 0 and 100, and only some are possible: write a bound, such as `>= 75`";
            self.reader.error(Code::NeverMatches, score.span, says, help);
            return false;
        }
        true
    }
}
