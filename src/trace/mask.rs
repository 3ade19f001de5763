//! A trace as it may be shown: the same structure, with texts that may not be shown replaced.

use super::{Note, Sym, Trace, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// What may not be shown.
struct Mask<'a> {
    text: &'a dyn Fn(&str) -> Option<String>,
    is_hidden: &'a dyn Fn(&str) -> bool,
    instead: &'a str,
}

impl Mask<'_> {
    /// A note that says what somebody else sent, without it.
    fn note(&self, note: &Note) -> Option<Note> {
        Some(match note {
            Note::Backend(text) => Note::Backend((self.text)(text)?),
            Note::ConflictingDuplicate { span, what, all } => {
                Note::ConflictingDuplicate { span: *span, what: (self.text)(what)?, all: *all }
            }
            _ => return None,
        })
    }
}

impl Trace {
    /// The trace with each text as `text` has it (`None`: as it is), and with `mask` for the values of every attribute
    /// whose key is hidden, for those of such keys within values, and for numbers and bytes that `text` would change if they were written out; `None`
    /// if nothing changes. Ids and times stay. Only good to be shown: two texts may look alike.
    pub fn masked(
        &self,
        text: impl Fn(&str) -> Option<String>,
        is_hidden: impl Fn(&str) -> bool,
        mask: &str,
    ) -> Option<Trace> {
        self.masked_by(&Mask { text: &text, is_hidden: &is_hidden, instead: mask })
    }

    fn masked_by(&self, mask: &Mask<'_>) -> Option<Trace> {
        let versions: Vec<Option<Trace>> = self.versions.iter().map(|version| version.masked_by(mask)).collect();
        let replaced: Vec<(Sym, String)> =
            self.symbols.iter().filter_map(|(sym, from)| Some((sym, (mask.text)(from)?))).collect();
        let notes: Vec<(usize, Note)> =
            self.notes.iter().enumerate().filter_map(|(at, note)| Some((at, mask.note(note)?))).collect();
        let hidden: Vec<bool> = self.symbols.iter().map(|(_, key)| (mask.is_hidden)(key)).collect();
        let values = Values { hidden: &hidden, text: mask.text };
        let is_whole = replaced.is_empty() && notes.is_empty() && versions.iter().all(Option::is_none);
        if is_whole && !self.lists().any(|(key, value)| values.shown(key, value, &Value::Empty).is_some()) {
            return None;
        }
        let mut trace = self.clone();
        for (version, shown) in trace.versions.iter_mut().zip(versions) {
            if let Some(shown) = shown {
                *version = Arc::new(shown);
            }
        }
        notes.into_iter().for_each(|(at, note)| trace.notes[at] = note);
        let by = Value::Str(trace.symbols.intern(mask.instead));
        for (sym, to) in replaced {
            trace.symbols.show_as(sym, to);
        }
        let change = |key: Sym, value: &mut Value| {
            if let Some(shown) = values.shown(key, value, &by) {
                *value = shown;
            }
        };
        trace.attributes.change(change);
        let of_resources = trace.resources.iter_mut().map(|resource| &mut resource.attributes);
        let of_scopes = trace.scopes.iter_mut().map(|scope| &mut scope.attributes);
        let of_events = trace.events.iter_mut().map(|event| &mut event.attributes);
        let of_links = trace.links.iter_mut().map(|link| &mut link.attributes);
        for attributes in of_resources.chain(of_scopes).chain(of_events).chain(of_links) {
            attributes.iter_mut().for_each(|(key, value)| change(*key, value));
        }
        Some(trace)
    }

    /// Every attribute, of whatever it is.
    fn lists(&self) -> impl Iterator<Item = (Sym, &Value)> {
        let of_resources = self.resources.iter().map(|resource| &resource.attributes);
        let of_scopes = self.scopes.iter().map(|scope| &scope.attributes);
        let of_events = self.events.iter().map(|event| &event.attributes);
        let of_links = self.links.iter().map(|link| &link.attributes);
        let others = of_resources.chain(of_scopes).chain(of_events).chain(of_links);
        self.attributes.all().chain(others.flat_map(|attributes| attributes.iter().map(|(key, value)| (*key, value))))
    }
}

/// Values that may not be shown, but for texts: those are replaced where they are kept.
struct Values<'a> {
    hidden: &'a [bool],
    text: &'a dyn Fn(&str) -> Option<String>,
}

impl Values<'_> {
    fn hides(&self, key: Sym) -> bool {
        self.hidden.get(key.index()).copied().unwrap_or(false)
    }

    /// A value with `by` for what may not be shown; `None`: as it is.
    fn shown(&self, key: Sym, value: &Value, by: &Value) -> Option<Value> {
        if self.hides(key) {
            return Some(by.clone());
        }
        let changes = |text: &str| (self.text)(text).is_some();
        let masked = |changes: bool| changes.then(|| by.clone());
        match value {
            Value::Empty | Value::Str(_) | Value::Bool(_) => None,
            Value::Int(number) => masked(changes(&number.to_string())),
            Value::Double(number) => masked(changes(&number.to_string())),
            // As text, and as formats that have no bytes write them.
            Value::Bytes(bytes) => {
                masked(changes(&String::from_utf8_lossy(bytes)) || changes(&STANDARD.encode(&bytes[..])))
            }
            Value::Array(items) => {
                let shown: Vec<Option<Value>> = items.iter().map(|item| self.shown(Sym::EMPTY, item, by)).collect();
                let whole = |(item, shown): (&Value, Option<Value>)| shown.unwrap_or_else(|| item.clone());
                shown.iter().any(Option::is_some).then(|| Value::Array(items.iter().zip(shown).map(whole).collect()))
            }
            Value::Map(entries) => {
                let shown: Vec<Option<Value>> =
                    entries.iter().map(|(key, value)| self.shown(*key, value, by)).collect();
                let whole = |((key, value), shown): (&(Sym, Value), Option<Value>)| {
                    (*key, shown.unwrap_or_else(|| value.clone()))
                };
                shown.iter().any(Option::is_some).then(|| Value::Map(entries.iter().zip(shown).map(whole).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::trace::{Injected, Trace, TraceBuilder};
    use crate::wire::detect;
    use crate::wire::write::{jaeger_json, otlp_json};

    fn read(attributes: &str) -> Trace {
        let id = "5b8efff798038103d269b633813fc60c";
        let text = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{attributes}]}},"scopeSpans":[{{"scope":{{"name":"s","attributes":[{attributes}]}},"spans":[
                {{"traceId":"{id}","spanId":"00000000000000a1","name":"a","startTimeUnixNano":"1000","endTimeUnixNano":"4711081500",
                "attributes":[{attributes}],"events":[{{"timeUnixNano":"2000","name":"e","attributes":[{attributes}]}}],
                "links":[{{"traceId":"{id}","spanId":"00000000000000b1","attributes":[{attributes}]}}]}}]}}]}}]}}"#
        );
        let mut builder = TraceBuilder::new();
        detect::read(text.as_bytes(), &mut builder).unwrap();
        builder.build(id.parse().unwrap(), &[], &Injected::Unknown)
    }

    fn masked(trace: &Trace) -> Option<Trace> {
        let text = |text: &str| {
            let forms = ["47110815", "NDcxMTA4MTU"];
            let found = forms.iter().find(|form| text.contains(**form))?;
            Some(text.replace(found, "***"))
        };
        trace.masked(text, |key| key == "password", "***")
    }

    #[test]
    fn what_may_not_be_shown_is_masked_in_every_kind_of_value_and_wherever_it_stands() {
        for value in [
            r#"{"stringValue":"says 47110815"}"#,
            r#"{"intValue":"47110815"}"#,
            r#"{"doubleValue":47110815.5}"#,
            r#"{"bytesValue":"NDcxMTA4MTU="}"#,
            r#"{"arrayValue":{"values":[{"stringValue":"kept"},{"intValue":"47110815"}]}}"#,
            r#"{"kvlistValue":{"values":[{"key":"other","value":{"stringValue":"kept"}},{"key":"password","value":{"stringValue":"open sesame"}}]}}"#,
            r#"{"kvlistValue":{"values":[{"key":"in","value":{"kvlistValue":{"values":[{"key":"password","value":{"boolValue":true}}]}}}]}}"#,
        ] {
            let trace = read(&format!(r#"{{"key":"some.key","value":{value}}}"#));
            let shown = masked(&trace).unwrap_or_else(|| panic!("nothing of {value} was masked"));
            for text in [otlp_json(&shown), jaeger_json(&shown)] {
                for secret in ["47110815\"", "47110815.5", "NDcxMTA4MTU", "open sesame", "says 47110815", "true"] {
                    assert!(!text.contains(secret), "{value}: {secret} in {text}");
                }
                assert_eq!(text.contains("kept"), value.contains("kept"), "{text}");
            }
            assert_eq!(otlp_json(&shown).matches("***").count(), 5, "{value}: {}", otlp_json(&shown));
            // A time that has its digits is none of it.
            assert!(otlp_json(&shown).contains("4711081500"));
        }
    }

    #[test]
    fn a_trace_with_nothing_to_mask_is_as_it_was() {
        let trace = read(
            r#"{"key":"n","value":{"intValue":"1"}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"x","value":{"bytesValue":"AAEC"}}]}}}"#,
        );
        assert!(masked(&trace).is_none());
    }

    #[test]
    fn what_a_backend_says_is_masked() {
        let mut trace = read(r#"{"key":"n","value":{"intValue":"1"}}"#);
        trace.notes.push(crate::trace::Note::Backend("no 47110815 here".to_owned()));
        let notes: Vec<String> = masked(&trace).unwrap().notes().iter().map(ToString::to_string).collect();
        assert!(notes.iter().any(|note| note.contains("no *** here")), "{notes:?}");
    }
}
