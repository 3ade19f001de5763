//! A last look, when the run ends, at a trace that was judged green.

use super::{LAST_LOOK, Reader, Reading, Reads, Shared, Target, UNFINISHED, feed, lock};
use crate::assert::{Judgement, judge};
use crate::backend::settle::{Reason, Watch};
use crate::trace::Phase;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is tried.
const LAST_LOOKS: u32 = 3;
/// A store that failed a read is given this long before the next, unless it asks for longer.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// What a last look, when the run ends, makes of a test that was green.
pub(crate) enum LastLook {
    /// Nothing came.
    AsBefore,
    /// Spans arrived: judged again.
    Late(Vec<Judgement>),
    /// The run has learned that something is missing, as the text says: judged again.
    InDoubt(Vec<Judgement>, String),
    /// The trace could not be read any more, and why. That takes nothing back, but the look was not had.
    NotRead(String),
}

/// Why a green is in doubt although no span of its trace came.
fn in_doubt(doubt: &Reason) -> String {
    let peer = doubt.suggests_silent().unwrap_or("the callee");
    format!(
        "another trace of this run shows that {peer} exports spans, so what it did here is missing from this trace, and \
         what rests on its absence is not certain"
    )
}

pub(crate) async fn look_again(shared: &Shared, target: &Target<'_>, watch: &mut Watch) -> LastLook {
    let before = watch.trace().map(|trace| Arc::as_ptr(trace).addr());
    let until = Instant::now() + LAST_LOOK;
    let mut reader = Reader { shared, target, last: Vec::new(), built: None, until, queued: Duration::ZERO };
    let mut reads = Reads::default();
    let (mut step, mut lacking) = (None, None);
    for again in (0..LAST_LOOKS).rev() {
        let reading = reader.read(None).await;
        reads.note(&reading);
        let mut pause = BETWEEN_LOOKS;
        lacking = match &reading {
            Reading::Failed { words, retry_after } => {
                pause = retry_after.unwrap_or(pause);
                Some(words.clone())
            }
            Reading::Nothing(_, words) => Some(words.clone()),
            Reading::Unfinished => Some(UNFINISHED.to_owned()),
            Reading::Spans(_, trace) if trace.partial() || watch.trace().is_some_and(|all| trace.len() < all.len()) => {
                Some("only a part of it is there".to_owned())
            }
            Reading::Spans(..) => None,
            Reading::Refused(words) => {
                lacking = Some(words.clone());
                break;
            }
        };
        match feed(watch, reading, &reads, shared) {
            Ok(next) => step = Some(next),
            Err(refused) => lacking = Some(refused),
        }
        if lacking.is_none() || again == 0 || Instant::now() + pause >= reader.until {
            break;
        }
        // What failed once may be had the next time.
        tokio::time::sleep(pause).await;
    }
    let (Some(trace), Some(facts)) = (watch.trace(), watch.facts()) else { return LastLook::AsBefore };
    let judged = |phase| judge(&facts, target.expect, phase, &(target.context)());
    let came = step.as_ref().is_some_and(|step| step.late > 0 || before != Some(Arc::as_ptr(trace).addr()));
    if let Some(doubt) = watch.doubts(&lock(&shared.knowledge)).first() {
        let judgements = judged(Phase::Stalled);
        return if came { LastLook::Late(judgements) } else { LastLook::InDoubt(judgements, in_doubt(doubt)) };
    }
    match (step, lacking) {
        (Some(step), _) if came => LastLook::Late(judged(step.phase)),
        (_, Some(words)) => LastLook::NotRead(words),
        _ => LastLook::AsBefore,
    }
}
