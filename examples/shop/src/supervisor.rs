//! Starts the services as child processes, tells when they are ready, stops them.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::service::{Name, on_stdin_end};
use crate::{Error, ShopOptions};

/// How long a service may take until it listens.
const START: Duration = Duration::from_secs(10);
/// How long the services may take to stop before they are killed.
const STOP: Duration = Duration::from_secs(3);

/// The order in which the services start: those that are called before those that call them.
const STAGES: [&[Name]; 3] = [
    &[Name::PaymentService, Name::InventoryService, Name::NotificationService],
    &[Name::OrderService],
    &[Name::ApiGateway],
];

/// Runs the shop until a signal ends it.
pub(crate) async fn run(options: &ShopOptions) -> Result<(), Error> {
    // Before anything starts, so that no signal finds the shop unprepared.
    let mut signals = Signals::new(options.stop_on_eof)?;
    let services = tokio::select! {
        services = start_all(options) => services?,
        () = signals.received() => return Ok(()),
    };

    let mut keys_to_life = Vec::new();
    let (ended, mut endings) = mpsc::channel(Name::ALL.len());
    for Running { name, pid, mut process, stdin, .. } in services {
        keys_to_life.push(stdin);
        let ended = ended.clone();
        tokio::spawn(async move {
            let status = process.wait().await;
            let _ = ended.send((name, pid, status)).await;
        });
    }
    drop(ended);

    loop {
        tokio::select! {
            () = signals.received() => break,
            Some((name, pid, status)) = endings.recv() => report_ending(name, pid, status),
        }
    }
    // The end of its standard input is what each service stops at.
    drop(keys_to_life);
    let all_ended = async { while endings.recv().await.is_some() {} };
    if timeout(STOP, all_ended).await.is_err() {
        // The tasks that wait for them end with the runtime and kill what is left.
        eprintln!("shop: some services did not stop in time and are killed");
    }
    Ok(())
}

fn report_ending(name: Name, pid: u32, status: std::io::Result<ExitStatus>) {
    match status {
        Ok(status) => eprintln!("shop: {name} (pid {pid}) ended unexpectedly: {status}"),
        Err(error) => eprintln!("shop: lost sight of {name} (pid {pid}): {error}"),
    }
}

/// A service that listens.
struct Running {
    name: Name,
    pid: u32,
    address: SocketAddr,
    process: Child,
    /// The service ends when this is closed.
    stdin: ChildStdin,
}

async fn start_all(options: &ShopOptions) -> Result<Vec<Running>, Error> {
    let mut running: Vec<Running> = Vec::new();
    for stage in STAGES {
        let mut starting = Vec::new();
        for &name in stage {
            let peers: Vec<(Name, SocketAddr)> =
                running.iter().map(|service| (service.name, service.address)).collect();
            starting.push((name, spawn(name, options, &peers)?));
        }
        for (name, process) in starting {
            running.push(listening(name, process).await?);
        }
    }
    for service in &running {
        println!("{} pid={} port={}", service.name, service.pid, service.address.port());
        if service.name == Name::ApiGateway {
            println!("ready on http://{}", service.address);
        }
    }
    Ok(running)
}

fn spawn(name: Name, options: &ShopOptions, peers: &[(Name, SocketAddr)]) -> Result<Child, Error> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["service", name.as_str(), "--port"])
        .arg(port(name, options)?.to_string())
        .args(peers.iter().map(|(peer, address)| format!("--peer={peer}={address}")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if options.without_telemetry.contains(&name) {
        command.arg("--without-telemetry");
    }
    if let Some((_, delay)) = options.export_delay.iter().find(|(of, _)| *of == name) {
        command.env("OTEL_BSP_SCHEDULE_DELAY", delay.as_millis().to_string());
    }
    command.spawn().map_err(|error| format!("failed to start {name}: {error}").into())
}

/// The port that a service is told to take; 0 lets the kernel choose.
fn port(name: Name, options: &ShopOptions) -> Result<u16, Error> {
    match (name, options.payment_port) {
        (Name::ApiGateway, _) => return Ok(options.port),
        (Name::PaymentService, Some(port)) => return Ok(port),
        _ => {}
    }
    let Some(base) = options.base_port else {
        return Ok(0);
    };
    let inner = Name::ALL.iter().filter(|other| **other != Name::ApiGateway);
    let index = inner.take_while(|other| **other != name).count();
    u16::try_from(index)
        .ok()
        .and_then(|index| base.checked_add(index))
        .ok_or_else(|| format!("--base-port {base} leaves no port for {name}").into())
}

/// Waits until the service says where it listens.
async fn listening(name: Name, mut process: Child) -> Result<Running, Error> {
    let (Some(pid), Some(stdin), Some(stdout)) = (process.id(), process.stdin.take(), process.stdout.take()) else {
        return Err(format!("{name} ended at once").into());
    };
    let mut line = String::new();
    timeout(START, BufReader::new(stdout).read_line(&mut line))
        .await
        .map_err(|_| format!("{name} did not listen within {START:?}"))??;
    if line.is_empty() {
        // It has said why on standard error.
        return Err(format!("{name} did not start").into());
    }
    let address = line.trim().parse().map_err(|error| format!("{name} said `{}`: {error}", line.trim()))?;
    Ok(Running { name, pid, address, process, stdin })
}

/// What stops the shop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The end of standard input, if that is to stop the shop too.
    eof: Option<oneshot::Receiver<()>>,
}

impl Signals {
    fn new(stop_on_eof: bool) -> Result<Self, Error> {
        let mut eof = None;
        if stop_on_eof {
            let (ended, receiver) = oneshot::channel();
            on_stdin_end(move || {
                let _ = ended.send(());
            })?;
            eof = Some(receiver);
        }
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, eof })
    }

    async fn received(&mut self) {
        let eof = async {
            match &mut self.eof {
                Some(eof) => {
                    let _ = eof.await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = eof => {}
        }
    }
}
