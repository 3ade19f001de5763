//! Waits for one trace until its expectations are decided: reads the backend, feeds the completeness engine, judges.
//!
//! A wait holds no slot. It reads when the embedded receiver announces spans, or when the poll schedule says so, and
//! judges whenever something changed. It ends at the first moment when nothing is open.

#[cfg(feature = "run")]
mod last_look;

#[cfg(feature = "run")]
pub(crate) use last_look::{LastLook, look_again};

use super::clock::Clock;
use super::patience::Patience;
use crate::assert::{Context, Judgement, Verdict, judge};
use crate::backend::settle::{Read, Reason, Run, Seconds, Step, Watch, poll};
use crate::backend::{Backend, Fetch, SearchError};
use crate::matcher::count_of;
use crate::receiver::Arrivals;
use crate::spec::plan::TraceExpectations;
use crate::trace::{Injected, Phase, Trace, TraceBuilder, TraceId, merge};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// What all waits of a run share.
pub(crate) struct Shared {
    /// What the run has learned.
    pub(crate) knowledge: Mutex<Run>,
    /// Tells of what it learns: a wait may settle earlier or later by it.
    pub(crate) learned: watch::Sender<u64>,
    /// The run's clock.
    pub(crate) clock: Clock,
    /// Jitter of the polls.
    pub(crate) rng: Mutex<fastrand::Rng>,
    /// How many tests wait for their traces.
    pub(crate) waiting: AtomicUsize,
}

/// One that waits, however that ends.
struct Waiting<'a>(&'a AtomicUsize);

impl Waiting<'_> {
    fn begin(waiting: &AtomicUsize) -> Waiting<'_> {
        waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hears how a wait goes on.
type News<'a> = dyn Fn(Phase, usize, &Reason, Option<u64>) + Sync + 'a;

/// One trace to wait for.
pub(crate) struct Target<'a> {
    /// Where it is read.
    pub(crate) backend: &'a Arc<dyn Backend>,
    /// Its id.
    pub(crate) id: TraceId,
    /// The ids that the runner's own requests carried.
    pub(crate) injected: Injected,
    /// What is expected of it, bound.
    pub(crate) expect: &'a TraceExpectations,
    /// The context of judging; asked for each time, since it grows while other tests run.
    pub(crate) context: &'a (dyn Fn() -> Context + Sync),
    /// Called whenever the state of the wait changes: the phase, the spans so far, what is waited for, and when that is given up, in
    /// the run's time.
    pub(crate) news: &'a News<'a>,
    /// Bounds the reads under way at one place.
    pub(crate) slots: &'a Semaphore,
    /// Does not run in the queue for a read.
    pub(crate) patience: &'a Patience,
    /// If the verdict is known already and only the rest of the trace is waited for: how reliable it is to become.
    pub(crate) enough: Option<Phase>,
}

/// The result of a wait.
pub(crate) struct Waited {
    /// The wait as it stands, for looking again when the run ends.
    pub(crate) watch: Watch,
    /// One for each expectation; empty if there was nothing to judge.
    pub(crate) judgements: Vec<Judgement>,
    /// Why nothing could be found out.
    pub(crate) unread: Option<Unread>,
    /// How things stood at the end.
    pub(crate) last: Step,
    /// When the last new span came.
    pub(crate) last_span_ns: Option<u64>,
}

/// Why there is no trace to judge.
pub(crate) enum Unread {
    /// It could not be read.
    Failed(String),
    /// It never came: how it was looked for, and what to ask where nothing else is known.
    NeverCame { how: String, ask: String },
}

impl Unread {
    /// The sentence for people, with the cause first where it is known.
    pub(crate) fn words(self, id: TraceId, cause: impl FnOnce() -> Option<String>) -> String {
        match self {
            Unread::Failed(why) => why,
            Unread::NeverCame { how, ask } => match cause() {
                Some(cause) => format!("trace {id} never came: {cause}\n{how}"),
                None => format!("trace {id} never came: {how}\n{ask}"),
            },
        }
    }
}

/// What ended the wait, in words.
pub(crate) fn ended_by(waited: &Waited, knowledge: &Run) -> String {
    let settle = Seconds(waited.watch.settle_ns(knowledge));
    let certain = Seconds(waited.watch.certain_ns(knowledge));
    match waited.last.phase {
        Phase::Growing => "decided by the spans received so far".to_owned(),
        Phase::Settled => format!("settled (complete, and quiet for {settle})"),
        Phase::Confirmed => format!("confirmed (complete, and quiet for {certain})"),
        Phase::Stalled => format!("stalled (incomplete, and unchanged for {certain})"),
        Phase::Expired => "given up at the deadline".to_owned(),
    }
}

/// Bound on looking where no deadline is: at a trace that was green.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// What is said of a read that the deadline cut off, where no read before it has failed.
const UNFINISHED: &str = "a read was still under way at the deadline";

/// A poisoned lock is of a panic elsewhere; what it guards is consistent between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads of a trace and of those that link to it.
struct Reader<'a> {
    shared: &'a Shared,
    target: &'a Target<'a>,
    // The last reading of each trace, so that an unchanged one costs nothing.
    last: Vec<(TraceId, Arc<TraceBuilder>)>,
    built: Option<Arc<Trace>>,
    /// When a read is cut off.
    until: Instant,
    /// The time spent in the queue for the last read.
    queued: Duration,
}

enum Reading {
    Spans(Read, Arc<Trace>),
    Nothing(Read, String),
    Failed {
        words: String,
        retry_after: Option<Duration>,
    },
    /// The deadline cut it off.
    Unfinished,
    Refused(String),
}

impl Reader<'_> {
    /// One read, once it is its turn. What the receiver of this process holds is had without a queue.
    async fn read(&mut self, arrivals: Option<&Arrivals>) -> Reading {
        if arrivals.is_some() {
            return self.read_now(arrivals).await;
        }
        let before = self.target.patience.queued();
        let _turn = self.target.patience.turn(self.target.slots).await;
        self.queued = self.target.patience.queued().saturating_sub(before);
        self.until += self.queued;
        self.read_now(None).await
    }

    async fn read_now(&mut self, arrivals: Option<&Arrivals>) -> Reading {
        let asked = self.shared.clock.now();
        let found = match self.fetch(self.target.id).await {
            Some(Fetch::Found(found)) => found,
            Some(Fetch::NotYet { words }) => {
                return Reading::Nothing(Read::between(asked, self.shared.clock.now()), words);
            }
            Some(Fetch::Transient { words, retry_after }) => return Reading::Failed { words, retry_after },
            Some(Fetch::Refused { words }) => return Reading::Refused(words),
            None => return Reading::Unfinished,
        };
        let mut parts = vec![(self.target.id, found)];
        if self.target.expect.follow_links {
            match self.linked().await {
                Ok(linked) => parts.extend(linked),
                Err(reading) => return reading,
            }
        }
        let mut read = Read::between(asked, self.shared.clock.now());
        // Of other traces that were merged, it is not known when they came.
        let arrived = arrivals.filter(|_| parts.len() == 1).and_then(|arrivals| arrivals.latest().at);
        read.arrived_ns = arrived.map(|at| self.shared.clock.of(at));
        let same = parts.len() == self.last.len()
            && parts.iter().zip(&self.last).all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1));
        if let Some(built) = self.built.as_ref().filter(|_| same) {
            return Reading::Spans(read, Arc::clone(built));
        }
        let mut whole = parts[0].1.build(self.target.id, &[], &self.target.injected);
        for (id, part) in &parts[1..] {
            whole = merge(&whole, &part.build(*id, &[], &Injected::Unknown), &self.target.injected);
        }
        let built = Arc::new(whole);
        self.built = Some(Arc::clone(&built));
        self.last = parts;
        Reading::Spans(read, built)
    }

    async fn linked(&self) -> Result<Vec<(TraceId, Arc<TraceBuilder>)>, Reading> {
        let ids = match self.target.backend.linking_to(self.target.id).await {
            Ok(ids) => ids,
            Err(SearchError::Unsupported { words }) => return Err(Reading::Refused(words)),
            Err(SearchError::Failed { words, retry_after }) => return Err(Reading::Failed { words, retry_after }),
        };
        let mut found = Vec::new();
        for id in ids.into_iter().filter(|&id| id != self.target.id) {
            match self.fetch(id).await {
                Some(Fetch::Found(part)) => found.push((id, part)),
                Some(Fetch::NotYet { .. }) => {}
                Some(Fetch::Transient { words, retry_after }) => return Err(Reading::Failed { words, retry_after }),
                Some(Fetch::Refused { words }) => return Err(Reading::Refused(words)),
                None => return Err(Reading::Unfinished),
            }
        }
        Ok(found)
    }

    /// A read that makes no progress is given up by the backend itself; none outlasts the deadline by much.
    async fn fetch(&self, id: TraceId) -> Option<Fetch> {
        tokio::time::timeout_at(self.until.into(), self.target.backend.fetch(id)).await.ok()
    }
}

/// How the reads of one wait went: what to say if the trace never comes.
#[derive(Default)]
struct Reads {
    answered: u64,
    failed: u64,
    /// What the backend said when it last answered without the trace.
    answer: Option<String>,
    /// What the last failed read said.
    failure: Option<String>,
}

impl Reads {
    fn note(&mut self, reading: &Reading) {
        match reading {
            Reading::Nothing(_, words) => {
                self.answered += 1;
                self.answer = Some(words.clone());
            }
            Reading::Spans(..) => self.answered += 1,
            Reading::Failed { words, .. } => {
                self.failed += 1;
                self.failure = Some(words.clone());
            }
            Reading::Unfinished => self.failed += 1,
            Reading::Refused(_) => {}
        }
    }
    /// What is said of a read that the deadline cut off: what the backend itself said before says more.
    fn of_unfinished(&self) -> &str {
        self.failure.as_deref().unwrap_or(UNFINISHED)
    }
}

/// Feeds one reading to the completeness engine; the error says why the backend refuses.
fn feed(watch: &mut Watch, reading: Reading, reads: &Reads, shared: &Shared) -> Result<Step, String> {
    let mut run = lock(&shared.knowledge);
    let step = match reading {
        Reading::Spans(read, trace) => watch.snapshot(read, trace, &mut run),
        Reading::Nothing(read, _) => watch.nothing(read, &mut run),
        Reading::Failed { words, .. } => watch.failed_read(shared.clock.now(), words, &mut run),
        Reading::Unfinished => watch.failed_read(shared.clock.now(), reads.of_unfinished(), &mut run),
        Reading::Refused(words) => return Err(words),
    };
    let version = run.version();
    drop(run);
    shared.learned.send_if_modified(|seen| std::mem::replace(seen, version) != version);
    Ok(step)
}

/// Waits until every expectation is decided, the deadline has passed, or the backend refuses for good.
pub(crate) async fn wait(shared: &Shared, target: &Target<'_>, mut watch: Watch) -> Waited {
    let _waiting = Waiting::begin(&shared.waiting);
    let responded = shared.clock.now();
    let mut schedule = poll::Schedule::new(responded, watch.deadline().unwrap_or(u64::MAX));
    let mut arrivals = target.backend.arrivals(target.id);
    let mut learned = shared.learned.subscribe();
    let until = watch.deadline().map_or_else(|| Instant::now() + LAST_LOOK, |deadline| shared.clock.moment(deadline));
    let mut reader = Reader { shared, target, last: Vec::new(), built: None, until, queued: Duration::ZERO };
    let mut judgements: Vec<Judgement> = Vec::new();
    let mut reads = Reads::default();
    let mut told = None;
    let mut last_span_ns = None;
    let mut spans = 0;
    let mut judged = false;
    let mut read_now = true;
    let mut step = Step { phase: watch.phase(), wake_at: None, waiting_for: Vec::new(), changed: false, late: 0 };
    let mut retry_after = None;
    // When the next read is due, and whether that is when the store asked for it.
    let (mut planned, mut held) = (None, false);
    loop {
        if read_now {
            if let Some(arrivals) = &mut arrivals {
                arrivals.now();
            }
            let asked = shared.clock.now();
            let reading = reader.read(arrivals.as_ref()).await;
            reads.note(&reading);
            let queued = u64::try_from(reader.queued.as_nanos()).unwrap_or(u64::MAX);
            watch.postpone(queued);
            schedule.postpone(queued);
            schedule.took(shared.clock.now().saturating_sub(asked).saturating_sub(queued));
            if let Reading::Failed { retry_after: after, .. } = &reading {
                retry_after = *after;
            }
            match feed(&mut watch, reading, &reads, shared) {
                Ok(next) => step = next,
                Err(refused) => {
                    let error = format!("the trace cannot be read from {}: {refused}", target.backend.describe());
                    let unread = Some(Unread::Failed(error));
                    return Waited { watch, judgements: Vec::new(), unread, last: step, last_span_ns };
                }
            }
            if let Some(trace) = watch.trace().filter(|trace| trace.len() != spans) {
                spans = trace.len();
                last_span_ns = Some(shared.clock.now());
            }
        } else {
            step = watch.tick(shared.clock.now(), &mut lock(&shared.knowledge));
        }
        if let Some(reason) = step.waiting_for.first() {
            let now = (step.phase, spans, std::mem::discriminant(reason));
            if told.replace(now) != Some(now) {
                (target.news)(step.phase, spans, reason, watch.deadline());
            }
        }
        if let Some(facts) = watch.facts() {
            if step.changed || !judged {
                judged = true;
                judgements = judge(&facts, target.expect, step.phase, &(target.context)());
            }
            let is_enough = target.enough.is_none_or(|enough| step.phase >= enough);
            if is_enough && judgements.iter().all(|judgement| judgement.verdict != Verdict::Open) {
                watch.decided();
                return Waited { watch, judgements, unread: None, last: step, last_span_ns };
            }
        }
        let now = shared.clock.now();
        if watch.trace().is_none() && watch.deadline().is_some_and(|deadline| now >= deadline) {
            let unread = Some(never_came(target, &watch, reads).await);
            return Waited { watch, judgements: Vec::new(), unread, last: step, last_span_ns };
        }
        read_now = match &mut arrivals {
            Some(arrivals) => {
                let wake = step.wake_at.or(watch.deadline()).map_or(u64::MAX, |at| at);
                pause(shared.clock, wake, Some(arrivals), &mut learned).await
            }
            None => {
                if read_now {
                    let asked = retry_after.take().map(|after| u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
                    held = asked.is_some();
                    schedule.among(shared.waiting.load(Ordering::Relaxed));
                    planned = match asked {
                        Some(after) => schedule.retry_after(now, after),
                        None => schedule.next(now, step.wake_at, &mut lock(&shared.rng)),
                    };
                } else if let (Some(next), Some(wake)) = (planned, step.wake_at)
                    && !held
                {
                    // The run has learned something: that may bring the next read forward, and never puts it off.
                    planned = Some(next.min(wake.max(now)));
                }
                let wake = planned.or(watch.deadline()).unwrap_or(now);
                pause(shared.clock, wake, None, &mut learned).await
            }
        };
    }
}

/// Sleeps until there is something to do; says whether that is a read (rather than a look at the clock).
async fn pause(
    clock: Clock,
    wake_at: u64,
    arrivals: Option<&mut Arrivals>,
    learned: &mut watch::Receiver<u64>,
) -> bool {
    let timer = tokio::time::sleep_until(clock.moment(wake_at).into());
    match arrivals {
        Some(arrivals) => tokio::select! {
            biased;
            _ = arrivals.changed() => true,
            () = timer => false,
            Ok(()) = learned.changed() => false,
        },
        None => tokio::select! {
            biased;
            () = timer => true,
            Ok(()) = learned.changed() => false,
        },
    }
}

/// Why there is no trace to judge. Whether anything is instrumented is only asked where the backend has answered.
async fn never_came(target: &Target<'_>, watch: &Watch, mut reads: Reads) -> Unread {
    let backend = target.backend.describe();
    let id = target.id;
    let waited = humantime::format_duration(Duration::from_millis(watch.config().timeout_ns / 1_000_000));
    let all = reads.answered + reads.failed;
    let failure = reads.of_unfinished();
    if reads.answered == 0 {
        let times = count_of(all as usize, "read");
        let failed =
            format!("trace {id} could not be read from {backend}: {times} in {waited}, and all failed: {failure}");
        return Unread::Failed(failed);
    }
    let mut how = format!("{backend} was read {all} times in {waited}");
    if target.backend.arrivals(id).is_some() {
        how = format!("{backend} was watched for {waited}");
        // What was said before the first span of the run came is not true any more.
        if let Fetch::NotYet { words } = target.backend.fetch(id).await {
            reads.answer = Some(words);
        }
    } else if reads.failed > 0 {
        how += &format!(", and {} of these reads failed: {failure}", reads.failed);
    }
    let said =
        reads.answer.filter(|words| !words.is_empty()).map_or_else(String::new, |words| format!("; it says: {words}"));
    let ask = match watch.requests() {
        [.., request] if !target.backend.services().is_empty() => format!(
            "spans of other traces arrived, so exporting works: does `{}` create spans at all? If not: `trace: none`; if \
             so, does the service that answers keep the injected `traceparent`?",
            request.operation
        ),
        // It was named by the spec, or by the system.
        [] => "is the id right, and is the trace exported to where traces are read, and still stored there?".to_owned(),
        _ => {
            "is the service that answers instrumented, does it keep the injected `traceparent`, and does it export to \
              where traces are read?"
                .to_owned()
        }
    };
    Unread::NeverCame { how: how + &said, ask }
}
