//! What happened, without secrets: every text of an event as reporters may show it.
//!
//! Records are taken apart field by field, so that a new one cannot be forgotten here.

mod repeat;

use super::Needs;
use crate::assert::{Absent, Finding};
use crate::redact::Redactor;
use crate::run::event::{TestName, What};
use crate::run::record::{
    AnswerRecord, AttemptRecord, BodyRecord, EnvironmentRecord, ExpectationRecord, ProcessRecord, ProgramRecord,
    RequestRecord, RunRecord, StepRecord, TestRecord, Timing, Verdict,
};
use crate::source::SourceFile;
use crate::trace::Trace;
use crate::view::redacted;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One redaction: files and traces that occur in many records are redacted once.
pub(super) struct Redacted<'r> {
    redactor: &'r Redactor,
    needs: Needs,
    sources: HashMap<*const SourceFile, Arc<SourceFile>>,
    traces: HashMap<*const Trace, Arc<Trace>>,
}

impl<'r> Redacted<'r> {
    /// With as much as reporters need.
    pub(super) fn new(redactor: &'r Redactor, needs: Needs) -> Redacted<'r> {
        Redacted { redactor, needs, sources: HashMap::new(), traces: HashMap::new() }
    }

    /// Hands what happened, without secrets, to `then`.
    pub(super) fn hand(&mut self, what: &What<'_>, then: &mut dyn FnMut(What<'_>)) {
        let redactor = self.redactor;
        let text = |text| redactor.text(text);
        let file = |test: &TestName<'_>| self.redactor.text(&test.file.to_string_lossy()).into_owned();
        match what {
            What::RunStarted { tests, files, backend, seed } => {
                then(What::RunStarted { tests: *tests, files: *files, backend: &text(backend), seed: *seed });
            }
            What::ProcessReused { name, why } => {
                then(What::ProcessReused { name: &text(name), why: &text(why) });
            }
            What::ProcessStarting { name, command } => {
                let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
                let command = redactor.words(&words).join(" ");
                then(What::ProcessStarting { name: &text(name), command: &text(&command) });
            }
            What::ProcessStillStarting { name, waited, last_line } => {
                let last_line = last_line.map(text);
                then(What::ProcessStillStarting {
                    name: &text(name),
                    waited: *waited,
                    last_line: last_line.as_deref(),
                });
            }
            What::ProcessReady { name, after } => then(What::ProcessReady { name: &text(name), after: *after }),
            What::TestStarted { test, attempt } => {
                let (name, file) = (text(test.name), file(test));
                let test = TestName { name: &name, file: Path::new(&file), line: test.line };
                then(What::TestStarted { test, attempt: *attempt });
            }
            What::StepStarted { test, step } => {
                let (name, file) = (text(test.name), file(test));
                let test = TestName { name: &name, file: Path::new(&file), line: test.line };
                then(What::StepStarted { test, step: &text(step) });
            }
            What::Waiting { test, step, trace_id, phase, spans, reason, deadline_ns } => {
                let (name, file) = (text(test.name), file(test));
                let test = TestName { name: &name, file: Path::new(&file), line: test.line };
                let (step, reason) = (text(step), text(reason));
                let (trace_id, phase, spans, deadline_ns) = (*trace_id, *phase, *spans, *deadline_ns);
                then(What::Waiting { test, step: &step, trace_id, phase, spans, reason: &reason, deadline_ns });
            }
            What::StepFinished { test, record } => {
                let (name, file) = (text(test.name), file(test));
                let test = TestName { name: &name, file: Path::new(&file), line: test.line };
                then(What::StepFinished { test, record: &self.step(record) });
            }
            What::Repeating { test, runs, begun, judged, not_passed } => {
                let (name, file) = (text(test.name), file(test));
                let test = TestName { name: &name, file: Path::new(&file), line: test.line };
                let (runs, begun, judged, not_passed) = (*runs, *begun, *judged, *not_passed);
                then(What::Repeating { test, runs, begun, judged, not_passed });
            }
            What::TestFinished(test) => then(What::TestFinished(&self.test(test))),
            What::TestRejudged(test) => then(What::TestRejudged(&self.test(test))),
            What::Warning(words) => then(What::Warning(&text(words))),
            What::RunFinished(run) => then(What::RunFinished(&self.run(run))),
        }
    }

    fn text(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }
    fn maybe(&self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }
    fn texts(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    fn run(&mut self, run: &RunRecord) -> RunRecord {
        let RunRecord {
            tests,
            errors,
            remarks,
            started_ns,
            duration,
            seed,
            interrupted,
            environment,
            processes,
            shard,
        } = run;
        RunRecord {
            tests: tests.iter().map(|test| self.test(test)).collect(),
            errors: self.texts(errors),
            remarks: self.texts(remarks),
            started_ns: *started_ns,
            duration: *duration,
            seed: *seed,
            interrupted: *interrupted,
            environment: self.environment(environment),
            processes: processes.iter().map(|process| self.process(process)).collect(),
            // Numbers, and a hash of names.
            shard: shard.clone(),
        }
    }

    fn environment(&self, environment: &EnvironmentRecord) -> EnvironmentRecord {
        let EnvironmentRecord { version, backend, host, commit } = environment;
        EnvironmentRecord {
            version: version.clone(),
            backend: self.text(backend),
            host: self.maybe(host.as_ref()),
            commit: self.maybe(commit.as_ref()),
        }
    }

    fn process(&self, process: &ProcessRecord) -> ProcessRecord {
        let ProcessRecord { name, last_lines, ended } = process;
        // As one text: a secret may have more than one line.
        let lines = self.text(&last_lines.join("\n"));
        let last_lines =
            if last_lines.is_empty() { Vec::new() } else { lines.split('\n').map(str::to_owned).collect() };
        ProcessRecord { name: self.text(name), last_lines, ended: self.maybe(ended.as_ref()) }
    }

    fn test(&mut self, test: &TestRecord) -> TestRecord {
        let TestRecord {
            name,
            source,
            line,
            position,
            verdict,
            reason,
            tags,
            started_ns,
            attempts,
            steps,
            earlier,
            duration,
            repeat,
        } = test;
        TestRecord {
            name: self.text(name),
            source: self.source(source),
            line: *line,
            position: *position,
            verdict: *verdict,
            reason: self.maybe(reason.as_ref()),
            tags: self.texts(tags),
            started_ns: *started_ns,
            attempts: *attempts,
            steps: match verdict {
                Verdict::Pass | Verdict::Skipped if self.needs < Needs::Everything => Vec::new(),
                _ => steps.iter().map(|step| self.step(step)).collect(),
            },
            earlier: earlier.iter().map(|attempt| self.attempt(attempt)).collect(),
            duration: *duration,
            repeat: repeat.as_ref().map(|repeat| Box::new(self.repeat(repeat))),
        }
    }

    fn attempt(&mut self, attempt: &AttemptRecord) -> AttemptRecord {
        let AttemptRecord { verdict, steps, duration } = attempt;
        let steps = steps.iter().map(|step| self.step(step)).collect();
        AttemptRecord { verdict: *verdict, steps, duration: *duration }
    }

    fn step(&mut self, step: &StepRecord) -> StepRecord {
        let StepRecord {
            name,
            trace_id,
            link,
            request,
            answer,
            program,
            verdict,
            expectations,
            remarks: _,
            error,
            timing,
            log,
            logs,
            trace,
            settled,
            since_last_pass,
            late,
            rejudged,
            injected,
            unwitnessed: _,
        } = step;
        let Timing { trigger, wait, after_last_span, settled_by, polls } = timing;
        StepRecord {
            name: self.text(name),
            trace_id: *trace_id,
            link: self.maybe(link.as_ref()),
            request: request.as_ref().map(|request| self.request(request)),
            answer: answer.as_ref().map(|answer| self.answer(answer)),
            program: program.as_ref().map(|program| self.program(program)),
            verdict: *verdict,
            expectations: expectations.iter().map(|expectation| self.expectation(expectation)).collect(),
            // Those on absences among them: what the run itself keeps of these is not for reporters.
            remarks: self.texts(&step.notes()),
            error: self.maybe(error.as_ref()),
            timing: Timing {
                trigger: *trigger,
                wait: *wait,
                after_last_span: *after_last_span,
                settled_by: self.text(settled_by),
                polls: *polls,
            },
            log: self.maybe(log.as_ref()),
            logs: logs.iter().map(|process| self.process(process)).collect(),
            trace: trace.as_ref().map(|trace| self.trace(trace)),
            settled: *settled,
            since_last_pass: since_last_pass.as_ref().map(|since| {
                let redactor = self.redactor;
                let text = |text: &str| redactor.text(text).into_owned();
                Arc::new(since.with_texts(&text, |trace| self.trace(trace)))
            }),
            late: *late,
            rejudged: self.maybe(rejudged.as_ref()),
            injected: injected.clone(),
            unwitnessed: Vec::new(),
        }
    }

    fn request(&self, request: &RequestRecord) -> RequestRecord {
        let RequestRecord { protocol, method, url, headers, body } = request;
        RequestRecord {
            protocol: *protocol,
            method: self.text(method),
            url: self.redactor.url(url),
            headers: self.headers(headers),
            body: body.as_ref().map(|body| self.body(body)),
        }
    }

    fn answer(&self, answer: &AnswerRecord) -> AnswerRecord {
        let AnswerRecord { status, message, headers, body } = answer;
        AnswerRecord {
            status: *status,
            message: self.maybe(message.as_ref()),
            headers: self.headers(headers),
            body: self.body(body),
        }
    }

    fn program(&self, program: &ProgramRecord) -> ProgramRecord {
        let ProgramRecord { argv, env, directory, ending, stdout, stderr } = program;
        ProgramRecord {
            argv: self.redactor.words(argv),
            env: self.headers(env),
            directory: self.text(directory),
            ending: self.maybe(ending.as_ref()),
            stdout: stdout.as_ref().map(|output| self.body(output)),
            stderr: stderr.as_ref().map(|output| self.body(output)),
        }
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let one = |(name, value): &(String, String)| (name.clone(), self.redactor.value(name, value).into_owned());
        headers.iter().map(one).collect()
    }

    fn body(&self, body: &BodyRecord) -> BodyRecord {
        let BodyRecord { text, bytes } = body;
        BodyRecord { text: self.redactor.body(text), bytes: *bytes }
    }

    fn expectation(&self, expectation: &ExpectationRecord) -> ExpectationRecord {
        let ExpectationRecord { path, at, family, verdict, findings } = expectation;
        ExpectationRecord {
            path: self.text(path),
            at: *at,
            family,
            verdict: *verdict,
            findings: findings.iter().map(|finding| self.finding(finding)).collect(),
        }
    }

    fn finding(&self, finding: &Finding) -> Finding {
        let Finding {
            rule,
            verdict,
            at,
            expectation,
            message,
            expected,
            actual,
            hint,
            span_ids,
            rows,
            pair,
            lacks,
            absent,
        } = finding;
        Finding {
            rule: *rule,
            verdict: *verdict,
            at: *at,
            expectation: self.text(expectation),
            message: self.text(message),
            expected: self.text(expected),
            actual: self.text(actual),
            hint: self.maybe(hint.as_ref()),
            span_ids: span_ids.clone(),
            rows: rows.clone(),
            pair: *pair,
            lacks: lacks.clone(),
            absent: absent.iter().map(|one| Absent { what: self.text(&one.what), ..*one }).collect(),
        }
    }

    fn source(&mut self, source: &Arc<SourceFile>) -> Arc<SourceFile> {
        let redactor = self.redactor;
        let known = self.sources.entry(Arc::as_ptr(source));
        Arc::clone(known.or_insert_with(|| {
            let path = redactor.text(&source.path().to_string_lossy()).into_owned();
            let text = in_place(redactor, source.text());
            if text == source.text() && Path::new(&path) == source.path() {
                return Arc::clone(source);
            }
            SourceFile::new(PathBuf::from(path), text)
        }))
    }

    fn trace(&mut self, trace: &Arc<Trace>) -> Arc<Trace> {
        let redactor = self.redactor;
        let known = self.traces.entry(Arc::as_ptr(trace));
        Arc::clone(known.or_insert_with(|| redacted(trace, redactor).map_or_else(|| Arc::clone(trace), Arc::new)))
    }
}

/// A spec's text without secrets and of the same length, so that places in it stay right: of a line with secrets
/// everything from the first to the last is masked.
fn in_place(redactor: &Redactor, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let clean = redactor.text(line);
        if clean == line {
            out.push_str(line);
            continue;
        }
        let before: usize =
            line.chars().zip(clean.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
        let (rest, clean) = (&line[before..], &clean[before..]);
        let after: usize =
            rest.chars().rev().zip(clean.chars().rev()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
        let masked = rest.len() - after;
        out.push_str(&line[..before]);
        out.extend(std::iter::repeat_n('*', masked));
        out.push_str(&rest[masked..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Secret;

    #[test]
    fn no_text_of_a_step_keeps_a_secret() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("s3cret"));
        let says = || "a s3cret b".to_owned();
        let mut step = StepRecord::new(&says());
        (step.error, step.log, step.rejudged) = (Some(says()), Some(says()), Some(says()));
        step.remarks = vec![says()];
        step.timing.settled_by = says();
        let masked = format!("{:?}", Redacted::new(&redactor, Needs::Everything).step(&step));
        assert!(!masked.contains("s3cret"), "{masked}");
        assert_eq!(masked.matches("a *** b").count(), 6, "{masked}");
    }

    #[test]
    fn an_outline_has_the_steps_of_what_did_not_pass() {
        let redactor = Redactor::default();
        let source = SourceFile::new("a.yaml", "");
        for verdict in [Verdict::Pass, Verdict::Flaky, Verdict::Fail, Verdict::Error, Verdict::Inconclusive] {
            let mut test = TestRecord::new("a", &source, 0);
            (test.verdict, test.steps) = (verdict, vec![StepRecord::new("")]);
            let steps = |needs| Redacted::new(&redactor, needs).test(&test).steps.len();
            assert_eq!((steps(Needs::Everything), steps(Needs::Outline)), (1, usize::from(verdict != Verdict::Pass)));
        }
    }

    #[test]
    fn a_spec_is_masked_in_place() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("s3cret-ä"));
        let text = "a: 1\nb: { x: s3cret-ä, y: 2, z: s3cret-ä } # end\nc: 3\n";
        let masked = in_place(&redactor, text);
        assert_eq!(masked.len(), text.len());
        assert!(!masked.contains("s3cret"), "{masked}");
        assert!(masked.starts_with("a: 1\nb: { x: ***") && masked.ends_with(" } # end\nc: 3\n"), "{masked}");
    }
}
