//! Runs one program with a trace context in its environment and keeps all that it wrote.
//!
//! Load tools, browser tests, message producers and jobs start traces so: OpenTelemetry's environment variables as
//! context propagation carriers (`TRACEPARENT`, `TRACESTATE`, `BAGGAGE`) name the parent of whatever they do.

use super::context;
use super::http::TriggerError;
use super::shell::quoted;
use crate::child::Group;
use crate::trace::{SpanId, TraceId};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// The most that is kept of each of a program's two outputs. What is longer is an error, not a cut text that could match
/// by accident.
pub const OUTPUT_LIMIT: usize = 64 << 20;
/// The bound on a program where the spec gives none.
pub const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a program that ran out of time may take to end once it is asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long the outputs of a program that has ended stay open for what it left running: a child may hold them for ever.
const LEFT: Duration = Duration::from_secs(1);

/// A program ready to run: no variable is left in it.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What is set in its environment beside the runner's own; `None` takes a variable away.
    pub env: Vec<(String, Option<String>)>,
    /// Where it runs.
    pub directory: PathBuf,
    /// What it reads.
    pub stdin: Vec<u8>,
    /// Bound on the whole run.
    pub timeout: Duration,
}

/// What came of a program.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The injected trace id.
    pub trace_id: TraceId,
    /// The injected span id.
    pub injected: SpanId,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: Vec<u8>,
    /// What it wrote beside that.
    pub stderr: Vec<u8>,
    /// When it was started.
    pub sent: Instant,
    /// When it had ended and its outputs were read.
    pub responded: Instant,
}

impl Ran {
    /// The program's name without its folder.
    pub fn name(&self) -> String {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        program.rsplit(['/', '\\']).next().unwrap_or(program).to_owned()
    }
    /// How it ended: `exit code 3`, or the signal that ended it.
    pub fn ending(&self) -> String {
        match self.status.code() {
            Some(code) => format!("exit code {code}"),
            // The system's words name the signal.
            None => self.status.to_string(),
        }
    }
}

/// The variables that make `span` of `trace` the parent of whatever the program does. `baggage` is the program's own.
pub fn carriers(trace: TraceId, span: SpanId, test: &str, baggage: Option<&str>) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for (name, value) in context::headers(trace, span, test, &[]) {
        match name {
            "traceparent" => all.push(("TRACEPARENT", value)),
            "baggage" => {
                let own = baggage.filter(|own| !own.trim().is_empty());
                all.push(("BAGGAGE", own.map_or(value.clone(), |own| format!("{own},{value}"))));
            }
            _ => {}
        }
    }
    all
}

/// Runs the program to its end, with `context` ([`carriers`]) in its environment. Dropping this kills it with everything it
/// started, and so does its timeout, after it was asked to end.
pub async fn run(
    program: &Program,
    context: &[(&'static str, String)],
    trace_id: TraceId,
    injected: SpanId,
) -> Result<Ran, TriggerError> {
    let [name, arguments @ ..] = program.argv.as_slice() else {
        return Err(TriggerError { message: "the command has no program".to_owned() });
    };
    let place = format!("`{}`", shown(&program.argv));
    // The system says of a missing folder what it says of a missing program.
    if !program.directory.is_dir() {
        let folder = program.directory.display();
        return Err(TriggerError { message: format!("{place} was not started: there is no folder {folder} (`cwd`)") });
    }
    let mut command = Command::new(name);
    command.args(arguments).current_dir(&program.directory).stdin(Stdio::piped());
    // One that the runner was given itself: it belongs to whoever started the runner.
    command.env_remove("TRACESTATE");
    for (name, value) in &program.env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.envs(context.iter().map(|(name, value)| (name, value)));
    let sent = Instant::now();
    let mut group = Group::spawn(&mut command).map_err(|why| TriggerError {
        message: format!("{place} was not started: `{name}`: {why}{}", remedy(&why, name)),
    })?;
    let ran = tokio::time::timeout(program.timeout, to_its_end(&mut group, &program.stdin, &place)).await;
    let Ok(ran) = ran else {
        group.stop(GRACE).await;
        let bound = humantime::format_duration(program.timeout);
        let message =
            format!("{place} had not ended after {bound} and was stopped; if it needs longer, set `command.timeout`");
        return Err(TriggerError { message });
    };
    let (status, stdout, stderr) = ran?;
    let argv = program.argv.clone();
    Ok(Ran { trace_id, injected, argv, status, stdout, stderr, sent, responded: Instant::now() })
}

fn remedy(why: &std::io::Error, name: &str) -> &'static str {
    match why.kind() {
        std::io::ErrorKind::NotFound if name.contains(' ') => {
            "; no shell takes this apart: write the program and each argument as an entry of its own"
        }
        std::io::ErrorKind::NotFound => "; is it installed, and on the PATH? Without a `/` it is looked for there only",
        std::io::ErrorKind::PermissionDenied => "; is it executable?",
        _ => "",
    }
}

type Ended = (ExitStatus, Vec<u8>, Vec<u8>);

async fn to_its_end(group: &mut Group, stdin: &[u8], place: &str) -> Result<Ended, TriggerError> {
    let error = |what: &str, why: std::io::Error| TriggerError { message: format!("{place}: {what}: {why}") };
    let child = group.child();
    let (input, output, complaints) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut input) = input {
            // A program need not read what it is given: `head -1` does not.
            let _ = input.write_all(stdin).await;
        }
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let status = {
        let read = async { tokio::try_join!(drain(output, &mut stdout), drain(complaints, &mut stderr)) };
        tokio::pin!(write, read);
        let (mut written, mut whole) = (false, false);
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(|why| error("its end is not known", why))?,
                () = &mut write, if !written => written = true,
                end = &mut read, if !whole => {
                    end.map_err(|why| error("its output could not be read", why))?;
                    whole = true;
                }
            }
        };
        if !whole && let Ok(end) = tokio::time::timeout(LEFT, &mut read).await {
            end.map_err(|why| error("its output could not be read", why))?;
        }
        status
    };
    Ok((status, stdout, stderr))
}

async fn drain(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> std::io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    loop {
        if from.read_buf(into).await? == 0 {
            return Ok(());
        }
        if into.len() > OUTPUT_LIMIT {
            return Err(std::io::Error::other(format!("it has more than {} MiB", OUTPUT_LIMIT >> 20)));
        }
    }
}

/// A program with its arguments, as a person would type it, no longer than a line.
pub fn shown(argv: &[String]) -> String {
    const MOST: usize = 100;
    let whole = argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    match whole.char_indices().nth(MOST) {
        None => whole,
        Some((at, _)) => format!("{}…", &whole[..at]),
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str) -> Program {
        Program {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("GREETING".to_owned(), Some("hello".to_owned())), ("HOME".to_owned(), None)],
            directory: std::env::temp_dir(),
            stdin: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }

    async fn ran(program: &Program) -> Result<Ran, TriggerError> {
        let (trace, span) = (TraceId::new(0xab).unwrap(), SpanId::new(0xcd).unwrap());
        run(program, &carriers(trace, span, "a test", None), trace, span).await
    }

    #[tokio::test]
    async fn a_program_has_the_context_and_its_own_variables_in_its_environment() {
        let program = shell("echo $TRACEPARENT; echo $BAGGAGE; echo $GREETING $HOME.; echo oops >&2; exit 3");
        let ran = ran(&program).await.unwrap();
        let context = "00-000000000000000000000000000000ab-00000000000000cd-01\ntracespec.test=a%20test\n";
        assert_eq!(String::from_utf8(ran.stdout.clone()).unwrap(), format!("{context}hello .\n"));
        assert_eq!((ran.stderr.as_slice(), ran.status.code(), ran.name()), (&b"oops\n"[..], Some(3), "sh".to_owned()));
        let own = carriers(ran.trace_id, ran.injected, "t", Some("tenant=a"));
        assert_eq!(own[1], ("BAGGAGE", "tenant=a,tracespec.test=t".to_owned()));
    }

    #[tokio::test]
    async fn a_program_reads_its_input_and_need_not() {
        let large = vec![b'x'; 1 << 20];
        let echo = Program { stdin: large.clone(), ..shell("cat") };
        assert_eq!(ran(&echo).await.unwrap().stdout, large);
        let deaf = Program { stdin: large, ..shell("echo done") };
        assert_eq!(ran(&deaf).await.unwrap().stdout, b"done\n");
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_stopped_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("alive");
        let script = format!("(trap '' TERM; while :; do touch {}; sleep 0.02; done) & wait", mark.display());
        let program = Program { timeout: Duration::from_millis(300), ..shell(&script) };
        let message = ran(&program).await.unwrap_err().message;
        assert!(message.contains("had not ended after 300ms and was stopped") && message.contains("command.timeout"));
        // The grandchild ignored being asked, so it was killed: the file it keeps making does not come back.
        std::fs::remove_file(&mark).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!mark.exists());
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_neither_holds_the_step_up_nor_outlives_it() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("alive");
        let script = format!("(while :; do touch {}; sleep 0.02; done) & echo started", mark.display());
        let ran = ran(&shell(&script)).await.unwrap();
        assert_eq!((ran.stdout.as_slice(), ran.status.code()), (&b"started\n"[..], Some(0)));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = std::fs::remove_file(&mark);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!mark.exists());
    }

    #[tokio::test]
    async fn more_output_than_is_kept_is_an_error_and_not_a_cut_text() {
        let message = ran(&shell("yes")).await.unwrap_err().message;
        assert!(message.contains("has more than 64 MiB"), "{message}");
    }

    #[tokio::test]
    async fn what_cannot_be_started_says_why_and_what_to_do() {
        let program = |argv: &[&str]| Program { argv: argv.iter().map(|&word| word.to_owned()).collect(), ..shell("") };
        let message = ran(&program(&["no-such-program", "-x"])).await.unwrap_err().message;
        assert!(
            message.contains("`no-such-program -x` was not started") && message.contains("on the PATH"),
            "{message}"
        );
        let message = ran(&program(&["echo hello"])).await.unwrap_err().message;
        assert!(message.contains("each argument as an entry of its own"), "{message}");
        let nowhere = Program { directory: "no-such-folder".into(), ..shell("") };
        let message = ran(&nowhere).await.unwrap_err().message;
        assert!(message.contains("there is no folder no-such-folder (`cwd`)"), "{message}");
    }
}
