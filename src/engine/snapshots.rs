//! Snapshot files: pending ones left by a run, accepted ones written only when asked.

use super::load::Loaded;
use crate::report::text::clean;
use crate::run::record::{RunRecord, TestRecord, Verdict};
use crate::spec::plan::{Accepted, Check, Plan, Test};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The plan of a run that accepts snapshots: no shape is a finding.
pub(crate) fn accepting(mut plan: Plan) -> Plan {
    let tests = plan.files.iter_mut().flat_map(|file| &mut file.tests);
    let traces = tests.flat_map(|test| &mut test.steps).filter_map(|step| step.trace.as_mut());
    for expectation in traces.flat_map(|trace| &mut trace.list) {
        if let Check::Snapshot { accepted, .. } = &mut expectation.check {
            *accepted = Some(Box::new(Accepted::Any));
        }
    }
    plan
}

/// What a run showed of one snapshot.
struct Seen<'a> {
    shape: String,
    /// What is accepted admits it.
    admitted: bool,
    test: &'a str,
}

/// Writes the shapes of this run's traces that differ from what is accepted: with `--accept` as accepted ones, if nothing
/// else is wrong with their test; otherwise beside them, as `NAME.pending`. Where CI is set nothing is ever written. What
/// became of them is a remark of the run, what could not be kept an error.
pub(crate) fn keep(record: &mut RunRecord, loaded: &Loaded, accept: bool) {
    let mut remarks = Vec::new();
    if let Err(why) = kept(record, loaded, accept, &mut remarks) {
        record.errors.push(why);
    }
    record.remarks.extend(remarks);
}

fn kept(record: &mut RunRecord, loaded: &Loaded, accept: bool, remarks: &mut Vec<String>) -> Result<(), String> {
    let (plan, redactor) = (&loaded.plan, &*loaded.vars.redactor);
    if loaded.environment.is_ci() {
        return Ok(());
    }
    // Two spec files in one folder share its snapshots; in two folders, equal names are two snapshots.
    let mut seen: BTreeMap<(PathBuf, String), Vec<Seen<'_>>> = BTreeMap::new();
    let with_snapshots: Vec<&Test> =
        super::select::all(plan).map(|(_, test)| test).filter(|test| snapshots(test).next().is_some()).collect();
    // Looked for once rather than for each test, and not at all in a run without snapshots.
    let mut ran_as = HashMap::new();
    if !with_snapshots.is_empty() {
        let named = |ran: &TestRecord| (ran.source.path().to_owned(), ran.name.clone());
        ran_as.extend(record.tests.iter().enumerate().rev().map(|(at, ran)| (named(ran), at)));
    }
    for test in with_snapshots {
        let named = (test.source.path().to_owned(), test.name.value.clone());
        let Some(ran) = ran_as.get(&named).map(|&at| &mut record.tests[at]) else { continue };
        let passed = matches!(ran.verdict, Verdict::Pass | Verdict::Flaky);
        for (at, name, accepted) in snapshots(test) {
            let Some(trace) = ran.steps.get(ran.step_at(at)).and_then(|step| step.trace.clone()) else { continue };
            let shape = Accepted::shape_of(&trace, redactor);
            let admitted = accepted.is_some_and(|accepted| accepted.admits(&shape));
            if accept && !admitted && !passed {
                remarks.push(format!(
                    "snapshot `{name}` was not accepted: its test `{}` did not pass otherwise",
                    clean_name(&test.name.value)
                ));
                continue;
            }
            if accept && !admitted {
                remark(ran, at, name);
            }
            let folder = crate::spec::snapshots(test.source.path());
            seen.entry((folder, name.to_owned())).or_default().push(Seen { shape, admitted, test: &test.name.value });
        }
    }
    let mut wrong = Vec::new();
    for ((folder, name), seen) in seen {
        let (accepted, pending) = (folder.join(&name), folder.join(format!("{name}.pending")));
        let mut new = seen.iter().filter(|seen| !seen.admitted);
        let Some(first) = new.next() else {
            remove(&pending)?;
            continue;
        };
        // What is accepted anew must do for those, too, that what was accepted had admitted.
        let whole = Accepted::Shape { text: first.shape.clone(), redactor: Arc::clone(&loaded.vars.redactor) };
        let mut others: Box<dyn Iterator<Item = &Seen<'_>>> =
            if accept { Box::new(seen.iter()) } else { Box::new(new) };
        if let Some(other) = others.find(|other| !whole.admits(&other.shape)) {
            let tests = format!("`{}` and `{}`", clean_name(first.test), clean_name(other.test));
            wrong.push(format!(
                "snapshot `{name}`: the traces of {tests} have two different shapes: give each its own snapshot, or write \
                 ranges such as `x1..3` into the accepted one"
            ));
            continue;
        }
        // What is written is committed: no secret may stand in it.
        let clean = redactor.text(&first.shape);
        if accept && clean != first.shape.as_str() {
            wrong.push(format!(
                "snapshot `{name}` was not accepted: the shape of `{}` holds a secret, or a value that stands under a \
                 hidden name elsewhere",
                clean_name(first.test)
            ));
        } else if accept {
            write(&accepted, &first.shape)?;
            remove(&pending)?;
            remarks.push(format!("snapshot `{name}`: {} (accepted)", accepted.display()));
        } else {
            write(&pending, &clean)?;
            remarks.push(format!(
                "snapshot `{name}`: {} (pending; `tracespec run --accept` accepts it)",
                pending.display()
            ));
        }
    }
    match accept {
        _ if wrong.is_empty() => Ok(()),
        true => Err(wrong.join("\n")),
        false => {
            remarks.extend(wrong);
            Ok(())
        }
    }
}

/// The snapshots of a test: of which step, their names, what is accepted.
fn snapshots(test: &crate::spec::plan::Test) -> impl Iterator<Item = (usize, &str, Option<&Accepted>)> {
    let of_steps = test.steps.iter().enumerate().flat_map(|(at, step)| {
        let list = step.trace.iter().flat_map(|trace| &trace.list);
        list.map(move |expectation| (at, &expectation.check))
    });
    of_steps.filter_map(|(at, check)| match check {
        Check::Snapshot { name, accepted } => Some((at, name.as_str(), accepted.as_deref())),
        _ => None,
    })
}

fn clean_name(test: &str) -> String {
    clean(test, false)
}

fn remark(test: &mut TestRecord, at: usize, name: &str) {
    if let Some(step) = test.steps.get_mut(at) {
        step.remarks.push(format!("the shape of this trace was accepted as snapshot `{name}`"));
    }
}

fn remove(path: &Path) -> Result<(), String> {
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {why}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, shape: &str) -> Result<(), String> {
    let fail = |why: std::io::Error| format!("cannot write {}: {why}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fail)?;
    }
    std::fs::write(path, shape).map_err(fail)
}
