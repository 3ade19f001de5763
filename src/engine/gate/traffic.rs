//! A gate over real traffic: traces of users, searched in the backend by a query for either build.
//!
//! A fair sample of ids is taken over the window, each trace is read by its id, learnt and forgotten: memory grows with paths, not with
//! traces. What the backend's own engine counts of all requests stands beside it.

use super::Rules;
use super::saved::{Gated, Named, NotJudged, Origin, conclude};
use crate::backend::{Backend, Counted, Fetch, Prometheus, SearchError, Slice};
use crate::baseline::{Incomplete, Key};
use crate::engine::unix_ns;
use crate::facts::Facts;
use crate::gate::judgement::Test;
use crate::gate::requests::{self, AllRequests};
use crate::gate::run::Run;
use crate::gate::traffic::{Enough, enough, fair, is_health_check, slices};
use crate::matcher::count_of;
use crate::select::{Index, Query};
use crate::trace::{Injected, Trace, TraceBuilder, TraceId};
use futures_util::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// So many searches are under way at once: each may cost a store more than many reads.
const SEARCHES: usize = 4;
/// A question is put so often to a store that is busy or not reached.
const TRIES: u32 = 6;
/// How long it is left alone after the first time, unless it says so itself; twice as long each time.
const PAUSE: Duration = Duration::from_millis(200);
/// Longer than this nobody waits for a store that asks to be left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A query as written and as understood.
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) query: Query,
}

/// What is compared.
pub(crate) struct Traffic {
    pub(crate) baseline: Asked,
    pub(crate) candidate: Asked,
    /// The window: the first second and the one after the last, Unix time.
    pub(crate) window: (u64, u64),
    /// The most traces of either build.
    pub(crate) limit: usize,
    /// What counts all requests, if it is not the backend.
    pub(crate) prometheus: Option<Prometheus>,
    /// What the tests are told to be written in, since they are in no spec.
    pub(crate) source: PathBuf,
}

/// Judges the candidate's traffic by the baseline's.
pub(crate) async fn of_traffic(
    backend: &dyn Backend,
    traffic: &Traffic,
    rules: &mut Rules,
) -> Result<Gated, NotJudged> {
    let started_ns = unix_ns();
    let (baseline, candidate) = (&traffic.baseline, &traffic.candidate);
    let (old_ids, of_slices_old) = sample(backend, baseline, traffic).await?;
    let (new_ids, of_slices_new) = sample(backend, candidate, traffic).await?;
    let nothing = |which: &str, asked: &Asked| {
        let (from, until) = (time(traffic.window.0), time(traffic.window.1));
        let at = backend.describe();
        NotJudged::Nothing(format!("{at} has no trace of the {which} ({}) between {from} and {until}", asked.text))
    };
    if old_ids.is_empty() {
        return Err(nothing("baseline", baseline));
    }
    if new_ids.is_empty() {
        return Err(nothing("candidate", candidate));
    }
    let mut operations: BTreeMap<Key, Test> = BTreeMap::new();
    let old = read(backend, &old_ids, (&baseline.query, &candidate.query), |key, run| {
        operations.entry(key).or_default().add_baseline(run);
    });
    let old = old.await?;
    let new = read(backend, &new_ids, (&candidate.query, &baseline.query), |key, run| {
        operations.entry(key).or_default().add_candidate(run);
    });
    let new = new.await?;
    let mut remarks = lowered(backend, traffic);
    remarks.extend(old.remarks("baseline").into_iter().chain(new.remarks("candidate")));
    remarks.extend(apart(of_slices_old, of_slices_new));
    if operations.is_empty() {
        return Err(NotJudged::Nothing(format!("no trace is left to compare: {}", remarks.join("; "))));
    }
    let all = (old.learnt, new.learnt);
    let judged = |test: &Test| enough(test, all, &rules.limits) == Enough::Judged;
    // Where no operation has enough, that is what each of them says.
    let none_has_enough = !operations.values().any(judged);
    let (mut tests, mut rare) = (Vec::new(), Vec::new());
    let names = names(operations.keys());
    for ((_, test), name) in operations.into_iter().zip(names) {
        match none_has_enough || judged(&test) {
            true => tests.push(Named { name, source: traffic.source.clone(), test }),
            false => rare.push(format!("{name} ({} and {})", test.baseline.runs(), test.candidate.runs())),
        }
    }
    if !rare.is_empty() {
        remarks.push(format!(
            "not judged, since there are fewer than {} traces of either build: {}; a longer --last or a higher --limit finds more",
            rules.limits.least_runs,
            rare.join(", ")
        ));
    }
    let doubt = new.doubt();
    let (requests, said) = all_requests(backend, traffic, rules).await?;
    remarks.extend(said);
    let origin = Origin {
        baseline: words(backend, &old_ids, baseline),
        candidate: words(backend, &new_ids, candidate),
        started_ns,
        requests,
    };
    let mut gated = conclude(tests, rules, (&|_| None, &|_| None), origin, remarks, doubt);
    for (judged, examples) in gated.record.tests.iter().zip(&mut gated.examples) {
        examples.baseline = shown(backend, judged.examples.0).await;
        examples.candidate = shown(backend, judged.examples.1).await;
    }
    Ok(gated)
}

fn words(backend: &dyn Backend, ids: &[TraceId], asked: &Asked) -> String {
    format!("{} of {} ({})", count_of(ids.len(), "trace"), asked.text, backend.describe())
}

fn time(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// What operations are called, with the kind of their root where two have one name.
fn names<'k>(keys: impl Iterator<Item = &'k Key>) -> Vec<String> {
    let keys: Vec<&Key> = keys.collect();
    let called = |key: &Key| keys.iter().filter(|other| other.to_string() == key.to_string()).count();
    let name = |key: &&Key| match called(key) {
        1 => key.to_string(),
        _ => format!("{key} ({})", key.kind.word()),
    };
    keys.iter().map(name).collect()
}

/// What the backend was not asked for, so that it was looked for here.
fn lowered(backend: &dyn Backend, traffic: &Traffic) -> Vec<String> {
    let asked = [&traffic.baseline, &traffic.candidate];
    let left: BTreeSet<String> = asked.iter().flat_map(|asked| backend.not_searched(&asked.query)).collect();
    if left.is_empty() {
        return Vec::new();
    }
    let left: Vec<String> = left.into_iter().map(|one| format!("`{one}`")).collect();
    let at = backend.describe();
    vec![format!("{at} cannot search for {}, so what it found was looked through for it here", left.join(" and "))]
}

/// A remark where the builds were in use at other times.
fn apart((old, of): (usize, usize), (new, _): (usize, usize)) -> Option<String> {
    let (few, many) = (old.min(new), old.max(new));
    (few * 2 < many).then(|| {
        format!(
            "the builds were not in use at the same times: of {of} slices of the window {old} have traces of the baseline and {new} of \
             the candidate; what differs between them may be the time of day"
        )
    })
}

/// Asks again while the backend is busy or not reached.
async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<T, SearchError>) -> Result<Result<T, String>, NotJudged> {
    let mut pause = PAUSE;
    for attempt in 1.. {
        match ask().await {
            Ok(found) => return Ok(Ok(found)),
            Err(SearchError::Unsupported { words }) => return Ok(Err(words)),
            Err(SearchError::Failed { words, .. }) if attempt >= TRIES => return Err(NotJudged::Failed(words)),
            Err(SearchError::Failed { retry_after, .. }) => {
                // A store does not notify when it is well again.
                tokio::time::sleep(retry_after.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                pause *= 2;
            }
        }
    }
    Err(NotJudged::Failed(String::new()))
}

/// A fair sample of the traces of a query, sorted; and of how many slices of how many there are any.
async fn sample(
    backend: &dyn Backend,
    asked: &Asked,
    traffic: &Traffic,
) -> Result<(Vec<TraceId>, (usize, usize)), NotJudged> {
    let slices = slices(traffic.window.0, traffic.window.1, traffic.limit);
    let mut found: Vec<Vec<TraceId>> = vec![Vec::new(); slices.len()];
    let mut open: Vec<usize> = (0..slices.len()).collect();
    let mut most = traffic.limit.div_ceil(slices.len());
    // Traffic comes in bursts: slices that had more are asked for twice as much, until there is enough.
    while !open.is_empty() {
        let searches = open.iter().map(|&at| {
            let (from_s, until_s) = slices[at];
            let slice = Slice { query: &asked.query, text: &asked.text, from_s, until_s, most };
            async move { (at, patiently(async || backend.search(&slice).await).await) }
        });
        let answers: Vec<_> = stream::iter(searches).buffered(SEARCHES).collect().await;
        open.clear();
        for (at, hits) in answers {
            let hits = hits?.map_err(NotJudged::Failed)?;
            found[at] = hits.ids;
            if hits.may_have_more {
                open.push(at);
            }
        }
        // A trace that goes from one slice into the next is found in both.
        let distinct: BTreeSet<TraceId> = found.iter().flatten().copied().collect();
        if distinct.len() >= traffic.limit || most >= traffic.limit {
            break;
        }
        most = (most * 2).min(traffic.limit);
    }
    let with = found.iter().filter(|ids| !ids.is_empty()).count();
    Ok((fair(found, traffic.limit), (with, slices.len())))
}

/// What was read of an arm.
#[derive(Default)]
struct Arm {
    read: u64,
    /// Of so many something was learnt, or that they may lack spans.
    learnt: u64,
    of_both: u64,
    health_checks: u64,
    /// Read as a whole it is not what was asked for.
    others: u64,
    rootless: u64,
    incomplete: u64,
    gone: u64,
    refused: BTreeMap<String, u64>,
}

impl Arm {
    fn remarks(&self, arm: &str) -> Vec<String> {
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let counted =
            |of: u64, what: &str| (of > 0).then(|| format!("{} of the {arm} {what}", count_of(count(of), "trace")));
        let refused = self.refused.iter().filter_map(|(why, of)| counted(*of, &format!("could not be read: {why}")));
        [
            counted(self.of_both, "match both queries and were left out: they say nothing of either build"),
            counted(self.health_checks, "are health checks and were left out"),
            counted(self.others, "do not match the query when read as a whole and were left out"),
            counted(
                self.rootless,
                "have no single root, so nobody knows of which operation they are, and were left out",
            ),
            counted(self.incomplete, "may lack spans and were left out"),
            counted(self.gone, "were found by the search and then not there"),
        ]
        .into_iter()
        .flatten()
        .chain(refused)
        .collect()
    }

    /// Why all of it is inconclusive at best.
    fn doubt(&self) -> Option<String> {
        let lost = self.rootless + self.gone + self.refused.values().sum::<u64>();
        let all = self.read - self.health_checks - self.others;
        if lost * 2 > all {
            return Some(format!("{lost} of {all} traces of the candidate could not be told to any operation"));
        }
        (self.of_both * 2 > all).then(|| {
            format!(
                "{} of {all} traces of the candidate match the baseline's query as well; write queries that tell the builds apart",
                self.of_both
            )
        })
    }
}

/// Reads traces by their ids, in this order, several at once, and hands each to `learn` that says something of its build.
async fn read(
    backend: &dyn Backend,
    ids: &[TraceId],
    (own, other): (&Query, &Query),
    mut learn: impl FnMut(Key, &Run),
) -> Result<Arm, NotJudged> {
    let mut arm = Arm::default();
    let reads = ids.iter().map(|&id| async move { (id, fetch(backend, id).await) });
    let mut reads = std::pin::pin!(stream::iter(reads).buffered(backend.max_in_flight()));
    while let Some((id, fetched)) = reads.next().await {
        arm.read += 1;
        match fetched? {
            Read::Gone => arm.gone += 1,
            Read::Refused(why) => *arm.refused.entry(why).or_default() += 1,
            Read::Spans(spans) => {
                let trace = spans.build(id, &[], &Injected::Unknown);
                one(&trace, (own, other), &mut arm, &mut learn);
            }
        }
    }
    Ok(arm)
}

fn one(trace: &Trace, (own, other): (&Query, &Query), arm: &mut Arm, learn: &mut impl FnMut(Key, &Run)) {
    let index = Index::new(trace);
    let matches = |query: &Query| !query.select(&index).spansets.is_empty();
    if is_health_check(trace) {
        arm.health_checks += 1;
    } else if !matches(own) {
        arm.others += 1;
    } else if matches(other) {
        arm.of_both += 1;
    } else {
        let run = Run::of(&Facts::from(trace));
        match (&run.shape.incomplete, &run.shape.root) {
            (_, None) | (Some(Incomplete::NoRoot), _) => arm.rootless += 1,
            (incomplete, Some(root)) => {
                arm.incomplete += u64::from(incomplete.is_some());
                arm.learnt += 1;
                learn(root.clone(), &run);
            }
        }
    }
}

enum Read {
    Spans(Arc<TraceBuilder>),
    Gone,
    Refused(String),
}

async fn fetch(backend: &dyn Backend, id: TraceId) -> Result<Read, NotJudged> {
    let read = patiently(async || match backend.fetch(id).await {
        Fetch::Found(spans) => Ok(Read::Spans(spans)),
        // What a search found may be on its way from one place of the store to another.
        Fetch::NotYet { .. } => Ok(Read::Gone),
        Fetch::Transient { words, retry_after } => Err(SearchError::Failed { words, retry_after }),
        Fetch::Refused { words } => Err(SearchError::Unsupported { words }),
    });
    Ok(read.await?.unwrap_or_else(Read::Refused))
}

/// A trace to look at. What was read before is read again rather than kept.
async fn shown(backend: &dyn Backend, id: Option<TraceId>) -> Option<Arc<Trace>> {
    match backend.fetch(id?).await {
        Fetch::Found(spans) => Some(Arc::new(spans.build(id?, &[], &Injected::Unknown))),
        _ => None,
    }
}

/// What the backend counts of all requests, and what is to be said of it.
async fn all_requests(
    backend: &dyn Backend,
    traffic: &Traffic,
    rules: &mut Rules,
) -> Result<(Option<AllRequests>, Vec<String>), NotJudged> {
    let (from_s, until_s) = traffic.window;
    let mut both = Vec::new();
    for asked in [&traffic.baseline, &traffic.candidate] {
        let slice = Slice { query: &asked.query, text: &asked.text, from_s, until_s, most: traffic.limit };
        let counted = patiently(async || match &traffic.prometheus {
            Some(prometheus) => prometheus.requests(&slice).await.map(Some),
            None => backend.requests(&slice).await,
        });
        match counted.await? {
            Ok(Some(Counted { requests, partial: None })) => both.push(requests),
            Ok(Some(Counted { partial: Some(why), .. })) => {
                return Ok((None, vec![format!("not all requests were counted, so none were judged: {why}")]));
            }
            Ok(None) => return Ok((None, Vec::new())),
            Err(why) => return Ok((None, vec![format!("all requests could not be counted: {why}")])),
        }
    }
    let candidate = both.pop().unwrap_or_default();
    let baseline = both.pop().unwrap_or_default();
    Ok((Some(requests::judge(baseline, candidate, &rules.limits, &mut rules.acks)), Vec::new()))
}
