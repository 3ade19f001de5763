#![allow(clippy::unwrap_used)]
//! One test for each rule of the design's section on completeness.

use super::*;
use crate::trace::fixture::{Draft, drafted};
use crate::trace::{Injected, Kind, Note, Phase, SpanId, Trace};
use std::sync::Arc;

const MS: u64 = 1_000_000;
/// The id that the runner put into its request.
const RUNNER: u64 = 0xff;

fn id(value: u64) -> SpanId {
    SpanId::new(value).unwrap()
}

fn trace(spans: &[Draft]) -> Arc<Trace> {
    Arc::new(drafted(spans, &Injected::Known(vec![id(RUNNER)])))
}

fn front() -> Draft {
    // It takes the whole response's time: 1 µs to 100 ms.
    Draft::new(1, RUNNER, "front", Kind::Server).times(1000, 100 * MS)
}

fn call(id: u64, parent: u64) -> Draft {
    Draft::new(id, parent, "front", Kind::Client).text("peer.service", "cart").text("rpc.service", "shop.Cart")
}

fn cart(id: u64, parent: u64) -> Draft {
    Draft::new(id, parent, "cart", Kind::Server)
}

/// Exporters set to 200 ms by the runner, spans straight to the receiver: settles after 0.6 s.
fn started() -> Config {
    Config { exporter_delay_ns: 200 * MS, exporter_delay_is_set: true, pipeline: Pipeline::Direct, ..Config::default() }
}

/// A wait whose request was sent at 0 and answered at 100 ms.
fn watch(config: Config) -> Watch {
    let mut watch = Watch::new(config, 0);
    watch.request(Request {
        span: id(RUNNER),
        peer: "front:80".to_owned(),
        operation: "GET /".to_owned(),
        error: false,
    });
    watch.responded(100 * MS);
    watch
}

fn see(watch: &mut Watch, run: &mut Run, at: u64, spans: &[Draft]) -> Step {
    watch.snapshot(Read::at(at), trace(spans), run)
}

/// The settle of a trace in a run of its own.
fn settle(config: Config, spans: &[Draft]) -> u64 {
    let (mut watch, mut run) = (watch(config), Run::default());
    see(&mut watch, &mut run, 100 * MS, spans);
    watch.settle_ns(&run)
}

fn waits_for(step: &Step, words: &str) -> bool {
    step.waiting_for.iter().any(|reason| reason.to_string().contains(words))
}

/// A run in which the cart has answered the front.
fn knowing() -> Run {
    let mut run = Run::default();
    see(&mut watch(started()), &mut run, 200 * MS, &[front(), call(2, 1), cart(3, 2)]);
    run
}

#[test]
fn settled_is_complete_and_quiet_for_one_settle_and_confirmed_for_two() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let step = see(&mut watch, &mut run, 200 * MS, &[front()]);
    assert_eq!((step.phase, step.wake_at), (Phase::Growing, Some(800 * MS)));
    assert_eq!(watch.tick(799 * MS, &mut run).phase, Phase::Growing);
    let step = watch.tick(800 * MS, &mut run);
    assert_eq!((step.phase, step.wake_at, step.changed), (Phase::Settled, Some(1400 * MS), true));
    let step = watch.tick(1400 * MS, &mut run);
    assert_eq!((step.phase, step.wake_at, step.changed), (Phase::Confirmed, None, true));
}

#[test]
fn quiet_counts_from_the_last_new_span_or_from_the_response_if_that_is_later() {
    let (mut early, mut run) = (Watch::new(started(), 0), Run::default());
    see(&mut early, &mut run, 50 * MS, &[front()]);
    assert!(waits_for(&early.tick(5 * SECOND, &mut run), "the response has not come"));
    early.responded(5 * SECOND);
    assert_eq!(early.tick(5599 * MS, &mut run).phase, Phase::Growing);
    assert_eq!(early.tick(5600 * MS, &mut run).phase, Phase::Settled);

    let (mut late, mut run) = (watch(started()), Run::default());
    see(&mut late, &mut run, 200 * MS, &[front()]);
    see(&mut late, &mut run, 700 * MS, &[front(), Draft::new(2, 1, "front", Kind::Internal)]);
    assert_eq!(late.tick(1299 * MS, &mut run).phase, Phase::Growing);
    assert_eq!(late.tick(1300 * MS, &mut run).phase, Phase::Settled);
}

#[test]
fn a_span_told_again_with_other_words_is_news_and_the_fuller_telling_stays() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let work = || Draft::new(2, 1, "front", Kind::Internal);
    see(&mut watch, &mut run, 200 * MS, &[front(), work()]);
    let step = see(&mut watch, &mut run, 700 * MS, &[front(), work().error()]);
    assert_eq!((step.phase, step.changed), (Phase::Growing, true));
    assert_eq!(watch.tick(1299 * MS, &mut run).phase, Phase::Growing);
    assert_eq!(watch.tick(1300 * MS, &mut run).phase, Phase::Settled);
    watch.decided();
    // A replica that lags behind says the old words: no news, and the failure is not forgotten.
    let step = see(&mut watch, &mut run, 1400 * MS, &[front(), work()]);
    assert_eq!((step.late, step.changed), (0, false));
    let errors = |watch: &Watch| watch.trace().unwrap().spans().filter(|span| span.is_error()).count();
    assert_eq!(errors(&watch), 1);
    let step = see(&mut watch, &mut run, 1500 * MS, &[front().error(), work()]);
    assert_eq!((step.late, step.changed), (1, true));
    assert_eq!(errors(&watch), 2);
    // Nor by one that lags behind and has a span of its own.
    let step = see(&mut watch, &mut run, 1600 * MS, &[front(), work(), Draft::new(3, 1, "front", Kind::Internal)]);
    assert_eq!((step.late, errors(&watch), watch.trace().unwrap().len()), (2, 2, 3));
}

#[test]
fn a_second_span_under_a_known_id_is_news_and_the_loss_is_never_forgotten() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let work = |service: &str, from: u64, to: u64| Draft::new(2, 1, service, Kind::Internal).times(from, to);
    let (own, other) = (work("front", 2_000, 8_000), work("legacy", 3_000, 6_000));
    see(&mut watch, &mut run, 200 * MS, &[front(), own.clone()]);
    let lossy = |watch: &Watch| watch.trace().unwrap().notes().iter().any(Note::is_loss);
    assert!(!lossy(&watch));
    let step = see(&mut watch, &mut run, 700 * MS, &[front(), own.clone(), other]);
    assert_eq!((step.changed, lossy(&watch)), (true, true));
    // A reading that knows nothing of it, with something new.
    see(&mut watch, &mut run, 800 * MS, &[front(), own, Draft::new(3, 1, "front", Kind::Internal)]);
    assert!(lossy(&watch));
}

#[test]
fn a_store_that_never_tells_a_span_alike_twice_is_quiet_at_last() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    for n in 0..40 {
        see(&mut watch, &mut run, (200 + 100 * n) * MS, &[front().int("random", n as i64)]);
    }
    assert_eq!(watch.phase(), Phase::Confirmed);
}

#[test]
fn what_a_restless_store_returns_at_last_is_judged_though_it_breaks_no_quiet() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let work = |n: i64| Draft::new(2, 1, "front", Kind::Internal).int("random", n);
    for n in 0..20 {
        see(&mut watch, &mut run, (200 + n) * MS, &[front(), work(n as i64)]);
    }
    assert_eq!(watch.tick(900 * MS, &mut run).phase, Phase::Settled);
    let errors = |watch: &Watch| watch.trace().unwrap().spans().filter(|span| span.is_error()).count();
    assert_eq!(errors(&watch), 0);
    let step = see(&mut watch, &mut run, 901 * MS, &[front(), work(20).error()]);
    assert_eq!((step.phase, step.changed, errors(&watch)), (Phase::Settled, true, 1));
    // Nor is an event forgotten, or a value that was not seen before.
    let step = see(&mut watch, &mut run, 902 * MS, &[front(), work(21).text("cause", "late")]);
    assert!(step.changed && watch.trace().unwrap().spans().any(|span| span.attribute("cause").is_some()));
    watch.decided();
    let step = see(&mut watch, &mut run, 903 * MS, &[front(), work(22).text("more", "later")]);
    assert!(step.changed && watch.trace().unwrap().spans().any(|span| span.attribute("more").is_some()));
}

#[test]
fn a_span_told_again_without_its_flags_is_no_news() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    see(&mut watch, &mut run, 200 * MS, &[front().flags(0x101)]);
    assert!(!see(&mut watch, &mut run, 700 * MS, &[front()]).changed);
    assert_eq!(watch.tick(800 * MS, &mut run).phase, Phase::Settled);
}

#[test]
fn the_settle_is_one_and_a_half_exporter_delays_and_the_pipeline_and_never_under_half_a_second() {
    let with = |exporter_delay_ns, pipeline| Config { exporter_delay_ns, pipeline, ..Config::default() };
    assert_eq!(settle(with(5 * SECOND, Pipeline::Direct), &[front()]), 7800 * MS);
    assert_eq!(settle(with(5 * SECOND, Pipeline::Collector), &[front()]), 8500 * MS);
    assert_eq!(settle(with(5 * SECOND, Pipeline::Store), &[front()]), 8500 * MS);
    assert_eq!(settle(with(200 * MS, Pipeline::Direct), &[front()]), 600 * MS);
    assert_eq!(settle(with(10 * MS, Pipeline::Direct), &[front()]), 500 * MS);
    assert_eq!(settle(Config { settle: Settle::Fixed(80 * MS), ..started() }, &[front(), call(2, 1)]), 80 * MS);
}

#[test]
fn an_open_call_means_at_least_five_seconds_of_exporter_delay_whatever_is_configured() {
    assert_eq!(settle(started(), &[front(), call(2, 1)]), 7800 * MS);
    assert_eq!(settle(started(), &[front(), call(2, 1), cart(3, 2)]), 600 * MS);
    let slow = Config { exporter_delay_ns: 10 * SECOND, ..started() };
    assert_eq!(settle(slow, &[front(), call(2, 1)]), 15_300 * MS);
}

#[test]
fn messages_and_children_that_outlive_their_parents_mean_at_least_two_and_a_half_seconds() {
    let message = Draft::new(2, 1, "front", Kind::Producer);
    let consumer = Draft::new(3, 2, "mail", Kind::Consumer);
    assert_eq!(settle(started(), &[front(), message, consumer]), 2500 * MS);
    let outlives = Draft::new(2, 1, "front", Kind::Internal).times(1000, 101 * MS);
    assert_eq!(settle(started(), &[front(), outlives.clone()]), 2500 * MS);
    // Of another instance it says nothing: clocks may differ.
    let elsewhere = outlives.resource(&[("service.instance.id", "other")]);
    assert_eq!(settle(started(), &[front(), elsewhere]), 600 * MS);
    // Jaeger's truncation to microseconds is no work that goes on.
    assert_eq!(
        settle(started(), &[front(), Draft::new(2, 1, "front", Kind::Internal).times(1000, 100 * MS + 1000)]),
        600 * MS
    );
}

#[test]
fn where_the_exporters_delay_is_only_assumed_nothing_is_confirmed_missing_before_the_sdks_default_has_passed() {
    let assumed = Config { exporter_delay_is_set: false, ..started() };
    let (mut watch, mut run) = (watch(assumed), Run::default());
    see(&mut watch, &mut run, 100 * MS, &[front()]);
    assert_eq!(watch.tick(700 * MS, &mut run).phase, Phase::Settled);
    assert_eq!(watch.tick(8099 * MS, &mut run).phase, Phase::Settled);
    assert_eq!(watch.tick(8100 * MS, &mut run).phase, Phase::Confirmed);
}

#[test]
fn behind_a_collector_nothing_is_confirmed_missing_before_a_retry_could_have_brought_it() {
    let (mut watch, mut run) = (watch(Config { pipeline: Pipeline::Collector, ..started() }), Run::default());
    see(&mut watch, &mut run, 100 * MS, &[front()]);
    assert_eq!(watch.tick(8099 * MS, &mut run).phase, Phase::Settled);
    assert_eq!(watch.tick(8100 * MS, &mut run).phase, Phase::Confirmed);
}

#[test]
fn a_missing_parent_keeps_a_trace_from_settling_and_is_named() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let orphan = Draft::new(7, 6, "payment-service", Kind::Server).name("charge");
    let step = see(&mut watch, &mut run, 200 * MS, &[front(), orphan]);
    assert_eq!(
        step.waiting_for[0].to_string(),
        "span `charge` (0000000000000007) of payment-service names parent 0000000000000006, which has not arrived"
    );
    assert_eq!(watch.tick(2 * SECOND, &mut run).phase, Phase::Growing);
}

#[test]
fn a_root_or_a_span_called_by_the_runner_must_be_there() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let step = see(&mut watch, &mut run, 200 * MS, &[cart(3, 2)]);
    assert!(waits_for(&step, "no root and no span called by the runner has arrived"));
    assert_eq!(see(&mut watch, &mut run, 300 * MS, &[front(), call(2, 1), cart(3, 2)]).waiting_for.len(), 1);
}

#[test]
fn the_runners_own_span_alone_is_no_span_of_the_system() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let step = see(&mut watch, &mut run, 200 * MS, &[Draft::new(RUNNER, 0, "tracespec", Kind::Client)]);
    assert!(waits_for(&step, "no span has arrived") && watch.trace().is_none());
}

#[test]
fn a_call_answered_in_any_trace_of_the_run_must_be_answered_in_this_one() {
    let mut run = knowing();
    let mut watch = watch(started());
    let step = see(&mut watch, &mut run, 200 * MS, &[front(), call(2, 1)]);
    assert_eq!(
        step.waiting_for[0].to_string(),
        "call front -> cart shop.Cart is unanswered: CLIENT span `op-2` (0000000000000002) of front has no span of its \
         callee, which exports spans elsewhere in this run"
    );
    assert_eq!(step.waiting_for[0].suggests_silent(), Some("cart"));
    // Two and a half seconds for an incomplete trace of processes that the runner started, and twice that to stall.
    assert_eq!(watch.tick(5199 * MS, &mut run).phase, Phase::Growing);
    assert_eq!(watch.tick(5200 * MS, &mut run).phase, Phase::Stalled);
}

#[test]
fn a_call_becomes_known_also_while_its_trace_is_waited_for() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    assert!(waits_for(&see(&mut watch, &mut run, 200 * MS, &[front(), call(2, 1)]), "is open"));
    let other = knowing();
    run = other;
    assert!(waits_for(&watch.tick(300 * MS, &mut run), "is unanswered"));
}

#[test]
fn a_failed_call_is_open_and_never_known() {
    let mut run = knowing();
    let mut watch = watch(started());
    let step = see(&mut watch, &mut run, 200 * MS, &[front(), call(2, 1).error()]);
    assert!(waits_for(&step, "is open") && !waits_for(&step, "is unanswered"));
    assert_eq!(watch.settle_ns(&run), 7800 * MS);
}

#[test]
fn a_call_that_a_trace_settled_without_is_silent_from_then_on() {
    let mut run = Run::default();
    let mut first = watch(started());
    see(&mut first, &mut run, 200 * MS, &[front(), call(2, 1)]);
    assert_eq!(first.tick(7999 * MS, &mut run).phase, Phase::Growing);
    assert_eq!(first.tick(8000 * MS, &mut run).phase, Phase::Settled);
    // For itself it stays patient: a red waits twice what the green did.
    assert_eq!(first.tick(15_799 * MS, &mut run).phase, Phase::Settled);
    let mut second = watch(started());
    see(&mut second, &mut run, 200 * MS, &[front(), call(2, 1)]);
    assert_eq!(second.tick(800 * MS, &mut run).phase, Phase::Settled);
    assert_eq!(run.silent().len(), 1);
}

#[test]
fn a_baseline_tells_silent_calls_beforehand() {
    let mut first = Run::default();
    let mut teacher = watch(started());
    see(&mut teacher, &mut first, 200 * MS, &[front(), call(2, 1)]);
    teacher.tick(8 * SECOND, &mut first);
    let mut run = Run::seeded(first.silent().into_iter().cloned());
    let mut watch = watch(started());
    see(&mut watch, &mut run, 200 * MS, &[front(), call(2, 1)]);
    assert_eq!(watch.settle_ns(&run), 600 * MS);
}

#[test]
fn a_silent_call_that_is_answered_after_all_is_known_for_good_and_a_green_that_relied_on_it_is_in_doubt() {
    let mut run = Run::default();
    let mut first = watch(started());
    see(&mut first, &mut run, 200 * MS, &[front(), call(2, 1)]);
    first.tick(8 * SECOND, &mut run);
    first.decided();
    assert!(first.doubts(&run).is_empty());
    let mut second = watch(started());
    see(&mut second, &mut run, 200 * MS, &[front(), call(2, 1), cart(3, 2)]);
    assert!(run.silent().is_empty());
    assert_eq!(
        run.warnings()[0].to_string(),
        "call front -> cart shop.Cart was taken for silent, but has been answered since"
    );
    assert_eq!(first.doubts(&run).len(), 1);
    let mut third = watch(started());
    assert!(waits_for(&see(&mut third, &mut run, 200 * MS, &[front(), call(2, 1)]), "is unanswered"));
}

#[test]
fn a_settle_shorter_than_an_unheard_exporter_needs_teaches_no_silence() {
    let mut run = Run::default();
    let mut hasty = watch(Config { settle: Settle::Fixed(100 * MS), ..started() });
    see(&mut hasty, &mut run, 200 * MS, &[front(), call(2, 1)]);
    assert_eq!(hasty.tick(SECOND, &mut run).phase, Phase::Confirmed);
    assert!(run.silent().is_empty());
}

#[test]
fn a_failed_calls_silence_says_nothing_of_calls_that_succeed() {
    let mut run = Run::default();
    let mut first = watch(started());
    see(&mut first, &mut run, 200 * MS, &[front(), call(2, 1).error()]);
    assert_eq!(first.tick(8 * SECOND, &mut run).phase, Phase::Settled);
    let settle = |run: &mut Run, call: Draft| {
        let mut watch = watch(started());
        see(&mut watch, run, 200 * MS, &[front(), call]);
        watch.settle_ns(run)
    };
    assert_eq!(settle(&mut run, call(2, 1).error()), 600 * MS);
    assert_eq!(settle(&mut run, call(2, 1)), 7800 * MS);
}

#[test]
fn host_and_port_alone_never_make_a_call_known() {
    let bare =
        |id| Draft::new(id, 1, "front", Kind::Client).name("GET").text("server.address", "lb").int("server.port", 80);
    let mut run = Run::default();
    see(&mut watch(started()), &mut run, 200 * MS, &[front(), bare(2), cart(3, 2)]);
    let step = see(&mut watch(started()), &mut run, 200 * MS, &[front(), bare(2)]);
    assert!(waits_for(&step, "is open"));
}

#[test]
fn a_listed_peer_is_silent_and_entry_spans_with_a_missing_parent_hold_nothing_then() {
    let config = Config { silent: vec!["cart".to_owned(), "mesh".to_owned()], ..started() };
    let mut run = knowing();
    let mut watch = watch(config.clone());
    let behind = Draft::new(7, 6, "payment", Kind::Server);
    see(&mut watch, &mut run, 200 * MS, &[front(), call(2, 1), behind.clone()]);
    assert_eq!(watch.tick(800 * MS, &mut run).phase, Phase::Settled);
    // An INTERNAL span's parent is of its own process, and flags may say so of any span: those still must come.
    for held in [Draft::new(7, 6, "payment", Kind::Internal), behind.flags(0x100)] {
        let mut watch = super::tests::watch(config.clone());
        assert!(waits_for(&see(&mut watch, &mut run, 200 * MS, &[front(), held]), "names parent"));
    }
}

#[test]
fn every_request_of_the_runner_is_a_call_redirect_hops_too() {
    let hop = Request { span: id(0xfe), peer: "front:80".to_owned(), operation: "GET /".to_owned(), error: false };
    let (mut first, mut run) = (watch(started()), Run::default());
    first.request(hop.clone());
    let step = see(&mut first, &mut run, 200 * MS, &[front()]);
    // The other request's answer made it known.
    assert!(waits_for(&step, "request the runner -> front:80 GET / (00000000000000fe) of the runner has no span"));
    assert_eq!(first.tick(3 * SECOND, &mut run).phase, Phase::Growing);
    let (mut other, mut run) = (watch(started()), Run::default());
    other.request(Request { operation: "GET /static".to_owned(), ..hop });
    assert!(waits_for(&see(&mut other, &mut run, 200 * MS, &[front()]), "has no span yet"));
    assert_eq!(other.tick(8 * SECOND, &mut run).phase, Phase::Settled);
}

#[test]
fn incomplete_but_unchanged_for_twice_the_settle_is_stalled_and_news_revives_it() {
    let patient = Config { exporter_delay_is_set: false, ..started() };
    let (mut watch, mut run) = (watch(patient), Run::default());
    see(&mut watch, &mut run, 200 * MS, &[front(), cart(3, 2)]);
    // What is missing may be of an instance not heard of: 2 × 7.8 s.
    assert_eq!(watch.tick(15_799 * MS, &mut run).phase, Phase::Growing);
    let step = watch.tick(15_800 * MS, &mut run);
    assert_eq!((step.phase, step.wake_at), (Phase::Stalled, None));
    assert!(waits_for(&step, "names parent"));
    assert_eq!(see(&mut watch, &mut run, 16 * SECOND, &[front(), call(2, 1), cart(3, 2)]).phase, Phase::Growing);
}

#[test]
fn the_deadline_settles_nothing_and_is_counted_from_the_response() {
    let config = Config { timeout_ns: 400 * MS, ..started() };
    let (mut watch, mut run) = (watch(config), Run::default());
    let step = see(&mut watch, &mut run, 200 * MS, &[front()]);
    assert_eq!((watch.deadline(), step.wake_at), (Some(500 * MS), Some(500 * MS)));
    assert_eq!(watch.tick(499 * MS, &mut run).phase, Phase::Growing);
    let step = watch.tick(500 * MS, &mut run);
    assert_eq!((step.phase, step.wake_at), (Phase::Expired, None));
    assert!(waits_for(&step, "quiet for 0.3 s of 0.6 s"));
}

#[test]
fn a_trace_that_never_came_expires_without_a_span() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    assert_eq!(watch.nothing(Read::at(200 * MS), &mut run).wake_at, watch.deadline());
    let step = watch.tick(31 * SECOND, &mut run);
    assert_eq!(step.phase, Phase::Expired);
    assert!(watch.trace().is_none() && waits_for(&step, "no span has arrived"));
}

#[test]
fn a_late_synchronous_span_makes_the_settle_one_and_a_half_times_its_lag_for_the_run_with_a_warning() {
    let (mut slow, mut run) = (watch(started()), Run::default());
    see(&mut slow, &mut run, 200 * MS, &[front(), call(2, 1)]);
    see(&mut slow, &mut run, 3100 * MS, &[front(), call(2, 1), cart(3, 2)]);
    assert_eq!(run.learned_ns(), 4500 * MS);
    assert_eq!(
        run.warnings()[0].to_string(),
        "a span of cart arrived 3 s after the response, later than the settle of 0.6 s allows; waits settle after 4.5 s \
         for the rest of the run (set `exporter_delay` to what cart uses)"
    );
    let mut next = watch(started());
    see(&mut next, &mut run, 200 * MS, &[front()]);
    assert_eq!(next.settle_ns(&run), 4500 * MS);
}

#[test]
fn after_the_verdict_nobody_looks_so_a_last_look_is_no_time_of_arrival() {
    // Decided early: its other spans came at some moment after that, most likely at once.
    let (mut early, mut run) = (watch(started()), Run::default());
    see(&mut early, &mut run, 200 * MS, &[front(), call(2, 1)]);
    early.decided();
    see(&mut early, &mut run, 5 * SECOND, &[front(), call(2, 1), cart(3, 2)]);
    assert_eq!((run.learned_ns(), run.warnings().len()), (0, 0));
    // Decided on a settled trace: what comes after that is later than the settle, at the least.
    let (mut settled, mut run) = (watch(started()), Run::default());
    see(&mut settled, &mut run, 200 * MS, &[front(), call(2, 1)]);
    settled.tick(9 * SECOND, &mut run);
    settled.decided();
    see(&mut settled, &mut run, 60 * SECOND, &[front(), call(2, 1), cart(3, 2)]);
    assert_eq!(run.learned_ns(), 14_850 * MS);
    let told = |warning: &Warning| warning.to_string().contains("a span of cart arrived 8.9 s after the response");
    assert!(run.warnings().iter().any(told), "{:?}", run.warnings());
}

#[test]
fn asynchronous_work_that_comes_late_teaches_no_lag() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    let producer = Draft::new(2, 1, "front", Kind::Producer);
    see(&mut watch, &mut run, 200 * MS, &[front(), producer.clone()]);
    see(&mut watch, &mut run, 3 * SECOND, &[front(), producer, Draft::new(3, 2, "mail", Kind::Consumer)]);
    let outlives = Draft::new(2, 1, "front", Kind::Internal).times(1000, 3 * SECOND);
    let mut other = super::tests::watch(started());
    see(&mut other, &mut run, 200 * MS, &[front()]);
    see(&mut other, &mut run, 3 * SECOND, &[front(), outlives]);
    assert_eq!(run.learned_ns(), 0);
}

#[test]
fn what_a_store_could_not_tell_for_long_teaches_no_lag() {
    let stored = Config { pipeline: Pipeline::Store, exporter_delay_ns: 200 * MS, ..Config::default() };
    let (mut watch, mut run) = (watch(stored), Run::default());
    watch.nothing(Read::between(100 * MS, 110 * MS), &mut run);
    watch.failed_read(2 * SECOND, "timed out", &mut run);
    watch.snapshot(Read::between(5 * SECOND, 5010 * MS), trace(&[front()]), &mut run);
    assert_eq!(run.learned_ns(), 0);
}

fn stored() -> Config {
    Config { pipeline: Pipeline::Store, exporter_delay_ns: 200 * MS, ..Config::default() }
}

#[test]
fn only_a_read_begun_after_the_quiet_proves_it_not_the_clock_and_not_one_that_hung() {
    let (mut watch, mut run) = (watch(stored()), Run::default());
    let spans = trace(&[front()]);
    // 1.5 × 0.2 s + 1 s after the reading was had.
    let step = watch.snapshot(Read::between(190 * MS, 200 * MS), spans.clone(), &mut run);
    assert_eq!(step.wake_at, Some(1500 * MS));
    assert_eq!(watch.tick(2 * SECOND, &mut run).phase, Phase::Growing);
    let hung = watch.snapshot(Read::between(1400 * MS, 3 * SECOND), spans.clone(), &mut run);
    assert_eq!((hung.phase, hung.wake_at), (Phase::Growing, Some(3 * SECOND)));
    watch.failed_read(4 * SECOND, "gave up after 2 s", &mut run);
    let step = watch.snapshot(Read::between(1500 * MS, 5 * SECOND), spans, &mut run);
    assert_eq!(step.phase, Phase::Settled);
}

#[test]
fn a_read_with_fewer_spans_or_none_is_no_news_and_proves_no_quiet() {
    let (mut watch, mut run) = (watch(stored()), Run::default());
    let both = [front(), Draft::new(2, 1, "front", Kind::Internal)];
    watch.snapshot(Read::at(200 * MS), trace(&both), &mut run);
    let flap = watch.nothing(Read::at(5 * SECOND), &mut run);
    assert_eq!((flap.phase, flap.changed), (Phase::Growing, false));
    assert!(waits_for(&flap, "the last read found 0 of the 2 spans known; the fuller reading stays valid"));
    let fewer = watch.snapshot(Read::at(6 * SECOND), trace(&both[..1]), &mut run);
    assert_eq!((fewer.phase, fewer.changed), (Phase::Growing, false));
    assert_eq!(watch.trace().unwrap().len(), 2);
    let step = watch.snapshot(Read::at(7 * SECOND), trace(&both), &mut run);
    assert_eq!(step.phase, Phase::Settled);
}

#[test]
fn readings_that_each_lack_something_are_joined() {
    let (mut watch, mut run) = (watch(stored()), Run::default());
    let (a, b) = (Draft::new(2, 1, "front", Kind::Internal), Draft::new(3, 1, "front", Kind::Internal));
    watch.snapshot(Read::at(200 * MS), trace(&[front(), a.clone()]), &mut run);
    let step = watch.snapshot(Read::at(300 * MS), trace(&[front(), b.clone()]), &mut run);
    assert!(step.changed);
    assert_eq!(watch.trace().unwrap().len(), 3);
    assert!(waits_for(&step, "the last read found 2 of the 3 spans known"));
}

#[test]
fn a_part_of_a_trace_never_settles() {
    let (mut watch, mut run) = (watch(stored()), Run::default());
    let whole = trace(&[front()]);
    let part = Arc::new(Trace { partial: true, ..(*whole).clone() });
    assert!(waits_for(&watch.snapshot(Read::at(200 * MS), part.clone(), &mut run), "only a part of the trace"));
    let step = watch.snapshot(Read::at(28 * SECOND), part, &mut run);
    assert_eq!(step.phase, Phase::Stalled);
    // The same spans, and an answer that is all of them.
    assert!(!waits_for(&watch.snapshot(Read::at(29 * SECOND), whole, &mut run), "only a part of the trace"));
}

#[test]
fn spans_that_come_after_the_verdict_are_late_and_judged_as_of_the_verdict() {
    let (mut watch, mut run) = (watch(started()), Run::default());
    see(&mut watch, &mut run, 200 * MS, &[front()]);
    assert_eq!(watch.tick(800 * MS, &mut run).phase, Phase::Settled);
    watch.decided();
    let step = see(&mut watch, &mut run, 4 * SECOND, &[front(), cart(3, 2)]);
    assert_eq!((step.phase, step.late, step.changed), (Phase::Settled, 1, true));
}

#[test]
fn the_log_tells_every_reading_and_stays_bounded() {
    let (mut watch, mut run) = (watch(stored()), Run::default());
    watch.nothing(Read::at(100 * MS), &mut run);
    watch.nothing(Read::at(125 * MS), &mut run);
    watch.snapshot(Read::at(400 * MS), trace(&[front(), cart(3, 2)]), &mut run);
    assert_eq!(
        watch.log().to_string(),
        "+0 s to +0.025 s (2 readings): 0 spans of 0 services; no span has arrived\n\
         +0.3 s: 2 spans of 2 services, 1 orphan; span `op-3` (0000000000000003) of cart names parent \
         0000000000000002, which has not arrived"
    );
    for at in 0..1000 {
        watch.failed_read(SECOND + at * MS, format!("reason {at}"), &mut run);
        watch.nothing(Read::at(SECOND + at * MS), &mut run);
    }
    assert_eq!(watch.log().readings(), 2003);
    assert!(watch.log().entries().count() <= 48);
}

#[test]
fn an_id_shared_by_client_and_server_is_one_span_before_and_after_its_client_came() {
    let (mut watch, mut run) = (watch(stored()), Run::default());
    let server = Draft::new(2, 1, "cart", Kind::Server);
    watch.snapshot(Read::at(200 * MS), trace(&[front(), server.clone()]), &mut run);
    watch.snapshot(Read::at(300 * MS), trace(&[front(), call(2, 1), server]), &mut run);
    assert_eq!(watch.trace().unwrap().len(), 3);
    assert!(!waits_for(&watch.tick(301 * MS, &mut run), "the last read found"));
}

#[test]
fn absurd_times_and_settles_are_no_panic() {
    let endless = Config { settle: Settle::Fixed(u64::MAX), timeout_ns: u64::MAX, ..stored() };
    let (mut watch, mut run) = (watch(endless), Run::default());
    watch.snapshot(Read::between(9 * SECOND, SECOND), trace(&[front()]), &mut run);
    let step = watch.snapshot(Read::at(u64::MAX), trace(&[front(), cart(3, 2)]), &mut run);
    assert_eq!((step.phase, watch.tick(0, &mut run).phase), (Phase::Expired, Phase::Growing));
    let slow = Config { exporter_delay_ns: u64::MAX, ..stored() };
    assert_eq!(settle(slow, &[front(), call(2, 1)]), u64::MAX);
}

#[test]
fn what_came_in_time_and_was_read_late_teaches_no_lag() {
    let (mut late, mut run) = (watch(started()), Run::default());
    let read = Read { arrived_ns: Some(150 * MS), ..Read::at(20 * SECOND) };
    let step = late.snapshot(read, trace(&[front()]), &mut run);
    assert_eq!((run.learned_ns(), run.warnings().len()), (0, 0));
    // Nor does it make the trace younger than it is.
    assert_eq!(step.phase, Phase::Confirmed);
}

#[test]
fn what_was_learned_of_others_leaves_room_for_a_verdict_before_the_deadline() {
    let (mut late, mut run) = (watch(started()), Run::default());
    late.tick(25 * SECOND, &mut run);
    see(&mut late, &mut run, 26 * SECOND, &[front()]);
    assert!(run.learned_ns() > 30 * SECOND);
    let mut other = watch(started());
    see(&mut other, &mut run, 200 * MS, &[front()]);
    // 29.9 s are left; 45 hundredths of these are 13.455 s.
    assert_eq!(other.settle_ns(&run), 13_455 * MS);
    assert_eq!(other.tick(13_654 * MS, &mut run).phase, Phase::Growing);
    assert_eq!(other.tick(13_655 * MS, &mut run).phase, Phase::Settled);
    assert_eq!(other.tick(27_110 * MS, &mut run).phase, Phase::Confirmed);
    // Never shorter than without having learned anything.
    let mut short = watch(Config { timeout_ns: SECOND, ..started() });
    see(&mut short, &mut run, 200 * MS, &[front()]);
    assert_eq!(short.settle_ns(&run), 600 * MS);
}

#[test]
fn the_time_in_a_queue_is_not_held_against_the_trace() {
    let (mut queued, mut run) = (watch(Config { timeout_ns: SECOND, ..stored() }), Run::default());
    assert_eq!(queued.deadline(), Some(1100 * MS));
    queued.postpone(10 * SECOND);
    assert_eq!(queued.deadline(), Some(11_100 * MS));
    assert_eq!(queued.tick(11 * SECOND, &mut run).phase, Phase::Growing);
    assert_eq!(queued.tick(11_100 * MS, &mut run).phase, Phase::Expired);
}

#[test]
fn a_failed_read_is_in_the_log_also_where_no_span_has_arrived() {
    let (mut broken, mut run) = (watch(stored()), Run::default());
    for at in 1..=92 {
        broken.failed_read((100 + at) * MS, "503 Service Unavailable", &mut run);
    }
    let log = broken.log().to_string();
    assert!(log.contains("(92 readings)") && log.contains("the last read failed: 503"), "{log}");
}

#[test]
fn the_quiet_that_is_waited_for_is_the_one_that_is_said() {
    let (mut orphaned, mut run) = (watch(started()), Run::default());
    see(&mut orphaned, &mut run, 200 * MS, &[front(), Draft::new(2, 0x77, "front", Kind::Internal)]);
    let quiet = |step: &Step| step.waiting_for.iter().find(|reason| matches!(reason, Reason::Quiet { .. })).cloned();
    let settle = orphaned.settle_ns(&run);
    let step = orphaned.tick(200 * MS + settle, &mut run);
    assert_eq!(quiet(&step), Some(Reason::Quiet { quiet_ns: settle, settle_ns: orphaned.certain_ns(&run) }));
    // Once it has been as quiet as that, it is not the quiet that lacks.
    let step = orphaned.tick(200 * MS + orphaned.certain_ns(&run), &mut run);
    assert_eq!((step.phase, quiet(&step)), (Phase::Stalled, None));
}
