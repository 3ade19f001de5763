//! What a run knows of the system that a supervisor keeps.

use super::left;
use super::news::{self, Ask, Death, Hello, Known, News};
use super::state::{self, State};
use super::{fingerprint, program, takes_in};
use crate::backend::Embedded;
use crate::engine::load::Loaded;
use crate::engine::processes;
use crate::engine::settings::Settings;
use crate::receiver::{DEFAULT_MEMORY, Piece, Store};
use crate::run::processes::{Ended, Printed};
use crate::run::record::ProcessRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::SetOnce;
use tokio::task::JoinHandle;

/// How long it may take until a supervisor has answered.
const PATIENCE: Duration = Duration::from_secs(2);
/// From this size on what came is decoded where it holds up nobody.
const LARGE: usize = 128 << 10;

/// What came of stopping.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// There was nothing.
    Nothing,
    /// These processes.
    Processes(Vec<String>),
    /// The supervisor was killed, and so many of its processes were left; `None` where they cannot be found.
    Left(Option<usize>),
}

/// The system of a supervisor, followed from now on.
#[derive(Debug)]
pub(crate) struct Background {
    hello: Hello,
    store: Arc<Store>,
    shared: Arc<Shared>,
    reading: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    processes: Mutex<Vec<Mirror>>,
    /// Why the system is not whole any more.
    fell: SetOnce<String>,
    /// Nothing more is told: the supervisor has ended. Known before `fell` is.
    is_gone: AtomicBool,
}

/// A process of the supervisor's as a run sees it.
#[derive(Debug)]
struct Mirror {
    name: String,
    printed: Printed,
    death: Option<Death>,
    told: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Mirror>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lost(&self) {
        self.is_gone.store(true, Ordering::Release);
        // What fell first is the reason.
        let _ = self.fell.set("what `tracespec up` started was stopped".to_owned());
    }
}

/// The supervisor of this folder, asked; `None` if there is none.
async fn connect(folder: &Path, ask: Ask) -> Result<Option<TcpStream>, String> {
    let lives = || match folder.join("up.lock").exists() {
        true => state::lock(folder).map(|lock| lock.is_none()).map_err(|why| why.to_string()),
        false => Ok(false),
    };
    let Some(state) = State::read(folder) else {
        return if lives()? { Err(busy("is just starting or stopping")) } else { Ok(None) };
    };
    // Of one that was killed the port may be a stranger's by now.
    if !lives()? {
        return Ok(None);
    }
    let asked = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, state.port)).await?;
        // Without it all still works.
        let _ = stream.set_nodelay(true);
        news::ask(&mut stream, &state.token, ask).await?;
        Ok::<_, std::io::Error>(stream)
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(stream)) => Ok(Some(stream)),
        // It has ended meanwhile.
        Ok(Err(_)) | Err(_) if !lives()? => Ok(None),
        Ok(Err(why)) => Err(busy(&format!("does not answer: {why}"))),
        Err(_) => Err(busy("is still starting, or hangs")),
    }
}

fn busy(what: &str) -> String {
    format!("`tracespec up` runs here, and {what}; try again, or end it: its file .tracespec/up.lock is locked by it")
}

/// The system that runs in the background for this folder, if there is one.
pub(crate) async fn find(folder: &Path) -> Result<Option<Background>, String> {
    let Some(stream) = connect(folder, Ask::Follow).await? else { return Ok(None) };
    let (from, to) = stream.into_split();
    let mut from = BufReader::with_capacity(64 << 10, from);
    let first = tokio::time::timeout(PATIENCE, News::read(&mut from)).await;
    let hello = match first {
        Ok(Ok(News::Hello(hello))) if hello.version == env!("CARGO_PKG_VERSION") => hello,
        Ok(Err(why)) if why.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(_) => return Err(busy("does not answer")),
        Ok(_) => {
            return Err(
                "another version of tracespec started what runs here: `tracespec down` of that one stops it".to_owned()
            );
        }
    };
    let mirror = |known: &Known| Mirror {
        name: known.name.clone(),
        printed: Printed::default(),
        death: known.ended.clone(),
        told: false,
    };
    let processes = Mutex::new(hello.processes.iter().map(mirror).collect());
    let shared = Arc::new(Shared { processes, fell: SetOnce::new(), is_gone: AtomicBool::new(false) });
    let store = Store::new(DEFAULT_MEMORY);
    let reading = tokio::spawn(read(from, to, Arc::clone(&store), Arc::clone(&shared)));
    Ok(Some(Background { hello: *hello, store, shared, reading }))
}

/// Takes in what is told until nothing more comes. The other half says that somebody listens.
async fn read(mut from: BufReader<OwnedReadHalf>, _to: OwnedWriteHalf, store: Arc<Store>, shared: Arc<Shared>) {
    loop {
        match News::read(&mut from).await {
            Ok(News::Came(piece)) => took(piece, &store).await,
            Ok(News::Printed { process, line }) => {
                if let Some(mirror) = shared.lock().iter().find(|mirror| mirror.name == process) {
                    mirror.printed.line(line.as_bytes());
                }
            }
            Ok(News::Ended { process, death }) => {
                if death.serves {
                    // The first is the reason.
                    let _ = shared.fell.set(format!("process `{process}` ended with {}", death.status));
                }
                let mut all = shared.lock();
                if let Some(mirror) = all.iter_mut().find(|mirror| mirror.name == process) {
                    mirror.death.get_or_insert(death);
                }
            }
            Ok(News::Hello(_)) => {}
            Ok(News::Stopped) | Err(_) => return shared.lost(),
        }
    }
}

async fn took(piece: Piece, store: &Arc<Store>) {
    let is_large = matches!(&piece, Piece::Protobuf(bytes) | Piece::Json(bytes) if bytes.len() >= LARGE);
    if !is_large {
        return piece.take_in(store);
    }
    let into = Arc::clone(store);
    if tokio::task::spawn_blocking(move || piece.take_in(&into)).await.is_err() {
        store.refused("the receiver could not decode this request");
    }
}

impl Background {
    /// Whether a run with these settings would start or take in anything itself.
    pub(crate) fn is_wanted(settings: &Settings) -> bool {
        !settings.processes.is_empty() || takes_in(settings) != super::ELSEWHERE
    }

    /// The ports that were found for processes.
    pub(crate) fn ports(&self) -> BTreeMap<String, u16> {
        self.hello.ports.clone()
    }

    /// The mark of what its processes export.
    pub(crate) fn run(&self) -> &str {
        &self.hello.run
    }

    /// The names of its processes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.hello.processes.iter().map(|known| known.name.as_str())
    }

    /// The files of which its processes run, with the stamps that they had when it started.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &(PathBuf, u64)> {
        self.hello.processes.iter().filter_map(|known| known.program.as_ref())
    }

    /// The names of those that ran already when it started.
    pub(crate) fn reused(&self) -> BTreeSet<String> {
        self.hello.reused.clone()
    }

    /// Where spans are read, and where the system exports to; `None` if they are not taken in here.
    pub(crate) fn receiver(&self) -> Option<(Embedded, Option<String>, Vec<SocketAddr>)> {
        let addresses = &self.hello.addresses;
        let embedded = || Embedded::new(Arc::clone(&self.store), addresses.clone());
        (!addresses.is_empty()).then(|| (embedded(), self.hello.endpoint.clone(), addresses.clone()))
    }

    /// Whether it is what this configuration says; otherwise in what it is not.
    pub(crate) fn check(&self, loaded: &Loaded) -> Result<(), String> {
        let hello = &self.hello;
        for known in &hello.processes {
            if let Some(death) = known.ended.as_ref().filter(|death| death.failed || death.serves) {
                let (name, status) = (&known.name, &death.status);
                let log = "what it printed is in .tracespec/logs";
                return Err(format!(
                    "what `tracespec up` started is not whole any more: process `{name}` ended with {status}; {log}"
                ));
            }
        }
        let changed =
            |what: String| Err(format!("the configuration is not the one that `tracespec up` started: {what}"));
        if takes_in(&loaded.settings) != hello.receiver {
            return changed(format!(
                "spans are taken in at {}, and now at {}",
                hello.receiver,
                takes_in(&loaded.settings)
            ));
        }
        let specs = processes::specs(loaded, hello.endpoint.as_deref(), &hello.run)?;
        if let Some(gone) = hello.processes.iter().find(|known| specs.iter().all(|spec| spec.name != known.name)) {
            return changed(format!("process `{}` is not in it any more", gone.name));
        }
        for spec in &specs {
            match hello.processes.iter().find(|known| known.name == spec.name) {
                None => return changed(format!("process `{}` is new", spec.name)),
                Some(known) if known.fingerprint != fingerprint(&hello.salt, spec) => {
                    return changed(format!(
                        "the command, folder or environment of process `{}` is another",
                        spec.name
                    ));
                }
                Some(known) => {
                    if let Some((file, _)) = known.program.as_ref().filter(|(file, then)| program::stamp(file) != *then)
                    {
                        return Err(format!(
                            "process `{}` is another build than the one that `tracespec up` started: {} has changed",
                            spec.name,
                            file.display()
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until it is not whole any more: why, in half a sentence.
    pub(crate) fn fell(&self) -> impl Future<Output = String> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.fell.wait().await.clone() }
    }

    /// Those that have ended, each once.
    pub(crate) fn ended(&self) -> Vec<Ended> {
        let mut all = self.shared.lock();
        let mut ended: Vec<Ended> = Vec::new();
        for mirror in all.iter_mut().filter(|mirror| !mirror.told) {
            if let Some(Death { status, message, failed, serves }) = mirror.death.clone() {
                mirror.told = true;
                ended.push(Ended { name: mirror.name.clone(), status, message, failed, serves });
            }
        }
        if self.shared.is_gone.load(Ordering::Acquire) || self.reading.is_finished() {
            let message = "what `tracespec up` started was stopped during the run".to_owned();
            let (name, status) = (String::new(), "being stopped".to_owned());
            ended.push(Ended { name, status, message, failed: true, serves: true });
        }
        ended
    }

    /// What a report shows of each.
    pub(crate) fn records(&self) -> Vec<ProcessRecord> {
        self.shared.lock().iter().map(|mirror| mirror.record(None)).collect()
    }

    /// Asks each for what it printed since a moment.
    pub(crate) fn logs(&self) -> impl Fn(Instant) -> Vec<ProcessRecord> + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |then| shared.lock().iter().map(|mirror| mirror.record(Some(then))).collect()
    }
}

impl Mirror {
    fn record(&self, then: Option<Instant>) -> ProcessRecord {
        let ended = self.death.as_ref().map(|death| death.status.clone());
        ProcessRecord { name: self.name.clone(), last_lines: self.printed.since(then), ended }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Stops what runs in the background for this folder, and waits until it has.
pub(crate) async fn stop(folder: &Path) -> Result<Stopped, String> {
    let names = find(folder).await?.map(|background| background.names().map(str::to_owned).collect());
    if let (Some(names), Some(mut stream)) = (names, connect(folder, Ask::Stop).await?) {
        // It says so once everything has ended; that it is gone says it as well.
        let _ = News::read(&mut stream).await;
        return Ok(Stopped::Processes(names));
    }
    let Some(state) = State::read(folder) else { return Ok(Stopped::Nothing) };
    let left = left::end(&state.run).await;
    State::remove(folder);
    Ok(Stopped::Left(left))
}
