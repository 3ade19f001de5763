//! What a method takes and answers: from `.proto` files, or by asking the server (gRPC server reflection).

use super::Call;
use prost::Message as _;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_reflection::pb::{v1, v1alpha};

/// The most files that a server's description of one method may consist of.
const MOST_FILES: usize = 1_000;

/// What methods take and answer, as far as a run has found out: each server is asked once of each service, and each set of
/// files is read once, however many calls need it at the same time. What failed is tried anew by the next call.
#[derive(Debug, Default)]
pub struct Descriptions {
    known: Mutex<HashMap<Origin, Arc<OnceCell<DescriptorPool>>>>,
}

/// Where a description comes from.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Origin {
    Server { address: String, service: String },
    Files { proto: Vec<PathBuf>, includes: Vec<PathBuf> },
}

impl Descriptions {
    fn of(&self, call: &Call, service: &str) -> Arc<OnceCell<DescriptorPool>> {
        let origin = match call.proto.is_empty() {
            true => Origin::Server { address: call.address.clone(), service: service.to_owned() },
            false => Origin::Files { proto: call.proto.clone(), includes: call.includes.clone() },
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(origin).or_default())
    }
}

/// The method that a call names. The error is one sentence, with what to do about it.
pub(super) async fn find(
    call: &Call,
    channel: Channel,
    descriptions: &Descriptions,
    place: &str,
) -> Result<MethodDescriptor, String> {
    let (service, method) = call.method.split_once('/').unwrap_or((&call.method, ""));
    let known = descriptions.of(call, service);
    let read = || async {
        if call.proto.is_empty() { of_server(call, channel, service, place).await } else { of_files(call) }
    };
    let pool = known.get_or_try_init(read).await?;
    let Some(found) = pool.get_service_by_name(service) else {
        let known: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
        return Err(format!("{place}: there is no service `{service}`; known are {}", known.join(", ")));
    };
    found.methods().find(|known| known.name() == method).ok_or_else(|| {
        let known: Vec<String> = found.methods().map(|method| method.name().to_owned()).collect();
        format!("{place}: `{service}` has no method `{method}`; it has {}", known.join(", "))
    })
}

fn of_files(call: &Call) -> Result<DescriptorPool, String> {
    let words = |why: protox::Error| format!("the `.proto` files of {} cannot be read: {why}", call.method);
    let mut compiler = protox::Compiler::new(&call.includes).map_err(words)?;
    compiler.include_imports(true).open_files(&call.proto).map_err(words)?;
    Ok(compiler.descriptor_pool())
}

/// What is asked of the server.
enum Question<'a> {
    Symbol(&'a str),
    File(&'a str),
}

async fn of_server(call: &Call, channel: Channel, service: &str, place: &str) -> Result<DescriptorPool, String> {
    let mut files: Vec<FileDescriptorProto> = Vec::new();
    let mut known = BTreeSet::new();
    let mut open: VecDeque<String> = VecDeque::new();
    let mut answer = ask(call, &channel, &Question::Symbol(service)).await;
    loop {
        let described = answer.map_err(|status| cannot_ask(&status, service, place))?;
        for bytes in described {
            let file = FileDescriptorProto::decode(bytes.as_slice())
                .map_err(|why| format!("{place}: the server's description of `{service}` cannot be read: {why}"))?;
            if known.insert(file.name().to_owned()) {
                open.extend(file.dependency.iter().cloned());
                files.push(file);
            }
        }
        if known.len() > MOST_FILES {
            return Err(format!("{place}: the server describes `{service}` by more than {MOST_FILES} files"));
        }
        let pool = DescriptorPool::global();
        // Google's own types are known here, and some servers do not describe them.
        let next = std::iter::from_fn(|| open.pop_front())
            .find(|name| !known.contains(name) && pool.get_file_by_name(name).is_none());
        let Some(next) = next else { break };
        answer = ask(call, &channel, &Question::File(&next)).await;
    }
    let mut pool = DescriptorPool::global();
    let all = prost_reflect::prost_types::FileDescriptorSet { file: files };
    pool.add_file_descriptor_set(all)
        .map_err(|why| format!("{place}: the server's description of `{service}` is wrong: {why}"))?;
    Ok(pool)
}

fn cannot_ask(status: &Status, service: &str, place: &str) -> String {
    let (code, said) = (super::word(status.code()), status.message());
    match status.code() {
        _ if super::never_arrived(status) => super::unreachable(place, status),
        Code::NotFound => format!("{place}: the server knows no service `{service}`: {said}"),
        Code::Unimplemented => format!(
            "{place}: the server does not describe its services (no server reflection); name the `.proto` files: `grpc: {{ proto: \
             [orders.proto] }}`"
        ),
        _ => format!("{place}: the server was asked to describe `{service}` and answered {code}: {said}"),
    }
}

/// Asks by the current version of the protocol, and by the one before where that is not known.
async fn ask(call: &Call, channel: &Channel, question: &Question<'_>) -> Result<Vec<Vec<u8>>, Status> {
    match ask_v1(call, channel, question).await {
        Err(status) if status.code() == Code::Unimplemented => ask_v1alpha(call, channel, question).await,
        answer => answer,
    }
}

/// An error of the protocol has the code of a status.
fn refused(code: i32, message: String) -> Status {
    Status::new(Code::from(code), message)
}

macro_rules! ask_by {
    ($name:ident, $version:ident) => {
        async fn $name(call: &Call, channel: &Channel, question: &Question<'_>) -> Result<Vec<Vec<u8>>, Status> {
            use $version::server_reflection_client::ServerReflectionClient;
            use $version::server_reflection_request::MessageRequest;
            use $version::server_reflection_response::MessageResponse;
            let message_request = Some(match question {
                Question::Symbol(name) => MessageRequest::FileContainingSymbol((*name).to_owned()),
                Question::File(name) => MessageRequest::FileByFilename((*name).to_owned()),
            });
            let request = $version::ServerReflectionRequest { host: String::new(), message_request };
            // Whoever asks for credentials asks for them here, too; the trace context belongs to the call alone.
            let mut metadata = call.metadata.clone();
            without_context(&mut metadata);
            let request = tonic::Request::from_parts(
                tonic::metadata::MetadataMap::from_headers(metadata),
                tonic::Extensions::default(),
                futures_util::stream::iter([request]),
            );
            let mut client = ServerReflectionClient::new(channel.clone());
            let mut answers = client.server_reflection_info(request).await?.into_inner();
            match answers.message().await?.and_then(|answer| answer.message_response) {
                Some(MessageResponse::FileDescriptorResponse(files)) => Ok(files.file_descriptor_proto),
                Some(MessageResponse::ErrorResponse(why)) => Err(refused(why.error_code, why.error_message)),
                _ => Err(Status::internal("its answer holds no description")),
            }
        }
    };
}

ask_by!(ask_v1, v1);
ask_by!(ask_v1alpha, v1alpha);

/// Takes away the trace context: what is asked on the way is no part of the trace.
fn without_context(headers: &mut http::HeaderMap) {
    for name in
        ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "uber-trace-id"]
    {
        headers.remove(name);
    }
}
