//! What all five services have in common: a name, a port, a life that ends with their supervisor's.

use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{Error, ServiceOptions, gateway, inventory, notification, orders, payment, telemetry};

/// How long requests under way may go on once the service was told to stop.
const GRACE: Duration = Duration::from_millis(500);
/// How long the last export may take; a collector that is gone must not keep the shop alive.
const FLUSH: Duration = Duration::from_millis(1500);

/// The services of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    ApiGateway,
    OrderService,
    PaymentService,
    InventoryService,
    NotificationService,
}

impl Name {
    pub(crate) const ALL: [Self; 5] =
        [Self::ApiGateway, Self::OrderService, Self::PaymentService, Self::InventoryService, Self::NotificationService];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ApiGateway => "api-gateway",
            Self::OrderService => "order-service",
            Self::PaymentService => "payment-service",
            Self::InventoryService => "inventory-service",
            Self::NotificationService => "notification-service",
        }
    }

    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::ApiGateway => "1.4.0",
            Self::OrderService => "2.1.3",
            Self::PaymentService => "3.0.1",
            Self::InventoryService => "1.9.0",
            Self::NotificationService => "0.7.2",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("no service `{text}`; there are {known}")
        })
    }
}

/// A service ready to be served: its routes, and work that goes on beside the requests.
pub(crate) struct Service {
    pub(crate) routes: Router,
    /// Ends by itself once `routes` is gone.
    pub(crate) background: Option<JoinHandle<()>>,
}

impl From<Router> for Service {
    fn from(routes: Router) -> Self {
        Self { routes, background: None }
    }
}

/// Runs one service until its supervisor stops it, closes its standard input, or dies.
pub(crate) async fn run(options: &ServiceOptions) -> Result<(), Error> {
    let stop = stop_signal()?;
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .await
        .map_err(|error| format!("{} cannot listen on 127.0.0.1:{}: {error}", options.name, options.port))?;
    let address = listener.local_addr()?;
    let provider = telemetry::start(options.name.as_str(), options.name.version(), !options.without_telemetry)?;
    let service = build(options, address)?;

    // The supervisor waits for this line: from here on the kernel takes connections.
    println!("{address}");

    serve(listener, service, stop).await?;

    // Blocks until the last batch is out, so it must not run on a thread the exporter needs.
    let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH)).await?;
    flushed.map_err(|error| format!("{} could not export its last spans: {error}", options.name))?;
    Ok(())
}

fn build(options: &ServiceOptions, own_address: SocketAddr) -> Result<Service, Error> {
    let peer = |wanted: Name| -> Result<SocketAddr, Error> {
        options
            .peer
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, address)| *address)
            .ok_or_else(|| format!("{} needs --peer {wanted}=ADDRESS", options.name).into())
    };
    Ok(match options.name {
        Name::ApiGateway => {
            gateway::routes(gateway::Backends::new(peer(Name::OrderService)?, peer(Name::InventoryService)?)?)?.into()
        }
        Name::OrderService => orders::routes(orders::Backends::new(
            peer(Name::PaymentService)?,
            peer(Name::InventoryService)?,
            peer(Name::NotificationService)?,
        )?)
        .into(),
        Name::PaymentService => payment::routes(own_address)?.into(),
        Name::InventoryService => inventory::routes()?.into(),
        Name::NotificationService => notification::service(),
    })
}

async fn serve(listener: TcpListener, service: Service, stop: watch::Receiver<bool>) -> Result<(), Error> {
    let Service { routes, background } = service;
    // Small gRPC frames must not wait for an acknowledgement (Nagle's algorithm).
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let mut asked_to_stop = stop.clone();
    let mut grace_over = stop;
    let server = axum::serve(listener, routes).with_graceful_shutdown(async move {
        let _ = asked_to_stop.wait_for(|stop| *stop).await;
    });
    tokio::select! {
        served = server.into_future() => served?,
        () = async {
            let _ = grace_over.wait_for(|stop| *stop).await;
            tokio::time::sleep(GRACE).await;
        } => {}
    }
    if let Some(background) = background {
        let _ = tokio::time::timeout(GRACE, background).await;
    }
    Ok(())
}

/// Becomes true at SIGTERM and at the end of standard input, whose other end the supervisor holds: however the
/// supervisor ends, even by SIGKILL, its services end too. SIGINT is left to the supervisor, since a terminal sends
/// it to the whole group.
fn stop_signal() -> Result<watch::Receiver<bool>, Error> {
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let on_signal = sender.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => {}
            }
        }
        let _ = on_signal.send(true);
    });
    on_stdin_end(move || {
        let _ = sender.send(true);
    })?;
    Ok(receiver)
}

/// Calls `then` when standard input has ended. A thread of its own, since a pending read of standard input would hold
/// up the runtime's end.
pub(crate) fn on_stdin_end(then: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut sink = [0; 64];
        let mut stdin = std::io::stdin().lock();
        while stdin.read(&mut sink).is_ok_and(|read| read > 0) {}
        then();
    })?;
    Ok(())
}
