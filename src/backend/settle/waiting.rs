//! What a wait still waits for: the trace's structure, and the calls that have no answer.

use super::config::{Config, Request};
use super::reason::{Reason, SpanName};
use super::run::{Run, Standing};
use super::watch::Watch;
use crate::facts::{CallKey, Snapshot};

/// What keeps a trace of which nothing more will come from being structurally complete, by itself alone.
pub fn lacks(snapshot: &Snapshot, silent: Vec<String>) -> Vec<Reason> {
    let mut watch = Watch::new(Config { silent, ..Config::default() }, 0);
    watch.take(snapshot.clone());
    watch.structure(&Run::default())
}

impl Watch {
    /// The requests that were sent within this trace, in order.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    pub(super) fn standing(&self, run: &Run, key: &CallKey, error: bool) -> Standing {
        match run.standing(&self.config, key, error) {
            Standing::Silent if self.taught.contains(key) => Standing::Open,
            standing => standing,
        }
    }

    /// The runner's requests without a span, each with its key and standing.
    pub(super) fn unanswered_requests<'a>(
        &'a self,
        run: &'a Run,
    ) -> impl Iterator<Item = (&'a Request, CallKey, Standing)> {
        let answered = self.facts.as_ref().map_or(&[][..], |facts| &facts.requests);
        self.requests.iter().zip(answered).filter(|(_, answered)| !**answered).map(|(request, _)| {
            let key = request_key(request);
            let standing = self.standing(run, &key, request.error);
            (request, key, standing)
        })
    }

    pub(super) fn has_open(&self, run: &Run) -> bool {
        let Some(facts) = &self.facts else { return false };
        facts.unanswered.iter().any(|call| self.standing(run, &call.key, call.error) == Standing::Open)
            || self.unanswered_requests(run).any(|(_, _, standing)| standing == Standing::Open)
    }

    /// What keeps the trace from being structurally complete.
    pub(super) fn structure(&self, run: &Run) -> Vec<Reason> {
        let Some(facts) = &self.facts else { return vec![Reason::NoSpan] };
        let mut reasons = Vec::new();
        if let Some((span, parent)) = &facts.first_orphan {
            let others = facts.orphans - 1;
            reasons.push(Reason::MissingParent { span: span.clone(), parent: *parent, others });
        }
        if !facts.rooted {
            reasons.push(Reason::NoRoot);
        }
        reasons.extend(self.calls(run, Standing::Known).map(|(span, call, others)| Reason::Unanswered {
            span,
            call,
            others,
        }));
        reasons.extend(
            self.unanswered_requests(run)
                .filter(|(_, _, standing)| *standing == Standing::Known)
                .map(|(request, call, _)| Reason::UnansweredRequest { span: request.span, call }),
        );
        if self.partial {
            reasons.push(Reason::Partial);
        }
        reasons
    }

    /// The first unanswered call of this standing, with how many others there are.
    fn calls(&self, run: &Run, standing: Standing) -> impl Iterator<Item = (SpanName, CallKey, usize)> {
        let calls = self.facts.as_ref().map_or(&[][..], |facts| &facts.unanswered);
        let mut of_standing = calls.iter().filter(|call| self.standing(run, &call.key, call.error) == standing);
        of_standing
            .next()
            .map(|first| {
                let others = first.count - 1 + of_standing.map(|call| call.count).sum::<usize>();
                (first.first.clone(), first.key.clone(), others)
            })
            .into_iter()
    }

    pub(super) fn waiting_for(&self, run: &Run, structure: Vec<Reason>, quiet_ns: u64, settle_ns: u64) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.responded_ns.is_none() {
            reasons.push(Reason::NoResponse);
        }
        let any = self.facts.is_some();
        reasons.extend(structure);
        reasons.extend(self.trouble.clone());
        reasons.extend(self.calls(run, Standing::Open).map(|(span, call, others)| Reason::Open { span, call, others }));
        reasons.extend(
            self.unanswered_requests(run)
                .filter(|(_, _, standing)| *standing == Standing::Open)
                .map(|(request, call, _)| Reason::OpenRequest { span: request.span, call }),
        );
        if any && self.responded_ns.is_some() && quiet_ns < settle_ns {
            reasons.push(Reason::Quiet { quiet_ns, settle_ns });
        }
        reasons
    }
}

/// A request as a call of the runner's.
pub(super) fn request_key(request: &Request) -> CallKey {
    CallKey { caller: String::new(), peer: request.peer.clone(), operation: request.operation.clone() }
}
