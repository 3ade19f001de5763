//! One step of a test: fill in the variables, start the trace, judge the answer, wait for the trace, judge it.

use super::event::{TestName, What};
use super::green::{Green, Seen};
use super::outcome::{Summed, not_judged, sum, worst};
use super::past::is_whole;
use super::patience::Patience;
use super::record::{AnswerRecord, ExpectationRecord, StepRecord, Verdict};
use super::repeat::running::Running;
use super::response;
use super::saved::saved;
use super::session::{Session, TestAt};
use super::trigger::{Sent, ready};
use super::wait::{Target, Waited, lock, wait};
use super::{absence, never_came};
use crate::assert::Witnessed;
use crate::backend::{self, OwnSpan, settle};
use crate::diag::{Code, Problem};
use crate::facts::Facts;
use crate::matcher::Value;
use crate::source::SourceFile;
use crate::spec::bind::Bind as _;
use crate::spec::plan::{Step, TraceExpectations, TraceIdSource, Trigger};
use crate::spec::vars::Scope;
use crate::trace::{Injected, Phase, SpanRef, TraceId};
use crate::trigger::context::{Ids, trace_id_in, trace_id_of_header};
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
    /// How long the test may still take.
    pub(crate) patience: &'a Patience,
    /// What the answers before this step have set.
    pub(crate) cookies: &'a Cookies,
}

impl StepEnv<'_> {
    /// Says that the step begins, and its test, if it is the first.
    fn begin(&self, step: &Step) {
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

fn name(step: &Step) -> &str {
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
    let own = own_spans(env, &outcome);
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

/// The trace could not be judged. A wrong answer outweighs that.
fn could_not_judge(record: &mut StepRecord, trace: &TraceExpectations, why: String) {
    record.expectations.extend(trace.list.iter().map(ExpectationRecord::not_judged));
    record.verdict = worst(&record.expectations).max(Verdict::Error);
    record.error = Some(why);
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

/// The id of a trace that the system made itself, where the spec says where to read it.
fn own_trace_id(step: &Step, outcome: &Outcome, scope: &Scope) -> Result<Option<Result<TraceId, String>>, Problem> {
    let Some(source) = &step.trace_id else { return Ok(None) };
    let (what, text, id) = match source {
        TraceIdSource::Header { name, pattern } => {
            let value = outcome.header(name);
            let value = match pattern {
                Some(pattern) => value.and_then(|value| pattern.find(value)),
                None => value,
            };
            let tags = outcome.header("x-datadog-tags");
            let id = value.and_then(|value| match pattern {
                Some(_) => trace_id_in(value),
                None => trace_id_of_header(name, value, tags),
            });
            (format!("response header `{name}`"), value.map(str::to_owned), id)
        }
        TraceIdSource::Json(path) => {
            let text = response::Body::of(outcome).text_at(path);
            let id = text.as_deref().and_then(trace_id_in);
            (format!("`{}` of the response", path.text), text, id)
        }
        TraceIdSource::Stdout(pattern) => {
            let output = String::from_utf8_lossy(outcome.document());
            let text = pattern.find(&output).map(str::to_owned);
            let id = text.as_deref().and_then(trace_id_in);
            (format!("what `{}` finds in the output", pattern.text()), text, id)
        }
        TraceIdSource::Value(template) => {
            let text = template.bind(scope)?;
            let id = trace_id_in(&text);
            ("`trace.id`".to_owned(), Some(text), id)
        }
    };
    Ok(Some(match text {
        None => {
            let (place, ending) = (outcome.place(), outcome.ending());
            Err(format!("{what} should hold the trace id, but {place} ({ending}) does not have it"))
        }
        Some(text) => id.ok_or_else(|| {
            let shown = crate::redact::cut(&text, 80);
            format!("{what} should hold the trace id, but `{shown}` is not one (32 hexadecimal digits)")
        }),
    }))
}

struct Waiting {
    id: TraceId,
    injected: Injected,
    bound: TraceExpectations,
    watch: settle::Watch,
    /// Host and port of each of its requests.
    peers: Vec<String>,
    /// When they were under way, in Unix nanoseconds.
    under_way: Option<(u64, u64)>,
}

/// A wait as that of a green step, or as that of one that did not pass.
fn sorted(record: &StepRecord, judged: Option<Green>) -> (Option<Green>, Option<Green>) {
    if record.verdict == Verdict::Pass { (judged, None) } else { (None, judged) }
}

/// Waits for the trace and judges it; adds to the record, which has the answer's part. Returns what to look at again, if there
/// is a trace.
async fn judge_trace(env: &StepEnv<'_>, step: &Step, record: &mut StepRecord, waiting: Waiting) -> Option<Green> {
    let session = env.session;
    let Waiting { id, injected, bound, watch, peers, under_way } = waiting;
    if let Injected::Known(spans) = &injected {
        record.injected.clone_from(spans);
    }
    let began = Instant::now();
    let waited = {
        let context = || session.context(&step.wait.silent);
        let news = |phase, spans, reason: &settle::Reason, deadline: Option<u64>| {
            let reason = match reason {
                // How long it has been quiet is old as soon as it is said.
                settle::Reason::Quiet { settle_ns, .. } => {
                    format!("waiting for {} of quiet", settle::Seconds(*settle_ns))
                }
                other => other.to_string(),
            };
            let (step, start) = (name(step), session.shared.clock.unix_start_ns());
            let deadline_ns = deadline.map(|at| start.saturating_add(at));
            env.tell(&What::Waiting { test: env.test, step, trace_id: id, phase, spans, reason: &reason, deadline_ns });
        };
        let reading = session.reading(env.at);
        let target = Target {
            backend: &reading.backend,
            id,
            injected: injected.clone(),
            expect: &bound,
            context: &context,
            news: &news,
            slots: &reading.slots,
            patience: env.patience,
            enough: session.options.whole.then_some(Phase::Settled),
        };
        wait(&session.shared, &target, watch).await
    };
    record.timing.wait = began.elapsed();
    let now = session.shared.clock.now();
    record.timing.after_last_span = waited.last_span_ns.map(|at| Duration::from_nanos(now.saturating_sub(at)));
    record.link = session.reading(env.at).link(id);
    record.timing.polls = u32::try_from(waited.watch.log().readings()).unwrap_or(u32::MAX);
    record.trace = waited.watch.trace().cloned();
    if let Some(facts) = waited.watch.facts() {
        session.witness(&facts);
        session.note_silent(&step.wait.silent, &peers, &facts);
    }
    if let Some(unread) = waited.unread {
        let asked = never_came::Asked { id, peers: &peers, under_way, trigger: &step.trigger };
        let why = unread.words(id, || never_came::cause(&session.processes(), &asked));
        could_not_judge(record, &bound, why);
        record.log = Some(waited.watch.log().to_string());
        return None;
    }
    record.timing.settled_by = ended_by(&waited, &lock(&session.shared.knowledge));
    record.unwitnessed = absence::of(&waited.judgements);
    let Summed { expectations, remarks } = sum(waited.judgements, &bound);
    let of_answer = record.expectations.len();
    record.expectations.extend(expectations);
    record.verdict = worst(&record.expectations);
    record.remarks = remarks;
    record.settled = is_whole(waited.last.phase);
    let log = (record.verdict != Verdict::Pass).then(|| waited.watch.log().to_string());
    let silent = step.wait.silent.clone();
    let judged = Green {
        id,
        injected,
        expect: bound,
        silent,
        seen: Seen::Received(Box::new(waited.watch)),
        at: env.at,
        of_answer,
    };
    if record.verdict == Verdict::Pass {
        return Some(judged);
    }
    record.log = log;
    let reasons = &waited.last.waiting_for;
    if reasons.iter().any(|reason| matches!(reason, settle::Reason::MissingParent { .. })) {
        record.remarks.extend(session.reading(env.at).backend.leaves_out().map(str::to_owned));
    }
    if record.verdict == Verdict::Inconclusive {
        waits_for(reasons, &mut record.remarks);
    }
    Some(judged)
}

/// Tells what is missing, and what the spec may say if it never comes.
pub(crate) fn waits_for(reasons: &[settle::Reason], remarks: &mut Vec<String>) {
    for reason in reasons {
        remarks.push(reason.to_string());
        if let Some(peer) = reason.suggests_silent() {
            remarks.push(format!("if `{peer}` takes part without exporting spans: `wait: {{ silent: [{peer}] }}`"));
        }
    }
}

/// What ended the wait, in words.
pub(crate) fn ended_by(waited: &Waited, knowledge: &settle::Run) -> String {
    let settle = settle::Seconds(waited.watch.settle_ns(knowledge));
    let certain = settle::Seconds(waited.watch.certain_ns(knowledge));
    match waited.last.phase {
        Phase::Growing => "decided by the spans received so far".to_owned(),
        Phase::Settled => format!("settled (complete, and quiet for {settle})"),
        Phase::Confirmed => format!("confirmed (complete, and quiet for {certain})"),
        Phase::Stalled => format!("stalled (incomplete, and unchanged for {certain})"),
        Phase::Expired => "given up at the deadline".to_owned(),
    }
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

/// Keys of calls come from outside: no more than this many are kept.
const MOST_CALLS: usize = 100_000;

/// The names that a trace shows to exist.
pub(crate) fn witness(into: &mut Witnessed, facts: &Facts<'_>) {
    let trace = facts.trace();
    let mut add = |span: SpanRef<'_>| {
        for (set, name) in [(&mut into.services, span.service()), (&mut into.span_names, span.name())] {
            if !set.contains(name) {
                set.insert(name.to_owned());
            }
        }
        let events = span.events().iter().flat_map(|event| event.attributes.iter());
        let links = span.links().iter().flat_map(|link| link.attributes.iter());
        let beside = events.chain(links).map(|(key, _)| *key);
        for key in span.attributes().map(|(key, _)| key).chain(beside) {
            let key = trace.text(key);
            if !into.attribute_keys.contains(key) {
                into.attribute_keys.insert(key.to_owned());
            }
        }
    };
    trace.spans().for_each(&mut add);
    let names = facts.call_names();
    for call in facts.calls().all().iter().filter(|call| call.answered) {
        if into.calls.len() < MOST_CALLS {
            into.calls.insert(names.key(trace.span(call.span)));
        }
    }
    let resources = trace.resources().iter().map(|resource| &resource.attributes);
    for attributes in resources.chain(trace.scopes().iter().map(|scope| &scope.attributes)) {
        for (key, _) in attributes {
            into.attribute_keys.insert(trace.text(*key).to_owned());
        }
    }
}
