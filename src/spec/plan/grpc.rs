//! The gRPC call that starts a trace.

use super::{JsonTemplate, Propagator, Tls};
use crate::matcher::Template;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::path::PathBuf;
use std::time::Duration;

/// A gRPC call with one message.
#[derive(Debug, Clone)]
pub struct GrpcCall {
    /// Host and port, or a URL whose scheme says whether TLS is spoken.
    pub address: Template,
    /// `pkg.Service/Method`.
    pub method: String,
    /// The message; without it, an empty one.
    pub message: Option<JsonTemplate>,
    /// Metadata. Where [`is_binary`] says so, its bytes as [`bytes_of`] reads them.
    pub metadata: Vec<(String, Template)>,
    /// `.proto` files that describe the method, relative to the spec file; without any, the server is asked.
    pub proto: Vec<PathBuf>,
    /// Folders below which what these import is found, relative to the spec file.
    pub includes: Vec<PathBuf>,
    /// TLS settings.
    pub tls: Tls,
    /// Bound on the whole exchange (default 30 s).
    pub timeout: Option<Duration>,
    /// Trace context metadata to send beside W3C's.
    pub also_inject: Vec<Propagator>,
}

/// The words of the status codes, as the specification of gRPC has them; the code is the position.
pub const GRPC_CODES: &[&str] = &[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Whether metadata of this name holds bytes rather than text.
pub fn is_binary(name: &str) -> bool {
    name.ends_with("-bin")
}

/// The bytes that base64 says, padded or not, as gRPC allows both.
pub fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, config).decode(text.trim()).ok()
}
