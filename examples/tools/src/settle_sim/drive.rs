//! One run: its tests wait for their traces side by side, sharing what they learn.

use super::family::Family;
use super::judge::{Expectation, Sight, Verdict, judge};
use super::system::{Case, Fate, Made, System, request};
use super::tell::{span_id, tell};
use super::transport::{Arrival, arrivals};
use super::{MS, between, chance};
use fastrand::Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use tracespec::backend::settle::poll::{READ_TIMEOUT_NS, Schedule};
use tracespec::backend::settle::{Read, Reason, Request, Run, SECOND, Step, Watch};
use tracespec::trace::{Phase, Trace};

/// What came of one test.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub expectation: Expectation,
    pub violated: bool,
    /// Whether spans were lost, so that a red is right whatever was violated.
    pub lost: bool,
    pub verdict: Verdict,
    /// The phase in which it was decided.
    pub phase: Phase,
    /// Whether a green turned red by what came before the run ended.
    pub late: bool,
    /// Whether all that the system made could be read before the deadline.
    pub in_time: bool,
    /// From the response to the verdict.
    pub wait: u64,
    /// Whether the verdict came no later than the deadline and a read.
    pub ended: bool,
    /// Why a wrong green could not be seen, if that is of a kind known to be invisible.
    pub invisible: Option<&'static str>,
    /// For whoever looks into a wrong verdict.
    pub story: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Respond,
    Arrive,
    Wake(u64),
    Ask,
    Answer { asked: u64, shown: Shown },
    Deadline,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    /// So many of the arrivals, or a part of them, picked by this seed.
    Spans(usize, Option<u64>),
    Nothing,
    Failed {
        retry_after: Option<u64>,
    },
}

struct Test {
    case: Case,
    arrivals: Vec<Arrival>,
    watch: Watch,
    schedule: Schedule,
    alarm: u64,
    // Traces by how many arrivals they hold; the last one made.
    last: Option<(usize, Arc<Trace>)>,
    decided: Option<(u64, Verdict, Phase)>,
    seen_at_verdict: usize,
    late: bool,
}

/// Knobs of a simulation beside the family.
#[derive(Debug, Clone, Copy, Default)]
pub struct Knobs {
    /// Adds the spans of a reading in another order. Must change nothing.
    pub shuffle: u64,
    /// Takes a complete trace for settled once every instance seen in it has exported something that ended after the
    /// response. A shortcut that looks sound and is not: the instance not seen yet is the one that matters.
    pub watermark: bool,
}

/// Simulates a run of so many tests.
pub fn simulate(family: &Family, tests: usize, seed: u64, knobs: Knobs) -> Vec<Outcome> {
    let mut rng = Rng::with_seed(seed);
    let family = &family.drawn(&mut rng);
    let system = System::new(family, &mut rng);
    let mut sent = 5 * SECOND;
    let mut cases: Vec<Case> = (0..tests)
        .map(|_| {
            sent += between(&mut rng, family.gap);
            request(&system, family, &mut rng, sent)
        })
        .collect();
    let mut found = arrivals(&system, family, &mut cases, &mut rng).into_iter();
    let mut world = World {
        family,
        knobs,
        rng,
        run: Run::default(),
        events: BinaryHeap::new(),
        tests: Vec::with_capacity(tests),
        order: 0,
        exported: vec![0; system.instances.len()],
    };
    for case in cases {
        world.add(case, found.next().unwrap_or_default());
    }
    world.go()
}

struct World<'a> {
    family: &'a Family,
    knobs: Knobs,
    rng: Rng,
    run: Run,
    // By time, then by order of making: nothing depends on the heap.
    events: BinaryHeap<Reverse<(u64, u64, usize, What)>>,
    tests: Vec<Test>,
    order: u64,
    /// For the watermark: per instance, up to when it has exported what ended.
    exported: Vec<u64>,
}

impl World<'_> {
    fn add(&mut self, case: Case, arrivals: Vec<Arrival>) {
        let test = self.tests.len();
        let mut watch = Watch::new(self.family.config.clone(), case.sent);
        for (id, host) in &case.requests {
            watch.request(Request {
                span: span_id(*id),
                peer: host.clone(),
                operation: "GET /".to_owned(),
                error: false,
            });
        }
        let deadline = case.responded + self.family.config.timeout_ns;
        self.at(case.responded, test, What::Respond);
        if self.family.config.pipeline.notifies() {
            let mut last = None;
            for arrival in &arrivals {
                if last.replace(arrival.at) != Some(arrival.at) {
                    self.at(arrival.at, test, What::Arrive);
                }
            }
        }
        self.tests.push(Test {
            schedule: Schedule::new(case.responded, deadline),
            case,
            arrivals,
            watch,
            alarm: 0,
            last: None,
            decided: None,
            seen_at_verdict: 0,
            late: false,
        });
    }

    fn at(&mut self, time: u64, test: usize, what: What) {
        self.order += 1;
        self.events.push(Reverse((time, self.order, test, what)));
    }

    fn go(mut self) -> Vec<Outcome> {
        let mut open = self.tests.len();
        let mut now = 0;
        while open > 0 {
            let Some(Reverse((time, _, test, what))) = self.events.pop() else { break };
            now = time;
            let before = self.run.version();
            let arrived = what == What::Arrive;
            self.handle(now, test, what);
            if self.knobs.watermark && arrived {
                self.mark(now, test);
            }
            open = self.tests.iter().filter(|test| test.decided.is_none()).count();
            if before != self.run.version() && self.family.config.pipeline.notifies() {
                self.wake_all(now);
            }
        }
        self.last_reads(now);
        self.tests.iter().map(|test| outcome(test, self.family)).collect()
    }

    /// Something arrived: the watermark may have passed what other tests wait for.
    fn mark(&mut self, now: u64, arrived: usize) {
        let Test { arrivals, case, .. } = &self.tests[arrived];
        for arrival in arrivals.iter().filter(|arrival| arrival.at == now) {
            let span = &case.spans[arrival.span];
            self.exported[span.instance] = self.exported[span.instance].max(span.end);
        }
        for at in 0..self.tests.len() {
            let Test { arrivals, case, watch, decided, .. } = &mut self.tests[at];
            if decided.is_some() || case.responded > now || watch.trace().is_none() {
                continue;
            }
            let mut seen = arrivals.iter().take_while(|arrival| arrival.at <= now);
            let passed = seen.all(|arrival| self.exported[case.spans[arrival.span].instance] > case.responded);
            let mut step = watch.tick(now, &mut self.run);
            if passed && !step.waiting_for.iter().any(Reason::is_structural) && step.phase == Phase::Growing {
                step.phase = Phase::Settled;
                self.heed(now, at, &step);
            }
        }
    }

    /// Something was learned: whoever waits by an alarm looks again.
    fn wake_all(&mut self, now: u64) {
        for test in 0..self.tests.len() {
            if self.tests[test].decided.is_none() && self.tests[test].watch.trace().is_some() {
                let alarm = self.tests[test].alarm;
                self.at(now, test, What::Wake(alarm));
            }
        }
    }

    fn handle(&mut self, now: u64, at: usize, what: What) {
        let decided = self.tests[at].decided.is_some();
        let step = match what {
            What::Respond => {
                self.tests[at].watch.responded(now);
                if let Some(deadline) = self.tests[at].watch.deadline() {
                    self.at(deadline, at, What::Deadline);
                }
                if !self.family.config.pipeline.notifies() {
                    self.at(now, at, What::Ask);
                    return;
                }
                self.tests[at].watch.tick(now, &mut self.run)
            }
            What::Arrive => {
                let trace = self.reading(at, now, None);
                self.tests[at].watch.snapshot(Read::at(now), trace, &mut self.run)
            }
            What::Wake(alarm) if alarm == self.tests[at].alarm && !decided => {
                self.tests[at].watch.tick(now, &mut self.run)
            }
            What::Deadline if !decided => self.tests[at].watch.tick(now, &mut self.run),
            What::Ask if !decided => {
                let (time, shown) = self.ask(at, now);
                self.at(time, at, What::Answer { asked: now, shown });
                return;
            }
            What::Answer { asked, shown } if !decided => return self.answer(now, at, asked, shown),
            _ => return,
        };
        self.heed(now, at, &step);
        if self.family.config.pipeline.notifies()
            && let Some(wake) = step.wake_at
        {
            self.tests[at].alarm += 1;
            let alarm = self.tests[at].alarm;
            self.at(wake, at, What::Wake(alarm));
        }
    }

    fn ask(&mut self, at: usize, now: u64) -> (u64, Shown) {
        if chance(&mut self.rng, self.family.hangs) {
            return (now + READ_TIMEOUT_NS, Shown::Failed { retry_after: None });
        }
        let latency = between(&mut self.rng, (MS / 2, 20 * MS));
        if chance(&mut self.rng, self.family.failures) {
            let retry_after = self.rng.bool().then_some(SECOND);
            return (now + latency, Shown::Failed { retry_after });
        }
        let moment = now + between(&mut self.rng, (0, latency));
        let arrivals = &self.tests[at].arrivals;
        let count = arrivals.partition_point(|arrival| arrival.at <= moment);
        let idle = count.checked_sub(1).map(|last| moment - arrivals[last].at);
        let flap = self.family.flap && idle.is_some_and(|idle| (5 * SECOND..5 * SECOND + 40 * MS).contains(&idle));
        let part = chance(&mut self.rng, self.family.shrinks).then(|| self.rng.u64(..));
        let shown = if count == 0 || flap { Shown::Nothing } else { Shown::Spans(count, part) };
        (now + latency, shown)
    }

    fn answer(&mut self, now: u64, at: usize, asked: u64, shown: Shown) {
        let read = Read::between(asked, now);
        let mut retry = None;
        let step = match shown {
            Shown::Failed { retry_after } => {
                retry = retry_after;
                self.tests[at].watch.failed_read(now, "unavailable", &mut self.run)
            }
            Shown::Nothing => self.tests[at].watch.nothing(read, &mut self.run),
            Shown::Spans(count, part) => {
                let trace = self.reading_of(at, count, part);
                self.tests[at].watch.snapshot(read, trace, &mut self.run)
            }
        };
        self.heed(now, at, &step);
        if self.tests[at].decided.is_some() {
            return;
        }
        let test = &mut self.tests[at];
        let next = match retry {
            Some(after) => test.schedule.retry_after(now, after),
            None => test.schedule.next(now, step.wake_at, &mut self.rng),
        };
        if let Some(next) = next {
            self.at(next, at, What::Ask);
        }
    }

    fn heed(&mut self, now: u64, at: usize, step: &Step) {
        let test = &mut self.tests[at];
        let sight = test.watch.trace().map(|trace| Sight::of(trace)).unwrap_or_default();
        let verdict = judge(test.case.expectation, &sight, step.phase);
        if let Some((_, Verdict::Pass, _)) = test.decided {
            test.late |= step.late > 0 && verdict == Verdict::Fail;
            return;
        }
        if test.decided.is_some() || verdict == Verdict::Open {
            return;
        }
        // Without a span there is nothing to judge: that is an error, told apart by the caller.
        let verdict = if test.watch.trace().is_none() { Verdict::Inconclusive } else { verdict };
        test.decided = Some((now, verdict, step.phase));
        test.seen_at_verdict = test.watch.trace().map_or(0, |trace| trace.len());
        test.watch.decided();
    }

    /// What the embedded receiver has of a trace now.
    fn reading(&mut self, at: usize, now: u64, part: Option<u64>) -> Arc<Trace> {
        let count = self.tests[at].arrivals.partition_point(|arrival| arrival.at <= now);
        self.reading_of(at, count, part)
    }

    fn reading_of(&mut self, at: usize, count: usize, part: Option<u64>) -> Arc<Trace> {
        let test = &mut self.tests[at];
        if part.is_none()
            && let Some((held, trace)) = &test.last
            && *held == count
        {
            return trace.clone();
        }
        let mut rows: Vec<usize> = test.arrivals[..count].iter().map(|arrival| arrival.span).collect();
        if let Some(seed) = part {
            let mut rng = Rng::with_seed(seed);
            rows.retain(|_| rng.bool());
        }
        let mut shuffler = Rng::with_seed(self.knobs.shuffle ^ count as u64);
        if self.knobs.shuffle != 0 {
            shuffler.shuffle(&mut rows);
        }
        let twice = self.family.duplicates;
        let told: Vec<usize> =
            rows.iter().flat_map(|&row| std::iter::repeat_n(row, if shuffler.f64() < twice { 2 } else { 1 })).collect();
        let trace = Arc::new(tell(&test.case, &told));
        if part.is_none() {
            test.last = Some((count, trace.clone()));
        }
        trace
    }

    /// A store is read once more for each green before the run ends.
    fn last_reads(&mut self, now: u64) {
        if self.family.config.pipeline.notifies() {
            return;
        }
        for at in 0..self.tests.len() {
            if !matches!(self.tests[at].decided, Some((_, Verdict::Pass, _))) {
                continue;
            }
            let trace = self.reading(at, now, None);
            let step = self.tests[at].watch.snapshot(Read::at(now), trace, &mut self.run);
            self.heed(now, at, &step);
        }
    }
}

fn outcome(test: &Test, family: &Family) -> Outcome {
    let (at, verdict, phase) = test.decided.unwrap_or((u64::MAX, Verdict::Open, Phase::Growing));
    let deadline = test.case.responded + family.config.timeout_ns;
    let arrived = test.arrivals.iter().all(|arrival| arrival.at < deadline);
    let made = test.case.spans.iter().all(|span| matches!(span.fate, Fate::Exported | Fate::Elsewhere));
    let wrong = verdict == Verdict::Pass && test.case.violated;
    Outcome {
        expectation: test.case.expectation,
        violated: test.case.violated,
        lost: test.case.spans.iter().any(|span| span.fate == Fate::Lost),
        verdict,
        phase,
        late: test.late,
        in_time: arrived && made,
        wait: at.saturating_sub(test.case.responded),
        ended: at <= deadline + READ_TIMEOUT_NS,
        invisible: if wrong { invisible(test, at) } else { None },
        story: if verdict == Verdict::Inconclusive || wrong || (verdict == Verdict::Fail && !test.case.violated) {
            story(test, at)
        } else {
            String::new()
        },
    }
}

/// Whether what was missing at the verdict is of a kind that no observer can see.
fn invisible(test: &Test, at: u64) -> Option<&'static str> {
    let missing: Vec<(&Made, Option<&Arrival>)> = test
        .case
        .spans
        .iter()
        .enumerate()
        .map(|(row, span)| (span, test.arrivals.iter().find(|arrival| arrival.span == row)))
        .filter(|(_, arrival)| arrival.is_none_or(|arrival| arrival.at > at))
        .collect();
    let lost = missing.iter().any(|(span, _)| span.fate == Fate::Lost);
    let retried = missing.iter().any(|(_, arrival)| arrival.is_some_and(|arrival| arrival.retried));
    let unannounced = missing.iter().any(|(span, _)| span.unannounced);
    let background = missing.iter().any(|(span, _)| span.end > test.case.responded);
    match () {
        _ if lost => Some("lost spans"),
        _ if retried => Some("a retry later than the quiet"),
        _ if unannounced => Some("a call without a CLIENT span"),
        _ if background => Some("work that outlasts the quiet"),
        _ => None,
    }
}

fn story(test: &Test, at: u64) -> String {
    let mut lines = vec![format!(
        "{:?} of {:?} violated={} sent {} responded {} verdict at +{} ms in {:?}",
        test.case.expectation,
        test.watch.config(),
        test.case.violated,
        test.case.sent / MS,
        test.case.responded / MS,
        at.saturating_sub(test.case.responded) / MS,
        test.watch.phase(),
    )];
    for (row, span) in test.case.spans.iter().enumerate() {
        let arrival = test.arrivals.iter().find(|arrival| arrival.span == row);
        let arrived = arrival.map_or("never".to_owned(), |arrival| {
            format!("{:+} ms", (arrival.at as i64 - test.case.responded as i64) / MS as i64)
        });
        lines.push(format!(
            "  {:016x} < {:016x} s{} i{} {:?} {} ended {:+} arrived {arrived} {:?} {}",
            span.id,
            span.parent,
            span.service,
            span.instance,
            span.kind,
            span.name,
            (span.end as i64 - test.case.responded as i64) / MS as i64,
            span.fate,
            if span.error { "error" } else { "" },
        ));
    }
    lines.push(test.watch.log().to_string());
    lines.join("\n")
}
