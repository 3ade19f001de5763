//! The processes of the system under test: started before the first test, ready when they answer, stopped after the
//! last, whatever happens in between.

use super::record::ProcessRecord;
use crate::child::Group;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::task::JoinHandle;
use url::Url;

/// How many lines of a process' output are kept for the message when it fails.
const KEPT_LINES: usize = 20;
/// How many characters of each.
const KEPT_OF_LINE: usize = 300;
/// How long a process may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(4);

/// One process to start; no variable is left in it.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// Its name in messages.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// What is set in its environment beside the runner's own.
    pub env: Vec<(String, String)>,
    /// What of the runner's own environment it does not get.
    pub env_remove: Vec<String>,
    /// When it is ready.
    pub ready: Option<Ready>,
    /// How long that may take.
    pub ready_timeout: Duration,
}

/// When a process is ready.
#[derive(Debug, Clone)]
pub enum Ready {
    /// A GET of this URL answers with a status below 400.
    Http(Url),
    /// This address accepts a connection.
    Tcp(SocketAddr),
}

/// Why a process is not there.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ProcessError {
    /// What happened, with the last lines that the process printed.
    pub message: String,
}

/// A process that ended without being asked to.
#[derive(Debug, Clone)]
pub struct Ended {
    /// How, with the last lines that it printed.
    pub message: String,
    /// It did not end with success.
    pub failed: bool,
    /// It has a `ready`, as only what is to stay has; without, it may be a job that did its work (a migration).
    pub serves: bool,
}

/// A running process. Dropping it kills its group.
#[derive(Debug)]
pub struct Process {
    name: String,
    serves: bool,
    told: bool,
    group: Group,
    output: Arc<Mutex<VecDeque<Line>>>,
    readers: Vec<JoinHandle<()>>,
}

/// A line of output, and when it came.
#[derive(Debug)]
struct Line {
    at: Instant,
    text: String,
}

impl ProcessSpec {
    /// Where it is to be reached, if something answers there already. That something would be taken for the process:
    /// the tests would judge the wrong system.
    pub async fn answered_already(&self) -> Option<String> {
        let ready = self.ready.as_ref()?;
        let place = match ready {
            Ready::Http(url) => url.to_string(),
            Ready::Tcp(address) => address.to_string(),
        };
        is_ready(ready).await.is_ok().then_some(place)
    }
}

impl Process {
    /// Waits until it is ready, has ended, or has taken too long. `still` is called once a second with
    /// how long it has been starting and the last line that it printed.
    pub async fn ready(
        &mut self,
        spec: &ProcessSpec,
        mut still: impl FnMut(Duration, Option<&str>),
    ) -> Result<(), ProcessError> {
        let Some(ready) = &spec.ready else { return Ok(()) };
        let began = Instant::now();
        let deadline = began + spec.ready_timeout;
        let mut said = began;
        let mut pause = Duration::from_millis(5);
        loop {
            let Err(why) = is_ready(ready).await else { return Ok(()) };
            if let Ok(Some(status)) = self.group.child().try_wait() {
                self.drain().await;
                return Err(self.error(&format!("ended with {status} before it was ready")));
            }
            if Instant::now() >= deadline {
                let waited = humantime::format_duration(spec.ready_timeout);
                return Err(self.error(&format!("was not ready after {waited}: {why}")));
            }
            if said.elapsed() >= Duration::from_secs(1) {
                said = Instant::now();
                let line = self.last_line();
                still(began.elapsed(), line.as_deref());
            }
            // There is no notification of readiness, so it has to be polled.
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_millis(100));
        }
    }

    /// Starts it. Needs a tokio runtime.
    pub fn spawn(spec: &ProcessSpec) -> Result<Process, ProcessError> {
        let [program, args @ ..] = spec.command.as_slice() else {
            return Err(ProcessError { message: format!("process `{}` has an empty command", spec.name) });
        };
        // The system says of a missing folder what it says of a missing program.
        if !spec.directory.is_dir() {
            let folder = spec.directory.display();
            return Err(ProcessError {
                message: format!("process `{}` could not be started: there is no folder {folder} (`cwd`)", spec.name),
            });
        }
        let mut command = Command::new(program);
        for name in &spec.env_remove {
            command.env_remove(name);
        }
        command.args(args).current_dir(&spec.directory).envs(spec.env.iter().cloned());
        command.stdin(Stdio::null());
        let mut group = Group::spawn(&mut command).map_err(|source| ProcessError {
            message: format!("process `{}` could not be started: `{program}`: {source}", spec.name),
        })?;
        let output = Arc::default();
        let mut readers = Vec::new();
        if let (Some(stdout), Some(stderr)) = (group.child().stdout.take(), group.child().stderr.take()) {
            readers.push(keep_lines(stdout, Arc::clone(&output)));
            readers.push(keep_lines(stderr, Arc::clone(&output)));
        }
        let serves = spec.ready.is_some();
        Ok(Process { name: spec.name.clone(), serves, told: false, group, output, readers })
    }

    fn last_line(&self) -> Option<String> {
        let lines = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().rev().map(|line| &line.text).find(|line| !line.trim().is_empty()).cloned()
    }

    /// Waits for what an ended process printed last. Bounded, since a grandchild may hold the pipe open for ever.
    async fn drain(&mut self) {
        for reader in self.readers.drain(..) {
            let _ = tokio::time::timeout(Duration::from_secs(1), reader).await;
        }
    }

    /// What a report shows of it.
    pub fn record(&mut self) -> ProcessRecord {
        self.record_since(None)
    }

    /// The same with no more lines than came since then.
    pub fn record_since(&mut self, then: Option<Instant>) -> ProcessRecord {
        let status = self.group.child().try_wait().ok().flatten();
        let lines = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.iter().filter(|line| then.is_none_or(|then| line.at >= then));
        ProcessRecord {
            name: self.name.clone(),
            last_lines: lines.map(|line| line.text.clone()).collect(),
            ended: status.map(|status| status.to_string()),
        }
    }

    /// How it ended, if it has; reported once.
    pub fn ended(&mut self) -> Option<Ended> {
        let status = self.group.child().try_wait().ok()??;
        if std::mem::replace(&mut self.told, true) {
            return None;
        }
        let message = self.error(&format!("ended with {status} during the run")).message;
        Some(Ended { message, failed: !status.success(), serves: self.serves })
    }

    fn error(&self, what: &str) -> ProcessError {
        let lines = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let mut message = format!("process `{}` {what}", self.name);
        if lines.is_empty() {
            message += "; it printed nothing";
        } else {
            message += "; its last lines:";
        }
        for line in lines.iter() {
            message += "\n    ";
            message.extend(line.text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        }
        ProcessError { message }
    }

    /// Asks it to end, and makes it after a grace.
    pub async fn stop(self) {
        self.group.stop(GRACE).await;
    }
}

/// Asks once; otherwise what came instead.
async fn is_ready(ready: &Ready) -> Result<(), String> {
    const ONE_TRY: Duration = Duration::from_secs(2);
    match ready {
        Ready::Tcp(address) => match tokio::time::timeout(ONE_TRY, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(format!("{address} accepts no connection: {why}")),
            Err(_) => Err(format!("{address} accepts no connection within {}", humantime::format_duration(ONE_TRY))),
        },
        Ready::Http(url) => {
            crate::client::install_crypto();
            let client =
                reqwest::Client::builder().no_proxy().timeout(ONE_TRY).build().map_err(|why| why.to_string())?;
            match client.get(url.clone()).send().await {
                Ok(answer) if answer.status().as_u16() < 400 => Ok(()),
                Ok(answer) => Err(format!("GET {url} answers {}, and a status below 400 is awaited", answer.status())),
                Err(why) if why.is_timeout() => {
                    Err(format!("GET {url} does not answer within {}", humantime::format_duration(ONE_TRY)))
                }
                Err(why) => Err(format!("GET {url} is not answered: {}", innermost(&why))),
            }
        }
    }
}

/// The cause of the cause, which says what happened: `Connection refused`.
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}

/// A line without the control sequences by which programs colour their output (CSI, of ECMA-48).
fn without_colour(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        out += before;
        let end = sequence.find(|c| ('@'..='~').contains(&c));
        rest = end.map_or("", |end| &sequence[end + 1..]);
    }
    out + rest
}

fn keep_lines(from: impl AsyncRead + Unpin + Send + 'static, into: Arc<Mutex<VecDeque<Line>>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            let text = without_colour(&String::from_utf8_lossy(&line));
            let text = crate::redact::cut(text.trim_end(), KEPT_OF_LINE).into_owned();
            kept.push_back(Line { at: Instant::now(), text });
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::ports::free_port;

    fn shell(script: &str, ready: Option<Ready>) -> ProcessSpec {
        ProcessSpec {
            name: "demo".to_owned(),
            command: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            directory: std::env::temp_dir(),
            env: vec![("GREETING".to_owned(), "hello".to_owned())],
            env_remove: vec!["HOME".to_owned()],
            ready,
            ready_timeout: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn a_process_that_ends_before_it_is_ready_is_shown_with_what_it_printed() {
        let nobody = Ready::Tcp(SocketAddr::from(([127, 0, 0, 1], 1)));
        let spec = shell("echo $GREETING $HOME.; echo oops >&2; exit 3", Some(nobody));
        let error = Process::spawn(&spec).unwrap().ready(&spec, |_, _| {}).await.unwrap_err();
        assert!(error.message.contains("process `demo` ended with exit status: 3"), "{error}");
        assert!(error.message.contains("hello .") && error.message.contains("oops"), "{error}");
    }

    #[test]
    fn colours_of_a_log_are_left_out() {
        assert_eq!(without_colour("\u{1b}[2m10:00\u{1b}[0m \u{1b}[31;1mERROR\u{1b}[0m x[1]"), "10:00 ERROR x[1]");
        assert_eq!(without_colour("cut \u{1b}[31"), "cut ");
    }

    #[tokio::test]
    async fn what_answers_before_the_process_was_started_is_noticed() {
        // One that the kernel gives to nobody else once it is free again.
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let other = std::net::TcpListener::bind(address).unwrap();
        let spec = shell("", Some(Ready::Tcp(address)));
        assert_eq!(spec.answered_already().await, Some(address.to_string()));
        drop(other);
        assert_eq!(spec.answered_already().await, None);
        assert_eq!(shell("", None).answered_already().await, None);
    }

    #[tokio::test]
    async fn a_process_that_does_not_become_ready_is_shown_with_what_came_instead() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ =
                    stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            }
        });
        let free = free_port().unwrap();
        let cases = [
            (Ready::Http(format!("http://{address}/healthz").parse().unwrap()), "answers 404 Not Found"),
            (Ready::Http(format!("http://127.0.0.1:{free}/").parse().unwrap()), "refused"),
            (Ready::Tcp(SocketAddr::from(([127, 0, 0, 1], free))), "refused"),
        ];
        for (ready, words) in cases {
            let spec = ProcessSpec { ready_timeout: Duration::from_millis(50), ..shell("sleep 20", Some(ready)) };
            let mut process = Process::spawn(&spec).unwrap();
            let error = process.ready(&spec, |_, _| {}).await.unwrap_err();
            process.stop().await;
            assert!(error.message.contains("was not ready after 50ms") && error.message.contains(words), "{error}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_program_that_does_not_exist_is_named() {
        let mut spec = shell("", None);
        spec.command = vec!["no-such-program".to_owned()];
        assert!(Process::spawn(&spec).unwrap_err().message.contains("`no-such-program`"));
        spec.directory = "no-such-folder".into();
        let message = Process::spawn(&spec).unwrap_err().message;
        assert!(message.contains("no-such-folder (`cwd`)") && !message.contains("no-such-program"), "{message}");
    }

    #[tokio::test]
    async fn stopping_ends_grandchildren_too() {
        let port = free_port().unwrap();
        let listener = format!(
            "perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalAddr=>\"127.0.0.1:{port}\",Listen=>5)or die;while($c=$s->accept){{}}' & wait"
        );
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let spec = shell(&listener, Some(Ready::Tcp(address)));
        let mut process = Process::spawn(&spec).unwrap();
        process.ready(&spec, |_, _| {}).await.unwrap();
        process.stop().await;
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}
