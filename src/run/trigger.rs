//! What a step sends, ready to be sent.

use super::record::{ProgramRecord, RequestRecord};
use super::step::{StepEnv, folder};
use crate::client::{Client, read_tls};
use crate::diag::{Code, Problem};
use crate::spec::bind::Bind as _;
use crate::spec::plan::{Command, GrpcCall, HttpRequest, Step, Trigger, bytes_of, is_binary};
use crate::spec::vars::Scope;
use crate::trace::{SpanId, TraceId};
use crate::trigger::command::{self, Program, TIMEOUT, carriers};
use crate::trigger::context::Ids;
use crate::trigger::grpc::{self, Call};
use crate::trigger::http::{self, Request, TriggerError, headers_with_context};
use crate::trigger::outcome::Outcome;
use crate::trigger::prepare::prepare;
use ::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use std::path::{Path, PathBuf};

/// A trigger with all variables filled in, under the ids by which its trace is found.
pub(super) struct Ready {
    pub(super) trace_id: TraceId,
    first: SpanId,
    ids: Ids,
    what: What,
}

enum What {
    Grpc { call: Box<Call>, record: Box<RequestRecord> },
    Http { request: Box<Request>, headers: HeaderMap, client: Client, record: Box<RequestRecord> },
    Command { program: Box<Program>, context: Vec<(&'static str, String)>, record: Box<ProgramRecord> },
}

/// What was sent, as far as a report shows it.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) request: Option<RequestRecord>,
    pub(super) program: Option<ProgramRecord>,
}

/// Fills in the variables; `None` if the step sends nothing. `boundary` separates the parts of a multipart body.
pub(super) fn ready(
    env: &StepEnv<'_>,
    step: &Step,
    scope: &Scope,
    trace_id: TraceId,
    mut ids: Ids,
    boundary: &str,
) -> Result<Option<Ready>, Problem> {
    let first = ids.span();
    let what = match &step.trigger {
        Trigger::Http(request) => http(env, step, request, scope, boundary, (trace_id, first))?,
        Trigger::Grpc(call) => grpc(env, step, call, scope, (trace_id, first))?,
        Trigger::Command(program) => command(env, program, scope, (trace_id, first))?,
        Trigger::TraceId(_) | Trigger::TraceFile { .. } => return Ok(None),
    };
    Ok(Some(Ready { trace_id, first, ids, what }))
}

fn http(
    env: &StepEnv<'_>,
    step: &Step,
    request: &HttpRequest,
    scope: &Scope,
    boundary: &str,
    (trace_id, first): (TraceId, SpanId),
) -> Result<What, Problem> {
    let session = env.session;
    let ready = prepare(request, scope, folder(env.source), boundary, step.at)?;
    let client = session
        .client
        .get(&request.tls, request.version, ready.url.scheme() == "https", request.keep_alive, folder(env.source))
        .map_err(|why| Problem::error(Code::BadValue, step.at, why))?;
    let mut headers = headers_with_context(&ready.headers, &ready.also_inject, env.test.name, trace_id, first);
    env.cookies.add(&mut headers, &ready.url);
    let record = RequestRecord::of(&ready, &headers);
    session.learn_secrets(&record.url, &record.headers, record.body.as_ref());
    Ok(What::Http { request: Box::new(ready), headers, client, record: Box::new(record) })
}

fn grpc(
    env: &StepEnv<'_>,
    step: &Step,
    call: &GrpcCall,
    scope: &Scope,
    (trace_id, first): (TraceId, SpanId),
) -> Result<What, Problem> {
    let folder = folder(env.source);
    let bad = |span, message: String| Problem::error(Code::BadValue, span, message);
    let tls = read_tls(&call.tls, folder).map_err(|why| bad(step.at, why))?;
    let address = call.address.bind(scope)?;
    let has_tls = tls.ca.is_some() || tls.identity.is_some() || tls.insecure;
    let url = match address.split_once("://") {
        Some(_) => address.clone(),
        None => format!("{}://{address}", if has_tls { "https" } else { "http" }),
    };
    let timeout = call.timeout.unwrap_or(grpc::TIMEOUT);
    let endpoint = crate::client::grpc::endpoint(&url, &tls, timeout);
    let endpoint =
        endpoint.map_err(|_| bad(call.address.span, format!("`{address}` is not the address of a gRPC server")))?;
    let mut metadata = HeaderMap::new();
    for (name, value) in &call.metadata {
        let text = match value.bind(scope)? {
            // As it is written on the wire: some servers take no padding.
            text if is_binary(name) => bytes_of(&text)
                .map(|bytes| BASE64_STANDARD_NO_PAD.encode(bytes))
                .ok_or_else(|| bad(value.span, format!("`{name}` is binary metadata, and this value is not base64")))?,
            text => text,
        };
        let name = HeaderName::from_bytes(name.as_bytes());
        let (Ok(name), Ok(text)) = (name, HeaderValue::from_str(&text)) else {
            return Err(bad(value.span, "this value has a character that no metadata may carry".to_owned()));
        };
        metadata.append(name, text);
    }
    let metadata = headers_with_context(&metadata, &call.also_inject, env.test.name, trace_id, first);
    // Nothing is left to bind, so there is a text.
    let message = call.message.as_ref().map(|message| message.bind(scope)).transpose()?;
    let message = message.and_then(|message| message.to_json()).unwrap_or_else(|| "{}".to_owned());
    let beside = |paths: &[PathBuf]| paths.iter().map(|path| folder.join(path)).collect::<Vec<_>>();
    let proto = beside(&call.proto);
    let mut includes = beside(&call.includes);
    if includes.is_empty() {
        includes = proto.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
        includes.dedup();
    }
    let call =
        Call { endpoint, address: url, method: call.method.clone(), message, metadata, proto, includes, timeout };
    let record = RequestRecord::of_call(&call);
    env.session.learn_secrets(&record.url, &record.headers, record.body.as_ref());
    Ok(What::Grpc { call: Box::new(call), record: Box::new(record) })
}

fn command(
    env: &StepEnv<'_>,
    command: &Command,
    scope: &Scope,
    (trace_id, first): (TraceId, SpanId),
) -> Result<What, Problem> {
    let program = program(env, command, scope)?;
    let baggage = program.env.iter().find(|(name, _)| name == "BAGGAGE").and_then(|(_, value)| value.as_deref());
    let context = carriers(trace_id, first, env.test.name, baggage);
    let record = ProgramRecord::of(&program, &context);
    env.session.learn_secrets("", &record.env, None);
    env.session.learn_words(&record.argv);
    Ok(What::Command { program: Box::new(program), context, record: Box::new(record) })
}

/// Fills in the variables of a program.
fn program(env: &StepEnv<'_>, command: &Command, scope: &Scope) -> Result<Program, Problem> {
    let argv = command.argv.iter().map(|word| word.bind(scope)).collect::<Result<_, _>>()?;
    let mut variables = env.session.options.command_env.clone();
    for (name, value) in &command.env {
        let value = value.as_ref().map(|value| value.bind(scope)).transpose()?;
        variables.retain(|(own, _)| own != name);
        variables.push((name.clone(), value));
    }
    let beside = match folder(env.source) {
        path if path.as_os_str().is_empty() => std::path::PathBuf::from("."),
        path => path.to_owned(),
    };
    Ok(Program {
        argv,
        env: variables,
        directory: command.cwd.as_ref().map_or(beside.clone(), |cwd| beside.join(cwd)),
        stdin: command.stdin.as_ref().map(|text| text.bind(scope)).transpose()?.unwrap_or_default().into_bytes(),
        timeout: command.timeout.unwrap_or(TIMEOUT),
    })
}

impl Ready {
    /// Sends it.
    pub(super) async fn send(self, env: &StepEnv<'_>) -> (Sent, Result<Outcome, TriggerError>) {
        let Ready { trace_id, first, mut ids, what } = self;
        match what {
            What::Http { request, headers, client, record } => {
                let first = (first, headers);
                let answer = http::send(&client, &request, env.cookies, env.test.name, trace_id, first, &mut ids).await;
                let sent = Sent { request: Some(*record), ..Sent::default() };
                (sent, answer.map(|answer| Outcome::Http(Box::new(answer))))
            }
            What::Grpc { call, record } => {
                let reply = grpc::call(&call, &env.session.descriptions, trace_id, first).await;
                let sent = Sent { request: Some(*record), ..Sent::default() };
                (sent, reply.map(|reply| Outcome::Grpc(Box::new(reply))))
            }
            What::Command { program, context, mut record } => {
                let ran = command::run(&program, &context, trace_id, first).await;
                if let Ok(ran) = &ran {
                    record.ended(ran);
                }
                let sent = Sent { program: Some(*record), ..Sent::default() };
                (sent, ran.map(|ran| Outcome::Command(Box::new(ran))))
            }
        }
    }
}
