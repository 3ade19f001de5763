//! `tracespec gate`: did a build make the traces of these tests worse?

use super::args::{Common, GateArgs, GateMode, GateSetup};
use super::rounds::{self, Failed, Made};
use super::streams::{self, error, put, say};
use super::{reports, run, traffic};
use crate::diag;
use crate::engine::gate::{
    Aim, Folders, Gated, NotJudged, Rounds, Rules, add_runs, all_baselines, baselines_folder, of_folders, of_runs,
    of_stored, of_turns,
};
use crate::engine::{self, Inputs, Settings, exit, load};
use crate::gate::limits::{FEWEST_RUNS, Limits, Setup};
use crate::gate::{Verdict, record::GateRecord};
use crate::redact::Redactor;
use crate::report::{Fanout, gate};
use crate::run::event::What;
use std::io;
use std::sync::Arc;

fn usage(why: String) -> Failed {
    (exit::USAGE, why)
}
fn failed(why: String) -> Failed {
    (exit::ERROR, why)
}

/// The command; returns the exit code.
pub(crate) async fn command(args: &GateArgs, common: &Common) -> u8 {
    match gate(args, common).await {
        Ok(code) => code,
        Err((code, why)) => {
            error(&why);
            code
        }
    }
}

async fn gate(args: &GateArgs, common: &Common) -> Result<u8, Failed> {
    let wanted = reports::parse(&args.report).map_err(usage)?;
    let inputs = common.inputs(&args.selection.files(), &args.variables, args.seed);
    let (config, diagnostics) = load::config(&inputs).map_err(usage)?;
    let settings = Settings::resolve(&config, inputs.profile.as_deref());
    // What is wrong is quoted, and a secret may stand in it.
    let vars = load::run_vars(&settings, &inputs, &mut Vec::new(), &mut Vec::new());
    let own = vars.map_or_else(|_| Arc::new(Redactor::new(settings.redact.iter())), |vars| vars.redactor);
    let lines = load::shown(&diagnostics, streams::colour(common.color, &inputs.environment));
    lines.iter().for_each(|line| say(&own.text(line)));
    if diag::has_errors(&diagnostics) {
        return Ok(exit::USAGE);
    }
    let mut rules = Rules::new(limits(args), config.settings.acks.as_deref().unwrap_or_default());
    // Before anything runs: a report that cannot be written is no reason to have waited.
    let (json, others) = reports::json_apart(wanted);
    let (outputs, lost) = reports::open(&others, &inputs.environment);
    let to_stderr = reports::on_stdout(&others) || reports::on_stdout(&json);
    let judged = match lost {
        Some(why) => Err(failed(why)),
        None => judged(args, common, &inputs, &settings, &mut rules, Arc::clone(&own)).await,
    };
    // A report of an earlier gate must not pass for this one's.
    let (gated, redactor, code) = match judged {
        Ok((gated, redactor)) => {
            show(&gated, args, to_stderr, &redactor, common).map_err(|why| failed(why.to_string()))?;
            let code = code(&gated.record, args.mode);
            (gated, redactor, code)
        }
        Err((code, why)) => {
            error(&why);
            (Gated::nothing(rules.limits, why), own, code)
        }
    };
    let mut lost = false;
    for wanted in &json {
        let document = redactor.text(&gate::document(&gated.record)).into_owned();
        if let Err(why) = wanted.write(&document, &inputs.environment) {
            error(&why);
            lost = true;
        }
    }
    let environment = engine::environment_of(&settings.folder, String::new(), &inputs.environment);
    let record = gate::as_run(&gated.record, &gated.examples, environment);
    let fanout = Fanout::new(redactor, engine::unix_ns, outputs);
    fanout.hear(&What::RunFinished(&record));
    lost |= run::report_lost(&fanout);
    Ok(exit::with_lost_reports(code, lost))
}

/// The judgement, and what knows the secrets that no report may hold.
async fn judged(
    args: &GateArgs,
    common: &Common,
    inputs: &Inputs,
    settings: &Settings,
    rules: &mut Rules,
    redactor: Arc<Redactor>,
) -> Result<(Gated, Arc<Redactor>), Failed> {
    let not_judged = |why: NotJudged| match why {
        NotJudged::Nothing(why) => usage(format!("nothing was judged: {why}")),
        NotJudged::Failed(why) => failed(why),
    };
    if let Some(traffic) = args.traffic.read(settings, common).map_err(usage)? {
        let gated = traffic::judged(&traffic, inputs, settings, rules).await?;
        return gated.map(|gated| (gated, redactor)).map_err(not_judged);
    }
    let folder = args.baselines.clone().unwrap_or_else(|| baselines_folder(&settings.folder));
    if let Some(candidate) = &args.candidate_traces {
        let gated = match &args.baseline_traces {
            Some(baseline) => {
                of_folders(&Folders { baseline, candidate, control: args.control_traces.as_deref() }, rules)
            }
            None => of_stored(all_baselines(&folder).map_err(failed)?, &folder, candidate, rules),
        };
        return gated.map(|gated| (gated, redactor)).map_err(not_judged);
    }
    let turns = !args.baseline_target.is_empty();
    if !turns && all_baselines(&folder).map_err(failed)?.is_empty() {
        let why = format!(
            "nothing was judged: there is no baseline in {}; `tracespec baseline record` makes one, and --baseline-target or \
             --baseline-traces do without",
            folder.display()
        );
        return Err(usage(why));
    }
    let aim = |texts: &[String]| Aim::parse(texts).map_err(usage);
    let mut aims = vec![aim(&args.candidate)?];
    if turns {
        aims.insert(0, aim(&args.baseline_target)?);
    }
    rules.limits = rules.limits.with_looks(args.looks);
    let (mut all, mut look) = (Vec::new(), 1);
    loop {
        // As many again as there are: n, 2n, 4n in all.
        let before = if look == 1 { 0 } else { args.runs << (look - 2) };
        let rounds = Rounds { runs: if look == 1 { args.runs } else { before }, warmup: args.warmup };
        let Made { runs, redactor } =
            rounds::make(&args.selection, inputs, common, &aims, rounds, "nothing was judged").await?;
        add_runs(&mut all, runs);
        let words = |aim: &Aim| format!("{} runs at {}", before + rounds.runs, aim.words());
        let gated = match aims.as_slice() {
            [baseline, candidate] => of_turns(all.clone(), words(baseline), words(candidate), rules),
            aims => {
                let stored = all_baselines(&folder).map_err(failed)?;
                of_runs(stored, &folder, all.clone(), aims.first().map(words).unwrap_or_default(), rules)
            }
        };
        let gated = gated.map_err(not_judged)?;
        if look >= args.looks || gated.record.verdict() != Some(Verdict::Inconclusive) {
            return Ok((gated, redactor));
        }
        let why = gate::headline(&gated.record);
        say(&format!(
            "look {look} of {}: the runs do not tell yet ({}); more are made",
            args.looks,
            redactor.text(&why)
        ));
        look += 1;
    }
}

fn show(gated: &Gated, args: &GateArgs, to_stderr: bool, redactor: &Redactor, common: &Common) -> io::Result<()> {
    let people = streams::people(common.color, &super::args::environment(), to_stderr);
    let text = gate::render(&gated.record, people.look.width, args.verbose);
    let text = redactor.text(&text).into_owned();
    let warns = args.mode == GateMode::Warn && gated.record.verdict() != Some(Verdict::Pass);
    let text = if warns { text + "this only warns (`--mode warn`): the exit code is 0\n" } else { text };
    if to_stderr {
        say(text.trim_end());
        return Ok(());
    }
    put(&text)
}

fn limits(args: &GateArgs) -> Limits {
    let setup = match args.setup {
        Some(GateSetup::Interleaved) => Setup::Interleaved,
        Some(GateSetup::Stored) => Setup::Stored,
        Some(GateSetup::Traffic) => Setup::Traffic,
        None if args.traffic.is_asked() => Setup::Traffic,
        None if args.baseline_target.is_empty() => Setup::Stored,
        None => Setup::Interleaved,
    };
    let mut limits = Limits::of(setup);
    if let Some(margin) = args.margin {
        let share = margin / 100.0;
        match setup {
            Setup::Interleaved => limits.margin_of_root = share,
            Setup::Stored | Setup::Traffic => limits.drift = share,
        }
    }
    limits.least_runs = args.min_runs.map_or(limits.least_runs, |runs| (runs as usize).max(FEWEST_RUNS));
    limits
}

fn code(record: &GateRecord, mode: GateMode) -> u8 {
    match (record.verdict(), mode) {
        (None, _) => exit::USAGE,
        (Some(_), GateMode::Warn) | (Some(Verdict::Pass), _) => exit::PASSED,
        (Some(Verdict::Inconclusive), GateMode::Block) => exit::INCONCLUSIVE,
        (Some(Verdict::Fail), GateMode::Block) => exit::FAILED,
    }
}
