//! Each kind of difference by a trace that was changed in one way, and what holds of all traces.

use super::*;
use crate::facts::Facts;
use crate::trace::Kind;
use crate::trace::fixture::{Draft, draft};
use proptest::prelude::*;

/// A span that started at a moment that is not cut to microseconds.
fn span(id: u64, parent: u64, service: &str, kind: Kind, name: &str, times: (u64, u64)) -> Draft {
    let host = [("host.id", "one")];
    Draft::new(id, parent, service, kind)
        .name(name)
        .times(times.0 * 1_000_000 + 7, times.1 * 1_000_000 + 7)
        .resource(&host)
}

/// An order: the card is charged, then two articles are reserved at the same time, each with a query.
fn shop() -> Vec<Draft> {
    vec![
        span(1, 0, "gateway", Kind::Server, "POST /orders", (0, 100)),
        span(2, 1, "gateway", Kind::Client, "POST /orders", (1, 99)),
        span(3, 2, "orders", Kind::Server, "POST /orders", (2, 98)),
        span(4, 3, "orders", Kind::Client, "Pay/Charge", (10, 40)),
        span(5, 4, "payments", Kind::Server, "Pay/Charge", (12, 38)),
        span(6, 5, "payments", Kind::Internal, "charge-card", (15, 35)),
        span(7, 3, "orders", Kind::Client, "POST /stock", (50, 70)),
        span(8, 7, "stock", Kind::Server, "POST /stock", (52, 68)),
        span(9, 8, "stock", Kind::Client, "SELECT shelf", (55, 60)),
        span(10, 3, "orders", Kind::Client, "POST /stock", (52, 75)),
        span(11, 10, "stock", Kind::Server, "POST /stock", (54, 73)),
        span(12, 11, "stock", Kind::Client, "SELECT shelf", (56, 61)),
    ]
}

fn shape(spans: &[Draft]) -> Shape {
    Shape::of(&Facts::from(&draft(spans)))
}

fn differences(before: &[Draft], after: &[Draft]) -> Vec<Difference> {
    compare(&Profile::of(&shape(before)), &shape(after), Counts::Range).differences
}

fn said(before: &[Draft], after: &[Draft]) -> Vec<String> {
    let of = |one: &Difference| format!("{}: {}", one.change.word(), one.sentence());
    differences(before, after).iter().map(of).collect()
}

/// The shop with the spans of these ids replaced.
fn with(changed: &[(u64, Draft)]) -> Vec<Draft> {
    let mut spans = shop();
    for (id, draft) in changed {
        spans[*id as usize - 1] = draft.clone();
    }
    spans
}

/// The shop without the spans of these ids.
fn without(ids: &[u64]) -> Vec<Draft> {
    let kept = shop().into_iter().zip(1..).filter(|(_, id)| !ids.contains(id));
    kept.map(|(draft, _)| draft).collect()
}

#[test]
fn a_trace_is_not_different_from_itself_or_from_what_is_as_it_but_for_data_and_time() {
    assert_eq!(said(&shop(), &shop()), Vec::<String>::new());
    let slower = with(&[(6, span(6, 5, "payments", Kind::Internal, "charge-card", (15, 37)))]);
    assert_eq!(said(&shop(), &slower), Vec::<String>::new());
    let data = |id: &str| with(&[(6, span(6, 5, "payments", Kind::Internal, &format!("charge {id}"), (15, 35)))]);
    assert_eq!(said(&data("100482"), &data("77001")), Vec::<String>::new());
}

#[test]
fn each_kind_of_difference_is_found_and_nothing_that_follows_from_it() {
    let stock = |id, parent, times| span(id, parent, "orders", Kind::Client, "POST /stock", times);
    let renamed = |id, parent, service: &str, kind| span(id, parent, service, kind, "POST /purchases", (2, 98));
    let more = |many: u64| {
        let query = |number: u64| span(20 + number, 8, "stock", Kind::Client, "SELECT shelf", (61, 62));
        shop().into_iter().chain((0..many).map(query)).collect::<Vec<_>>()
    };
    let fraud = [
        span(20, 3, "orders", Kind::Client, "Fraud/Score", (3, 8)),
        span(21, 20, "fraud", Kind::Server, "Fraud/Score", (4, 7)),
        span(22, 21, "fraud", Kind::Internal, "score", (5, 6)),
    ];
    let direct = [
        span(20, 5, "payments", Kind::Client, "POST /stock", (36, 38)),
        span(21, 20, "stock", Kind::Server, "POST /stock", (36, 37)),
    ];
    let plus = |spans: &[Draft]| [shop(), spans.to_vec()].concat();
    let failing = with(&[
        (6, span(6, 5, "payments", Kind::Internal, "charge-card", (15, 35)).error()),
        (5, span(5, 4, "payments", Kind::Server, "Pay/Charge", (12, 38)).error()),
        (4, span(4, 3, "orders", Kind::Client, "Pay/Charge", (10, 40)).error()),
    ]);
    let cases: [(Vec<Draft>, Vec<Draft>, &[&str]); 18] = [
        (
            shop(),
            without(&[8, 9, 11, 12]),
            &["lost_service: stock is missing below orders POST /stock (and 1 path below)"],
        ),
        (shop(), plus(&fraud), &["new_service: fraud is new below orders POST /orders (and 2 paths below)"]),
        (plus(&direct), shop(), &["lost_edge: payments no longer calls stock (and 1 path below)"]),
        (shop(), plus(&direct), &["new_edge: payments calls stock, which it never did (and 1 path below)"]),
        (
            shop(),
            plus(&[span(20, 3, "orders", Kind::Internal, "validate", (3, 8))]),
            &["new_path: orders validate is new below orders POST /orders"],
        ),
        (
            plus(&[span(20, 3, "orders", Kind::Internal, "validate", (3, 8))]),
            shop(),
            &["missing_path: orders validate is missing below orders POST /orders"],
        ),
        (shop(), without(&[6]), &["became_leaf: nothing is below payments Pay/Charge, where 1 path was"]),
        (shop(), more(1), &["count_out_of_range: stock SELECT shelf occurs 3 times, before twice"]),
        (shop(), more(3), &["grew: stock SELECT shelf occurs 5 times, before twice"]),
        (
            shop(),
            with(&[(6, span(6, 3, "payments", Kind::Internal, "charge-card", (15, 35)))]),
            &["reparented: payments charge-card hangs from orders POST /orders, before from payments Pay/Charge"],
        ),
        (
            shop(),
            with(&[(2, renamed(2, 1, "gateway", Kind::Client)), (3, renamed(3, 2, "orders", Kind::Server))]),
            &[
                "renamed: gateway POST /orders is now called POST /purchases",
                "renamed: orders POST /orders is now called POST /purchases",
            ],
        ),
        (
            shop(),
            with(&[(6, span(6, 5, "payments", Kind::Client, "charge-card", (15, 35)))]),
            &["kind_changed: payments charge-card is of kind client, before internal"],
        ),
        (
            shop(),
            failing.clone(),
            &["became_error: payments charge-card fails, as it did not before, and with it 2 paths above"],
        ),
        (
            shop(),
            plus(&[span(20, 3, "orders", Kind::Client, "Pay/Score", (41, 49)).error()]),
            &["became_error: orders Pay/Score is new below orders POST /orders and fails"],
        ),
        (failing, shop(), &["recovered: payments charge-card no longer fails"]),
        (
            shop(),
            with(&[
                (4, span(4, 3, "orders", Kind::Client, "Pay/Charge", (76, 96))),
                (5, span(5, 4, "payments", Kind::Server, "Pay/Charge", (77, 95))),
                (6, span(6, 5, "payments", Kind::Internal, "charge-card", (80, 90))),
            ]),
            &["order_changed: order reversed: orders Pay/Charge no longer ends before POST /stock begins"],
        ),
        (
            shop(),
            with(&[
                (7, stock(7, 3, (41, 51))),
                (8, span(8, 7, "stock", Kind::Server, "POST /stock", (42, 50))),
                (9, span(9, 8, "stock", Kind::Client, "SELECT shelf", (43, 49))),
            ]),
            &["serialised: orders POST /stock and others like it run one after the other, before at the same time"],
        ),
        (
            shop(),
            with(&[(7, stock(7, 3, (35, 70)))]),
            &["parallelised: orders Pay/Charge and POST /stock run at the same time, before one after the other"],
        ),
    ];
    for (before, after, expected) in cases {
        assert_eq!(said(&before, &after), expected);
    }
}

#[test]
fn counts_are_of_the_trace_or_of_each_parent_or_of_none() {
    // Three articles rather than two, each with its query.
    let mut three = shop();
    three.push(span(20, 3, "orders", Kind::Client, "POST /stock", (53, 76)));
    three.push(span(21, 20, "stock", Kind::Server, "POST /stock", (55, 74)));
    three.push(span(22, 21, "stock", Kind::Client, "SELECT shelf", (57, 62)));
    let by = |counts| {
        let found = compare(&Profile::of(&shape(&shop())), &shape(&three), counts).differences;
        found.iter().map(|one| (one.sentence(), one.implied)).collect::<Vec<_>>()
    };
    let call = |each: &str| format!("orders POST /stock occurs 3 times{each}, before twice");
    assert_eq!(by(Counts::Range), [(call(""), 2)]);
    assert_eq!(by(Counts::Ratio), [(call(" for each span above"), 0)]);
    assert_eq!(by(Counts::Any), []);
}

#[test]
fn a_profile_of_several_traces_knows_what_is_always_and_what_ever_was() {
    let validated = [shop(), vec![span(20, 3, "orders", Kind::Internal, "validate", (3, 8))]].concat();
    let one_article = without(&[10, 11, 12]);
    let mut profile = Profile::default();
    [&shop(), &validated, &one_article].into_iter().for_each(|spans| profile.add(&shape(spans)));
    assert_eq!((profile.runs(), profile.variants().len()), (3, 2));
    for spans in [shop(), validated, one_article] {
        assert_eq!(compare(&profile, &shape(&spans), Counts::Range).differences, []);
    }
    let document = ProfileDocument::from(&profile);
    let text = serde_json::to_string(&document).expect("JSON");
    let back: ProfileDocument = serde_json::from_str(&text).expect("a document");
    assert_eq!(ProfileDocument::from(&back.profile().expect("a profile")), document);
}

#[test]
fn an_incomplete_trace_is_never_different() {
    let orphans = compare(&Profile::of(&shape(&shop())), &shape(&without(&[4])), Counts::Range);
    assert!(orphans.differences.is_empty());
    assert_eq!(orphans.incomplete, Some(Incomplete::ParentsMissing(1)));
}

#[test]
fn clocks_that_do_not_tell_leave_the_order_open() {
    // Two spans of other machines directly below one: nothing says how far their clocks are apart.
    let on = |id: u64, host: &str, times: (u64, u64)| {
        let name = format!("work {host}");
        Draft::new(id, 1, host, Kind::Internal)
            .name(&name)
            .times(times.0 * 1_000_000 + 7, times.1 * 1_000_000 + 7)
            .resource(&[("host.id", host)])
    };
    let root = span(1, 0, "gateway", Kind::Server, "POST /orders", (0, 100));
    let one_way = [root.clone(), on(2, "b", (10, 20)), on(3, "c", (30, 40))];
    let other_way = [root, on(2, "b", (30, 40)), on(3, "c", (10, 20))];
    assert_eq!(said(&one_way, &other_way), Vec::<String>::new());
}

#[test]
fn time_goes_to_the_path_that_takes_it() {
    let slow = [
        span(1, 0, "a", Kind::Server, "root", (0, 400)),
        span(2, 1, "a", Kind::Client, "call", (10, 390)),
        span(3, 2, "b", Kind::Server, "call", (20, 380)),
    ];
    let fast = [
        span(1, 0, "a", Kind::Server, "root", (0, 100)),
        span(2, 1, "a", Kind::Client, "call", (10, 90)),
        span(3, 2, "b", Kind::Server, "call", (20, 80)),
    ];
    let times = |spans: &[Draft]| PathTimes::of(&shape(spans)).expect("one root");
    let movement = Movement::of(&times(&fast), &times(&slow));
    assert_eq!(movement.shift_ns(), 300_000_000);
    let (named, rest) = movement.at_least(1_000_000);
    let named: Vec<String> = named.iter().map(|one| format!("{} {}", one.place.text(), one.shift_ns())).collect();
    assert_eq!((named, rest), (vec!["a root > a call > b call 300000000".to_owned()], 0));
}

#[test]
fn a_deep_trace_takes_linear_space_and_no_stack() {
    let deep = |many: u64| -> Vec<Draft> {
        (1..=many).map(|id| span(id, id - 1, "a", Kind::Internal, "down", (0, 100))).collect()
    };
    let (one, other) = (shape(&deep(20_000)), shape(&deep(20_001)));
    let found = compare(&Profile::of(&one), &other, Counts::Range).differences;
    assert_eq!(found.iter().map(|one| (one.change.word(), one.implied)).collect::<Vec<_>>(), [("new_path", 0)]);
}

type Node = (prop::sample::Index, usize, usize, usize, u64, u64, bool);

/// A random tree: for each span but the first its parent among those before, and what it is.
fn trees() -> impl Strategy<Value = Vec<Draft>> {
    let one = (any::<prop::sample::Index>(), 0..3usize, 0..3usize, 0..4usize, 0u64..50, 1u64..50, any::<bool>());
    prop::collection::vec(one, 1..40).prop_map(|nodes| {
        let of = |(at, node): (usize, Node)| {
            let (parent, service, kind, name, start, length, error) = node;
            let parent = if at == 0 { 0 } else { parent.index(at) as u64 + 1 };
            let kind = [Kind::Internal, Kind::Client, Kind::Server][kind];
            let draft = span(
                at as u64 + 1,
                parent,
                ["a", "b", "c"][service],
                kind,
                ["w", "x", "y", "z"][name],
                (start, start + length),
            );
            if error { draft.error() } else { draft }
        };
        nodes.into_iter().enumerate().map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_trace_differs_from_itself_in_whatever_order_its_spans_came(spans in trees(), seed in any::<u64>()) {
        let mut shuffled = spans.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        let (one, other) = (shape(&spans), shape(&shuffled));
        prop_assert_eq!(ProfileDocument::from(&Profile::of(&one)), ProfileDocument::from(&Profile::of(&other)));
        prop_assert_eq!(&one.seen, &other.seen);
        for counts in [Counts::Range, Counts::Ratio, Counts::Any] {
            prop_assert_eq!(compare(&Profile::of(&one), &other, counts).differences, vec![]);
        }
    }

    #[test]
    fn what_was_learnt_from_a_trace_is_no_difference_and_survives_a_document(all in prop::collection::vec(trees(), 1..6)) {
        let shapes: Vec<Shape> = all.iter().map(|spans| shape(spans)).collect();
        let (mut profile, mut backwards) = (Profile::default(), Profile::default());
        shapes.iter().for_each(|shape| profile.add(shape));
        shapes.iter().rev().for_each(|shape| backwards.add(shape));
        prop_assert_eq!(ProfileDocument::from(&profile), ProfileDocument::from(&backwards));
        for shape in &shapes {
            prop_assert_eq!(compare(&profile, shape, Counts::Range).differences, vec![]);
        }
        let back = ProfileDocument::from(&profile).profile().expect("a profile");
        for shape in &shapes {
            prop_assert_eq!(compare(&back, shape, Counts::Range).differences, vec![]);
        }
    }

    #[test]
    fn only_the_shallowest_of_missing_paths_is_reported(spans in trees(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(spans.len()) as u64 + 1;
        prop_assume!(cut > 1);
        let trace = draft(&spans);
        let ix = trace.find(crate::trace::SpanId::new(cut).expect("not zero")).expect("a row");
        let kept: Vec<Draft> = spans.iter().zip(1u64..).filter(|(_, id)| {
            let at = trace.find(crate::trace::SpanId::new(*id).expect("not zero")).expect("a row");
            at != ix && !trace.tree().is_ancestor(ix, at)
        }).map(|(draft, _)| draft.clone()).collect();
        let found = compare(&Profile::of(&shape(&spans)), &shape(&kept), Counts::Range).differences;
        let missing: Vec<&Place> = found.iter().filter(|one| matches!(one.change, Change::MissingPath)).filter_map(|one| one.place.as_ref()).collect();
        for one in &missing {
            for other in &missing {
                let above = one.keys.len() < other.keys.len() && other.keys.starts_with(&one.keys);
                prop_assert!(!above, "{} is above {}", one.text(), other.text());
            }
        }
    }
}
