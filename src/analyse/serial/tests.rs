use super::*;
use crate::trace::fixture::{Draft, draft};

/// Grade, saving and the ids of the calls of each run.
fn found(spans: &[Draft]) -> Vec<(Grade, u64, Vec<u64>)> {
    let trace = draft(spans);
    let facts = Facts::from(&trace);
    let calls = OutgoingCalls::of(&facts);
    let id = |ix: SpanIx| trace.span(ix).id().get();
    let shown = |run: &Run| (run.grade, run.saving_ns(), run.rows(&calls).into_iter().map(id).collect());
    runs(&facts, &calls, |_| true).iter().map(shown).collect()
}

fn handle() -> Draft {
    Draft::new(1, 0, "a", Kind::Server).name("handle").times(0, 900).text("url.path", "/profile/4711")
}
fn http(id: u64, method: &str, url: &str, times: (u64, u64)) -> Draft {
    let span = Draft::new(id, 1, "a", Kind::Client).times(times.0, times.1);
    span.text("http.request.method", method).text("url.full", url).text("peer.service", "s")
}
fn query(id: u64, text: &str, times: (u64, u64)) -> Draft {
    let span = Draft::new(id, 1, "a", Kind::Client).times(times.0, times.1);
    span.text("db.system.name", "sqlite").text("db.query.text", text)
}

use Grade::{Certain, Possible, Unknown};

#[test]
fn turns_of_one_loop_could_have_overlapped() {
    let post = |id, sku, times| http(id, "POST", &format!("http://s/stock/{sku}/x"), times);
    let spans = [handle(), post(2, "1", (0, 100)), post(3, "2", (100, 140)), post(4, "3", (200, 260))];
    assert_eq!(found(&spans), [(Possible, 100, vec![2, 3, 4])]);
    // The same resource written twice.
    let spans = [handle(), post(2, "1", (0, 100)), post(3, "1", (100, 140))];
    assert_eq!(found(&spans), [(Unknown, 40, vec![2, 3])]);
    // Of a prepared write nobody sees which rows it changes; of a read it does not matter.
    let twice = |text| [handle(), query(2, text, (0, 10)), query(3, text, (10, 20))];
    assert_eq!(found(&twice("UPDATE t SET a = 1 WHERE b = ?"))[0].0, Unknown);
    assert_eq!(found(&twice("SELECT a FROM t WHERE b = ?"))[0].0, Possible);
}

#[test]
fn what_overlaps_is_in_no_run_and_shows_that_such_calls_can() {
    let get = |id, at, times| http(id, "GET", &format!("http://s/a/{at}"), times);
    let spans = [handle(), get(2, 1, (0, 10)), get(3, 2, (5, 15))];
    assert_eq!(found(&spans), []);
    let spans = [handle(), get(2, 1, (0, 10)), get(3, 2, (5, 15)), get(4, 3, (20, 30)), get(5, 4, (30, 40))];
    assert_eq!(found(&spans), [(Certain, 10, vec![4, 5])]);
}

#[test]
fn a_failure_a_page_or_a_transaction_stands_between_two_turns() {
    let get = |id, url, times| http(id, "GET", url, times);
    let spans = [handle(), get(2, "http://s/a/1", (0, 10)).error(), get(3, "http://s/a/1", (10, 20))];
    assert_eq!(found(&spans), [(Unknown, 10, vec![2, 3])]);
    let spans = [handle(), get(2, "http://s/a", (0, 10)), get(3, "http://s/a?cursor=x", (10, 20))];
    assert_eq!(found(&spans), [(Unknown, 10, vec![2, 3])]);
    let spans = [
        handle(),
        query(2, "BEGIN", (0, 1)),
        query(3, "SELECT a WHERE b = ?", (1, 2)),
        query(4, "SELECT a WHERE b = ?", (2, 3)),
        query(5, "COMMIT", (3, 4)),
        query(6, "SELECT a WHERE b = ?", (4, 5)),
        query(7, "SELECT a WHERE b = ?", (5, 6)),
    ];
    assert_eq!(found(&spans), [(Unknown, 5, vec![2, 3, 4, 5, 6, 7]), (Possible, 1, vec![6, 7])]);
}

#[test]
fn what_an_earlier_answer_brought_feeds_the_next_call() {
    let get = |id, url, times| http(id, "GET", url, times);
    let answered = |next: &str| {
        let entry = Draft::new(9, 2, "s", Kind::Server).times(1, 9).text("app.next", next);
        [handle(), get(2, "http://s/node/100", (0, 10)), entry, get(3, "http://s/node/200", (10, 20))]
    };
    assert_eq!(found(&answered("200"))[0].0, Unknown);
    assert_eq!(found(&answered("300"))[0].0, Possible);
}

#[test]
fn different_calls_that_read_what_was_known_before_could_have_overlapped() {
    let get = |id, url, times| http(id, "GET", url, times);
    let spans = [handle(), get(2, "http://s/users/4711", (0, 10)), get(3, "http://s/orders?user=4711", (10, 30))];
    assert_eq!(found(&spans), [(Possible, 10, vec![2, 3])]);
    let spans = [handle(), get(2, "http://s/users/4711", (0, 10)), get(3, "http://s/orders?cart=17", (10, 30))];
    assert_eq!(found(&spans), [(Unknown, 10, vec![2, 3])]);
    let spans = [handle(), get(2, "http://s/users/4711", (0, 10)), http(3, "POST", "http://s/orders", (10, 30))];
    assert_eq!(found(&spans), [(Unknown, 10, vec![2, 3])]);
}

#[test]
fn a_run_with_a_time_or_a_value_lost_beside_it_is_not_known() {
    let get = |id, at, times| http(id, "GET", &format!("http://s/a/{at}"), times);
    let known = |spans: &[Draft]| {
        let trace = draft(spans);
        let facts = Facts::from(&trace);
        let calls = OutgoingCalls::of(&facts);
        runs(&facts, &calls, |_| true)[0].is_known
    };
    let two = [handle(), get(2, 1, (0, 10)), get(3, 2, (10, 20))];
    assert!(known(&two));
    let [a, b, c] = two;
    assert!(!known(&[a, b, c, get(4, 3, (20, 30)).without_end()]));
}

#[test]
fn a_hundred_thousand_calls_one_after_another_are_one_run() {
    let mut spans = vec![handle()];
    spans.extend(
        (2..100_002)
            .map(|id| http(id, "GET", &format!("http://s/a/{id}"), (id * 10, id * 10 + 10)).text("app.x", "some")),
    );
    let found = found(&spans);
    assert_eq!((found.len(), found[0].0, found[0].1), (1, Possible, 99_999 * 10));
}

#[test]
fn a_loop_with_a_body_of_several_calls_could_have_run_its_turns_at_once() {
    let turn = |id: u64, at: u64, sku: &str| {
        let read = query(id, &format!("SELECT a FROM stock WHERE sku = '{sku}'"), (at, at + 10));
        let write = query(id + 1, &format!("UPDATE stock SET a = {at} WHERE sku = '{sku}'"), (at + 10, at + 30));
        [read, write]
    };
    let spans =
        |turns: &[[Draft; 2]]| std::iter::once(handle()).chain(turns.iter().flatten().cloned()).collect::<Vec<_>>();
    let two = spans(&[turn(2, 0, "a"), turn(4, 40, "b")]);
    assert_eq!(found(&two), [(Possible, 30, vec![2, 3, 4, 5])]);
    let three = spans(&[turn(2, 0, "a"), turn(4, 40, "b"), turn(6, 80, "c")]);
    assert_eq!(found(&three), [(Possible, 60, vec![2, 3, 4, 5, 6, 7])]);
    // The second turn writes what the first wrote: each of them may need the one before.
    let [read, _] = turn(4, 40, "b");
    let again = query(5, "UPDATE stock SET a = 0 WHERE sku = 'a'", (50, 70));
    let twice = spans(&[turn(2, 0, "a"), [read, again]]);
    assert_eq!(found(&twice), [(Unknown, 40, vec![2, 3, 4, 5])]);
    // A turn that failed stands before the next.
    let [read, write] = turn(2, 0, "a");
    assert_eq!(found(&spans(&[[read, write.error()], turn(4, 40, "b")])), [(Unknown, 40, vec![2, 3, 4, 5])]);
    // Something else at its beginning and end is no part of it.
    let around = |id, at| query(id, "SELECT now()", (at, at + 5));
    let mut spans = three;
    spans.push(around(10, 900));
    assert_eq!(found(&spans), [(Unknown, 75, vec![2, 3, 4, 5, 6, 7, 10]), (Possible, 60, vec![2, 3, 4, 5, 6, 7])]);
}

#[test]
fn a_hundred_thousand_turns_are_one_run() {
    let mut spans = vec![handle()];
    for turn in 0..50_000u64 {
        let (id, at) = (2 + 2 * turn, 10 * turn);
        spans.push(query(id, &format!("SELECT a FROM s WHERE b = {turn}"), (at, at + 5)));
        spans.push(query(id + 1, &format!("UPDATE s SET a = {turn} WHERE b = {turn}"), (at + 5, at + 10)));
    }
    let found = found(&spans);
    assert_eq!((found.len(), found[0].0, found[0].1), (1, Possible, 49_999 * 10));
}
