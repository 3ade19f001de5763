//! What a supervisor and those who ask it say to each other: who they are, then frames of a kind, a length and a body.

use crate::receiver::Piece;
use crate::run::processes::Ended;
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Larger than any body that the receiver takes.
const FRAME_LIMIT: u32 = 512 << 20;
const NONCE: usize = 16;
const PROOF: usize = 32;

/// What somebody wants of a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// To hear what there is, and then all that comes.
    Follow,
    /// That it stops.
    Stop,
}

/// What a supervisor is, as of now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The version of tracespec.
    pub(super) version: String,
    /// The mark of what its processes export.
    pub(super) run: String,
    /// Where they export to.
    pub(super) endpoint: Option<String>,
    /// Where it takes spans in; nowhere if they are read elsewhere.
    pub(super) addresses: Vec<SocketAddr>,
    /// The ports found for processes.
    pub(super) ports: BTreeMap<String, u16>,
    /// Mixed into every fingerprint.
    pub(super) salt: String,
    /// Of where spans are taken in, as configured.
    pub(super) receiver: String,
    /// Those that it started or found.
    pub(super) processes: Vec<Known>,
    /// The names of those that ran already.
    pub(super) reused: BTreeSet<String>,
}

/// A process of a supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) name: String,
    /// Of how it is started.
    pub(super) fingerprint: String,
    /// The file that shows which build it is, and what it showed when the process was started.
    pub(super) program: Option<(PathBuf, u64)>,
    pub(super) ended: Option<Death>,
}

/// How a process ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Death {
    pub(super) status: String,
    pub(super) message: String,
    pub(super) failed: bool,
    pub(super) serves: bool,
}

impl From<Ended> for Death {
    fn from(Ended { status, message, failed, serves, .. }: Ended) -> Death {
        Death { status, message, failed, serves }
    }
}

/// One thing that a supervisor says.
#[derive(Debug, Clone)]
pub(super) enum News {
    Hello(Box<Hello>),
    /// Something came to the receiver.
    Came(Piece),
    /// A process printed a line.
    Printed {
        process: String,
        line: String,
    },
    /// A process ended.
    Ended {
        process: String,
        death: Death,
    },
    /// It has stopped what it started.
    Stopped,
}

impl News {
    pub(super) async fn write(&self, out: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let (kind, body): (u8, &[u8]) = match self {
            News::Hello(hello) => (b'h', &serde_json::to_vec(hello)?),
            News::Came(Piece::Protobuf(bytes)) => (b'p', bytes),
            News::Came(Piece::Json(bytes)) => (b'j', bytes),
            News::Came(Piece::Refused(why)) => (b'r', why.as_bytes()),
            News::Printed { process, line } => (b'l', &serde_json::to_vec(&(process, line))?),
            News::Ended { process, death } => (b'e', &serde_json::to_vec(&(process, death))?),
            News::Stopped => (b's', &[]),
        };
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= FRAME_LIMIT);
        let length = length.ok_or_else(|| io::Error::other("too large a frame"))?;
        let mut head = [kind, 0, 0, 0, 0];
        head[1..].copy_from_slice(&length.to_be_bytes());
        out.write_all(&head).await?;
        out.write_all(body).await?;
        out.flush().await
    }

    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<News> {
        let mut head = [0; 5];
        from.read_exact(&mut head).await?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length);
        if length > FRAME_LIMIT {
            return Err(io::Error::other("too large a frame"));
        }
        let mut body = Vec::new();
        // Not reserved at once: the length is only what was said.
        from.take(length.into()).read_to_end(&mut body).await?;
        if body.len() < length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(match kind {
            b'h' => News::Hello(serde_json::from_slice(&body)?),
            b'p' => News::Came(Piece::Protobuf(body.into())),
            b'j' => News::Came(Piece::Json(body.into())),
            b'r' => News::Came(Piece::Refused(String::from_utf8_lossy(&body).into_owned())),
            b'l' => {
                let (process, line) = serde_json::from_slice(&body)?;
                News::Printed { process, line }
            }
            b'e' => {
                let (process, death) = serde_json::from_slice(&body)?;
                News::Ended { process, death }
            }
            b's' => News::Stopped,
            _ => return Err(io::Error::other("a frame of an unknown kind")),
        })
    }
}

fn nonce() -> io::Result<[u8; NONCE]> {
    let mut nonce = [0; NONCE];
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut nonce).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(nonce)
}

fn key(token: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes())
}

fn proof(key: &hmac::Key, who: &str, nonce: &[u8]) -> hmac::Tag {
    hmac::sign(key, &[who.as_bytes(), nonce].concat())
}

fn is_proof(key: &hmac::Key, who: &str, nonce: &[u8], tag: &[u8]) -> bool {
    hmac::verify(key, &[who.as_bytes(), nonce].concat(), tag).is_ok()
}

const SUPERVISOR: &str = "supervisor";
const CLIENT: &str = "client";

fn stranger() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "the other side does not know the token")
}

/// Makes sure that a supervisor is at the other end, and asks it. The token itself is never sent.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, token: &str, ask: Ask) -> io::Result<()> {
    let (key, own) = (key(token), nonce()?);
    stream.write_all(&own).await?;
    let mut answer = [0; PROOF + NONCE];
    stream.read_exact(&mut answer).await?;
    let (tag, theirs) = answer.split_at(PROOF);
    if !is_proof(&key, SUPERVISOR, &own, tag) {
        return Err(stranger());
    }
    let word = match ask {
        Ask::Follow => b'f',
        Ask::Stop => b'd',
    };
    stream.write_all(&[proof(&key, CLIENT, theirs).as_ref(), &[word]].concat()).await?;
    stream.flush().await
}

/// The other side of that.
pub(super) async fn asked<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, token: &str) -> io::Result<Ask> {
    let (key, own) = (key(token), nonce()?);
    let mut theirs = [0; NONCE];
    stream.read_exact(&mut theirs).await?;
    stream.write_all(&[proof(&key, SUPERVISOR, &theirs).as_ref(), &own].concat()).await?;
    stream.flush().await?;
    let mut answer = [0; PROOF + 1];
    stream.read_exact(&mut answer).await?;
    let (tag, word) = answer.split_at(PROOF);
    if !is_proof(&key, CLIENT, &own, tag) {
        return Err(stranger());
    }
    match word {
        b"f" => Ok(Ask::Follow),
        b"d" => Ok(Ask::Stop),
        _ => Err(io::Error::other("an unknown question")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn each_side_knows_the_other_by_the_token_alone() {
        for (theirs, word) in [("secret", Some(Ask::Stop)), ("other", None)] {
            let (mut client, mut server) = tokio::io::duplex(1024);
            let (asks, hears) = tokio::join!(
                async {
                    let asked = ask(&mut client, "secret", Ask::Stop).await;
                    // Whoever is not known is left.
                    drop(client);
                    asked
                },
                asked(&mut server, theirs)
            );
            assert_eq!((asks.is_ok(), hears.ok()), (word.is_some(), word));
        }
    }

    #[tokio::test]
    async fn whoever_does_not_know_the_token_is_not_heard() {
        let (mut client, mut server) = tokio::io::duplex(1024);
        let guess = async {
            client.write_all(&[7; NONCE]).await.unwrap();
            client.read_exact(&mut [0; PROOF + NONCE]).await.unwrap();
            client.write_all(&[0; PROOF + 1]).await.unwrap();
        };
        let ((), hears) = tokio::join!(guess, asked(&mut server, "secret"));
        assert_eq!(hears.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let death = Death { status: "signal: 9".to_owned(), message: "gone".to_owned(), failed: true, serves: false };
        let said = [
            News::Hello(Box::new(Hello { run: "5a".to_owned(), ..Hello::default() })),
            News::Came(Piece::Protobuf(vec![1, 2].into())),
            News::Came(Piece::Json(vec![b'{'].into())),
            News::Came(Piece::Refused("too large".to_owned())),
            News::Printed { process: "a".to_owned(), line: "b\u{1b}".to_owned() },
            News::Ended { process: "a".to_owned(), death },
            News::Stopped,
        ];
        let mut bytes = Vec::new();
        for news in &said {
            news.write(&mut bytes).await.unwrap();
        }
        let mut from = bytes.as_slice();
        for news in &said {
            assert_eq!(format!("{:?}", News::read(&mut from).await.unwrap()), format!("{news:?}"));
        }
        assert_eq!(News::read(&mut from).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(News::read(&mut [b'p', 0xff, 0xff, 0xff, 0xff].as_slice()).await.is_err());
        assert!(News::read(&mut [b'p', 0, 0, 0, 9, 1].as_slice()).await.is_err());
    }
}
