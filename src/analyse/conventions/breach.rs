//! How rules are broken: by whom, on which spans, and in which words.

use super::rule::Rule;
use crate::trace::{SpanIx, SpanRef};
use std::collections::BTreeMap;

/// The most spans that one breach names.
pub(super) const MOST_SPANS: usize = 50;
/// The most breaches of one rule that are told apart.
pub(super) const MOST_BREACHES: usize = 100;

/// Spans that break a rule in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// Whose: a service, or an attribute's key. As received, so it must be escaped before it is shown. Never a value.
    pub subject: String,
    /// What is said of it: the new name of an attribute, the kind of a secret, a version.
    pub object: String,
    /// How many spans.
    pub count: usize,
    /// The first of them, in row order.
    pub spans: Vec<SpanIx>,
}

impl Breach {
    pub(super) fn new(rule: Rule, subject: impl Into<String>, object: impl Into<String>) -> Breach {
        Breach { rule, subject: subject.into(), object: object.into(), count: 0, spans: Vec::new() }
    }
    pub(super) fn add(&mut self, ix: SpanIx) {
        self.count += 1;
        if self.spans.len() < MOST_SPANS {
            self.spans.push(ix);
        }
    }
    /// What is wrong, as a sentence without a full stop; `name` escapes what comes from outside.
    pub fn sentence(&self, name: impl Fn(&str) -> String) -> String {
        let (count, object) = (self.count, &*self.object);
        let spans = crate::matcher::count_of(count, "span");
        let subject = if self.subject.is_empty() { "a service without a name".to_owned() } else { name(&self.subject) };
        let verb = |one: &'static str, many: &'static str| if count == 1 { one } else { many };
        match self.rule {
            Rule::Res001 => format!("{subject} has no service.instance.id on its resource"),
            Rule::Res002 => {
                format!("different processes of {subject} share one service.instance.id ({object} differs)")
            }
            Rule::Res003 => format!("{subject} runs in a Kubernetes pod and has no k8s.pod.uid"),
            Rule::Res004 if object == "span" => {
                format!("{subject} belongs on spans and stands on the resource of {spans}")
            }
            Rule::Res004 => format!("{subject} belongs on the resource and stands on {spans}"),
            Rule::Res005 => format!("{spans} {} from a resource without a service.name", verb("comes", "come")),
            Rule::Spa001 => format!("{subject} has {count} INTERNAL spans in one trace, more than 10"),
            Rule::Spa002 => {
                format!("{spans} of {subject} {} a parent that is not in the trace", verb("names", "name"))
            }
            Rule::Spa003 => {
                format!("{} of {spans} of {subject} {} {object}", verb("the name", "the names"), verb("holds", "hold"))
            }
            Rule::Spa004 => format!("{count} {} of {subject} {} CLIENT", verb("root", "roots"), verb("is", "are")),
            Rule::Spa005 => format!("{count} spans are shorter than 5 ms, more than 20"),
            Rule::Sdk001 => format!("{subject} runs on {object}"),
            Rule::UnknownService => {
                format!(
                    "{spans} {} from {subject}, the name that SDKs make up where none is set",
                    verb("comes", "come")
                )
            }
            Rule::RenamedAttributes => {
                format!("{spans} {} {subject}, which is now {object}", verb("carries", "carry"))
            }
            Rule::ErrorType => format!("{spans} of {subject} failed without error.type"),
            Rule::ServerErrorStatus => format!("{spans} of {subject} answered 5xx without the status Error"),
            Rule::ClientErrorStatus => {
                format!("{spans} of {subject} answered 4xx and {} marked Error", verb("is", "are"))
            }
            Rule::StatusMessage => {
                format!("{spans} of {subject} {} a status message without the status Error", verb("has", "have"))
            }
            Rule::Secrets | Rule::PersonalData => format!("{subject} holds {object} on {spans}"),
        }
    }
}

/// Breaches of one rule, by subject and object, in their order.
pub(super) struct Breaches {
    rule: Rule,
    found: BTreeMap<String, BTreeMap<String, Breach>>,
    count: usize,
}

impl Breaches {
    pub(super) fn of(rule: Rule) -> Breaches {
        Breaches { rule, found: BTreeMap::new(), count: 0 }
    }
    /// Adds a span to the breach of its subject. Of more than are told apart, the rest are left out.
    pub(super) fn add(&mut self, span: SpanRef<'_>, subject: &str, object: &str) {
        // A rule that all spans break is no reason to make two texts for each.
        if let Some(known) = self.found.get_mut(subject).and_then(|objects| objects.get_mut(object)) {
            return known.add(span.ix());
        }
        if self.count >= MOST_BREACHES {
            return;
        }
        self.count += 1;
        let mut breach = Breach::new(self.rule, subject, object);
        breach.add(span.ix());
        self.found.entry(subject.to_owned()).or_default().insert(object.to_owned(), breach);
    }
    pub(super) fn into(self, breaches: &mut Vec<Breach>) {
        breaches.extend(self.found.into_values().flat_map(BTreeMap::into_values));
    }
}
