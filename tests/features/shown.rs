//! What a command says, without what differs from run to run. What a verdict rests on is never taken away.

use crate::stubs::System;
use regex::{Captures, Regex};
use std::path::{Path, PathBuf};

pub struct Shown<'a> {
    root: PathBuf,
    system: &'a System,
    /// The text of the case: an id that stands in it is the case's own.
    case: String,
    ids: Vec<String>,
    patterns: Vec<(Regex, &'static str)>,
}

/// A time as messages write it.
const TIME: &str = r"\d[\d.]* ?(?:ns|µs|ms|s|m)\b";

/// What is masked, and by what: only what the machine and the moment decide. `TIME` stands for a time.
const MASKS: [(&str, &str); 19] = [
    // How long a test took, at the end of its line.
    (r"(?m)^((?:\x1b\[[\d;]*m)?(?:PASS|FAIL|ERROR|INCONCLUSIVE|FLAKY|SKIP) .*:\d+) +TIME$", "$1  <time>"),
    (
        r"(?m)^((?:\x1b\[[\d;]*m)?(?:pass|fail|error|inconclusive|flaky|skipped|interrupted)(?:\x1b\[0m)?: \d+ tests? in )TIME:",
        "$1<time>:",
    ),
    (r"(?m)^(gate: \w+: \d+ tests? in )TIME:", "$1<time>:"),
    (r"(?m)^(slowest:|        ) +TIME  \S+:\d+  .*\n", "$1 …\n"),
    // How the wait for a trace went.
    (r"(?m)^(  trace .* after )TIME$", "$1<time>"),
    (r"\+TIME( to \+TIME)? ?(\(\d+ readings\))?:", "+<time>:"),
    (r"(quiet for )TIME( of )", "$1<time>$2"),
    (r"was read \d+ times? in", "was read <n> times in"),
    (r"(?m)^(ready \S+ after )TIME$", "$1<time>"),
    (r"(duration_ms: )[\d.]+", "$1<time>"),
    (r#"( time=")[\d.]+""#, "$1<time>\""),
    (r"(response: p\d+ )TIME \(TIME to TIME\)", "$1<time>"),
    // Whether any did is the machine's.
    (r"(?m)^ *\d+ runs? began late, by up to TIME;.*\n", ""),
    (r"(the time \S+ \S+ took is )TIME,", "$1<time>,"),
    // An id, cut.
    (r"\b[0-9a-f]{8}…[0-9a-f]{7}\b", "<trace …>"),
    // A port that the run found for a process.
    (r"(starting database: .* )\d{5}\b", "$1<port>"),
    // When.
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)", "<when>"),
    // Who.
    (r"process \d+ \([^)]*features-[^)]*\)", "process <id> (<this test>)"),
    (r" on \S+ \((\w+) \w+, \d+ processors?\)", " on <host> ($1, …)"),
];

impl<'a> Shown<'a> {
    pub fn new(root: &Path, system: &'a System, case: &str) -> Shown<'a> {
        let patterns = MASKS.map(|(pattern, by)| (Regex::new(&pattern.replace("TIME", TIME)).unwrap(), by)).to_vec();
        Shown { root: root.to_owned(), system, case: case.to_owned(), ids: Vec::new(), patterns }
    }

    /// A stream as a snapshot has it.
    pub fn of(&mut self, text: &str) -> String {
        let text = text.replace(&*self.root.to_string_lossy(), "/project");
        // Ids are numbered as they come, so the order is made first.
        let mut text = in_order(&self.system.written(&text));
        let id = Regex::new(r"\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b").unwrap();
        text = id.replace_all(&text, |found: &Captures<'_>| self.id(&found[0])).into_owned();
        // Of the wait only its last word: how often something came before is the moment's.
        text = before_last(&text);
        for (pattern, by) in &self.patterns {
            text = pattern.replace_all(&text, *by).into_owned();
        }
        text
    }

    /// The first id that is seen is `<id 1>`, and so on.
    fn id(&mut self, id: &str) -> String {
        if self.case.contains(id) || id.bytes().all(|byte| byte == b'0') {
            return id.to_owned();
        }
        let at = self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        });
        let kind = if id.len() == 32 { "trace" } else { "span" };
        let before = self.ids[..=at].iter().filter(|known| known.len() == id.len()).count();
        format!("<{kind} {before}>")
    }
}

/// Without those lines of how a wait went that others follow.
fn before_last(text: &str) -> String {
    let is_step = |line: &str| line.starts_with("    +");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let kept = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| !is_step(line) || !lines.get(at + 1).is_some_and(|next| is_step(next)));
    kept.map(|(_, line)| *line).collect()
}

/// Verdicts in the order of the spec: which test ends first is not what a case shows.
fn in_order(text: &str) -> String {
    let head =
        Regex::new(r"^(?:\x1b\[[\d;]*m)?(?:PASS|FAIL|ERROR|INCONCLUSIVE|FLAKY|SKIP) *(?:\x1b\[0m)?  (.*) (\S+):(\d+) ")
            .unwrap();
    let end = Regex::new(r"^(?:\x1b\[[\d;]*m)?(?:pass|fail|error|inconclusive|flaky|skipped|interrupted)(?:\x1b\[0m)?: \d+ tests? in |^(?:note|error|warning|flaky|slowest): ").unwrap();
    let mut before = String::new();
    let mut blocks: Vec<((String, usize, String), String)> = Vec::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next_if(|line| !head.is_match(line)) {
        before += line;
    }
    while let Some(line) = lines.next_if(|line| !end.is_match(line)) {
        match head.captures(line) {
            Some(found) => {
                let place = (found[2].to_owned(), found[3].parse().unwrap(), found[1].trim().to_owned());
                blocks.push((place, line.to_owned()));
            }
            None => {
                if let Some((_, block)) = blocks.last_mut() {
                    *block += line;
                }
            }
        }
    }
    // Rows of a matrix stand at one line. What is said of one test twice stays in its order.
    blocks.sort_by(|(one, _), (other, _)| one.cmp(other));
    let blocks: String = blocks.into_iter().map(|(_, block)| block).collect();
    before + &blocks + &lines.collect::<String>()
}
