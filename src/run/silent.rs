//! Names in `wait.silent` that nothing in the run goes by: misspelt, they excuse nothing, and without a word of it a wait
//! would only be longer, or a verdict inconclusive.

use crate::diag::did_you_mean;
use crate::facts::{Facts, names_peer};
use crate::trace::Kind;
use std::collections::BTreeSet;

/// Which names were written, and what there was to be named.
#[derive(Debug, Default)]
pub(crate) struct Silent {
    written: BTreeSet<String>,
    unmatched: BTreeSet<String>,
    seen: BTreeSet<String>,
}

/// What is seen is bounded: names of peers can be without number.
const MOST: usize = 10_000;

impl Silent {
    /// Takes in the names that hold for one trace, the peers of its requests, and the trace.
    pub(crate) fn note<'a>(&mut self, names: impl Iterator<Item = &'a String>, requests: &[String], facts: &Facts<'_>) {
        for name in names {
            if self.written.insert(name.clone()) && !self.seen.iter().any(|peer| names_peer(name, peer)) {
                self.unmatched.insert(name.clone());
            }
        }
        if self.written.is_empty() {
            return;
        }
        let trace = facts.trace();
        let calls = facts.call_names();
        let outgoing = trace.spans().filter(|span| matches!(span.kind(), Kind::Client | Kind::Producer));
        let peers: BTreeSet<String> = outgoing.map(|span| calls.key(span).peer).collect();
        let services = trace.service_names().into_iter().map(str::to_owned);
        for peer in peers.into_iter().chain(services).chain(requests.iter().cloned()) {
            self.unmatched.retain(|name| !names_peer(name, &peer));
            if self.seen.len() < MOST {
                self.seen.insert(peer);
            }
        }
    }

    /// A remark for each name that matched nothing.
    pub(crate) fn remarks(&self) -> impl Iterator<Item = String> + '_ {
        self.unmatched.iter().map(|name| {
            let near = did_you_mean(name, self.seen.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!("; {near}"));
            format!(
                "`silent` names `{name}`, and no call or service of this run is called that, so it has no effect{near}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::fixture::{Draft, draft};

    #[test]
    fn only_names_that_match_no_trace_and_no_request_are_reported() {
        let call = Draft::new(2, 1, "orders", Kind::Client).text("server.address", "legacy").text("server.port", "80");
        let trace = draft(&[Draft::new(1, 0, "orders", Kind::Server), call]);
        let facts = Facts::from(&trace);
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut silent = Silent::default();
        silent.note(
            names(&["legacy", "orderz", "localhost:8080", "gateway"]).iter(),
            &names(&["127.0.0.1:8080"]),
            &facts,
        );
        silent.note(names(&["proxy"]).iter(), &[], &facts);
        let remarks: Vec<String> = silent.remarks().collect();
        assert_eq!(remarks.len(), 3, "{remarks:#?}");
        assert!(remarks[0].contains("`gateway`") && remarks[1].contains("did you mean `orders`"), "{remarks:#?}");
        assert!(remarks[2].contains("`proxy`"), "{remarks:#?}");
    }
}
