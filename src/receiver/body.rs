//! Request bodies in bounded memory: read as they come, unpacked under the same limit, counted against one budget.

use axum::body::Body;
use futures_util::StreamExt;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What bodies may take.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Bytes of one body, packed as well as unpacked.
    pub(super) body: usize,
    /// KiB that all bodies in flight may take together.
    budget: Arc<Semaphore>,
    /// How long a body may take to arrive.
    pub(super) patience: Duration,
}

impl Limits {
    pub(super) fn new(body: usize, in_flight: usize) -> Limits {
        let budget = Arc::new(Semaphore::new((in_flight / 1024).min(Semaphore::MAX_PERMITS)));
        Limits { body, budget, patience: Duration::from_secs(30) }
    }
}

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum BodyError {
    /// Larger than the limit, packed or unpacked.
    TooLarge(usize),
    /// Packed in a way that is not understood.
    Encoding(String),
    /// Not what its Content-Encoding says.
    Broken(String),
    /// The connection broke.
    Cut(String),
    /// Too many bodies at once.
    Busy,
    /// It did not arrive in time.
    Slow,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    kib: usize,
}

impl Lease {
    fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let more = bytes.div_ceil(1024).saturating_sub(self.kib);
        if more == 0 {
            return Ok(());
        }
        let count = u32::try_from(more).map_err(|_| BodyError::Busy)?;
        let permit = Arc::clone(&self.budget).try_acquire_many_owned(count).map_err(|_| BodyError::Busy)?;
        self.kib += more;
        match &mut self.held {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

/// Reads a body as it was before packing. The lease is to be held as long as the bytes are.
pub(super) async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<(Vec<u8>, Lease), BodyError> {
    let packing = Packing::of(headers)?;
    let mut lease = Lease { budget: Arc::clone(&limits.budget), held: None, kib: 0 };
    let collected = tokio::time::timeout(limits.patience, collect(body, limits.body, &mut lease)).await;
    let bytes = collected.map_err(|_| BodyError::Slow)??;
    let bytes = packing.unpack(bytes, limits.body, &mut lease)?;
    Ok((bytes, lease))
}

async fn collect(body: Body, limit: usize, lease: &mut Lease) -> Result<Vec<u8>, BodyError> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| BodyError::Cut(error.to_string()))?;
        if bytes.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        lease.grow(bytes.len() + chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

enum Packing {
    None,
    Gzip,
    Zstd,
    Deflate,
}

impl Packing {
    fn of(headers: &HeaderMap) -> Result<Packing, BodyError> {
        let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(Packing::None) };
        match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Packing::None),
            "gzip" | "x-gzip" => Ok(Packing::Gzip),
            "zstd" => Ok(Packing::Zstd),
            "deflate" | "zlib" => Ok(Packing::Deflate),
            other => Err(BodyError::Encoding(other.chars().take(40).flat_map(char::escape_default).collect())),
        }
    }

    fn unpack(self, bytes: Vec<u8>, limit: usize, lease: &mut Lease) -> Result<Vec<u8>, BodyError> {
        let packed = bytes.as_slice();
        match self {
            Packing::None => Ok(bytes),
            // Some clients send no bytes at all, with the header, for an empty request.
            _ if packed.is_empty() => Ok(bytes),
            Packing::Gzip => inflate(flate2::read::MultiGzDecoder::new(packed), bytes.len(), limit, lease),
            Packing::Zstd => match zstd::stream::read::Decoder::new(packed) {
                Ok(decoder) => inflate(decoder, bytes.len(), limit, lease),
                Err(error) => Err(BodyError::Broken(error.to_string())),
            },
            // "deflate" is zlib's format by RFC 9110, but some senders leave its header out.
            Packing::Deflate if has_zlib_header(packed) => {
                inflate(flate2::read::ZlibDecoder::new(packed), bytes.len(), limit, lease)
            }
            Packing::Deflate => inflate(flate2::read::DeflateDecoder::new(packed), bytes.len(), limit, lease),
        }
    }
}

fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, ..] if a & 0x0f == 8 && (u16::from(*a) << 8 | u16::from(*b)) % 31 == 0)
}

fn inflate(mut packed: impl Read, held: usize, limit: usize, lease: &mut Lease) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        match packed.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(n) if bytes.len() + n > limit => return Err(BodyError::TooLarge(limit)),
            Ok(n) => {
                lease.grow(held + bytes.len() + n)?;
                bytes.extend_from_slice(&piece[..n]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BodyError::Broken(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;

    async fn taken(encoding: &'static str, body: Vec<u8>, limits: &Limits) -> Result<(Vec<u8>, Lease), BodyError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        read(&headers, Body::from(body), limits).await
    }

    #[tokio::test]
    async fn bodies_in_flight_share_one_budget_and_give_their_part_back() {
        let limits = Limits::new(64 << 10, 96 << 10);
        let first = taken("identity", vec![0; 64 << 10], &limits).await.unwrap();
        assert!(matches!(taken("identity", vec![0; 64 << 10], &limits).await, Err(BodyError::Busy)));
        let small = taken("identity", vec![0; 32 << 10], &limits).await.unwrap();
        drop((first, small));
        assert!(taken("identity", vec![0; 64 << 10], &limits).await.is_ok());
    }

    #[tokio::test]
    async fn what_a_packed_body_grows_to_counts_as_well() {
        let limits = Limits::new(64 << 10, 66 << 10);
        let packed = |size| zstd::encode_all(&vec![0u8; size][..], 0).unwrap();
        let (bytes, lease) = taken("zstd", packed(60 << 10), &limits).await.unwrap();
        assert_eq!(bytes.len(), 60 << 10);
        assert!(matches!(taken("zstd", packed(60 << 10), &limits).await, Err(BodyError::Busy)));
        drop(lease);
        assert!(matches!(taken("zstd", packed(65 << 10), &limits).await, Err(BodyError::TooLarge(_))));
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_given_up_and_gives_its_part_back() {
        let limits = Limits { patience: Duration::from_millis(20), ..Limits::new(64 << 10, 64 << 10) };
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![0u8; 60 << 10])]);
        let body = Body::from_stream(first.chain(futures_util::stream::pending()));
        assert!(matches!(read(&HeaderMap::new(), body, &limits).await, Err(BodyError::Slow)));
        assert!(taken("identity", vec![0; 64 << 10], &limits).await.is_ok());
    }
}
