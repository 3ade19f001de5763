//! `repeats`, `serial`, `fan_out`, `chain`, `concurrency`: verdicts in each phase, and the words of findings.

use super::keys::{BROKEN, KEPT, MISSING, SHOWN, THERE, VIOLATED, check_on};
use super::told::{build, judged, lines, one, trace, verdicts};
use proptest::prelude::*;
use std::fmt::Write as _;
use tracespec::assert::Verdict;
use tracespec::trace::Phase;

/// Undecided for what was lost of a span.
const LOST: &str = "OIIII";

/// A handler that asks a database so many times for one thing.
fn queries(count: u64) -> String {
    let mut text = "stock server reserve_inventory 0..500\n".to_owned();
    for at in 0..count {
        let (start, end) = (10 * at, 10 * at + 7);
        let query = format!("SELECT/**/qty/**/FROM/**/stock/**/WHERE/**/sku={at}");
        writeln!(
            text,
            "  stock client SELECT {start}..{end} db.system.name=postgresql db.namespace=stock-db db.query.text={query}"
        )
        .unwrap();
    }
    text
}

/// A handler that calls a service so many times, each answered.
fn requests(count: u64, method: &str, gap: u64) -> String {
    let mut text = "shop server handle 0..500\n".to_owned();
    for at in 0..count {
        let (start, end) = (gap * at, gap * at + 10);
        let (from, to) = (start + 1, end - 1);
        writeln!(
            text,
            "  shop client call {start}..{end} http.request.method={method} url.full=http://stock/items/{at}"
        )
        .unwrap();
        writeln!(text, "    stock server answer {from}..{to} http.route=/items/{{id}}").unwrap();
    }
    text
}

#[test]
fn repeats() {
    check_on(KEPT, "repeats: < 5", &queries(4));
    check_on(SHOWN, "repeats: < 5", &queries(5));
    check_on(KEPT, "repeats: { per_parent: <= 12, per_trace: < 20 }", &queries(12));
    check_on(SHOWN, "repeats: { per_trace: < 12 }", &queries(12));
    // What is answered stays what it is, whatever else arrives.
    check_on(KEPT, "repeats: <= 6", &requests(6, "GET", 20));
    check_on(BROKEN, "repeats: <= 5", &requests(6, "GET", 20));
    check_on(THERE, "repeats: '>= 6'", &requests(6, "GET", 20));
    check_on(MISSING, "repeats: '>= 7'", &requests(6, "GET", 20));
    // One that is not answered may yet turn out to lead elsewhere.
    let unanswered =
        requests(6, "GET", 20).lines().filter(|line| !line.contains("server answer")).collect::<Vec<_>>().join("\n");
    check_on(VIOLATED, "repeats: < 5", &unanswered);
    check_on(
        KEPT,
        "repeats: 1",
        "a server x 0..9\n  a client y 1..2 peer.service=b\n  a client z 1..2 peer.service=b\n",
    );
    check_on(KEPT, "repeats: 0", "a server x 0..9\n");
}

#[test]
fn calls_may_be_excepted_by_either_side() {
    for except in ["{ kind: client }", "{ service: stock }", "[{ name: other }, { name: answer }]"] {
        check_on(KEPT, &format!("repeats: {{ per_parent: < 5, except: {except} }}"), &requests(6, "GET", 20));
    }
    check_on(BROKEN, "repeats: { per_parent: < 5, except: { name: other } }", &requests(6, "GET", 20));
    // A parent that is still to come may make it one of them.
    let by_parent = "repeats: { per_parent: < 5, except: { parent: { name: other } } }";
    check_on(VIOLATED, by_parent, &requests(6, "GET", 20));
}

#[test]
fn a_repeated_call_is_worded_with_its_place_its_time_and_what_helps() {
    let judged = one("repeats: < 5", &trace(&queries(12)));
    let finding = &judged.findings[0];
    assert_eq!(
        finding.message,
        "Expected < 5 calls stock -> postgresql/stock-db `SELECT qty FROM stock WHERE sku=?` under span `reserve inventory` of stock, \
         found 12; they took 84ms one after another."
    );
    assert_eq!(finding.actual, "12 calls with 12 sets of values");
    assert_eq!(
        finding.hint.as_deref(),
        Some("ask for all of them in one query (`IN`, a join), or name in `except` what is meant to repeat")
    );
    assert_eq!((finding.rule.id(), finding.span_ids.len()), ("repeats.per_parent", 12));
    assert_eq!(finding.expectation, "trace.repeats");
    let judged = one("repeats: { per_trace: 1, except: { name: elsewhere } }", &trace(&requests(3, "POST", 5)));
    let finding = &judged.findings[0];
    assert_eq!(
        finding.message,
        "Expected 1 call shop -> stock `POST /items/{id}` in the trace, found 3; they took 20ms side by side."
    );
    assert_eq!(
        finding.hint.as_deref(),
        Some(
            "ask for all of them in one call, or name in `except` what is meant to repeat; {name: elsewhere} of `except` selects no span \
             of this trace"
        )
    );
    assert_eq!(finding.expectation, "trace.repeats.per_trace");
}

#[test]
fn a_loop_with_a_span_around_each_turn_is_found() {
    let mut text = "a server handle 0..900\n".to_owned();
    for at in 0..5 {
        writeln!(text, "  a internal load_item_{at} {}..{}", 100 * at, 100 * at + 90).unwrap();
        for (query, from) in [("SELECT/**/x", 10), ("SELECT/**/y", 30)] {
            let from = 100 * at + from;
            writeln!(text, "    a client q {from}..{} db.system.name=mysql db.query.text={query}", from + 10).unwrap();
        }
    }
    let judged = one("repeats: < 5", &trace(&text));
    let messages: Vec<&str> = judged.findings.iter().map(|finding| &*finding.message).collect();
    let expected = |what: &str| {
        format!(
            "Expected < 5 calls a -> mysql `SELECT {what}` under span `handle` of a, each within `load item 0`, found 5; they took 50ms one \
             after another."
        )
    };
    assert_eq!(messages, [expected("x"), expected("y")]);
}

#[test]
fn what_was_lost_of_a_call_leaves_open_what_it_is() {
    // The end of a query: it may be the same as the others, or not.
    let cut = |count| queries(count).replacen("sku=0", "s...", 1);
    check_on(LOST, "repeats: < 5", &cut(5));
    check_on(KEPT, "repeats: < 5", &cut(4));
    check_on(SHOWN, "repeats: < 5", &cut(6));
    let judged = one("repeats: < 5", &trace(&cut(5)));
    assert_eq!(
        judged.findings[0].message,
        "Expected < 5 calls stock -> postgresql/stock-db `SELECT qty FROM stock WHERE sku=?` under span `reserve inventory` of stock, \
         found between 4 and 5: what some of them ask for, or whether `except` admits them, was lost."
    );
}

#[test]
fn serial() {
    // Six calls of 10 ms each, one after another.
    check_on(KEPT, "serial: { saving: <= 50ms }", &requests(6, "GET", 20));
    check_on(VIOLATED, "serial: { saving: < 50ms }", &requests(6, "GET", 20));
    check_on(VIOLATED, "serial: { saving: < 50ms }", &requests(6, "POST", 20));
    check_on(KEPT, "serial: { saving: 0s }", &requests(6, "GET", 5));
    check_on(MISSING, "serial: { saving: '> 50ms' }", &requests(6, "GET", 20));
    check_on(KEPT, "serial: { saving: < 50ms, except: { service: stock } }", &requests(6, "GET", 20));
    check_on(KEPT, "serial: { saving: < 1ms }", "a server x 0..9\n  a client y 1..4\n  a client z 4..8\n");
    check_on("OIIII", "serial: { saving: < 50ms }", &(requests(2, "GET", 20) + "  shop client z 100..0\n"));
}

/// What runs beside something longer costs the root nothing.
#[test]
fn only_what_is_on_the_critical_path_is_saved() {
    let beside = requests(6, "GET", 20).replace(" handle 0..500", " handle 0..130") + "  shop internal longer 0..125\n";
    check_on(KEPT, "serial: { saving: < 1ms }", &beside);
    let partly = requests(6, "GET", 20).replace(" handle 0..500", " handle 0..130") + "  shop internal longer 0..75\n";
    check_on(VIOLATED, "serial: { saving: < 20ms }", &partly);
    check_on(KEPT, "serial: { saving: < 50ms }", &partly);
}

#[test]
fn a_run_is_worded_with_what_it_took_and_what_is_left() {
    let judged = one("serial: { saving: < 20ms }", &trace(&requests(3, "GET", 20)));
    let finding = &judged.findings[0];
    assert_eq!(
        finding.message,
        "Running calls at once could save 20ms, expected < 20ms: 3 calls shop -> stock `GET /items/{id}` under span \
         `handle` of shop took 30ms one after another, the longest 10ms."
    );
    assert_eq!((finding.expected.as_str(), finding.actual.as_str()), ("saving: < 20ms", "20ms"));
    assert_eq!(
        (finding.rule.id(), &*finding.expectation, finding.span_ids.len()),
        ("serial.saving", "trace.serial.saving", 3)
    );
}

#[test]
fn fan_out() {
    check_on(KEPT, "fan_out: <= 6", &requests(6, "GET", 20));
    check_on(BROKEN, "fan_out: <= 5", &requests(6, "GET", 20));
    check_on(MISSING, "fan_out: '>= 7'", &requests(6, "GET", 20));
    check_on(THERE, "fan_out: '>= 6'", &requests(6, "GET", 20));
    let judged = one("fan_out: <= 5", &trace(&requests(6, "GET", 20)));
    assert_eq!(
        judged.findings[0].message,
        "Expected <= 5 calls of one span, found 6: span `handle` of shop makes them, to 1 callee."
    );
    assert_eq!(judged.findings[0].actual, "6 calls, 6 of them shop -> stock `GET /items/{id}`");
}

const DEEP: &str = "
a server x 0..90
  a client y 1..80
    b server x 2..79
      b client y 3..70
        c server x 4..69
          c producer z 5..6
            d consumer w 7..60
";

#[test]
fn chain() {
    check_on(KEPT, "chain: <= 2", DEEP);
    check_on(BROKEN, "chain: <= 1", DEEP);
    check_on(THERE, "chain: '>= 2'", DEEP);
    check_on(MISSING, "chain: 3", DEEP);
    let judged = one("chain: <= 1", &trace(DEEP));
    assert_eq!(
        judged.findings[0].message,
        "Expected <= 1 hops from service to service on one path, found 2: a -> b -> c."
    );
}

#[test]
fn concurrency() {
    check_on(KEPT, "concurrency: 1", &requests(6, "GET", 20));
    check_on(VIOLATED, "concurrency: 1", &requests(6, "GET", 6));
    check_on(MISSING, "concurrency: '>= 3'", &requests(6, "GET", 6));
    let judged = one("concurrency: 1", &trace(&requests(3, "GET", 6)));
    assert_eq!(
        judged.findings[0].message,
        "Expected 1 spans of one service at once, found 2 of shop; the first of them is span `call` of shop."
    );
    // Two instances on two machines: which of their moments are one nobody knows.
    let two = "a server x 0..90 resource.host.name=one\na server y 0..90 resource.host.name=two\n";
    check_on(LOST, "concurrency: 1", two);
    check_on(KEPT, "concurrency: <= 2", two);
    check_on(VIOLATED, "concurrency: 0", two);
}

#[test]
fn a_time_that_is_missing_leaves_open_only_what_needs_it() {
    let text = requests(2, "GET", 20) + "  shop internal z 100..0\n";
    assert_eq!(verdicts("serial: { saving: < 50ms }", &text), "OIIII");
    assert_eq!(verdicts("concurrency: <= 2", &text), "OIIII");
    for spec in ["repeats: < 5", "fan_out: <= 2", "chain: <= 1"] {
        assert_eq!(verdicts(spec, &text), KEPT, "{spec}");
    }
}

proptest! {
    /// The order in which spans arrive changes no word, and a trace that grows takes no failure for good back.
    #[test]
    fn no_arrival_changes_a_word_and_no_growth_what_is_broken_for_good(seed in any::<u64>(), cut in 1usize..12) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let text = [requests(rng.u64(1..7), ["GET", "POST"][rng.usize(..2)], rng.u64(5..20)), queries(rng.u64(1..7))][rng.usize(..2)].clone();
        let spec = "repeats: { per_parent: < 4, per_trace: < 4 }\nserial: { saving: < 20ms }\nfan_out: < 4\nchain: 0\nconcurrency: < 2";
        let all = lines(&text);
        let mut shuffled = all.clone();
        rng.shuffle(&mut shuffled);
        let said = |lines: &[super::told::Line], phase| -> Vec<(Verdict, Vec<String>)> {
            let judged = judged(spec, &build(lines), phase);
            judged.into_iter().map(|one| (one.verdict, one.findings.into_iter().map(|finding| finding.message).collect())).collect()
        };
        prop_assert_eq!(said(&all, Phase::Confirmed), said(&shuffled, Phase::Confirmed));
        shuffled.truncate(cut);
        for ((early, _), (last, _)) in said(&shuffled, Phase::Growing).into_iter().zip(said(&all, Phase::Confirmed)) {
            prop_assert!(early == Verdict::Open || early == last, "{early:?} and then {last:?}:\n{text}");
        }
    }
}
