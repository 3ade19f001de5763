//! Variables: their names, and their values in one run of one test.
//!
//! Nothing here reads the environment or the clock, or draws random numbers: [`RunVars`] holds them, so that the same
//! input gives the same values.

use super::plan::{FilePlan, Test, VarValue};
use crate::diag::{Code, Problem, did_you_mean};
use crate::matcher::{Literal, Lookup, Value, too_large};
use crate::redact::{Redactor, Secret};
use crate::source::Span;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a variable's name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VarName<'a> {
    /// A file's variable, a capture, a matrix value, `--var`.
    Plain(&'a str),
    /// `env.X`
    Env(&'a str),
    /// `secret.X`
    Secret(&'a str),
    /// `port.X`: a port that the runner found for a process.
    Port(&'a str),
    /// `needs.TEST.CAPTURE`
    Needs(&'a str, &'a str),
    /// `uuid`: version 4.
    Uuid,
    /// `now`, `now(FORMAT)`
    Now(&'a str),
    /// `random.int`, `random.int(FROM..TO)`
    RandomInt(i64, i64),
    /// `random.string`, `random.string(LENGTH)`: letters and digits.
    RandomString(usize),
    /// `random.hex`, `random.hex(LENGTH)`
    RandomHex(usize),
}

/// Reads a variable's name.
pub fn var_name(name: &str) -> Result<VarName<'_>, String> {
    let (head, argument) = match name.split_once('(') {
        Some((head, rest)) => match rest.strip_suffix(')') {
            Some(argument) => (head, Some(argument)),
            None => return Err(format!("`{name}` lacks its closing bracket")),
        },
        None => (name, None),
    };
    let length = |argument: Option<&str>, default: usize| match argument.map(str::parse) {
        None => Ok(default),
        Some(Ok(length)) if (1..=1024).contains(&length) => Ok(length),
        _ => Err(format!("`{name}`: a length is a number from 1 to 1024")),
    };
    let part = |prefix: &str| name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
    if let Some(rest) = part("env.") {
        return Ok(VarName::Env(rest));
    }
    if let Some(rest) = part("secret.") {
        return Ok(VarName::Secret(rest));
    }
    if let Some(rest) = part("port.") {
        return Ok(VarName::Port(rest));
    }
    if let Some(rest) = part("needs.") {
        return match rest.rsplit_once('.') {
            Some((test, capture)) if !test.is_empty() && !capture.is_empty() => Ok(VarName::Needs(test, capture)),
            _ => Err("a needed test's capture is written `needs.TEST NAME.CAPTURE`".to_owned()),
        };
    }
    match (head, argument) {
        ("uuid", None) => Ok(VarName::Uuid),
        ("now", None) => Ok(VarName::Now("")),
        ("now", Some(format)) => check_format(format).map(|()| VarName::Now(format)),
        ("random.int", None) => Ok(VarName::RandomInt(0, i64::from(i32::MAX))),
        ("random.int", Some(range)) => {
            let ends = range.split_once("..").and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
            match ends {
                Some((from, to)) if from <= to => Ok(VarName::RandomInt(from, to)),
                _ => Err(format!("`{name}`: a range is written `random.int(1..100)`")),
            }
        }
        ("random.string", argument) => length(argument, 16).map(VarName::RandomString),
        ("random.hex", argument) => length(argument, 16).map(VarName::RandomHex),
        (_, None) if !name.contains('.') => Ok(VarName::Plain(name)),
        _ => {
            let known = [
                "env.NAME",
                "secret.NAME",
                "port.NAME",
                "needs.TEST.CAPTURE",
                "uuid",
                "now",
                "now(FORMAT)",
                "random.int",
                "random.string",
                "random.hex",
            ];
            let near = did_you_mean(name, ["random.int", "random.string", "random.hex"]);
            Err(near.unwrap_or_else(|| format!("names with a dot or brackets are {}", known.join(", "))))
        }
    }
}

const FORMATS: &[&str] = &["rfc3339", "unix", "unix_ms", "unix_ns", "date"];

fn check_format(format: &str) -> Result<(), String> {
    if FORMATS.contains(&format) {
        return Ok(());
    }
    let mut chars = format.chars();
    let mut any = false;
    while let Some(c) = chars.next() {
        if c == '%' {
            any = true;
            if !matches!(chars.next(), Some('Y' | 'm' | 'd' | 'H' | 'M' | 'S' | 'f' | 's' | '%')) {
                return Err(
                    "a format of `now` has %Y %m %d %H %M %S, %f (milliseconds), %s (seconds since 1970) and %%"
                        .to_owned(),
                );
            }
        }
    }
    if any { Ok(()) } else { Err(format!("`now(…)` takes {}, or a format such as `%Y-%m-%d`", FORMATS.join(", "))) }
}

/// Where values come from that no spec holds.
pub type Source = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What all tests of a run share.
#[derive(Clone)]
pub struct RunVars {
    /// `--var` and `--vars-file`.
    pub flags: BTreeMap<String, Value>,
    /// The chosen profile's `vars`.
    pub profile: BTreeMap<String, Value>,
    /// The configuration's own `vars`: the file's come before them.
    pub config: BTreeMap<String, Value>,
    /// The environment.
    pub env: Source,
    /// Secrets: the secrets file, then the environment.
    pub secrets: Source,
    /// Ports that were found for processes.
    pub ports: BTreeMap<String, u16>,
    /// Nanoseconds since 1970.
    pub clock: Arc<dyn Fn() -> i128 + Send + Sync>,
    /// The seed of random values, shown in the report: the same seed gives the same values.
    pub seed: u64,
    /// Learns every secret that is used.
    pub redactor: Arc<Redactor>,
}

impl Default for RunVars {
    fn default() -> RunVars {
        RunVars {
            flags: BTreeMap::new(),
            profile: BTreeMap::new(),
            config: BTreeMap::new(),
            env: Arc::new(|_| None),
            secrets: Arc::new(|_| None),
            ports: BTreeMap::new(),
            clock: Arc::new(|| 0),
            seed: 0,
            redactor: Arc::new(Redactor::default()),
        }
    }
}

impl fmt::Debug for RunVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunVars").field("seed", &self.seed).field("ports", &self.ports).finish_non_exhaustive()
    }
}

/// The variables of one attempt at one test (or of a file's setup and teardown).
#[derive(Debug)]
pub struct Scope {
    run: Arc<RunVars>,
    file: Vec<(String, VarValue)>,
    row: BTreeMap<String, Value>,
    captures: BTreeMap<String, Value>,
    needs: BTreeMap<String, BTreeMap<String, Value>>,
    chance: Mutex<fastrand::Rng>,
    /// Values of the file's variables: evaluated once, so that a `${uuid}` under `vars` is the same wherever it is used.
    cache: Mutex<BTreeMap<usize, Value>>,
    /// Their length in all.
    cached: AtomicUsize,
}

/// The longest value of a file's variable, in bytes.
pub(super) const MOST_OF_A_VARIABLE: usize = 1 << 20;
/// The values of all of them.
const MOST_OF_ALL_VARIABLES: usize = 64 << 20;

/// The problem with a variable of variables of variables.
pub(super) fn grows(name: &str, span: Span) -> Problem {
    let says =
        format!("the variable `{name}` has more than {} MiB once those in it are filled in", MOST_OF_A_VARIABLE >> 20);
    too_large(span, says)
}

impl Scope {
    /// For an attempt (from 0) at a test, or for the file's setup and teardown (`None`).
    pub fn new(run: Arc<RunVars>, file: &FilePlan, test: Option<&Test>, attempt: u32) -> Scope {
        let name = test.map_or("", |test| test.name.value.as_str());
        let mut hash = run.seed ^ 0xcbf2_9ce4_8422_2325;
        let path = file.source.path().to_string_lossy().replace('\\', "/");
        for byte in path.bytes().chain([0]).chain(name.bytes()).chain(attempt.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Scope {
            run,
            file: file.vars.clone(),
            row: test.map(|test| test.row.clone()).unwrap_or_default(),
            captures: BTreeMap::new(),
            needs: BTreeMap::new(),
            chance: Mutex::new(fastrand::Rng::with_seed(hash)),
            cache: Mutex::new(BTreeMap::new()),
            cached: AtomicUsize::new(0),
        }
    }
    /// For settings outside of any spec file: a configuration's `${env.X}` and `${port.X}`.
    pub fn bare(run: Arc<RunVars>) -> Scope {
        let chance = Mutex::new(fastrand::Rng::with_seed(run.seed));
        let (row, captures, needs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let cache = Mutex::new(BTreeMap::new());
        Scope { run, file: Vec::new(), row, captures, needs, chance, cache, cached: AtomicUsize::new(0) }
    }
    /// Keeps a captured value.
    pub fn capture(&mut self, name: impl Into<String>, value: Value) {
        self.captures.insert(name.into(), value);
    }
    /// What was captured so far.
    pub fn captures(&self) -> &BTreeMap<String, Value> {
        &self.captures
    }
    /// Makes captures of the file's setup visible.
    pub fn adopt(&mut self, captures: &BTreeMap<String, Value>) {
        self.captures.extend(captures.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    /// Makes a needed test's captures visible as `${needs.TEST.CAPTURE}`.
    pub fn needs(&mut self, test: impl Into<String>, captures: BTreeMap<String, Value>) {
        self.needs.insert(test.into(), captures);
    }

    fn plain(&self, name: &str, below: usize, span: Span) -> Result<Option<Value>, Problem> {
        let outer = [&self.captures, &self.row, &self.run.flags, &self.run.profile];
        if let Some(value) = outer.iter().find_map(|values| values.get(name)) {
            return Ok(Some(value.clone()));
        }
        let own = self.file[..below].iter().position(|(own, _)| own == name);
        let Some(index) = own else { return Ok(self.run.config.get(name).cloned()) };
        if let Some(value) = self.cache.lock().ok().and_then(|cache| cache.get(&index).cloned()) {
            return Ok(Some(value));
        }
        let value = match &self.file[index].1 {
            VarValue::Value(value) => value.clone(),
            VarValue::Template(template) => template.bind_value(&Below { scope: self, below: index })?,
        };
        if value.text.len() > MOST_OF_A_VARIABLE {
            return Err(grows(name, span));
        }
        if let Ok(mut cache) = self.cache.lock() {
            let all: usize = self.cached.fetch_add(value.text.len(), Ordering::Relaxed) + value.text.len();
            if all > MOST_OF_ALL_VARIABLES {
                let says = format!(
                    "with `{name}` the variables of the file have more than {} MiB in all",
                    MOST_OF_ALL_VARIABLES >> 20
                );
                return Err(too_large(span, says));
            }
            cache.insert(index, value.clone());
        }
        Ok(Some(value))
    }

    fn find(&self, name: &str, below: usize, span: Span) -> Result<Option<Value>, Problem> {
        let kind = var_name(name).map_err(|why| Problem::error(Code::UnknownVariable, span, why))?;
        let chance = |make: &dyn Fn(&mut fastrand::Rng) -> Value| self.chance.lock().ok().map(|mut rng| make(&mut rng));
        Ok(match kind {
            VarName::Plain(name) => self.plain(name, below, span)?,
            VarName::Env(name) => (self.run.env)(name).map(Value::text),
            VarName::Secret(name) => (self.run.secrets)(name).map(|text| {
                self.run.redactor.learn_named(name, &Secret::new(text.clone()));
                Value::text(text)
            }),
            VarName::Port(name) => self.run.ports.get(name).map(|port| Value::typed(Literal::Int(i128::from(*port)))),
            VarName::Needs(test, capture) => self.needs.get(test).and_then(|captures| captures.get(capture)).cloned(),
            VarName::Uuid => chance(&|rng| Value::text(uuid(rng))),
            VarName::Now(format) => Some(now(format, (self.run.clock)())),
            VarName::RandomInt(from, to) => chance(&|rng| Value::typed(Literal::Int(i128::from(rng.i64(from..=to))))),
            VarName::RandomString(length) => chance(&|rng| {
                Value::text(std::iter::repeat_with(|| rng.alphanumeric()).take(length).collect::<String>())
            }),
            VarName::RandomHex(length) => chance(&|rng| {
                Value::text(
                    std::iter::repeat_with(|| char::from(b"0123456789abcdef"[rng.usize(..16)]))
                        .take(length)
                        .collect::<String>(),
                )
            }),
        })
    }
}

/// The file's variables above one of them.
struct Below<'a> {
    scope: &'a Scope,
    below: usize,
}

impl Lookup for Below<'_> {
    fn value(&self, name: &str, default: Option<&str>, span: Span) -> Result<Value, Problem> {
        resolve(self.scope, name, default, span, self.below)
    }
}

impl Lookup for Scope {
    fn value(&self, name: &str, default: Option<&str>, span: Span) -> Result<Value, Problem> {
        resolve(self, name, default, span, self.file.len())
    }
}

fn resolve(scope: &Scope, name: &str, default: Option<&str>, span: Span, below: usize) -> Result<Value, Problem> {
    let found = scope.find(name, below, span)?;
    // As in a shell, `:-` also stands for an empty value.
    match (found, default) {
        (Some(value), Some(default)) if value.text.is_empty() => Ok(Value::text(default)),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(Value::text(default)),
        (None, None) => Err(unbound(name, span)),
    }
}

/// The problem with a variable that has no value.
pub(super) fn unbound(name: &str, span: Span) -> Problem {
    let help = match var_name(name) {
        Ok(VarName::Env(env)) => format!("set {env}, or write a default: `${{{name}:-…}}`"),
        Ok(VarName::Secret(secret)) => format!("set {secret} in the environment or in the file of `--secrets-file`"),
        Ok(VarName::Port(port)) => format!("add `ports: [{port}]` to a process in tracespec.yaml"),
        Ok(VarName::Needs(test, _)) => format!("the test `{test}` did not capture it"),
        _ => "it is not defined, or captured by a step that did not run".to_owned(),
    };
    Problem::error(Code::UnboundVariable, span, format!("`${{{name}}}` has no value")).help(help)
}

fn uuid(rng: &mut fastrand::Rng) -> String {
    let mut bytes = rng.u128(..).to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn now(format: &str, nanoseconds: i128) -> Value {
    let number = |value: i128| Value::typed(Literal::Int(value));
    match format {
        "unix" => number(nanoseconds.div_euclid(1_000_000_000)),
        "unix_ms" => number(nanoseconds.div_euclid(1_000_000)),
        "unix_ns" => number(nanoseconds),
        "" | "rfc3339" => Value::text(formatted("%Y-%m-%dT%H:%M:%S.%fZ", nanoseconds)),
        "date" => Value::text(formatted("%Y-%m-%d", nanoseconds)),
        format => Value::text(formatted(format, nanoseconds)),
    }
}

/// UTC; the date by the algorithm of civil calendars (days since 0000-03-01 in eras of 400 years).
fn formatted(format: &str, nanoseconds: i128) -> String {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        out.push_str(&match chars.next() {
            Some('Y') => format!("{year:04}"),
            Some('m') => format!("{month:02}"),
            Some('d') => format!("{day:02}"),
            Some('H') => format!("{:02}", second / 3600),
            Some('M') => format!("{:02}", second / 60 % 60),
            Some('S') => format!("{:02}", second % 60),
            Some('f') => format!("{:03}", nanoseconds.rem_euclid(1_000_000_000) / 1_000_000),
            Some('s') => seconds.to_string(),
            Some(other) => other.to_string(),
            None => String::new(),
        });
    }
    out
}
