//! The wait for one trace.

use super::config::{Config, Likeness, Request};
use super::facts::{Facts, synchronous};
use super::log::{Poll, PollLog};
use super::reason::Reason;
use super::run::{Run, Standing};
use super::waiting::request_key;
use crate::facts::{self, CallKey, Snapshot};
use crate::trace::{Injected, Kind, Note, Phase, SpanId, Trace, TraceId, fingerprints, merge};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Spans that came late and whose ancestors are awaited: no more than this many are remembered.
const MOST_LATE: usize = 4096;
/// How many versions of one span break the quiet. A store that never returns the same twice would never be quiet; what it returns
/// after that is joined and judged all the same.
const MOST_VERSIONS: usize = 8;
/// Between two reads of a store a span's arrival is known no better than this. Longer gaps are the store's fault.
const MOST_UNCERTAINTY: u64 = super::config::SECOND;

/// When a reading was asked for and when it was had. What it shows is the state at some moment between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// When the request was sent.
    pub asked_ns: u64,
    /// When the answer was complete.
    pub got_ns: u64,
    /// When the last of it came, where that is known: to the embedded receiver. However late it is read, it was there.
    pub arrived_ns: Option<u64>,
}

impl Read {
    /// A reading that took no time, as of the embedded receiver's store.
    pub fn at(now: u64) -> Read {
        Read { asked_ns: now, got_ns: now, arrived_ns: None }
    }
    /// A reading of a store.
    pub fn between(asked_ns: u64, got_ns: u64) -> Read {
        Read { asked_ns, got_ns, arrived_ns: None }
    }
}

/// How things stand after something happened to a [`Watch`].
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How much of [`Watch::trace`] can be relied on.
    pub phase: Phase,
    /// When the phase can next change by time alone, at the latest the deadline. The embedded receiver's waiter ticks
    /// then; a store must be read, since only a read begun then or later proves that nothing came. `None` where only a
    /// response or nothing at all can change it.
    pub wake_at: Option<u64>,
    /// What is waited for, the weightiest first; empty once the phase is final by itself.
    pub waiting_for: Vec<Reason>,
    /// Whether the phase or the spans differ from those of the step before: a reason to judge again.
    pub changed: bool,
    /// How many spans came, or came to say something else, after [`Watch::decided`].
    pub late: usize,
}

type SpanKey = (TraceId, SpanId, Kind);

/// What a span was seen to say, as fingerprints.
#[derive(Debug, Clone)]
struct Told {
    /// What it says in the trace that is kept.
    kept: u64,
    /// What it said in other readings. A store whose replicas differ returns now one, now the other: only the first time
    /// is news.
    others: Vec<u64>,
}

/// What a reading of a known span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// It says what it said before.
    Known,
    /// It says something new.
    News,
    /// It says something that is not remembered, but so it did too often to wait for it to stop.
    Restless,
}

impl Told {
    fn heard(&self, print: u64) -> Heard {
        match print == self.kept || self.others.contains(&print) {
            true => Heard::Known,
            false if self.others.len() < MOST_VERSIONS => Heard::News,
            false => Heard::Restless,
        }
    }
    fn hear(&mut self, print: u64) {
        if self.heard(print) == Heard::News {
            self.others.push(print);
        }
    }
}

/// Follows one trace from its request until its test is decided, and on until the run ends.
#[derive(Debug, Clone)]
pub struct Watch {
    pub(super) config: Config,
    pub(super) requests: Vec<Request>,
    sent_ns: u64,
    pub(super) responded_ns: Option<u64>,
    // How much later than by its timeout the wait is given up.
    postponed_ns: u64,
    snapshot: Option<Snapshot>,
    last_reading: Option<Arc<Trace>>,
    pub(super) facts: Option<Facts>,
    told: HashMap<SpanKey, Told>,
    // When the last new span was had, or one that said something new.
    news_ns: u64,
    // Up to when it is known that nothing but what was seen had arrived.
    proven_ns: u64,
    pub(super) partial: bool,
    pub(super) trouble: Option<Reason>,
    // Late spans that may turn out to be synchronous work: the least and the likely lag.
    late: HashMap<SpanKey, (u64, u64)>,
    // Calls that this wait itself found silent. It goes on treating them as open.
    pub(super) taught: HashSet<CallKey>,
    log: PollLog,
    phase: Phase,
    decided: Option<(Phase, usize)>,
}

impl Watch {
    /// The wait for the trace of a test whose first request is about to be sent.
    pub fn new(config: Config, sent_ns: u64) -> Watch {
        Watch {
            config,
            requests: Vec::new(),
            sent_ns,
            responded_ns: None,
            postponed_ns: 0,
            snapshot: None,
            last_reading: None,
            facts: None,
            told: HashMap::new(),
            news_ns: 0,
            proven_ns: sent_ns,
            partial: false,
            trouble: None,
            late: HashMap::new(),
            taught: HashSet::new(),
            log: PollLog::default(),
            phase: Phase::Growing,
            decided: None,
        }
    }

    /// A request was sent within this trace: the first one and each redirect hop.
    pub fn request(&mut self, request: Request) {
        self.requests.push(request);
        self.look();
    }

    /// The response came, or the command ended. Nothing settles before; the timeout runs from here.
    pub fn responded(&mut self, now: u64) {
        self.responded_ns = Some(now);
        self.log.responded(now);
    }

    /// A reading found spans. The trace is kept, joined with what earlier readings found.
    pub fn snapshot(&mut self, read: Read, trace: Arc<Trace>, run: &mut Run) -> Step {
        if trace.is_empty() {
            return self.nothing(read, run);
        }
        let known = self.last_reading.as_ref().is_some_and(|last| Arc::ptr_eq(last, &trace));
        if known && self.trouble.is_none() {
            // The very reading of the last time: nothing in it needs to be looked at again.
            self.proven_ns = self.proven_ns.max(read.asked_ns);
            return self.step(read.got_ns, run, false, true);
        }
        self.last_reading = Some(trace.clone());
        let (mut new, mut changed, mut differs, mut restless) = (Vec::new(), Vec::new(), false, false);
        let keys = span_keys(&trace);
        let found = keys.len();
        for (key, print) in keys.into_iter().zip(fingerprints(&trace)) {
            match self.told.get(&key) {
                None => new.push((key, print)),
                Some(told) => {
                    differs |= told.kept != print;
                    let heard = told.heard(print);
                    restless |= heard == Heard::Restless;
                    changed.extend((heard == Heard::News).then_some((key, print)));
                }
            }
        }
        let shrunk = found - new.len() < self.told.len();
        // Of two spans under one id the same one may be kept as before; that another was lost is news all the same.
        let known: &[Note] = self.trace().map_or(&[], |trace| trace.notes());
        let lost = trace.notes().iter().filter(|note| is_lossy(note) && known.binary_search(note).is_err()).count();
        let lossy = known.iter().any(is_lossy);
        let news = new.len() + changed.len() + lost;
        self.partial = trace.partial();
        self.trouble = shrunk.then_some(Reason::Shrunk { found, known: self.told.len() + new.len() });
        if news > 0 {
            self.note_lag(read, &new, run);
            self.told.extend(new.iter().map(|&(key, kept)| (key, Told { kept, others: Vec::new() })));
            for (key, print) in changed {
                self.told.entry(key).and_modify(|told| told.hear(print));
            }
            self.news_ns = self.news_ns.max(read.arrived_ns.unwrap_or(read.got_ns));
        }
        if news > 0 || restless {
            // What was found before and is lacking now, or was told with other words, is kept as well.
            let kept = match self.snapshot.take().filter(|_| shrunk || differs || lossy) {
                Some(before) => self.join(before.trace(), &trace),
                None => trace,
            };
            self.take(Snapshot::new(kept));
            self.learn(run);
        }
        if !shrunk {
            self.proven_ns = self.proven_ns.max(read.asked_ns);
        }
        if let Some((_, count)) = &mut self.decided {
            *count += news;
        }
        self.step(read.got_ns, run, news > 0 || restless, true)
    }

    pub(super) fn take(&mut self, snapshot: Snapshot) {
        self.snapshot = Some(snapshot).filter(|snapshot| !snapshot.trace().is_empty());
        self.look();
    }

    /// Finds out anew how far the trace is complete.
    fn look(&mut self) {
        self.facts = self.facts().map(|facts| Facts::of(&facts, &self.requests, &self.config));
    }

    /// Both readings as one.
    fn join(&mut self, before: &Trace, now: &Trace) -> Arc<Trace> {
        let joined = merge(before, now, &self.injected());
        for (key, print) in span_keys(&joined).into_iter().zip(fingerprints(&joined)) {
            if let Some(told) = self.told.get_mut(&key).filter(|told| told.kept != print) {
                let before = std::mem::replace(&mut told.kept, print);
                told.hear(before);
            }
        }
        Arc::new(joined)
    }

    /// A reading found no trace. After something was found that is a flap, not news.
    pub fn nothing(&mut self, read: Read, run: &mut Run) -> Step {
        if self.told.is_empty() {
            self.proven_ns = self.proven_ns.max(read.asked_ns);
            self.trouble = None;
        } else {
            self.trouble = Some(Reason::Shrunk { found: 0, known: self.told.len() });
        }
        self.step(read.got_ns, run, false, true)
    }

    /// A reading failed or was given up: nothing is known of the time it took.
    pub fn failed_read(&mut self, now: u64, why: impl Into<String>, run: &mut Run) -> Step {
        self.trouble = Some(Reason::FailedRead { why: why.into() });
        self.step(now, run, false, true)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: u64, run: &mut Run) -> Step {
        if self.config.pipeline.notifies() {
            self.proven_ns = self.proven_ns.max(now);
        }
        self.step(now, run, false, false)
    }

    /// The test is decided. Spans that come from now on are counted as late, and the phase stays what it is if the
    /// verdict rests on a settled trace: what breaks a green then breaks it for good.
    pub fn decided(&mut self) {
        self.decided.get_or_insert((self.phase, 0));
    }

    /// All spans found so far, whatever the last reading lacked; `None` while there is none.
    pub fn trace(&self) -> Option<&Arc<Trace>> {
        self.snapshot.as_ref().map(Snapshot::trace)
    }
    /// The facts of that trace.
    pub fn facts(&self) -> Option<facts::Facts<'_>> {
        self.snapshot.as_ref().map(Snapshot::facts)
    }
    /// The phase after the last step.
    pub fn phase(&self) -> Phase {
        self.phase
    }
    /// The readings so far.
    pub fn log(&self) -> &PollLog {
        &self.log
    }
    /// How it is waited.
    pub fn config(&self) -> &Config {
        &self.config
    }
    /// When the wait is given up, once the response has come.
    pub fn deadline(&self) -> Option<u64> {
        let timeout = self.config.timeout_ns.saturating_add(self.postponed_ns);
        self.responded_ns.map(|responded| responded.saturating_add(timeout))
    }
    /// The wait stood in a queue for so long: that is not held against the trace.
    pub fn postpone(&mut self, ns: u64) {
        self.postponed_ns = self.postponed_ns.saturating_add(ns);
    }
    /// How long the trace must be quiet as things stand, in nanoseconds.
    pub fn settle_ns(&self, run: &Run) -> u64 {
        self.settle_of(run, !self.structure(run).is_empty())
    }

    /// How long it must be quiet before what it lacks counts as missing, in nanoseconds.
    pub fn certain_ns(&self, run: &Run) -> u64 {
        self.config.certain_ns(self.settle_ns(run))
    }

    fn settle_of(&self, run: &Run, incomplete: bool) -> u64 {
        let asynchronous = self.facts.as_ref().is_some_and(|facts| facts.asynchronous);
        let like = Likeness { open: self.has_open(run), asynchronous, incomplete };
        self.config.settle_ns(like, run.learned_ns().min(self.most_learned_ns()))
    }

    /// What was learned of others must not keep this trace from being settled, and twice if need be, before its deadline.
    fn most_learned_ns(&self) -> u64 {
        let (Some(deadline), Some(responded)) = (self.deadline(), self.responded_ns) else { return u64::MAX };
        // A little less than half: the last read must be had as well.
        deadline.saturating_sub(responded.max(self.news_ns)) / 20 * 9
    }

    /// Calls that this trace leaves unanswered although the run has seen others like them answered. Asked when the run
    /// ends: a green that rests on the callee's being silent or unheard of is in doubt then.
    pub fn doubts(&self, run: &Run) -> Vec<Reason> {
        self.structure(run).into_iter().filter(|reason| reason.suggests_silent().is_some()).collect()
    }

    fn injected(&self) -> Injected {
        if self.requests.is_empty() {
            return Injected::Unknown;
        }
        Injected::Known(self.requests.iter().map(|request| request.span).collect())
    }

    /// Remembers spans that came later than a settle after the response, until they are seen to be synchronous or not.
    fn note_lag(&mut self, read: Read, new: &[(SpanKey, u64)], run: &Run) {
        let Some(responded) = self.responded_ns else { return };
        // A receiver that notifies is known at every moment while somebody listens; between two reads of a store, and
        // after the verdict, a span came at any.
        let listens = self.config.pipeline.notifies() && self.decided.is_none();
        let got = read.arrived_ns.unwrap_or(read.got_ns);
        let before = if listens { got } else { self.proven_ns.min(read.asked_ns) };
        let least = before.saturating_sub(responded);
        if least <= self.config.auto_ns(false).max(run.learned_ns()) {
            return;
        }
        let lag = least.saturating_add(got.saturating_sub(before).min(MOST_UNCERTAINTY));
        let room = MOST_LATE.saturating_sub(self.late.len());
        self.late.extend(new.iter().take(room).map(|&(key, _)| (key, (least, lag))));
    }

    /// Tells the run which calls were answered and how late synchronous spans came.
    fn learn(&mut self, run: &mut Run) {
        let (Some(snapshot), Some(facts)) = (&self.snapshot, &self.facts) else { return };
        facts.answered.iter().for_each(|key| run.answered(key));
        for (request, _) in self.requests.iter().zip(&facts.requests).filter(|(_, answered)| **answered) {
            run.answered(&request_key(request));
        }
        if self.late.is_empty() {
            return;
        }
        let response = self.responded_ns.unwrap_or(self.sent_ns).saturating_sub(self.sent_ns);
        let trace = snapshot.trace();
        let synchronous = synchronous(&snapshot.facts(), response, &self.config);
        let mut worst: Option<(u64, u64, &str)> = None;
        for (span, key) in trace.spans().zip(span_keys(trace)) {
            let Some(waited_for) = synchronous[span.ix().index()] else { continue };
            if let Some((least, lag)) = self.late.remove(&key)
                && waited_for
            {
                worst = worst.max(Some((lag, least, span.service())));
            }
        }
        if let Some((lag, least, service)) = worst {
            run.lagged(&self.config, service, least, lag);
        }
    }

    fn step(&mut self, now: u64, run: &mut Run, news: bool, log: bool) -> Step {
        let before = self.phase;
        let structure = self.structure(run);
        let complete = structure.is_empty();
        let settle = self.settle_of(run, !complete);
        let twice = self.config.certain_ns(settle);
        let quiet_from = self.responded_ns.map(|responded| responded.max(self.news_ns));
        let quiet = quiet_from.map_or(0, |from| self.proven_ns.saturating_sub(from));
        let deadline = self.deadline();
        let mut phase = match (quiet_from, &self.facts) {
            (Some(_), Some(_)) if complete && quiet >= twice => Phase::Confirmed,
            (Some(_), Some(_)) if complete && quiet >= settle => Phase::Settled,
            (Some(_), Some(_)) if !complete && quiet >= twice => Phase::Stalled,
            _ => Phase::Growing,
        };
        if matches!(phase, Phase::Settled | Phase::Confirmed) {
            self.teach_silence(quiet, run);
        }
        if !phase.is_final() && deadline.is_some_and(|deadline| now >= deadline) {
            phase = Phase::Expired;
        }
        if let Some((decided, _)) = self.decided
            && decided != Phase::Growing
        {
            phase = decided;
        }
        self.phase = phase;
        let due = match (phase, quiet_from, &self.facts) {
            (Phase::Growing, Some(from), Some(_)) => Some(from.saturating_add(if complete { settle } else { twice })),
            (Phase::Settled, Some(from), _) => Some(from.saturating_add(twice)),
            _ => None,
        };
        // A read begun before its time and had after it must be repeated at once, unless it told nothing anyway.
        let due = due.filter(|&due| due > now || self.trouble.is_none()).map(|due| due.max(now));
        let wake_at = if phase.is_final() { None } else { due.into_iter().chain(deadline).min() };
        let wanted = if complete && phase != Phase::Settled { settle } else { twice };
        let waiting_for = if phase.is_final() && phase != Phase::Expired && phase != Phase::Stalled {
            Vec::new()
        } else {
            self.waiting_for(run, structure, quiet, wanted)
        };
        if log {
            self.push_log(now, &waiting_for, wanted);
        }
        let late = self.decided.map_or(0, |(_, late)| late);
        Step { phase, wake_at, waiting_for, changed: news || phase != before, late }
    }

    /// A trace that settled, with patience for an instance not heard of, while a call was open: its callee is silent.
    fn teach_silence(&mut self, quiet: u64, run: &mut Run) {
        if quiet < self.config.auto_ns(true).max(run.learned_ns()) {
            return;
        }
        let Some(facts) = &self.facts else { return };
        let calls = facts.unanswered.iter().map(|call| (call.key.clone(), call.error));
        let requests = self.unanswered_requests(run).map(|(request, key, _)| (key, request.error));
        let open: Vec<(CallKey, bool)> = calls
            .chain(requests)
            .filter(|(key, error)| run.standing(&self.config, key, *error) == Standing::Open)
            .collect();
        for (key, error) in open {
            run.settled_unanswered(&key, error);
            self.taught.insert(key);
        }
    }

    fn push_log(&mut self, now: u64, waiting_for: &[Reason], settle: u64) {
        let why = match waiting_for.first() {
            // That a read failed is news of it even where no span has arrived at all.
            _ if matches!(self.trouble, Some(Reason::FailedRead { .. })) => {
                self.trouble.as_ref().map_or_else(String::new, ToString::to_string)
            }
            // Without the passing time, so that readings alike are told as one.
            Some(Reason::Quiet { .. }) => format!("waiting for {} of quiet", super::Seconds(settle)),
            Some(reason) => reason.to_string(),
            None => String::new(),
        };
        let (spans, services, orphans) =
            self.facts.as_ref().map_or((0, 0, 0), |facts| (facts.spans, facts.services, facts.orphans));
        self.log.push(Poll { at_ns: now, until_ns: now, readings: 1, spans, services, orphans, why });
    }
}

/// Whether a reading lacks something that another may have.
fn is_lossy(note: &Note) -> bool {
    note.is_loss() || note.is_of_times()
}

/// The spans' identities in row order. A SERVER span that shared its id goes by the id it was sent with, so that it is
/// not taken for another one before and after its CLIENT span came.
fn span_keys(trace: &Trace) -> Vec<SpanKey> {
    let shared: HashMap<SpanId, SpanId> = trace
        .notes()
        .iter()
        .filter_map(|note| if let Note::SharedId { shared, server } = note { Some((*server, *shared)) } else { None })
        .collect();
    let sent = |id: SpanId| shared.get(&id).copied().unwrap_or(id);
    trace.spans().map(|span| (span.trace_id(), sent(span.id()), span.kind())).collect()
}
