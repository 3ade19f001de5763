//! The processes of the system under test: started before the first test, ready when they answer, stopped after the
//! last, whatever happens in between.

mod output;
mod ready;

pub(crate) use output::Printed;
pub use output::{Hear, Log, Sink};
pub use ready::Ready;

use super::record::ProcessRecord;
use crate::child::Group;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::task::JoinHandle;

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
    /// It is ready when all of these hold; at once if there is none.
    pub ready: Vec<Ready>,
    /// How long that may take.
    pub ready_timeout: Duration,
    /// How long it may take to end after it was asked to.
    pub grace: Duration,
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
    /// Its name.
    pub name: String,
    /// How, in words: `exit status: 9`.
    pub status: String,
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
    grace: Duration,
    printed: Printed,
    readers: Vec<JoinHandle<()>>,
}

impl ProcessSpec {
    /// Where it is to be reached, if something answers there already. That something would be taken for the process: the
    /// tests would judge the wrong system.
    pub async fn answered_already(&self) -> Option<&Ready> {
        for ready in &self.ready {
            if ready.answers().await.is_some_and(|answer| answer.is_ok()) {
                return Some(ready);
            }
        }
        None
    }

    /// Why what answers already is not ready as this process would be; `None` if it is.
    pub async fn lacks(&self) -> Option<String> {
        for ready in &self.ready {
            if let Some(Err(why)) = ready.answers().await {
                return Some(why);
            }
        }
        None
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
        let began = Instant::now();
        let deadline = began + spec.ready_timeout;
        let mut said = began;
        let mut pause = Duration::from_millis(5);
        let mut open = spec.ready.iter();
        let mut next = open.next();
        while let Some(ready) = next {
            let Err(why) = self.is_ready(ready).await else {
                next = open.next();
                continue;
            };
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
            // Of a port that opens there is no notification, so it has to be polled.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.printed.awaited(), if matches!(ready, Ready::Log(_)) => {}
            }
            pause = (pause * 3 / 2).min(Duration::from_millis(100));
        }
        // What answers may be another program that has the port, for lack of which this one ended.
        if let (false, Ok(Some(status))) = (spec.ready.is_empty(), self.group.child().try_wait())
            && !status.success()
        {
            self.drain().await;
            let place = spec.ready.iter().find_map(|ready| Some((ready, ready.port()?)));
            let other = place.map_or_else(String::new, |(ready, port)| {
                let who = crate::child::listener(port).unwrap_or_else(|| "another program".to_owned());
                format!(", and {who} answers at {ready}")
            });
            return Err(self.error(&format!("ended with {status}{other}")));
        }
        Ok(())
    }

    async fn is_ready(&self, ready: &Ready) -> Result<(), String> {
        match ready.answers().await {
            Some(answer) => answer,
            None if self.printed.has_awaited() => Ok(()),
            None => Err(format!("it printed no line with {ready}")),
        }
    }

    /// Starts it; what it prints goes to `sink` as well. Needs a tokio runtime.
    pub fn spawn(spec: &ProcessSpec, sink: Sink) -> Result<Process, ProcessError> {
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
        let mut group = Group::spawn(&mut command).map_err(|source| {
            let why = match source.kind() {
                std::io::ErrorKind::NotFound if !program.contains('/') => {
                    format!("there is no program `{program}` on the PATH; is it installed?")
                }
                std::io::ErrorKind::NotFound => {
                    format!("there is no program `{program}` (seen from {}); is it built?", spec.directory.display())
                }
                _ => format!("`{program}`: {source}"),
            };
            ProcessError { message: format!("process `{}` could not be started: {why}", spec.name) }
        })?;
        let awaited = spec.ready.iter().find_map(|ready| match ready {
            Ready::Log(pattern) => Some(pattern.clone()),
            Ready::Http(_) | Ready::Tcp(_) => None,
        });
        let printed = Printed::new(sink, awaited);
        let mut readers = Vec::new();
        if let (Some(stdout), Some(stderr)) = (group.child().stdout.take(), group.child().stderr.take()) {
            readers.push(printed.read(stdout));
            readers.push(printed.read(stderr));
        }
        let (serves, grace) = (!spec.ready.is_empty(), spec.grace);
        Ok(Process { name: spec.name.clone(), serves, told: false, group, grace, printed, readers })
    }

    fn last_line(&self) -> Option<String> {
        let lines = self.printed.last();
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
        ProcessRecord {
            name: self.name.clone(),
            last_lines: self.printed.since(then),
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
        Some(Ended {
            name: self.name.clone(),
            status: status.to_string(),
            message,
            failed: !status.success(),
            serves: self.serves,
        })
    }

    /// That it ended, in half a sentence, if it has and was to stay; said as often as it is asked.
    pub fn fell(&mut self) -> Option<String> {
        let status = self.group.child().try_wait().ok()??;
        self.serves.then(|| format!("process `{}` ended with {status}", self.name))
    }

    fn error(&self, what: &str) -> ProcessError {
        let lines = self.printed.last();
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
        if let (false, Some(log)) = (lines.is_empty(), self.printed.log()) {
            let _ = write!(message, "\n  all that it printed: {}", log.display());
        }
        ProcessError { message }
    }

    /// Asks it to end, and makes it after its grace.
    pub async fn stop(self) {
        self.group.stop(self.grace).await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::ports::free_port;
    use std::net::SocketAddr;

    fn shell(script: &str, ready: Option<Ready>) -> ProcessSpec {
        ProcessSpec {
            name: "demo".to_owned(),
            command: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()],
            directory: std::env::temp_dir(),
            env: vec![("GREETING".to_owned(), "hello".to_owned())],
            env_remove: vec!["HOME".to_owned()],
            ready: ready.into_iter().collect(),
            ready_timeout: Duration::from_secs(20),
            grace: Duration::from_secs(4),
        }
    }

    #[tokio::test]
    async fn a_process_that_ends_before_it_is_ready_is_shown_with_what_it_printed() {
        let nobody = Ready::Tcp(SocketAddr::from(([127, 0, 0, 1], 1)));
        let spec = shell("echo $GREETING $HOME.; echo oops >&2; exit 3", Some(nobody));
        let error = Process::spawn(&spec, Sink::default()).unwrap().ready(&spec, |_, _| {}).await.unwrap_err();
        assert!(error.message.contains("process `demo` ended with exit status: 3"), "{error}");
        assert!(error.message.contains("hello .") && error.message.contains("oops"), "{error}");
    }

    #[tokio::test]
    async fn what_answers_before_the_process_was_started_is_noticed() {
        // One that the kernel gives to nobody else once it is free again.
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let other = std::net::TcpListener::bind(address).unwrap();
        let spec = shell("", Some(Ready::Tcp(address)));
        assert_eq!(spec.answered_already().await.map(ToString::to_string), Some(address.to_string()));
        drop(other);
        // A process that another test starts has the listener as well, until it becomes its program.
        while spec.answered_already().await.is_some() {
            tokio::task::yield_now().await;
        }
        assert!(shell("", None).answered_already().await.is_none());
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
            let mut process = Process::spawn(&spec, Sink::default()).unwrap();
            let error = process.ready(&spec, |_, _| {}).await.unwrap_err();
            process.stop().await;
            assert!(error.message.contains("was not ready after 50ms") && error.message.contains(words), "{error}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_process_is_ready_when_all_that_is_awaited_of_it_holds() {
        let port = free_port().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let script = format!(
            "echo almost; perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(LocalAddr=>\"127.0.0.1:{port}\",Listen=>5)or die;\
             $|=1;print qq(listening on {port}\\n);while($c=$s->accept){{}}'"
        );
        let pattern = crate::matcher::Finder::new(r"listening on \d+").unwrap();
        let spec = ProcessSpec { ready: vec![Ready::Log(pattern), Ready::Tcp(address)], ..shell(&script, None) };
        let mut process = Process::spawn(&spec, Sink::default()).unwrap();
        process.ready(&spec, |_, _| {}).await.unwrap();
        assert_eq!(process.last_line().unwrap(), format!("listening on {port}"));
        process.stop().await;
        let never = crate::matcher::Finder::new("listening on [a-z]+").unwrap();
        let spec = ProcessSpec {
            ready: vec![Ready::Log(never)],
            ready_timeout: Duration::from_millis(50),
            ..shell("sleep 20", None)
        };
        let mut process = Process::spawn(&spec, Sink::default()).unwrap();
        let error = process.ready(&spec, |_, _| {}).await.unwrap_err();
        assert!(error.message.contains("it printed no line with `listening on [a-z]+`"), "{error}");
    }

    #[tokio::test]
    async fn what_has_the_port_of_a_process_that_failed_is_not_taken_for_it() {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let _other = std::net::TcpListener::bind(address).unwrap();
        let spec = shell("exit 98", Some(Ready::Tcp(address)));
        let mut process = Process::spawn(&spec, Sink::default()).unwrap();
        process.group.child().wait().await.unwrap();
        let error = process.ready(&spec, |_, _| {}).await.unwrap_err();
        let other = format!("ended with exit status: 98, and process {} (", std::process::id());
        assert!(error.message.contains(&other) && error.message.contains(&format!("answers at {address}")), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_exist_is_named() {
        let mut spec = shell("", None);
        spec.command = vec!["no-such-program".to_owned()];
        assert!(Process::spawn(&spec, Sink::default()).unwrap_err().message.contains("`no-such-program`"));
        spec.directory = "no-such-folder".into();
        let message = Process::spawn(&spec, Sink::default()).unwrap_err().message;
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
        let mut process = Process::spawn(&spec, Sink::default()).unwrap();
        process.ready(&spec, |_, _| {}).await.unwrap();
        process.stop().await;
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}
