//! Calls one gRPC method with a trace context, its message described by `.proto` files or by the server itself.

mod codec;
mod descriptors;

use super::http::TriggerError;
use crate::spec::plan::{GRPC_CODES, bytes_of, is_binary};
use crate::trace::{SpanId, TraceId};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use codec::DynamicCodec;
pub use descriptors::Descriptions;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use prost_reflect::{DynamicMessage, MethodDescriptor, SerializeOptions};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// The bound on a call where the spec gives none.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest message accepted, and the most of all messages of a stream together.
const MESSAGES_LIMIT: usize = 64 << 20;
/// The most messages kept of a stream. One that does not end is an error, not a cut list that could match by accident.
const MOST_MESSAGES: usize = 100_000;

/// A call ready to be made: no variable is left in it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Where the channel leads.
    pub endpoint: Endpoint,
    /// The same, as messages show it.
    pub address: String,
    /// `pkg.Service/Method`.
    pub method: String,
    /// The message as JSON.
    pub message: String,
    /// The metadata, the trace context included.
    pub metadata: HeaderMap,
    /// `.proto` files that describe the method; without any, the server is asked.
    pub proto: Vec<PathBuf>,
    /// Folders below which these and what they import are found.
    pub includes: Vec<PathBuf>,
    /// Bound on the whole exchange.
    pub timeout: Duration,
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The injected trace id.
    pub trace_id: TraceId,
    /// The injected span id.
    pub injected: SpanId,
    /// The server's URL.
    pub address: String,
    /// `pkg.Service/Method`.
    pub method: String,
    /// The status.
    pub code: Code,
    /// Its message.
    pub message: String,
    /// Leading and trailing metadata.
    pub metadata: HeaderMap,
    /// The message as JSON, or of a stream the list of its messages, also of those before a failing status; empty if there
    /// was none.
    pub json: Vec<u8>,
    /// When it was sent.
    pub sent: Instant,
    /// When all of the answer had come.
    pub responded: Instant,
}

impl Reply {
    /// Host and port.
    pub fn peer(&self) -> &str {
        self.address.split_once("://").map_or(self.address.as_str(), |(_, rest)| rest).trim_end_matches('/')
    }
}

fn error(message: String) -> TriggerError {
    TriggerError { message }
}

/// The word of a status code.
pub fn word(code: Code) -> &'static str {
    GRPC_CODES.get(code as usize).copied().unwrap_or("UNKNOWN")
}

/// Makes the call. Whatever status the server answers with is an answer; what never reached it, or cannot be read, is an
/// error.
pub async fn call(
    call: &Call,
    descriptions: &Descriptions,
    trace_id: TraceId,
    injected: SpanId,
) -> Result<Reply, TriggerError> {
    let place = format!("{} at {}", call.method, call.address);
    let begun = Instant::now();
    let whole = async {
        let channel = call.endpoint.connect().await.map_err(|why| error(unreachable(&place, &why)))?;
        let method = descriptors::find(call, channel.clone(), descriptions, &place).await.map_err(error)?;
        let message = message(&method, &call.message, &place)?;
        // What describes the method was read before: that is no part of the call.
        let sent = Instant::now();
        let answer = exchange(call, channel, &method, message).await;
        let responded = Instant::now();
        let Answer { mut metadata, messages, ended } = answer.map_err(|why| error(format!("{place}: {why}")))?;
        let (code, message) = match ended {
            Ok(()) => (Code::Ok, String::new()),
            Err(status) if never_arrived(&status) => return Err(error(unreachable(&place, &status))),
            Err(status) => {
                metadata.extend(status.metadata().clone().into_headers());
                (status.code(), status.message().to_owned())
            }
        };
        padded(&mut metadata);
        let json = json(&method, &messages).map_err(|why| error(format!("{place}: {why}")))?;
        let (address, method) = (call.address.clone(), call.method.clone());
        Ok(Reply { trace_id, injected, address, method, code, message, metadata, json, sent, responded })
    };
    match tokio::time::timeout_at((begun + call.timeout).into(), whole).await {
        Ok(result) => result,
        Err(_) => Err(error(format!(
            "{place} did not answer within {}; if it needs longer, set `grpc.timeout`",
            humantime::format_duration(call.timeout)
        ))),
    }
}

fn message(method: &MethodDescriptor, json: &str, place: &str) -> Result<DynamicMessage, TriggerError> {
    if method.is_client_streaming() {
        return Err(error(format!("{place} takes a stream of messages; calls with one message are what is supported")));
    }
    let mut read = serde_json::Deserializer::from_str(json);
    let input = method.input();
    let message = DynamicMessage::deserialize(input.clone(), &mut read).map_err(|why| {
        let fields: Vec<String> = input.fields().map(|field| field.json_name().to_owned()).collect();
        error(format!(
            "{place}: `grpc.message` is no {}: {why}; its fields are {}",
            input.full_name(),
            fields.join(", ")
        ))
    })?;
    Ok(message)
}

/// What came over the wire. A stream that ends with a failing status has the messages that came before it.
struct Answer {
    metadata: HeaderMap,
    messages: Vec<DynamicMessage>,
    ended: Result<(), Status>,
}

impl From<Status> for Answer {
    fn from(status: Status) -> Answer {
        Answer { metadata: HeaderMap::new(), messages: Vec::new(), ended: Err(status) }
    }
}

/// The error is a limit of this program, which no status of the server's may be taken for.
async fn exchange(
    call: &Call,
    channel: Channel,
    method: &MethodDescriptor,
    message: DynamicMessage,
) -> Result<Answer, String> {
    let path = PathAndQuery::try_from(format!("/{}", call.method)).map_err(|why| why.to_string())?;
    let codec = DynamicCodec::of(method.output());
    let mut client = Grpc::new(channel).max_decoding_message_size(MESSAGES_LIMIT);
    if let Err(why) = client.ready().await {
        return Ok(Status::from_error(Box::new(why)).into());
    }
    let metadata = MetadataMap::from_headers(call.metadata.clone());
    let request = tonic::Request::from_parts(metadata, tonic::Extensions::default(), message);
    if !method.is_server_streaming() {
        return Ok(match client.unary(request, path, codec).await {
            Err(status) => status.into(),
            Ok(answer) => {
                let (metadata, message, _) = answer.into_parts();
                Answer { metadata: metadata.into_headers(), messages: vec![message], ended: Ok(()) }
            }
        });
    }
    let (metadata, mut stream, _) = match client.server_streaming(request, path, codec).await {
        Err(status) => return Ok(status.into()),
        Ok(answer) => answer.into_parts(),
    };
    let mut answer = Answer { metadata: metadata.into_headers(), messages: Vec::new(), ended: Ok(()) };
    let mut bytes = 0;
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                bytes += prost::Message::encoded_len(&message);
                answer.messages.push(message);
            }
            Ok(None) => break,
            Err(status) => return Ok(Answer { ended: Err(status), ..answer }),
        }
        if bytes > MESSAGES_LIMIT || answer.messages.len() > MOST_MESSAGES {
            let most = MESSAGES_LIMIT >> 20;
            return Err(format!("the stream has more than {MOST_MESSAGES} messages or {most} MiB"));
        }
    }
    match stream.trailers().await {
        Ok(trailers) => answer.metadata.extend(trailers.map(MetadataMap::into_headers).unwrap_or_default()),
        Err(status) => answer.ended = Err(status),
    }
    Ok(answer)
}

/// Writes binary metadata as base64 is written elsewhere: on the wire it mostly has no padding.
fn padded(metadata: &mut HeaderMap) {
    for (_, value) in metadata.iter_mut().filter(|(name, _)| is_binary(name.as_str())) {
        let bytes = value.to_str().ok().and_then(bytes_of);
        if let Some(text) = bytes.and_then(|bytes| HeaderValue::try_from(BASE64_STANDARD.encode(bytes)).ok()) {
            *value = text;
        }
    }
}

/// Messages as JSON: protobuf's own mapping, but with 64-bit integers as numbers, which compare as such, and with fields
/// that have their default value, which could not be asked for otherwise.
fn json(method: &MethodDescriptor, messages: &[DynamicMessage]) -> Result<Vec<u8>, serde_json::Error> {
    let options = SerializeOptions::new().stringify_64_bit_integers(false).skip_default_fields(false);
    let mut out = Vec::new();
    let streams = method.is_server_streaming();
    if streams {
        out.push(b'[');
    }
    for (position, message) in messages.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        message.serialize_with_options(&mut serde_json::Serializer::new(&mut out), &options)?;
    }
    if streams {
        out.push(b']');
    }
    Ok(out)
}

/// Whether a status was made here, because the connection failed or what came cannot be read.
fn never_arrived(status: &Status) -> bool {
    std::error::Error::source(status).is_some() && status.code() != Code::DeadlineExceeded
}

fn unreachable(place: &str, error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    if let Some(why) = causes.find(|cause| cause.is::<prost::DecodeError>()) {
        return format!(
            "{place}: the answer cannot be read: {error}: {why}; do the `.proto` files say what the server sends?"
        );
    }
    if let Some(tls) = crate::client::tls_error(error) {
        // The place ends with the address.
        let address = place.rsplit(' ').next().unwrap_or(place);
        return format!("{place} could not be called: {}", crate::client::tls::words(tls, address, "`grpc.tls`"));
    }
    let innermost = std::iter::successors(Some(error), |error| error.source()).last();
    let cause = innermost.map_or_else(String::new, ToString::to_string);
    let refused = std::iter::successors(Some(error), |error| error.source()).any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
    });
    let remedy = if refused {
        "is the system under test running, and is the address right?"
    } else {
        "does it speak gRPC there, and with TLS as the address says (`https://`)?"
    };
    format!("{place} could not be called: {cause}; {remedy}")
}
