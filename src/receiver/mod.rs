//! The embedded OTLP receiver: spans come in over gRPC and HTTP on one port, and are read from its store.
//!
//! Every address takes both protocols, since gRPC is HTTP/2 with another content type; more than one address is only for
//! exporters that are set to the usual pair of ports.

mod body;
mod find;
mod gone;
mod grpc;
mod legacy;
mod otlp;
mod query;
mod relay;
mod search;
mod store;

pub use relay::{Following, Piece, Relay};
pub use store::{Arrival, Arrivals, Batch, Counts, DEFAULT_MEMORY, Held, Store, Stored};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use body::Limits;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The largest body taken, packed or unpacked: what the OTLP specification recommends.
pub const DEFAULT_BODY_LIMIT: usize = 64 << 20;

/// How a receiver is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one. Anything but a loopback address lets other machines in.
    pub addresses: Vec<SocketAddr>,
    /// How much memory the spans may take.
    pub memory: usize,
    /// The largest body taken, packed or unpacked.
    pub body_limit: usize,
    /// Whether other processes are to be able to follow what comes.
    pub relayed: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            memory: DEFAULT_MEMORY,
            body_limit: DEFAULT_BODY_LIMIT,
            relayed: false,
        }
    }
}

/// Why a receiver could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot receive spans at {address}: {}", listen_words(error, address.port()))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

fn listen_words(error: &io::Error, port: u16) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let who = crate::child::listener(port).unwrap_or_else(|| "a collector or another run, perhaps".to_owned());
            format!("the port is taken by {who}; stop it, or use port 0 for a free one")
        }
        io::ErrorKind::PermissionDenied => "not permitted; ports below 1024 are often reserved".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether this process has had a receiver before.
static HAD_ONE: AtomicBool = AtomicBool::new(false);
/// For so long a port may still belong to a receiver of this process that was dropped.
const LEAVING: Duration = Duration::from_secs(1);

/// Listens at an address. One receiver may follow another at the same (several looks of a gate): the listener of the first goes
/// with its task, of which nobody tells.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let until = tokio::time::Instant::now() + LEAVING;
    loop {
        match TcpListener::bind(address).await {
            Err(why)
                if why.kind() == io::ErrorKind::AddrInUse
                    && HAD_ONE.load(Ordering::Relaxed)
                    && tokio::time::Instant::now() < until =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            bound => return bound,
        }
    }
}

/// A running receiver. It stops when dropped; what it received stays in its store.
#[derive(Debug)]
pub struct Receiver {
    store: Arc<Store>,
    addresses: Vec<SocketAddr>,
    servers: Vec<(oneshot::Sender<()>, JoinHandle<io::Result<()>>)>,
}

impl Receiver {
    /// Listens on all addresses, or on none if one is not to be had. Needs a tokio runtime.
    pub async fn start(options: &Options) -> Result<Receiver, StartError> {
        let mut listeners = Vec::new();
        for &address in &options.addresses {
            let listener = bind(address).await.map_err(|error| StartError::Listen { address, error })?;
            let bound = listener.local_addr().map_err(|error| StartError::Listen { address, error })?;
            listeners.push((bound, listener));
        }
        let store = if options.relayed { Store::relayed(options.memory) } else { Store::new(options.memory) };
        let mut receiver = Receiver { store, addresses: Vec::new(), servers: Vec::new() };
        for (address, listener) in listeners {
            let (stop, stopped) = oneshot::channel::<()>();
            let app = app(Arc::clone(&receiver.store), options.body_limit);
            // A dropped sender is a signal as well, which is how dropping the receiver stops it.
            let serving = tokio::spawn(run(listener, app, async move { drop(stopped.await) }));
            receiver.addresses.push(address);
            receiver.servers.push((stop, serving));
        }
        HAD_ONE.store(true, Ordering::Relaxed);
        Ok(receiver)
    }

    /// What was received.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Where it listens, in the order asked for, with the ports it got.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT` of a process on this machine: right for gRPC as well as HTTP.
    pub fn endpoint(&self) -> Option<String> {
        let address = self.addresses.first()?;
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Some(format!("http://{}", SocketAddr::new(ip, address.port())))
    }

    /// Takes no new connection, finishes the requests being answered, and returns when that is done; those that do not
    /// finish in two seconds are left behind.
    pub async fn stop(self) {
        let (stops, servers): (Vec<_>, Vec<_>) = self.servers.into_iter().unzip();
        drop(stops);
        let patience = tokio::time::Instant::now() + Duration::from_secs(2);
        for mut serving in servers {
            // It ends with an error only if its task panicked, and then it is stopped as well.
            if tokio::time::timeout_at(patience, &mut serving).await.is_err() {
                serving.abort();
            }
        }
    }
}

/// All routes over one store.
pub fn app(store: Arc<Store>, body_limit: usize) -> Router {
    let limits = Limits::new(body_limit, body_limit.saturating_mul(4));
    otlp::routes(Arc::clone(&store), limits)
        .merge(query::routes(Arc::clone(&store)))
        .merge(legacy::routes(Arc::clone(&store)))
        .merge(search::routes(store))
        .fallback(unknown)
}

/// Serves `app` until `shutdown`, HTTP/1.1 and HTTP/2 (without TLS) on one port.
pub async fn run(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // A small answer must not wait for the delayed acknowledgement of the one before. Without it all still works.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

async fn unknown(request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/grpc") {
        return tonic::Status::unimplemented("this server takes OTLP traces, metrics and logs").into_http();
    }
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}
