//! The payment service's interface, as `payment.proto` declares it.

use protox::file::{File, FileResolver};

use crate::Error;

const FILE: &str = "payment.proto";

/// Holds an amount on a means of payment.
pub(crate) const AUTHORIZE: &str = "shop.Payment/Authorize";
/// Rates how likely an order is fraud.
pub(crate) const SCORE: &str = "shop.Payment/Score";

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthorizeRequest {
    #[prost(string, tag = "1")]
    pub(crate) order_id: String,
    #[prost(int64, tag = "2")]
    pub(crate) amount_cents: i64,
    #[prost(string, tag = "3")]
    pub(crate) currency: String,
    #[prost(string, tag = "4")]
    pub(crate) method: String,
    #[prost(string, tag = "5")]
    pub(crate) token: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthorizeResponse {
    #[prost(string, tag = "1")]
    pub(crate) authorization_id: String,
    #[prost(string, tag = "2")]
    pub(crate) processor: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ScoreRequest {
    #[prost(string, tag = "1")]
    pub(crate) order_id: String,
    #[prost(int64, tag = "2")]
    pub(crate) amount_cents: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ScoreResponse {
    #[prost(uint32, tag = "1")]
    pub(crate) score: u32,
}

/// The interface in the words of gRPC server reflection.
pub(crate) fn descriptors() -> Result<Vec<u8>, Error> {
    let mut compiler = protox::Compiler::with_file_resolver(Included);
    Ok(compiler.open_file(FILE)?.encode_file_descriptor_set())
}

/// The one file that the program brings along.
struct Included;

impl FileResolver for Included {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            FILE => File::from_source(name, include_str!("../proto/payment.proto")),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}
