//! The process in the background: it starts the system, takes its spans in, and hands both to runs until it is told to stop.

use super::left;
use super::news::{self, Ask, Death, Hello, Known, News};
use super::state::{self, State};
use super::{fingerprint, program};
use crate::backend;
use crate::engine::history;
use crate::engine::interrupt::Interrupts;
use crate::engine::load::Loaded;
use crate::engine::processes::{self, Deaths, Running};
use crate::receiver::{Following, Receiver};
use crate::run::event::What;
use crate::run::processes::ProcessSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};

/// How many lines of output may wait for one who follows; they only illustrate, so the oldest may be lost.
const LINES: usize = 4096;
/// Whoever connects has to say who he is within this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the right to the folder is asked for: who looks whether somebody has it holds it for a moment.
const TRIES: u32 = 25;

/// What those who ask are told.
struct Supervisor {
    token: String,
    hello: Hello,
    receiver: Option<Receiver>,
    deaths: Mutex<BTreeMap<String, Death>>,
    news: broadcast::Sender<News>,
    stop: mpsc::UnboundedSender<TcpStream>,
}

/// Starts the system, then says so (`up`), and keeps it until it is told to stop, or until nothing in the folder names it
/// any more. While it starts, it stops as soon as whoever wanted it has left.
pub(crate) async fn supervise(
    loaded: &Loaded,
    hear: &(dyn Fn(&What<'_>) + Sync),
    interrupts: &mut Interrupts,
    left: impl Future<Output = ()>,
    up: impl FnOnce(),
) -> Result<(), String> {
    let folder = history::folder(None, &loaded.settings.folder);
    let cannot = |why: std::io::Error| format!("cannot write in {}: {why}", folder.display());
    history::make(&folder).map_err(cannot)?;
    let Some(_alone) = alone(&folder).await.map_err(cannot)? else {
        return Err(format!("`tracespec up` runs for {} already, or is just starting or stopping", folder.display()));
    };
    if let Some(before) = State::read(&folder) {
        // It has not the right to the folder any more, so it was killed.
        left::end(&before.run).await;
        State::remove(&folder);
    }
    let receiver = backend::receiver(loaded.settings.backend.as_ref(), true).await?;
    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let control = control.map_err(|why| format!("cannot listen on this machine: {why}"))?;
    let port = control.local_addr().map_err(|why| why.to_string())?.port();
    let random = |why: std::io::Error| why.to_string();
    let run = state::random().map_err(random)?;
    let state = State::new(port, run.clone()).map_err(random)?;
    let endpoint = receiver.as_ref().and_then(Receiver::endpoint);
    let (news, _) = broadcast::channel(LINES);
    let (stop, mut stops) = mpsc::unbounded_channel();
    let hello = Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        addresses: receiver.as_ref().map_or_else(Vec::new, |receiver| receiver.addresses().to_vec()),
        ports: loaded.vars.ports.clone(),
        salt: state::random().map_err(random)?,
        receiver: super::takes_in(&loaded.settings),
        processes: Vec::new(),
        reused: BTreeSet::new(),
        endpoint,
        run,
    };
    let heard = news.clone();
    let running = Running::in_background(folder.clone(), move |process, line| {
        // Nobody may follow just now.
        let _ = heard.send(News::Printed { process: process.to_owned(), line: line.to_owned() });
    });
    // Before anything is started, so that whatever happens, what is left can be found.
    state.write(&folder).map_err(cannot)?;
    // Before as well: what is built from now on is another build.
    let known = processes::specs(loaded, hello.endpoint.as_deref(), &hello.run).map(|specs| known(&specs, &hello.salt));
    let started = tokio::select! {
        started = processes::start(loaded, hello.endpoint.as_deref(), &hello.run, hear, &running) => started,
        () = interrupts.next() => Err("interrupted".to_owned()),
        () = left => Err("interrupted".to_owned()),
    };
    let known = match started.and(known) {
        Ok(known) => known,
        Err(why) => {
            ended(running, interrupts).await;
            State::remove(&folder);
            return Err(why);
        }
    };
    let hello = Hello { processes: known, reused: running.reused(), ..hello };
    let supervisor = Supervisor { token: state.token.clone(), hello, receiver, deaths: Mutex::default(), news, stop };
    let supervisor = Arc::new(supervisor);
    up();
    let mut deaths = Deaths::new();
    let asked = loop {
        tokio::select! {
            accepted = control.accept() => {
                // A connection that broke before it was taken is nobody's.
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(Arc::clone(&supervisor).answer(stream));
                }
            }
            Some(stream) = stops.recv() => break Some(stream),
            () = interrupts.next() => break None,
            () = deaths.next() => {
                supervisor.note(&running);
                if State::read(&folder).as_ref() != Some(&state) {
                    break None;
                }
            }
        }
    };
    State::remove(&folder);
    ended(running, interrupts).await;
    if let Some(mut stream) = asked {
        // Whoever asked may not wait for it.
        let _ = News::Stopped.write(&mut stream).await;
    }
    Ok(())
}

fn known(specs: &[ProcessSpec], salt: &str) -> Vec<Known> {
    let known = specs.iter().map(|spec| Known {
        name: spec.name.clone(),
        fingerprint: fingerprint(salt, spec),
        program: program::file(&spec.command, &spec.directory).map(|file| (file.clone(), program::stamp(&file))),
        ended: None,
    });
    known.collect()
}

async fn alone(folder: &Path) -> std::io::Result<Option<std::fs::File>> {
    for _ in 1..TRIES {
        if let Some(lock) = state::lock(folder)? {
            return Ok(Some(lock));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    state::lock(folder)
}

/// Stops everything; a further signal kills it.
async fn ended(running: Running, interrupts: &mut Interrupts) {
    tokio::select! {
        () = running.stop() => {}
        () = interrupts.next() => {}
    }
}

impl Supervisor {
    /// Remembers which processes have ended.
    fn note(&self, running: &Running) {
        for ended in running.ended() {
            let (process, death) = (ended.name.clone(), Death::from(ended));
            self.deaths.lock().unwrap_or_else(PoisonError::into_inner).insert(process.clone(), death.clone());
            let _ = self.news.send(News::Ended { process, death });
        }
    }

    async fn answer(self: Arc<Self>, mut stream: TcpStream) {
        // Without it all still works.
        let _ = stream.set_nodelay(true);
        let asked = tokio::time::timeout(PATIENCE, news::asked(&mut stream, &self.token)).await;
        match asked {
            Ok(Ok(Ask::Follow)) => {
                // It ends when the other side goes.
                let _ = self.tell(stream).await;
            }
            Ok(Ok(Ask::Stop)) => {
                let _ = self.stop.send(stream);
            }
            // A stranger, or one that broke off.
            Ok(Err(_)) | Err(_) => {}
        }
    }

    /// Tells what there is, and all that comes, until the other side is gone or too slow.
    async fn tell(&self, stream: TcpStream) -> std::io::Result<()> {
        let (mut from, mut to) = stream.into_split();
        let relay = self.receiver.as_ref().and_then(|receiver| receiver.store().relay());
        let mut following = relay.map(|relay| relay.follow());
        let mut news = self.news.subscribe();
        let mut hello = self.hello.clone();
        {
            let deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
            hello.processes.iter_mut().for_each(|known| known.ended = deaths.get(&known.name).cloned());
        }
        News::Hello(Box::new(hello)).write(&mut to).await?;
        let mut nothing = [0];
        loop {
            let next = tokio::select! {
                piece = next(&mut following) => match piece {
                    Some(piece) => News::Came(piece),
                    None => return Ok(()),
                },
                one = news.recv() => match one {
                    Ok(one) => one,
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                _ = from.read(&mut nothing) => return Ok(()),
            };
            next.write(&mut to).await?;
        }
    }
}

/// The next piece; never any where nothing is taken in.
async fn next(following: &mut Option<Following>) -> Option<crate::receiver::Piece> {
    match following {
        Some(following) => following.next().await,
        None => std::future::pending().await,
    }
}
