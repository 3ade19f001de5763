//! The report of a part of a run, read back into its record: the other half of [`super::of_run`].
//!
//! It comes from another machine, so each value is checked; what is wrong is said with the path to it. What is written of a
//! record and not read here is lost in a merged report: `tests/reporters` writes, reads and writes again.

mod repeat;

use super::parts::ONE_TRACE;
use crate::assert::{self, Absent, Finding, Lack, RuleId};
use crate::backend::file::SavedTraces;
use crate::run::record::{
    AnswerRecord, AttemptRecord, BodyRecord, EnvironmentRecord, ExpectationRecord, ProcessRecord, ProgramRecord,
    Protocol, RequestRecord, RunRecord, ShardRecord, StepRecord, TestRecord, Timing, Verdict,
};
use crate::source::{SourceFile, Span};
use crate::spec::forms;
use crate::trace::{SpanIx, Trace};
use crate::wire::detect;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of all traces of a report together, unpacked.
const ALL_TRACES: usize = 1 << 30;

/// The record in a report that `version` of this program wrote. The error fits after "cannot merge FILE: ".
pub fn read(bytes: &[u8], version: &str) -> Result<RunRecord, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|why| {
        if why.is_eof() {
            format!(
                "it ends in the middle, in line {}: the run that wrote it was killed, or not all of it was copied",
                why.line()
            )
        } else {
            format!("it is no JSON ({why}); reports to merge are written by `run --shard 1/2 --report json=FILE`")
        }
    })?;
    match document["schema"].as_str() {
        Some(super::RUN) => {}
        Some(other) => return Err(format!("it is `{other}`; what is merged are reports of runs, `{}`", super::RUN)),
        None => {
            return Err(format!("it is no report of a run: it does not begin with `\"schema\": \"{}\"`", super::RUN));
        }
    }
    let root = Node { value: &document, path: String::new() };
    // What stands there until a run ends, and for good if it could not start or was killed.
    if let (true, Some(why)) = (document["shard"].is_null(), document["errors"][0].as_str()) {
        return Err(format!("it has no results: {}", crate::redact::cut(why, 300)));
    }
    let written = root.get("environment")?.get("version")?.text()?;
    if written != version {
        return Err(format!(
            "tracespec {written} wrote it, and this is {version}: merge with the version that ran the parts"
        ));
    }
    if document["shard"].is_null() {
        return Err("it is the report of a whole run, not of a part; parts are run with `--shard 1/2`".to_owned());
    }
    let sources = root.get("sources")?.map(|node| {
        let path = node.get("path")?.text()?;
        Ok((path.clone(), SourceFile::new(path, node.get("text")?.text()?)))
    })?;
    let mut room = ALL_TRACES;
    let traces = root.get("traces")?.map(|node| trace(&node, &mut room).map(Arc::new))?;
    let parts = Parts { sources: sources.into_iter().collect(), traces };
    let shard = root.get("shard")?;
    Ok(RunRecord {
        tests: root.get("tests")?.map(|node| test(&node, &parts))?,
        errors: root.get("errors")?.map(|node| node.text())?,
        remarks: root.get("remarks")?.map(|node| node.text())?,
        started_ns: root.get("started")?.number()?,
        duration: root.get("duration_ns")?.duration()?,
        seed: root.get("seed")?.number()?,
        interrupted: root.get("interrupted")?.flag()?,
        environment: environment(&root.get("environment")?)?,
        processes: root.get("processes")?.map(|node| process(&node))?,
        shard: Some(ShardRecord {
            part: shard.get("part")?.count()?,
            of: shard.get("of")?.count()?,
            tests: shard.get("tests")?.count()?,
            digest: shard.get("digest")?.text()?,
        }),
    })
}

/// What tests refer to.
struct Parts {
    sources: BTreeMap<String, Arc<SourceFile>>,
    traces: Vec<Arc<Trace>>,
}

/// A value, and where it is.
struct Node<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    fn wrong(&self, wanted: &str) -> String {
        let found = match self.value {
            Value::Null => "nothing".to_owned(),
            Value::String(text) => format!("`{}`", crate::redact::cut(text, 60)),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            other => other.to_string(),
        };
        let path = if self.path.is_empty() { "the document" } else { &self.path };
        format!("{path} is {found}, not {wanted}")
    }
    /// The value of a key; one that is not there is null.
    fn get(&self, key: &str) -> Result<Node<'a>, String> {
        let Value::Object(all) = self.value else { return Err(self.wrong("an object")) };
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Ok(Node { value: all.get(key).unwrap_or(&Value::Null), path })
    }
    fn list(&self) -> Result<Vec<Node<'a>>, String> {
        let Value::Array(all) = self.value else { return Err(self.wrong("a list")) };
        Ok(all.iter().enumerate().map(|(at, value)| Node { value, path: format!("{}[{at}]", self.path) }).collect())
    }
    fn map<T>(&self, mut one: impl FnMut(Node<'a>) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.list()?.into_iter().map(&mut one).collect()
    }
    /// Each of a list with its counterpart in another.
    fn map_with<T>(
        &self,
        other: &Node<'a>,
        mut one: impl FnMut(Node<'a>, Node<'a>) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let (all, others) = (self.list()?, other.list()?);
        if all.len() != others.len() {
            return Err(format!("{} has {} entries, and {} has {}", self.path, all.len(), other.path, others.len()));
        }
        all.into_iter().zip(others).map(|(a, b)| one(a, b)).collect()
    }
    fn maybe<T>(&self, one: impl FnOnce(&Node<'a>) -> Result<T, String>) -> Result<Option<T>, String> {
        if self.value.is_null() { Ok(None) } else { one(self).map(Some) }
    }
    fn text(&self) -> Result<String, String> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.wrong("text"))
    }
    fn number(&self) -> Result<u64, String> {
        self.value.as_u64().ok_or_else(|| self.wrong("a whole number"))
    }
    fn count(&self) -> Result<usize, String> {
        usize::try_from(self.number()?).map_err(|_| self.wrong("so small a number"))
    }
    fn small(&self) -> Result<u32, String> {
        u32::try_from(self.number()?).map_err(|_| self.wrong("a number below 2^32"))
    }
    fn duration(&self) -> Result<Duration, String> {
        self.number().map(Duration::from_nanos)
    }
    fn flag(&self) -> Result<bool, String> {
        self.value.as_bool().ok_or_else(|| self.wrong("`true` or `false`"))
    }
    fn id<T: std::str::FromStr>(&self) -> Result<T, String> {
        self.text()?.parse().map_err(|_| self.wrong("an id"))
    }
    fn verdict(&self) -> Result<Verdict, String> {
        let all =
            [Verdict::Skipped, Verdict::Pass, Verdict::Flaky, Verdict::Inconclusive, Verdict::Error, Verdict::Fail];
        all.into_iter()
            .find(|verdict| Some(verdict.word()) == self.value.as_str())
            .ok_or_else(|| self.wrong("a verdict"))
    }
    /// Bytes of a spec.
    fn span(&self) -> Result<Span, String> {
        match self.map(|node| node.small())?[..] {
            [start, end] => Ok(Span { start, end }),
            _ => Err(self.wrong("the two ends of a place")),
        }
    }
}

fn environment(node: &Node<'_>) -> Result<EnvironmentRecord, String> {
    Ok(EnvironmentRecord {
        version: node.get("version")?.text()?,
        backend: node.get("backend")?.text()?,
        host: node.get("host")?.maybe(Node::text)?,
        commit: node.get("commit")?.maybe(Node::text)?,
    })
}

fn process(node: &Node<'_>) -> Result<ProcessRecord, String> {
    Ok(ProcessRecord {
        name: node.get("name")?.text()?,
        last_lines: node.get("last_lines")?.map(|line| line.text())?,
        ended: node.get("ended")?.maybe(Node::text)?,
    })
}

fn trace(node: &Node<'_>, room: &mut usize) -> Result<Trace, String> {
    let wrong = |why: &str| format!("{} is no trace: {why}", node.path);
    let packed = STANDARD.decode(node.get("otlp")?.text()?).map_err(|why| wrong(&why.to_string()))?;
    let most = ONE_TRACE.min(*room);
    let mut text = Vec::new();
    let unpacked = GzDecoder::new(packed.as_slice()).take(most as u64 + 1).read_to_end(&mut text);
    unpacked.map_err(|why| wrong(&why.to_string()))?;
    if text.len() > most {
        return Err(wrong(&format!("unpacked, it has more than {most} bytes")));
    }
    *room -= text.len();
    let mut saved = SavedTraces::default();
    detect::read(&text, &mut saved).map_err(|why| wrong(&why.to_string()))?;
    let id = node.get("id")?.id()?;
    let linked: Vec<_> = saved.ids().into_iter().filter(|other| *other != id).collect();
    saved.trace(id, &linked, &saved.injected(id)).ok_or_else(|| wrong("it has no span"))
}

fn test(node: &Node<'_>, parts: &Parts) -> Result<TestRecord, String> {
    let file = node.get("file")?;
    let source = parts.sources.get(&file.text()?).ok_or_else(|| file.wrong("one of the `sources`"))?;
    let more = node.get("merge")?;
    let steps = |steps: &Node<'_>, more: &Node<'_>| steps.map_with(more, |node, more| step(&node, &more, parts));
    let earlier = node.get("earlier")?.map_with(&more.get("earlier")?, |attempt, more| {
        Ok(AttemptRecord {
            verdict: attempt.get("verdict")?.verdict()?,
            duration: attempt.get("duration_ns")?.duration()?,
            steps: steps(&attempt.get("steps")?, &more)?,
        })
    })?;
    let repeat = node.get("repeat")?.maybe(|node| repeat::repeat(node, &more.get("kept")?, parts).map(Box::new))?;
    Ok(TestRecord {
        position: node.get("position")?.count()?,
        verdict: node.get("verdict")?.verdict()?,
        reason: node.get("reason")?.maybe(Node::text)?,
        tags: node.get("tags")?.map(|tag| tag.text())?,
        started_ns: node.get("started")?.number()?,
        attempts: node.get("attempts")?.small()?,
        duration: node.get("duration_ns")?.duration()?,
        steps: steps(&node.get("steps")?, &more.get("steps")?)?,
        earlier,
        repeat,
        ..TestRecord::new(node.get("name")?.text()?, source, node.get("line")?.count()?)
    })
}

fn step(node: &Node<'_>, more: &Node<'_>, parts: &Parts) -> Result<StepRecord, String> {
    let timing = node.get("timing")?;
    let trace = more.get("trace")?;
    let find = |at: &Node<'_>| parts.traces.get(at.count()?).cloned().ok_or_else(|| at.wrong("one of the `traces`"));
    let trace = trace.maybe(find)?;
    let rows = trace.as_ref().map_or(0, |trace| trace.len());
    Ok(StepRecord {
        trace_id: node.get("trace_id")?.maybe(Node::id)?,
        link: node.get("link")?.maybe(Node::text)?,
        request: node.get("request")?.maybe(request)?,
        answer: node.get("answer")?.maybe(answer)?,
        program: node.get("program")?.maybe(program)?,
        verdict: node.get("verdict")?.verdict()?,
        expectations: node
            .get("expectations")?
            .map_with(&more.get("expectations")?, |node, more| expectation(&node, &more, rows))?,
        remarks: node.get("remarks")?.map(|remark| remark.text())?,
        error: node.get("error")?.maybe(Node::text)?,
        timing: Timing {
            trigger: timing.get("trigger_ns")?.duration()?,
            wait: timing.get("wait_ns")?.duration()?,
            after_last_span: timing.get("after_last_span_ns")?.maybe(Node::duration)?,
            settled_by: timing.get("settled_by")?.text()?,
            polls: timing.get("polls")?.small()?,
        },
        log: more.get("log")?.maybe(Node::text)?,
        logs: node.get("logs")?.map(|node| process(&node))?,
        trace,
        late: node.get("late")?.flag()?,
        settled: node.get("settled")?.flag()?,
        rejudged: node.get("rejudged")?.maybe(Node::text)?,
        injected: more.get("injected")?.map(|id| id.id())?,
        ..StepRecord::new(&node.get("name")?.text()?)
    })
}

fn request(node: &Node<'_>) -> Result<RequestRecord, String> {
    let protocol = node.get("protocol")?;
    Ok(RequestRecord {
        protocol: match protocol.value.as_str() {
            Some("http") => Protocol::Http,
            Some("grpc") => Protocol::Grpc,
            _ => return Err(protocol.wrong("`http` or `grpc`")),
        },
        method: node.get("method")?.text()?,
        url: node.get("url")?.text()?,
        headers: pairs(&node.get("headers")?)?,
        body: node.get("body")?.maybe(body)?,
    })
}

fn answer(node: &Node<'_>) -> Result<AnswerRecord, String> {
    let status = node.get("status")?;
    Ok(AnswerRecord {
        status: u16::try_from(status.number()?).map_err(|_| status.wrong("a status"))?,
        message: node.get("message")?.maybe(Node::text)?,
        headers: pairs(&node.get("headers")?)?,
        body: body(&node.get("body")?)?,
    })
}

fn program(node: &Node<'_>) -> Result<ProgramRecord, String> {
    Ok(ProgramRecord {
        argv: node.get("argv")?.map(|word| word.text())?,
        env: pairs(&node.get("env")?)?,
        directory: node.get("directory")?.text()?,
        ending: node.get("ending")?.maybe(Node::text)?,
        stdout: node.get("stdout")?.maybe(body)?,
        stderr: node.get("stderr")?.maybe(body)?,
    })
}

fn pairs(node: &Node<'_>) -> Result<Vec<(String, String)>, String> {
    node.map(|pair| match &pair.list()?[..] {
        [name, value] => Ok((name.text()?, value.text()?)),
        _ => Err(pair.wrong("a name and a value")),
    })
}

fn body(node: &Node<'_>) -> Result<BodyRecord, String> {
    Ok(BodyRecord { text: node.get("text")?.text()?, bytes: node.get("bytes")?.number()? })
}

fn expectation(node: &Node<'_>, more: &Node<'_>, rows: usize) -> Result<ExpectationRecord, String> {
    let family = node.get("family")?;
    // A family is named like the key of the spec that it stands under.
    let keys = || forms::ALL.iter().flat_map(|form| form.keys).map(|key| key.name);
    let known = keys().find(|key| Some(*key) == family.value.as_str());
    Ok(ExpectationRecord {
        path: node.get("path")?.text()?,
        at: more.get("at")?.span()?,
        family: known.ok_or_else(|| family.wrong("a key of the spec language"))?,
        verdict: node.get("verdict")?.verdict()?,
        findings: node.get("findings")?.map_with(&more.get("findings")?, |node, more| finding(&node, &more, rows))?,
    })
}

fn finding(node: &Node<'_>, more: &Node<'_>, rows: usize) -> Result<Finding, String> {
    let rule = node.get("rule")?;
    let known = RuleId::ALL.iter().copied().find(|known| Some(known.id()) == rule.value.as_str());
    let verdict = node.get("verdict")?;
    let row = |at: Node<'_>| {
        let ix = SpanIx(at.small()?);
        if ix.index() < rows { Ok(ix) } else { Err(at.wrong("a span of the trace")) }
    };
    Ok(Finding {
        rule: known.ok_or_else(|| rule.wrong("a rule"))?,
        verdict: match verdict.value.as_str() {
            Some("fail") => assert::Verdict::Fail,
            Some("inconclusive") => assert::Verdict::Inconclusive,
            _ => return Err(verdict.wrong("`fail` or `inconclusive`")),
        },
        at: more.get("at")?.span()?,
        expectation: more.get("path")?.text()?,
        message: node.get("message")?.text()?,
        expected: node.get("expected")?.text()?,
        actual: node.get("actual")?.text()?,
        hint: node.get("hint")?.maybe(Node::text)?,
        span_ids: node.get("span_ids")?.map(|id| id.id())?,
        rows: more.get("rows")?.map(row)?,
        pair: more.get("pair")?.maybe(|pair| match pair.map(row)?[..] {
            [first, then] => Ok((first, then)),
            _ => Err(pair.wrong("two spans")),
        })?,
        absent: node.get("absent")?.map_with(&more.get("absent")?, |one, more| {
            Ok(Absent { below: row(more)?, id: one.get("below")?.id()?, what: one.get("what")?.text()? })
        })?,
        lacks: more.get("lacks")?.map(|lack| {
            let (service, selection) = (lack.get("service")?, lack.get("selection")?);
            match service.maybe(Node::text)? {
                Some(name) => Ok(Lack::Service(name)),
                None => selection.text().map(Lack::Selection),
            }
        })?,
    })
}
