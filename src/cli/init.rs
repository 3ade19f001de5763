//! `tracespec init`: a configuration and a first spec for a service that exists. It asks nothing: what it cannot see it assumes, and
//! says so.

use super::args::InitArgs;
use super::streams::{error, put, say};
use crate::backend::{Backend as _, HttpOptions, Jaeger, JaegerApi, JaegerOptions, Tempo, TempoOptions};
use crate::client;
use crate::engine::exit;
use crate::report::text::clean;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the service and a backend may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Where the two backends listen unless they are told otherwise.
const JAEGER: &str = "http://127.0.0.1:16686";
const TEMPO: &str = "http://127.0.0.1:3200";

pub(crate) async fn init(args: &InitArgs) -> u8 {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let (configuration, spec) = (folder.join("tracespec.yaml"), folder.join("specs/first.yaml"));
    let there: Vec<String> =
        [&configuration, &spec].into_iter().filter(|path| path.exists()).map(|path| shown(path)).collect();
    if !there.is_empty() {
        let is = if there.len() == 1 { "is" } else { "are" };
        error(&format!("{} {is} there already, and init replaces nothing", there.join(" and ")));
        return exit::USAGE;
    }
    if let Err(why) = url(&args.url) {
        error(&why);
        return exit::USAGE;
    }
    let start = Start { folder: &folder, url: &args.url, answer: answer(&args.url).await };
    let mut assumed = Vec::new();
    let texts =
        [(&configuration, start.configuration(&args.command, &mut assumed).await), (&spec, start.spec(&mut assumed))];
    for (path, text) in texts {
        if let Err(why) = write_new(path, &text) {
            error(&format!("cannot write {}: {why}", shown(path)));
            return exit::ERROR;
        }
        if put(&format!("{}\n", shown(path))).is_err() {
            return exit::ERROR;
        }
    }
    assumed.iter().for_each(|words| say(&format!("assumed: {}", clean(words, true))));
    let there = if folder == Path::new(".") { String::new() } else { format!("cd {} && ", shown(&folder)) };
    say(&format!("next: {there}tracespec config --probe, then tracespec run"));
    exit::PASSED
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn url(text: &str) -> Result<url::Url, String> {
    let parsed = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| format!("`{text}` is not the URL of a service; write `--url http://127.0.0.1:8080/`"))
}

/// Never over a file that has come meanwhile.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::File::create_new(path)?.write_all(text.as_bytes())
}

/// The status of what answers there now.
async fn answer(text: &str) -> Option<u16> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(PATIENCE);
    let client = client::configure(builder, &client::TlsOptions::default(), text.starts_with("https:")).ok()?;
    let answer = client.build().ok()?.get(text).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// Which backend answers on this machine, as the configuration names it.
async fn backend() -> Option<(&'static str, &'static str)> {
    let http = |url: &str| HttpOptions { timeout: PATIENCE, ..HttpOptions::new(url) };
    let jaeger = Jaeger::new(JaegerOptions { http: http(JAEGER), tenant: None, api: JaegerApi::Auto }).ok()?;
    let tempo = Tempo::new(TempoOptions { http: http(TEMPO), tenant: None }).ok()?;
    let (jaeger, tempo) = tokio::join!(jaeger.probe(), tempo.probe());
    match (jaeger.ok, tempo.ok) {
        (true, _) => Some(("jaeger", JAEGER)),
        (_, true) => Some(("tempo", TEMPO)),
        _ => None,
    }
}

/// What is known of the service.
struct Start<'a> {
    folder: &'a Path,
    url: &'a str,
    answer: Option<u16>,
}

impl Start<'_> {
    async fn configuration(&self, command: &[String], assumed: &mut Vec<String>) -> String {
        if let (None, Some((words, why))) = (self.answer, self.command(command)) {
            let list: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            assumed.push(format!(
                "`{}` starts the service ({why}), and it is ready when {} answers",
                words.join(" "),
                self.url
            ));
            return format!(
                "# The service is started for each run, and exports its spans to tracespec itself.\nprocesses:\n  - name: service\n    \
                 command: [{}]\n    ready: {{ http: {}, timeout: 120s }}\n",
                list.join(", "),
                quoted(self.url)
            );
        }
        match self.answer {
            Some(_) => assumed.push(format!("the service runs already, since {} answers", self.url)),
            None => assumed.push(format!(
                "you start the service yourself: nothing answers at {}, and no file here says how it is started; after `--` you can \
                 say it: tracespec init -- npm start",
                self.url
            )),
        }
        if let Some((kind, place)) = backend().await {
            assumed.push(format!("its traces are in the {kind} that answers at {place}"));
            return format!(
                "# The service runs already; its traces are read from where it exports them to.\nbackend: {{ {kind}: {{ url: {} }} }}\n",
                quoted(place)
            );
        }
        assumed.push(
            "its spans can come to tracespec: no Jaeger or Tempo answers on this machine; start the service with \
             OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317"
                .to_owned(),
        );
        "# The service runs already, with OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317: it exports to tracespec while a run goes on.\n\
         backend: { receiver: { grpc: '127.0.0.1:4317', http: '127.0.0.1:4318' } }\n"
            .to_owned()
    }

    /// How the service is started, and how that is known.
    fn command(&self, given: &[String]) -> Option<(Vec<String>, String)> {
        if !given.is_empty() {
            return Some((given.to_vec(), "as you said".to_owned()));
        }
        let text = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let is_there = |name: &str| self.folder.join(name).is_file();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let npm = serde_json::from_str::<serde_json::Value>(&text("package.json")).unwrap_or_default();
        let spring = |name: &str| text(name).contains("spring-boot") || text(name).contains("springframework.boot");
        let found: &[(bool, &[&str], &str)] = &[
            (npm["scripts"]["start"].is_string(), &["npm", "start"], "package.json has a start script"),
            (is_there("Cargo.toml") && is_there("src/main.rs"), &["cargo", "run"], "there is a Cargo.toml"),
            (is_there("go.mod") && is_there("main.go"), &["go", "run", "."], "there is a go.mod"),
            (
                is_there("gradlew") && (spring("build.gradle") || spring("build.gradle.kts")),
                &["./gradlew", "bootRun"],
                "Gradle's build has Spring Boot",
            ),
            (is_there("mvnw") && spring("pom.xml"), &["./mvnw", "spring-boot:run"], "Maven's build has Spring Boot"),
            (is_there("manage.py"), &["python3", "manage.py", "runserver", "--noreload"], "there is a manage.py"),
        ];
        found.iter().find(|(fits, ..)| *fits).map(|(_, command, why)| (words(command), (*why).to_owned()))
    }

    fn spec(&self, assumed: &mut Vec<String>) -> String {
        let status = self.answer.filter(|status| *status < 400);
        match (status, self.answer) {
            (Some(_), _) => {}
            (None, Some(status)) => assumed.push(format!(
                "{} is to answer with less than 400, though it answered {status} just now; change the URL in specs/first.yaml",
                self.url
            )),
            (None, None) => assumed.push(format!("{} is to answer 200", self.url)),
        }
        assumed.push("whatever handles that request makes spans, in one trace and none of them failed".to_owned());
        let status = match (status, self.answer) {
            (Some(status), _) => status.to_string(),
            (None, Some(_)) => "200..399".to_owned(),
            (None, None) => "200".to_owned(),
        };
        format!(
            "# A first test: what answers, and what its trace must be. Then say more of it: which `services` take part, which `calls` they\n\
             # make, how long it may take. A failing test names the command that shows its trace.\n\
             tests:\n  - name: the service answers, and its trace is whole\n    request: {{ url: {} }}\n    response: {{ status: {status} }}\n    \
             trace:\n      span_count: 1..\n      errors: none\n      propagation: intact\n",
            quoted(self.url)
        )
    }
}

/// As YAML, in double quotes: those of JSON are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
