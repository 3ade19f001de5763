//! One step of a test: fill in the variables, start the trace, judge the answer, wait for the trace, judge it.

use super::entry::Entry;
use super::event::{TestName, What};
use super::green::Green;
use super::judged::{Waiting, could_not_judge, judge_trace, not_judged, sorted};
use super::outcome::worst;
use super::own_trace::own_trace_id;
use super::patience::Patience;
use super::record::{AnswerRecord, StepRecord, Verdict};
use super::repeat::running::Running;
use super::response;
use super::saved::saved;
use super::session::{Session, TestAt};
use super::trigger::{Sent, ready};
use super::wait::lock;
use crate::backend::{self, OwnSpan, settle};
use crate::diag::{Code, Problem};
use crate::matcher::Value;
use crate::source::SourceFile;
use crate::spec::bind::Bind as _;
use crate::spec::plan::{Step, Trigger};
use crate::spec::vars::Scope;
use crate::trace::Injected;
use crate::trigger::context::{Ids, trace_id_in};
use crate::trigger::cookies::Cookies;
use crate::trigger::outcome::Outcome;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a step runs.
pub(crate) struct StepEnv<'a> {
    pub(crate) session: &'a Arc<Session>,
    pub(crate) source: &'a Arc<SourceFile>,
    pub(crate) test: TestName<'a>,
    pub(crate) file: usize,
    /// The test; `None` in setup and teardown.
    pub(crate) at: Option<TestAt>,
    /// Which attempt at the test begins with this step, if one does. The first one may not begin once the run is
    /// stopping.
    pub(crate) attempt: Option<u32>,
    /// The run that it is part of, of a test that is repeated: then only that is told of.
    pub(crate) run: Option<&'a Running>,
    /// Whether it is the last one of its run.
    pub(crate) is_last: bool,
    /// The way in that it still takes up, before its first step begins.
    pub(crate) entry: Option<&'a Entry>,
    /// How long the test may still take.
    pub(crate) patience: &'a Patience,
    /// What the answers before this step have set.
    pub(crate) cookies: &'a Cookies,
}

impl StepEnv<'_> {
    /// Says that the step begins, and its test, if it is the first.
    fn begin(&self, step: &Step) {
        if let Some(entry) = self.entry {
            entry.clear();
        }
        if let Some(at) = self.at {
            self.session.slot(at).started.get_or_init(Instant::now);
        }
        if let Some(attempt) = self.attempt {
            self.session.tell(&What::TestStarted { test: self.test, attempt });
        }
        self.tell(&What::StepStarted { test: self.test, step: name(step) });
    }

    pub(super) fn tell(&self, what: &What<'_>) {
        if self.run.is_none() {
            self.session.tell(what);
        }
    }
}

pub(super) fn name(step: &Step) -> &str {
    step.name.as_deref().unwrap_or_default()
}

/// The result of a step.
pub(crate) struct Ran {
    pub(crate) record: StepRecord,
    pub(crate) captures: Vec<(String, Value)>,
    pub(crate) green: Option<Green>,
    /// The wait of a step that did not pass: the rest of its trace may still come.
    pub(crate) unpassed: Option<Green>,
    pub(crate) own: Vec<OwnSpan>,
}

impl Ran {
    /// A step of which there is nothing but its record.
    pub(super) fn only(record: StepRecord) -> Ran {
        Ran { record, captures: Vec::new(), green: None, unpassed: None, own: Vec::new() }
    }
}

/// Runs a step; captured values are set in `scope`.
pub(crate) async fn run_step(env: &StepEnv<'_>, step: &Step, scope: &mut Scope) -> Ran {
    let began = Instant::now();
    let ran = match &step.trigger {
        Trigger::Http(_) | Trigger::Grpc(_) | Trigger::Command(_) => sending_step(env, step, scope).await,
        Trigger::TraceId(template) => {
            env.begin(step);
            match template.bind(scope) {
                Ok(text) => existing(env, step, &text, scope).await,
                Err(problem) => Err(problem),
            }
        }
        Trigger::TraceFile { path, trace_id, at } => {
            env.begin(step);
            let wanted = trace_id.as_ref().map(|template| template.bind(scope)).transpose();
            wanted.and_then(|wanted| saved(env, step, path, wanted.as_deref(), *at, scope))
        }
    };
    let mut ran = ran.unwrap_or_else(|problem| {
        let place = env.source.line_column(problem.span.start);
        let mut why = format!("{}:{}:{}: {}", env.source.path().display(), place.line, place.column, problem.message);
        for help in &problem.help {
            why += &format!("\n{help}");
        }
        Ran::only(failed(step, why))
    });
    if ran.record.verdict == Verdict::Pass {
        ran.record.forget_bodies();
    } else if may_be_explained(&ran.record) {
        ran.record.logs = env.session.logs(began);
    }
    if ran.record.verdict != Verdict::Skipped {
        env.tell(&What::StepFinished { test: env.test, record: &ran.record });
    }
    ran
}

/// Whether the system's own output may say more: where there was no answer or trace, or a failure, or something is missing.
fn may_be_explained(record: &StepRecord) -> bool {
    record.error.is_some()
        || record.answer.as_ref().is_some_and(|answer| answer.status >= 500)
        || record.trace.as_ref().is_some_and(|trace| trace.spans().any(|span| span.is_error()))
        || record.findings().any(|finding| !finding.lacks.is_empty())
}

/// The record of a step of which nothing could be found out.
pub(super) fn failed(step: &Step, why: impl Into<String>) -> StepRecord {
    StepRecord { expectations: not_judged(step), ..StepRecord::error(name(step), why) }
}

async fn sending_step(env: &StepEnv<'_>, step: &Step, scope: &mut Scope) -> Result<Ran, Problem> {
    let session = env.session;
    let expect = step.response.bind(scope)?;
    let (began, queued) = (Instant::now(), env.patience.queued());
    let spent = || began.elapsed().saturating_sub(env.patience.queued().saturating_sub(queued));
    let mut begun = false;
    let (sent, outcome, sent_ns, answered, captures) = loop {
        let slot = match env.run {
            Some(run) if run.is_free => None,
            _ => env.patience.turn(&session.triggers).await,
        };
        if env.attempt == Some(1) && session.is_stopped() {
            return Ok(Ran::only(StepRecord::new(name(step))));
        }
        if !std::mem::replace(&mut begun, true) {
            env.begin(step);
        }
        let (trace_id, ids, boundary) = {
            let mut ids = lock(session.ids(env.file, env.at.map(|at| at.test)));
            let trace_id = ids.trace();
            (trace_id, Ids::new(fastrand::Rng::with_seed(ids.span().get())), format!("tracespec-{}", ids.span()))
        };
        // Prepared for each try, so that `${uuid}` and `${now}` are new each time.
        let Some(ready) = ready(env, step, scope, trace_id, ids, &boundary)? else {
            return Ok(Ran::only(StepRecord::new(name(step))));
        };
        let sent_ns = session.shared.clock.now();
        if let Some(run) = env.run {
            run.sent.get_or_init(Instant::now);
        }
        let (sent, outcome) = ready.send(env).await;
        drop(slot);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(why) => {
                if retry_later(step, spent()).await {
                    continue;
                }
                let Sent { request, program } = sent;
                let trace_id = Some(trace_id);
                return Ok(Ran::only(StepRecord { trace_id, request, program, ..failed(step, why.message) }));
            }
        };
        let mut answered = response::judge(&expect, step.at, &outcome);
        let (captures, of_captures) = response::captures(&expect, &outcome);
        answered.extend(of_captures);
        if worst(&answered) == Verdict::Pass || !retry_later(step, spent()).await {
            break (sent, outcome, sent_ns, answered, captures);
        }
    };
    if let Some(run) = env.run.filter(|_| env.is_last) {
        run.answered(Some(outcome.responded()));
    }
    for (name, value) in &captures {
        scope.capture(name, value.clone());
    }
    let own = if session.exporter.is_some() { own_spans(env, &outcome) } else { Vec::new() };
    let Sent { request, program } = sent;
    let answer = match &outcome {
        Outcome::Http(answer) => Some(AnswerRecord::of(answer)),
        Outcome::Grpc(reply) => Some(AnswerRecord::of_call(reply)),
        Outcome::Command(_) => None,
    };
    if let Some(came) = &answer {
        session.learn_secrets("", &came.headers, Some(&came.body));
    }
    for output in program.iter().flat_map(|program| [&program.stdout, &program.stderr]) {
        session.learn_secrets("", &[], output.as_ref());
    }
    let trace_id = Some(outcome.trace_id());
    let mut record = StepRecord { trace_id, request, answer, program, ..StepRecord::new(name(step)) };
    record.verdict = worst(&answered);
    record.expectations = answered;
    record.timing.trigger = outcome.responded().saturating_duration_since(outcome.sent());
    let Some(trace) = &step.trace else {
        return Ok(Ran { record, captures, green: None, unpassed: None, own });
    };
    let own_context = || Injected::Known(outcome.injected().to_vec());
    let (id, injected) = match own_trace_id(step, &outcome, scope)? {
        None => (outcome.trace_id(), own_context()),
        Some(Ok(id)) if id == outcome.trace_id() => (id, own_context()),
        Some(Ok(id)) => (id, Injected::Unknown),
        Some(Err(why)) => {
            could_not_judge(&mut record, trace, why);
            return Ok(Ran { record, captures, green: None, unpassed: None, own });
        }
    };
    record.trace_id = Some(id);
    let bound = trace.bind(scope)?;
    let mut watch = settle::Watch::new(session.wait_config(&step.wait, session.reading(env.at)), sent_ns);
    let calls = outcome.calls();
    if let Injected::Known(spans) = &injected {
        for (&span, call) in spans.iter().zip(&calls) {
            let (peer, operation) = (call.peer.clone(), call.operation.clone());
            watch.request(settle::Request { span, peer, operation, error: false });
        }
    }
    let peers = calls.into_iter().map(|call| call.peer).collect();
    watch.responded(session.shared.clock.of(outcome.responded()));
    let clock = session.shared.clock;
    let under_way = Some((clock.unix_ns(outcome.sent()), clock.unix_ns(outcome.responded())));
    let judged = judge_trace(env, step, &mut record, Waiting { id, injected, bound, watch, peers, under_way }).await;
    let (green, unpassed) = sorted(&record, judged);
    Ok(Ran { record, captures, green, unpassed, own })
}

/// The runner's own spans: a CLIENT span for each request sent, or one of the program.
fn own_spans(env: &StepEnv<'_>, outcome: &Outcome) -> Vec<OwnSpan> {
    let clock = env.session.shared.clock;
    let sent = match outcome {
        Outcome::Http(answer) => {
            // The URL's query may hold secrets.
            let mut url = answer.url.clone();
            url.set_query(None);
            backend::Sent::Http {
                method: answer.method.to_string(),
                url: url.to_string(),
                status: Some(answer.status.as_u16()),
                error: None,
            }
        }
        Outcome::Grpc(reply) => backend::Sent::Other {
            name: reply.method.clone(),
            error: (reply.code != tonic::Code::Ok).then(|| outcome.ending()),
        },
        Outcome::Command(ran) => {
            backend::Sent::Other { name: ran.name(), error: (!ran.status.success()).then(|| ran.ending()) }
        }
    };
    let span = |&span_id| OwnSpan {
        trace_id: outcome.trace_id(),
        span_id,
        start_ns: clock.unix_ns(outcome.sent()),
        end_ns: clock.unix_ns(outcome.responded()),
        test: env.test.name.to_owned(),
        suite: env.source.path().display().to_string(),
        passed: None,
        sent: sent.clone(),
    };
    outcome.injected().iter().map(span).collect()
}

pub(super) fn folder(source: &SourceFile) -> &Path {
    source.path().parent().unwrap_or(Path::new(""))
}

/// Whether `until` allows another try, after its interval; `spent` is the time since the first, without that in queues.
async fn retry_later(step: &Step, spent: Duration) -> bool {
    let Some(until) = &step.until else { return false };
    if spent + until.interval >= until.timeout {
        return false;
    }
    // The spec asks for this pause: there is no notification of readiness.
    tokio::time::sleep(until.interval).await;
    true
}

/// A step that asserts on a trace which already exists in the backend.
async fn existing(env: &StepEnv<'_>, step: &Step, text: &str, scope: &Scope) -> Result<Ran, Problem> {
    let session = env.session;
    let Some(id) = trace_id_in(text) else {
        let shown = crate::redact::cut(text, 80);
        let message = format!("`{shown}` is not a trace id (1 to 32 hexadecimal digits)");
        return Err(Problem::error(Code::BadValue, step.at, message));
    };
    let mut record = StepRecord { trace_id: Some(id), verdict: Verdict::Pass, ..StepRecord::new(name(step)) };
    let Some(trace) = &step.trace else { return Ok(Ran::only(record)) };
    let bound = trace.bind(scope)?;
    let now = session.shared.clock.now();
    let mut watch = settle::Watch::new(session.wait_config(&step.wait, session.reading(env.at)), now);
    watch.responded(now);
    let waiting = Waiting { id, injected: Injected::Unknown, bound, watch, peers: Vec::new(), under_way: None };
    let judged = judge_trace(env, step, &mut record, waiting).await;
    let (green, unpassed) = sorted(&record, judged);
    Ok(Ran { green, unpassed, ..Ran::only(record) })
}
