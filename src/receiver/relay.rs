//! Hands on what a receiver takes in, so that the run of another process has it in a store of its own, as if it had come
//! there: with the same notifications, the same knowledge of who exports, the same words for what was refused.
//!
//! Whoever begins to follow gets first what came before anybody followed: what the system exported while it started, which a
//! run that had started it itself would have seen. What came for earlier runs is theirs alone.

use super::otlp::{Encoding, decode};
use super::store::Store;
use axum::body::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

/// How much is kept of what came before anybody followed. The first spans say who exports; more of them say no more.
const KEPT_BYTES: usize = 2 << 20;
/// How much may wait for one follower. While it does not fit, those who export wait, as they would for a slow receiver.
const WAITING_BYTES: usize = 64 << 20;
/// A follower that takes nothing for so long is given up: it would hold up everybody else.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Spans as protobuf.
    Protobuf(Bytes),
    /// Spans as JSON.
    Json(Bytes),
    /// Nothing, since it was refused, for this reason.
    Refused(String),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Protobuf(bytes) | Piece::Json(bytes) => bytes.len(),
            Piece::Refused(why) => why.len(),
        }
    }

    /// Takes it in as if it had come to this store's receiver.
    pub fn take_in(&self, store: &Store) {
        let (encoding, bytes) = match self {
            Piece::Protobuf(bytes) => (Encoding::Protobuf, bytes),
            Piece::Json(bytes) => (Encoding::Json, bytes),
            Piece::Refused(why) => return store.refused(why),
        };
        match decode(encoding, bytes) {
            Ok(batch) => drop(store.add(batch, Instant::now())),
            Err(why) => store.refused(&why),
        }
    }
}

/// Those who follow a receiver.
#[derive(Debug)]
pub struct Relay {
    inner: Mutex<Inner>,
    patience: Duration,
}

impl Default for Relay {
    fn default() -> Self {
        Relay { inner: Mutex::default(), patience: PATIENCE }
    }
}

#[derive(Debug, Default)]
struct Inner {
    followers: Vec<Follower>,
    // What came until the first of them.
    kept: Vec<Piece>,
    kept_bytes: usize,
    was_followed: bool,
}

#[derive(Debug, Clone)]
struct Follower {
    pieces: mpsc::UnboundedSender<(Piece, usize)>,
    room: Arc<Semaphore>,
}

/// What comes from now on, after what was kept.
#[derive(Debug)]
pub struct Following {
    pieces: mpsc::UnboundedReceiver<(Piece, usize)>,
    room: Arc<Semaphore>,
}

impl Following {
    /// The next piece; `None` once this follower was given up.
    pub async fn next(&mut self) -> Option<Piece> {
        let (piece, permits) = self.pieces.recv().await?;
        self.room.add_permits(permits);
        Some(piece)
    }
}

impl Relay {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to follow.
    pub fn follow(&self) -> Following {
        let (sender, pieces) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(WAITING_BYTES));
        let mut inner = self.lock();
        inner.was_followed = true;
        for piece in &inner.kept {
            // What is kept is bounded in itself. The other end is in this function.
            let _ = sender.send((piece.clone(), 0));
        }
        inner.followers.push(Follower { pieces: sender, room: Arc::clone(&room) });
        Following { pieces, room }
    }

    /// Hands on what came; returns when all that follow have room for it.
    pub(super) async fn pass(&self, piece: Piece) {
        let followers = {
            let mut inner = self.lock();
            inner.followers.retain(|follower| !follower.pieces.is_closed());
            if !inner.was_followed && inner.kept_bytes + piece.len() <= KEPT_BYTES {
                inner.kept_bytes += piece.len();
                inner.kept.push(piece.clone());
            }
            inner.followers.clone()
        };
        for follower in followers {
            let bytes = piece.len().clamp(1, WAITING_BYTES);
            let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
            let there_is_room = tokio::select! {
                room = tokio::time::timeout(self.patience, follower.room.acquire_many(permits)) => room,
                () = follower.pieces.closed() => continue,
            };
            match there_is_room {
                Ok(Ok(room)) => {
                    room.forget();
                    // It may have left just now.
                    let _ = follower.pieces.send((piece.clone(), bytes));
                }
                // The sender's last copy goes with the list, and then the follower hears that it was given up.
                _ => self.lock().followers.retain(|other| !other.pieces.same_channel(&follower.pieces)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn piece(text: &'static str) -> Piece {
        Piece::Json(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn each_follower_gets_what_came_before_the_first_and_what_comes_after_itself() {
        let relay = Relay::default();
        relay.pass(piece("start")).await;
        let mut first = relay.follow();
        relay.pass(piece("first run")).await;
        let mut second = relay.follow();
        relay.pass(Piece::Refused("no".to_owned())).await;
        for (follower, comes) in [(&mut first, vec!["start", "first run"]), (&mut second, vec!["start"])] {
            for text in comes {
                assert_eq!(follower.next().await.unwrap(), piece(text));
            }
            assert_eq!(follower.next().await.unwrap(), Piece::Refused("no".to_owned()));
        }
    }

    #[tokio::test]
    async fn who_follows_no_more_holds_nobody_up() {
        let relay = Relay::default();
        drop(relay.follow());
        relay.pass(Piece::Json(vec![0; WAITING_BYTES].into())).await;
        relay.pass(piece("next")).await;
        assert!(relay.lock().followers.is_empty());
    }

    #[tokio::test]
    async fn who_takes_nothing_is_given_up_and_told_so() {
        let relay = Relay { patience: Duration::ZERO, ..Relay::default() };
        let mut slow = relay.follow();
        relay.pass(Piece::Json(vec![0; WAITING_BYTES].into())).await;
        relay.pass(piece("too much")).await;
        assert!(slow.next().await.is_some());
        assert_eq!(slow.next().await, None);
    }

    #[tokio::test]
    async fn what_is_handed_on_is_held_as_if_it_had_come_here() {
        let store = Store::new(1 << 20);
        piece(r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{"traceId":"0000000000000000000000000000beef","spanId":"000000000000000a","name":"GET","startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]}"#).take_in(&store);
        assert_eq!((store.counts().spans, store.services()), (1, vec!["shop".to_owned()]));
        assert_eq!(store.losses(), None);
        Piece::Refused("the body is larger than 5 bytes".to_owned()).take_in(&store);
        piece("{").take_in(&store);
        assert!(store.losses().unwrap().contains("2 requests refused (the body is larger than 5 bytes)"));
    }
}
