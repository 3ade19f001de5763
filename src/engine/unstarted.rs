//! The record of a run that ended before its first test. Each report that was asked for is written all the same: who reads it
//! would take the report of an earlier run for this one's, and believe a green that is none.

use super::load::Loaded;
use super::select::Selected;
use super::{Environment, Running, origin, unix_ns};
use crate::report::{Fanout, Output};
use crate::run::event::What;
use crate::run::interrupted::{INTERRUPTED, not_begun};
use crate::run::record::RunRecord;
use std::path::Path;
use std::sync::Arc;

const NOT_STARTED: &str = "not begun, because the run could not start";

/// What stands in a report until its run ends, and for good if the run is killed.
pub(crate) fn under_way() -> RunRecord {
    RunRecord {
        errors: vec![
            "this run has not ended: it is still under way, or it was killed before it could write its report"
                .to_owned(),
        ],
        started_ns: unix_ns(),
        interrupted: true,
        ..RunRecord::default()
    }
}

/// Ends a run of which nothing could be loaded. `why` is `None` where there was nothing to run.
pub(crate) fn before_load(reports: Vec<Output>, environment: &Environment, why: Option<String>) -> Arc<Fanout> {
    let record = RunRecord {
        errors: why.into_iter().collect(),
        started_ns: unix_ns(),
        environment: origin::of(Path::new("."), String::new(), environment),
        ..RunRecord::default()
    };
    // Secrets are known once the settings are; what is wrong with those was masked when it was put in words.
    let fanout = Fanout::new(Arc::default(), unix_ns, reports);
    fanout.hear(&What::RunFinished(&record));
    fanout
}

/// Ends a run whose system did not start, `why`, or which was interrupted before it had.
pub(crate) fn before_start(
    loaded: &Loaded,
    selected: &Selected,
    fanout: &Fanout,
    running: &Running,
    why: Option<String>,
) {
    let reason = if why.is_some() { NOT_STARTED } else { INTERRUPTED };
    let record = RunRecord {
        tests: selected.tests.iter().map(|&at| not_begun(&loaded.plan, at, reason)).collect(),
        interrupted: why.is_none(),
        errors: why.into_iter().collect(),
        processes: running.records(),
        ..nothing_run(loaded, selected)
    };
    fanout.hear(&What::RunFinished(&record));
}

/// Ends the run of a part to which no test belongs: whoever merges the parts must find them all.
pub(crate) fn empty_shard(loaded: &Loaded, selected: &Selected, fanout: &Fanout) {
    fanout.hear(&What::RunFinished(&nothing_run(loaded, selected)));
}

fn nothing_run(loaded: &Loaded, selected: &Selected) -> RunRecord {
    RunRecord {
        started_ns: unix_ns(),
        seed: loaded.vars.seed,
        environment: origin::of(&loaded.settings.folder, String::new(), &loaded.environment),
        shard: selected.shard.clone(),
        ..RunRecord::default()
    }
}
