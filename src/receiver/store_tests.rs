#![allow(clippy::unwrap_used)]
use super::*;
use crate::trace::{Kind, Link, SpanId, SpanRecord, StatusCode, Sym, Value};
use futures_util::FutureExt;

fn id(value: u128) -> TraceId {
    TraceId::new(value).unwrap()
}

/// One batch: for each (trace, span, linked trace) one span.
fn batch(spans: &[(u128, u64, u128)]) -> Batch {
    let mut batch = Batch::default();
    for &(trace, span, linked) in spans {
        let builder = batch.traces.entry(id(trace)).or_default();
        let links = TraceId::new(linked).map(|trace_id| Link {
            trace_id,
            span_id: SpanId::new(1).unwrap(),
            trace_state: Sym::EMPTY,
            attributes: Box::default(),
        });
        let service = (builder.intern("service.name"), Value::Str(builder.intern(&format!("service-{trace}"))));
        let (resource, scope) = (builder.resource(vec![service]), builder.scope("", "", Vec::new()));
        builder.span(SpanRecord {
            trace_id: id(trace),
            span_id: SpanId::new(span).unwrap(),
            parent_id: None,
            name: Sym::EMPTY,
            kind: Kind::Server,
            status: StatusCode::Unset,
            status_message: Sym::EMPTY,
            trace_state: Sym::EMPTY,
            flags: None,
            start_ns: 1,
            end_ns: 2,
            attributes: Vec::new(),
            events: Vec::new(),
            links: links.into_iter().collect(),
            dropped: Default::default(),
            resource,
            scope,
        });
    }
    batch
}

fn spans(store: &Store, trace: u128) -> usize {
    match store.get(id(trace)) {
        Held::Spans(spans) => spans.len(),
        other => panic!("trace {trace}: {other:?}"),
    }
}

/// A store in which `n` traces of one span fit, and no more.
fn store_of(n: usize) -> Arc<Store> {
    let one = Store::new(DEFAULT_MEMORY);
    one.add(batch(&[(1, 1, 0)]), Instant::now());
    Store::new(one.counts().bytes_held * n)
}

#[test]
fn batches_that_come_while_a_reader_holds_the_trace_are_neither_lost_nor_seen_by_that_reader() {
    let store = Store::new(DEFAULT_MEMORY);
    store.add(batch(&[(1, 1, 0)]), Instant::now());
    let Held::Spans(held) = store.get(id(1)) else { panic!("nothing held") };
    for span in 2..10 {
        store.add(batch(&[(1, span, 0), (2, span, 0)]), Instant::now());
    }
    assert_eq!(held.len(), 1);
    assert_eq!(spans(&store, 1), 9);
    drop(held);
    store.add(batch(&[(1, 10, 0)]), Instant::now());
    assert_eq!((spans(&store, 1), spans(&store, 2)), (10, 8));
}

#[test]
fn a_waiter_is_told_of_its_own_trace_and_of_traces_that_link_to_it_and_of_nothing_else() {
    let store = Store::new(DEFAULT_MEMORY);
    let mut news = store.watch(id(1));
    assert_eq!(news.now(), Arrival::default());
    store.add(batch(&[(2, 1, 0)]), Instant::now());
    assert!(news.changed().now_or_never().is_none());
    let at = Instant::now();
    store.add(batch(&[(1, 1, 0), (1, 2, 0)]), at);
    let first = news.changed().now_or_never().unwrap();
    assert_eq!((first.spans, first.at, first.linking), (2, Some(at), 0));
    store.add(batch(&[(3, 1, 1)]), Instant::now());
    assert_eq!(news.changed().now_or_never().unwrap().linking, 1);
    // Later batches of the linking trace are news too, though they hold no link of their own.
    store.add(batch(&[(3, 2, 0)]), Instant::now());
    assert_eq!(news.changed().now_or_never().unwrap().linking, 2);
    assert_eq!(store.linking_to(id(1)), [id(3)]);
}

#[test]
fn a_waiter_that_comes_late_is_told_what_is_there() {
    let store = Store::new(DEFAULT_MEMORY);
    store.add(batch(&[(1, 1, 0)]), Instant::now());
    assert_eq!(store.watch(id(1)).now().spans, 1);
}

#[test]
fn forgotten_waiters_leave_nothing_behind() {
    let store = Store::new(DEFAULT_MEMORY);
    let (first, second) = (store.watch(id(1)), store.watch(id(1)));
    drop(first);
    assert_eq!(store.lock().watched.len(), 1);
    drop(second);
    assert_eq!(store.lock().watched.len(), 0);
}

#[test]
fn over_its_memory_the_trace_silent_longest_goes_first_and_one_that_is_watched_goes_last() {
    let store = store_of(3);
    let mut news = store.watch(id(1));
    for trace in 1..=3 {
        store.add(batch(&[(trace, 1, 0)]), Instant::now());
    }
    store.add(batch(&[(4, 1, 0)]), Instant::now());
    assert!(matches!(store.get(id(2)), Held::Evicted));
    assert_eq!((spans(&store, 1), spans(&store, 3), spans(&store, 4)), (1, 1, 1));
    assert_eq!((store.counts().evicted, store.counts().traces_held), (1, 3));
    assert!(store.evicted_words(id(2)).contains("was evicted"));
    assert!(!news.now().evicted);
}

#[test]
fn services_are_those_of_the_traces_held() {
    let one = batch(&[(1, 1, 0)]).traces.into_values().map(|spans| spans.memory()).sum::<usize>();
    let store = Store::new(one * 5 / 2);
    for trace in 1..=3 {
        store.add(batch(&[(trace, 1, 0)]), Instant::now());
        store.add(batch(&[(trace, 1, 0)]), Instant::now());
    }
    assert_eq!(store.counts().traces_held, 1);
    assert_eq!(store.services(), ["service-3"]);
}

#[test]
fn what_comes_of_an_evicted_trace_is_dropped_and_counted_so_that_no_half_trace_is_taken_for_a_whole() {
    let store = store_of(1);
    store.add(batch(&[(1, 1, 0)]), Instant::now());
    store.add(batch(&[(2, 1, 0)]), Instant::now());
    let stored = store.add(batch(&[(1, 2, 0)]), Instant::now());
    assert_eq!(stored, Stored { spans: 0, invalid: 0, late: 1 });
    assert!(matches!(store.get(id(1)), Held::Evicted));
    assert_eq!(store.counts().late, 1);
}

#[test]
fn a_watched_trace_that_alone_is_too_large_is_evicted_and_its_waiter_told() {
    let store = Store::new(10);
    let mut news = store.watch(id(1));
    store.add(batch(&[(1, 1, 7)]), Instant::now());
    assert!(news.changed().now_or_never().unwrap().evicted);
    assert!(store.watch(id(1)).now().evicted);
    assert_eq!(store.linking_to(id(7)), []);
    let counts = store.counts();
    assert_eq!((counts.bytes_held, counts.spans_held, counts.traces_held), (0, 0, 0));
}

#[test]
fn many_writers_and_readers_at_once_lose_no_span_and_what_was_stored_is_seen_by_the_next_read() {
    let store = Store::new(DEFAULT_MEMORY);
    std::thread::scope(|scope| {
        for writer in 0..4u64 {
            let store = &store;
            scope.spawn(move || {
                let mut last = 0;
                let mut held = store.get(id(1));
                for span in 0..200 {
                    store.add(batch(&[(1, 1 + writer * 1000 + span, 0)]), Instant::now());
                    let now = spans(store, 1);
                    assert!(now > last && now > span as usize, "{now} after {last}");
                    last = now;
                    // Some readers hold on to what they read while others write.
                    if span % (writer + 1) == 0 {
                        held = store.get(id(1));
                    }
                }
                drop(held);
            });
        }
    });
    assert_eq!(spans(&store, 1), 800);
    assert_eq!(store.watch(id(1)).now().spans, 800);
    assert_eq!(store.counts().spans_held, 800);
}

#[test]
fn a_reader_that_still_has_the_newest_state_is_given_the_same_again() {
    let store = Store::new(DEFAULT_MEMORY);
    store.add(batch(&[(1, 1, 0)]), Instant::now());
    let (Held::Spans(first), Held::Spans(again)) = (store.get(id(1)), store.get(id(1))) else { panic!("nothing held") };
    assert!(Arc::ptr_eq(&first, &again));
    store.add(batch(&[(1, 2, 0)]), Instant::now());
    let Held::Spans(newer) = store.get(id(1)) else { panic!("nothing held") };
    assert!(!Arc::ptr_eq(&first, &newer));
    assert_eq!((first.len(), newer.len()), (1, 2));
}

#[test]
fn an_evicted_trace_takes_its_own_links_with_it_and_leaves_those_of_others() {
    let measured = Store::new(DEFAULT_MEMORY);
    for span in [(1, 1, 7), (2, 1, 7), (2, 2, 8)] {
        measured.add(batch(&[span]), Instant::now());
    }
    let store = Store::new(measured.counts().bytes_held);
    let mut news = store.watch(id(7));
    store.add(batch(&[(1, 1, 7)]), Instant::now());
    store.add(batch(&[(2, 1, 7)]), Instant::now());
    assert_eq!(store.linking_to(id(7)), [id(1), id(2)]);
    // A link of a later batch counts as well.
    store.add(batch(&[(2, 2, 8)]), Instant::now());
    assert_eq!((store.linking_to(id(8)), news.now().linking), (vec![id(2)], 3));
    store.add(batch(&[(3, 1, 0)]), Instant::now());
    assert!(matches!(store.get(id(1)), Held::Evicted));
    assert_eq!((store.linking_to(id(7)), store.linking_to(id(8))), (vec![id(2)], vec![id(2)]));
    store.add(batch(&[(4, 1, 0), (5, 1, 0), (6, 1, 0)]), Instant::now());
    assert!(matches!(store.get(id(2)), Held::Evicted));
    assert!(store.linking_to(id(7)).is_empty() && store.linking_to(id(8)).is_empty());
    assert!(store.lock().linking.is_empty());
    // What comes of an evicted trace brings no link back.
    store.add(batch(&[(2, 3, 7)]), Instant::now());
    assert!(store.linking_to(id(7)).is_empty());
}

#[test]
fn spans_with_half_of_a_trace_id_are_read_with_the_whole_one_and_are_news_to_its_waiter() {
    let (whole, half) = (1 << 64 | 0xdef, 0xdef);
    let store = Store::new(DEFAULT_MEMORY);
    let mut news = store.watch(id(whole));
    store.add(batch(&[(whole, 1, 0)]), Instant::now());
    assert_eq!((news.now().spans, spans(&store, whole)), (1, 1));
    store.add(batch(&[(half, 2, 0)]), Instant::now());
    assert_eq!(news.changed().now_or_never().map(|news| news.spans), Some(1));
    assert_eq!((spans(&store, whole), spans(&store, half)), (2, 1));
    let Held::Spans(held) = store.get(id(whole)) else { panic!("nothing held") };
    let trace = held.build(id(whole), &[], &crate::trace::Injected::Unknown);
    assert_eq!(trace.notes(), [crate::trace::Note::HalfTraceIds { spans: 1 }]);
    store.add(batch(&[(2 << 64 | 0xdee, 3, 0), (0xabc, 3, 0)]), Instant::now());
    assert!(news.changed().now_or_never().is_none());
}
