//! Free ports for the processes of a run.
//!
//! A port is chosen long before the process binds it. Were it one of those that the kernel hands out itself, another
//! program's connection could take it meanwhile; and another run could choose it too. The test would then talk to
//! somebody else's system, which is worse than a failure to start.

use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

/// Below what kernels hand out to sockets that ask for any port (32768 and up on Linux, 49152 and up elsewhere).
const RANGE: std::ops::Range<u16> = 20_000..32_768;
/// In a range that is mostly free.
const TRIES: usize = 1000;

/// Kept for the life of this process, so that no other run chooses the same port.
static RESERVED: Mutex<Vec<Reservation>> = Mutex::new(Vec::new());

/// A port on loopback that nobody listens at and that no other run on this machine was given. Nobody is kept from
/// binding it: that is left to the process it is meant for.
pub fn free_port() -> io::Result<u16> {
    for _ in 0..TRIES {
        let port = fastrand::u16(RANGE);
        let Some(reservation) = reserve(port) else { continue };
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(reservation);
            return Ok(port);
        }
    }
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A name that one process at a time can hold, and that goes with it however it ends.
#[cfg(target_os = "linux")]
type Reservation = std::os::unix::net::UnixListener;

#[cfg(target_os = "linux")]
fn reserve(port: u16) -> Option<Reservation> {
    use std::os::linux::net::SocketAddrExt as _;
    let name = std::os::unix::net::SocketAddr::from_abstract_name(format!("tracespec-port-{port}")).ok()?;
    std::os::unix::net::UnixListener::bind_addr(&name).ok()
}

/// Elsewhere a run remembers only what it chose itself.
#[cfg(not(target_os = "linux"))]
type Reservation = u16;

#[cfg(not(target_os = "linux"))]
fn reserve(port: u16) -> Option<Reservation> {
    let reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    (!reserved.contains(&port)).then_some(port)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_port_is_given_twice_though_nobody_binds_it() {
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(|| (0..100).map(|_| free_port().unwrap()).collect::<Vec<_>>())).collect();
        let ports: Vec<u16> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 400);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
    }

    #[test]
    fn a_port_that_was_given_can_be_bound_at_once() {
        TcpListener::bind(("127.0.0.1", free_port().unwrap())).unwrap();
    }
}
