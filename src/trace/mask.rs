//! A trace as it may be shown: the same structure, with texts that may not be shown replaced.

use super::{Sym, Trace, Value};
use std::sync::Arc;

impl Trace {
    /// The trace with each text as `text` has it (`None`: as it is), and with `mask` for the values of every attribute
    /// whose key is hidden; `None` if nothing changes. Only good to be shown: two texts may look alike.
    pub fn masked(
        &self,
        text: impl Fn(&str) -> Option<String>,
        is_hidden: impl Fn(&str) -> bool,
        mask: &str,
    ) -> Option<Trace> {
        self.masked_by(&text, &is_hidden, mask)
    }

    fn masked_by(
        &self,
        text: &dyn Fn(&str) -> Option<String>,
        is_hidden: &dyn Fn(&str) -> bool,
        mask: &str,
    ) -> Option<Trace> {
        let replaced: Vec<(Sym, String)> =
            self.symbols.iter().filter_map(|(sym, from)| Some((sym, text(from)?))).collect();
        let hidden: Vec<bool> = self.symbols.iter().map(|(_, key)| is_hidden(key)).collect();
        if replaced.is_empty() && !hidden.contains(&true) {
            return None;
        }
        let mut trace = self.clone();
        for version in &mut trace.versions {
            if let Some(shown) = version.masked_by(text, is_hidden, mask) {
                *version = Arc::new(shown);
            }
        }
        let mask = Value::Str(trace.symbols.intern(mask));
        for (sym, to) in replaced {
            trace.symbols.show_as(sym, to);
        }
        let hides = |key: Sym| hidden.get(key.index()).copied().unwrap_or(false);
        trace.attributes.replace(hides, &mask);
        let of_resources = trace.resources.iter_mut().map(|resource| &mut resource.attributes);
        let of_scopes = trace.scopes.iter_mut().map(|scope| &mut scope.attributes);
        let of_events = trace.events.iter_mut().map(|event| &mut event.attributes);
        let of_links = trace.links.iter_mut().map(|link| &mut link.attributes);
        for attributes in of_resources.chain(of_scopes).chain(of_events).chain(of_links) {
            attributes.iter_mut().filter(|(key, _)| hides(*key)).for_each(|(_, value)| *value = mask.clone());
        }
        Some(trace)
    }
}
