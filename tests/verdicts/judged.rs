//! A seed's trace and spec through the public API. What a change of that API breaks is mended here and nowhere else.

use super::analyses::{add_loop, analyses};
use super::dice::Dice;
use super::spans::{System, TRACE};
use super::specs::{Body, Part, body};
use super::systems::{NAMES, RUNNER, SERVICES, system};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracespec::assert::{Context, Judgement, Verdict, Witnessed, judge, shape};
use tracespec::facts::CallKey;
use tracespec::spec::plan::TraceExpectations;
use tracespec::spec::{Files, LoadOptions, load};
use tracespec::trace::{Injected, Phase, SpanId, Trace, TraceBuilder, TraceId};

pub(crate) const PHASES: [Phase; 5] =
    [Phase::Growing, Phase::Settled, Phase::Confirmed, Phase::Stalled, Phase::Expired];

/// What a seed stands for.
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) system: System,
    pub(crate) body: Body,
    accepted: Option<String>,
    context: Context,
}

/// The verdicts on one expectation, one letter for each phase.
pub(crate) struct Judged {
    pub(crate) path: String,
    pub(crate) letters: String,
}

impl Case {
    pub(crate) fn new(seed: u64) -> Case {
        let mut dice = Dice::new(seed);
        let system = system(&mut dice);
        let body = body(&mut dice, &system);
        let accepted = accepted(&mut dice, &system);
        let context = context(&mut dice);
        Case { seed, system, body, accepted, context }
    }

    /// The same system under expectations of what analyses find.
    pub(crate) fn of_analyses(seed: u64) -> Case {
        let mut dice = Dice::new(seed);
        let mut system = system(&mut dice);
        add_loop(&mut dice, &mut system);
        let mut case = Case { body: analyses(&mut dice, &system), system, ..Case::new(seed) };
        let mut refused = case.body.clone();
        if case.read(&refused).is_none() {
            case.leave_out(&mut refused);
            case.body = refused;
        }
        case
    }

    /// The verdicts, with what the reader refuses left out and named.
    pub(crate) fn judged(&self) -> (Vec<Judged>, Vec<&'static str>) {
        let mut body = self.body.clone();
        let mut refused = Vec::new();
        let mut read = self.read(&body);
        if read.is_none() {
            refused = self.leave_out(&mut body);
            read = self.read(&body);
        }
        let Some(expect) = read else { return (Vec::new(), vec!["all"]) };
        let trace = build(&self.system);
        let mut all: Vec<Judged> = expect
            .list
            .iter()
            .map(|at| Judged { path: at.path.trim_start_matches("trace.").to_owned(), letters: String::new() })
            .collect();
        for phase in PHASES {
            for (at, judgement) in judge(&trace, &expect, phase, &self.context).iter().enumerate() {
                all[at].letters.push(letter(judgement));
            }
        }
        (all, refused)
    }

    /// Of each refused part, its key; a part of a list is replaced, so that those behind it keep their places.
    fn leave_out(&self, body: &mut Body) -> Vec<&'static str> {
        let mut refused = Vec::new();
        for name in &mut body.names {
            let alone =
                Body { names: [name.clone(), "{ select: { name: x }, as: other }".to_owned()], parts: Vec::new() };
            if self.read(&alone).is_none() {
                let declared = if name.ends_with("as: p }") { "p" } else { "q" };
                *name = format!("{{ select: {{ name: x }}, as: {declared} }}");
                refused.push("spans");
            }
        }
        let names = body.names.clone();
        body.parts.retain_mut(|part| {
            let alone = Body { names: names.clone(), parts: vec![part.clone()] };
            if self.read(&alone).is_some() {
                return true;
            }
            refused.push(part.key);
            let instead = match part.key {
                "spans" => "{ select: { name: x } }",
                "order" => "p -> q",
                "traceql" => "'{ name = \"x\" }'",
                _ => return false,
            };
            *part = Part { key: part.key, value: instead.to_owned() };
            true
        });
        refused
    }

    fn read(&self, body: &Body) -> Option<TraceExpectations> {
        let accepted = Accepted(self.accepted.as_deref());
        let options = LoadOptions { files: &accepted, ..LoadOptions::default() };
        let (plan, diagnostics) = load(vec![(PathBuf::from("a.yaml"), spec(body).into_bytes())], &options);
        if diagnostics.iter().any(is_refused) {
            return None;
        }
        plan.files[0].tests[0].steps[0].trace.clone()
    }

    /// Why the reader refuses the spec, if it does.
    pub(crate) fn refusal(&self) -> Option<String> {
        let accepted = Accepted(self.accepted.as_deref());
        let options = LoadOptions { files: &accepted, ..LoadOptions::default() };
        let (_, diagnostics) = load(vec![(PathBuf::from("a.yaml"), spec(&self.body).into_bytes())], &options);
        let render = || tracespec::diag::render(&diagnostics, tracespec::diag::RenderOptions::default());
        diagnostics.iter().any(is_refused).then(render)
    }

    /// All that is said in every phase, and of the trace as it arrives and of its spans in reverse, by expectation.
    pub(crate) fn said_both_ways(&self) -> Vec<(String, [String; 2])> {
        // Bounds as narrow as makes them say most, where the body has none.
        const NARROW: [(&str, &str); 5] = [
            ("repeats", "{ per_parent: 1, per_trace: 1 }"),
            ("serial", "{ saving: 0s }"),
            ("fan_out", "1"),
            ("chain", "0"),
            ("concurrency", "1"),
        ];
        let mut body = self.body.clone();
        let has = |body: &Body, key: &str| body.parts.iter().any(|part| part.key == key);
        for (key, value) in NARROW.into_iter().filter(|(key, _)| !has(&self.body, key)) {
            body.parts.push(Part { key, value: value.to_owned() });
        }
        let Some(expect) = self.read(&body) else { return Vec::new() };
        let mut reversed = self.system.clone();
        reversed.drafts.reverse();
        let traces = [build(&self.system), build(&reversed)];
        let said = traces.each_ref().map(|trace| {
            let by_phase = PHASES.map(|phase| judge(trace, &expect, phase, &self.context));
            let of = |at: usize| by_phase.iter().map(|all| format!("{:?}\n", all[at])).collect::<String>();
            (0..expect.list.len()).map(of).collect::<Vec<String>>()
        });
        let [one, other] = said;
        let paths = expect.list.iter().map(|at| at.path.clone());
        paths.zip(one.into_iter().zip(other)).map(|(path, (one, other))| (path, [one, other])).collect()
    }

    /// All verdicts in one line.
    pub(crate) fn line(&self) -> String {
        let (judged, refused) = self.judged();
        let mut line = self.seed.to_string();
        for key in refused {
            let _ = write!(line, " !{key}");
        }
        for Judged { path, letters } in judged {
            let _ = write!(line, " {path}={letters}");
        }
        line
    }

    /// What a person needs in order to judge by hand.
    pub(crate) fn shown(&self) -> String {
        let System { unit, known, partial, untyped, invalid, .. } = &self.system;
        let mut text = format!(
            "seed {}: unit {unit} ns, request's span known: {known}, partial: {partial}, untyped: {untyped}, \
             a span without an id: {invalid}\nsilent: {:?}\nwitnessed: {:?}\n",
            self.seed, self.context.silent, self.context.witnessed
        );
        let _ = write!(text, "{}\n{}\n", spec(&self.body), self.system.otlp_json());
        if let Some(accepted) = &self.accepted {
            let _ = write!(text, "accepted shape:\n{accepted}");
        }
        for phase in [Phase::Confirmed] {
            let Some(expect) = self.read(&self.body) else { break };
            for judgement in judge(&build(&self.system), &expect, phase, &self.context) {
                let path = &expect.list[judgement.expectation].path;
                for finding in &judgement.findings {
                    let _ = writeln!(text, "{phase:?} {path} {:?}: {}", judgement.verdict, finding.message);
                }
                for remark in &judgement.remarks {
                    let _ = writeln!(text, "{phase:?} {path} {:?}, remark: {remark}", judgement.verdict);
                }
            }
        }
        text
    }
}

/// `P` is a pass that rests on something nobody has seen.
fn letter(judgement: &Judgement) -> char {
    match judgement.verdict {
        Verdict::Pass if !judgement.unseen.is_empty() => 'P',
        Verdict::Pass => 'p',
        Verdict::Fail => 'f',
        Verdict::Inconclusive => 'i',
        Verdict::Open => 'o',
    }
}

fn spec(body: &Body) -> String {
    format!("tests:\n  - name: t\n    trace_id: 4bf92f3577b34da6a3ce929d0e0e4736\n    trace:\n{}", body.text())
}

struct Accepted<'a>(Option<&'a str>);

impl Files for Accepted<'_> {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        self.0.map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// The document with the mark of values without types in every list of attributes.
fn untyped(document: &str) -> String {
    fn mark(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                if let Some(serde_json::Value::Array(list)) = fields.get_mut("attributes") {
                    list.push(serde_json::json!({ "key": "@tracespec@untyped", "value": { "boolValue": true } }));
                }
                // Those of events and links go with their span's.
                fields
                    .iter_mut()
                    .filter(|(key, _)| !matches!(key.as_str(), "events" | "links"))
                    .for_each(|(_, at)| mark(at));
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(mark),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(document).expect("the generator writes JSON");
    mark(&mut value);
    value.to_string()
}

fn build(system: &System) -> Trace {
    let mut spans = TraceBuilder::new();
    let text = if system.untyped { untyped(&system.otlp_json()) } else { system.otlp_json() };
    tracespec::wire::otlp_json::read(&text, &mut spans).expect("the generator writes OTLP JSON");
    if system.partial {
        spans.set_partial();
    }
    if system.invalid {
        spans.invalid_spans(1);
    }
    let id = |number| TraceId::new(number).expect("not zero");
    let linked: &[TraceId] = if system.linked { &[id(TRACE + 1)] } else { &[] };
    let runner = SpanId::new(RUNNER).expect("not zero");
    let injected = if system.known { Injected::Known(vec![runner]) } else { Injected::Unknown };
    spans.build(id(TRACE), linked, &injected)
}

/// The accepted shape: that of this trace, that of one that differs a little, or none.
fn accepted(dice: &mut Dice, system: &System) -> Option<String> {
    let mut other = system.clone();
    match dice.below(6) {
        0 => return None,
        1 | 2 => {}
        3 => {
            other.drafts.pop();
        }
        4 => {
            let at = dice.index(other.drafts.len().max(1));
            other.drafts.get_mut(at).into_iter().for_each(|span| span.name = dice.pick(&NAMES));
        }
        _ => {
            let mut again = other.drafts.last().cloned()?;
            again.id += 100;
            other.drafts.push(again);
        }
    }
    Some(shape(&build(&other)))
}

fn context(dice: &mut Dice) -> Context {
    let mut witnessed = Witnessed::default();
    let mut context = Context::default();
    if dice.coin() {
        let some =
            |dice: &mut Dice, all: &[&str]| all.iter().filter(|_| dice.coin()).map(|at| (*at).to_owned()).collect();
        witnessed.services = some(dice, &SERVICES);
        witnessed.span_names = some(dice, &NAMES);
        witnessed.attribute_keys =
            some(dice, &["k", "t", "http.response.status_code", "service.name", "db.system.name"]);
        for _ in 0..dice.below(4) {
            witnessed.calls.insert(CallKey {
                caller: dice.pick(&SERVICES).to_owned(),
                peer: dice.pick(&["a", "b", "c", "d", "kafka"]).to_owned(),
                operation: dice.pick(&["", "", "/o", "q"]).to_owned(),
            });
        }
    }
    context.witnessed = Arc::new(witnessed);
    if dice.one_in(5) {
        context.silent.insert(dice.pick(&["a", "b", "c", "d", "postgresql", "kafka"]).to_owned());
    }
    context
}

/// Whether the reader refuses a spec for more than an expectation that nothing could violate: that one has a verdict, too.
fn is_refused(diagnostic: &tracespec::diag::Diagnostic) -> bool {
    diagnostic.severity == tracespec::diag::Severity::Error && diagnostic.code != tracespec::diag::Code::AlwaysMatches
}
