use super::testing::{Node, ids, ids_of, query, trace, trace_of};
use super::*;
use crate::matcher::{Comparison, Literal, Matcher, Operand};
use crate::source::Span;
use crate::trace::Trace;
use serde_json::json;

fn equals(value: Literal) -> Matcher {
    Matcher::Compare(Comparison::Eq, Operand::Literal(value))
}
fn test(field: Field, matcher: Matcher) -> FieldTest {
    FieldTest { field, matcher, at: Place::default() }
}
fn attribute(key: &str, value: Literal) -> FieldTest {
    test(Field::Attribute(key.to_owned()), equals(value))
}
fn mapping(tests: Vec<FieldTest>) -> Query {
    Query::of_fields(tests, true, Span::default())
}
/// 1 > 2 > 3, 1 > 4; 9 > 10 hang from a missing parent.
fn small() -> Trace {
    trace(&[
        Node::new(1, 0).attr("a", json!(1)),
        Node::new(2, 1).attr("a", json!(2)).attr("b", json!(true)),
        Node::new(3, 2).attr("a", json!("x")).attr("list", json!(["u", "v"])),
        Node::new(4, 1).attr("a", json!(2.5)).event("e", &[("k", json!(1))]).event("f", &[("k", json!(2))]),
        Node::new(9, 77).attr("a", json!(1)),
        Node::new(10, 9).attr("a", json!(5)),
    ])
}

#[test]
fn filters_pick_by_typed_comparison() {
    let trace = small();
    for (text, expected) in [
        ("{ }", vec![1, 2, 3, 4, 9, 10]),
        ("{ span.a = 1 }", vec![1, 9]),
        ("{ span.a > 1 }", vec![2, 4, 10]),
        ("{ span.a != 1 }", vec![2, 4, 10]),
        ("{ span.a = \"x\" }", vec![3]),
        ("{ .b }", vec![2]),
        ("{ !.b }", vec![]),
        ("{ span.list = \"u\" }", vec![3]),
        ("{ span.list != \"u\" }", vec![]),
        ("{ span.list != \"w\" }", vec![3]),
        ("{ span.list =~ \"[uw]\" }", vec![3]),
        ("{ span.b = nil }", vec![1, 3, 4, 9, 10]),
        ("{ span.b != nil }", vec![2]),
        ("{ span.a * 2 = 5 }", vec![4]),
        ("{ name = \"op-3\" || name =~ \"op-1.?\" }", vec![1, 3, 10]),
        ("{ !(span.a = 1) }", vec![2, 3, 4, 10]),
        ("{ resource.service.name = \"shop\" && span.a >= 2 }", vec![2, 4, 10]),
        ("{ .service.name = \"shop\" && .a = 5 }", vec![10]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
}

#[test]
fn conditions_on_events_joined_by_and_are_about_one_event() {
    let trace = small();
    for (text, expected) in [
        ("{ event:name = \"e\" && event.k = 1 }", vec![4]),
        ("{ event:name = \"e\" && event.k = 2 }", vec![]),
        ("{ event:name = \"e\" } && { event.k = 2 }", vec![4]),
        ("{ event.k = 2 }", vec![4]),
        ("{ event:name != \"e\" }", vec![4]),
        ("{ !(event:name = \"e\") }", vec![1, 2, 3, 9, 10]),
        ("{ event.k = nil }", vec![1, 2, 3, 9, 10]),
        ("{ event:name = \"e\" && event.z = nil }", vec![4]),
        ("{ event:timeSinceStart >= 1ns && event.k > 1 }", vec![4]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
}

#[test]
fn conditions_on_events_and_on_links_hold_of_one_event_and_one_link() {
    let mut node = Node::new(1, 0).event("e", &[("k", json!(1))]).event("f", &[("k", json!(2))]);
    node.links = vec![(7, 1), (8, 2)];
    let trace = trace(&[node, Node::new(2, 1).event("e", &[])]);
    for (text, expected) in [
        ("{ event:name = \"e\" && link:traceID = \"7\" }", vec![1]),
        ("{ event:name = \"e\" && event.k = 2 && link:traceID = \"7\" }", vec![]),
        (
            "{ event:name = \"e\" && event.k = 1 && link:traceID = \"8\" && link:spanID = \"0000000000000002\" }",
            vec![1],
        ),
        ("{ event:name = \"e\" && link:traceID = \"7\" && link:spanID = \"0000000000000002\" }", vec![]),
        ("{ name = \"op-2\" && event:name = \"e\" && link:traceID = \"7\" }", vec![]),
        ("{ (event.k = 9 || link:traceID = \"7\") && event:name = \"f\" && link:traceID = \"8\" }", vec![]),
        ("{ (event.k = 2 || link:traceID = \"7\") && event:name = \"f\" && link:traceID = \"8\" }", vec![1]),
        ("{ event:name != link:spanID && event.k = 2 && link:traceID = \"8\" }", vec![1]),
        ("{ event.k = nil && link:traceID = \"8\" }", vec![]),
        ("{ event.x = nil && link:traceID = \"8\" }", vec![1]),
        ("{ event:name = \"f\" && event.x = nil && link:traceID = \"8\" }", vec![1]),
        ("{ event.k > 0 && link.x = nil }", vec![1]),
        ("{ event.k = nil && link.x = nil }", vec![2]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
}

#[test]
fn events_and_links_are_not_looked_at_in_pairs_nor_all_spans_once_for_each_set() {
    let many = 40_000u64;
    let mut node = Node::new(1, 0);
    node.events = (0..many).map(|at| (format!("e{at}"), 20, Vec::new())).collect();
    node.links = (0..many).map(|at| (u128::from(at) + 7, 1)).collect();
    assert_eq!(ids("{ event:name = \"x\" && link:spanID = \"y\" }", &trace(&[node.clone()])), [0u64; 0]);
    assert_eq!(ids("{ event:name =~ \"e.*\" && link:traceID = \"x\" }", &trace(&[node])), [0u64; 0]);
    let chain: Vec<Node> = (1..=many).map(|id| Node::new(id, id - 1)).collect();
    let trace = trace(&chain);
    for sign in [">", "<", ">>", "<<", "~"] {
        assert_eq!(
            ids(&format!("{{ }} | by(name) | {{ }} !{sign} {{ }} | coalesce()"), &trace).len(),
            chain.len(),
            "{sign}"
        );
        assert_eq!(ids(&format!("{{ }} | by(name) | {{ }} &{sign} {{ }}"), &trace), [0u64; 0]);
    }
}

#[test]
fn structure_relates_nothing_below_a_missing_parent_so_that_negation_picks_it() {
    let trace = small();
    for (text, expected) in [
        ("{ } > { }", vec![2, 3, 4]),
        ("{ } >> { span.a = \"x\" }", vec![3]),
        ("{ span.a = 1 } >> { }", vec![2, 3, 4]),
        ("{ } < { }", vec![1, 2]),
        ("{ span.a = \"x\" } << { }", vec![1, 2]),
        ("{ span.a = 2 } ~ { }", vec![4]),
        ("{ } ~ { }", vec![2, 4]),
        ("{ } !> { }", vec![1, 9, 10]),
        ("{ } !< { }", vec![3, 4, 9, 10]),
        ("{ } !~ { }", vec![1, 3, 9, 10]),
        ("{ span.a = 1 } &> { span.a = 2 }", vec![1, 2]),
        ("{ span.a = \"x\" } &<< { }", vec![1, 2, 3]),
        ("{ span.a = 2 } &~ { span.a = 2.5 }", vec![2, 4]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
}

#[test]
fn pipelines_group_aggregate_and_compare() {
    let trace = small();
    for (text, expected) in [
        ("{ } | count() = 6", vec![1, 2, 3, 4, 9, 10]),
        ("{ span.a = 7 } | count() = 0", vec![]),
        ("{ } | max(span.a) = 5", vec![1, 2, 3, 4, 9, 10]),
        ("{ } | min(span.a) < 1", vec![]),
        ("{ name = \"op-2\" } | sum(duration) = 5ns", vec![2]),
        ("{ } | by(span.a) | count() > 1", vec![1, 9]),
        ("{ } | by(span.a) | count() > 1 | coalesce() | { name = \"op-9\" }", vec![9]),
        ("{ } | avg(span.a) = 2.3", vec![1, 2, 3, 4, 9, 10]),
        ("({ span.a = 1 } | count() > 1) && ({ .b } | count() = 1)", vec![1, 2, 9]),
        ("{ span.a = 1 } | select(name)", vec![1, 9]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
    let sets = query("{ } | by(span.a) | count() > 1").spansets(&trace);
    assert_eq!(sets[0].groups, [("by(span.a)".to_owned(), Scalar::Int(1))]);
    assert_eq!(sets[0].aggregate, Some(("count()".to_owned(), Scalar::Int(2))));
}

#[test]
fn mapping_selectors_test_every_key_and_relate_below_a_missing_parent_too() {
    let trace = small();
    let named = |name: &str| Query::of_name(name, Span::default());
    assert_eq!(ids_of(&mapping(vec![attribute("a", Literal::Int(1))]), &trace), [1, 9]);
    assert_eq!(ids_of(&mapping(vec![attribute("a", Literal::Str("1".into()))]), &trace), [0u64; 0]);
    assert_eq!(ids_of(&mapping(vec![test(Field::Attribute("b".into()), Matcher::Absent)]), &trace), [1, 3, 4, 9, 10]);
    let five =
        mapping(vec![test(Field::Service, equals(Literal::Str("shop".into()))), attribute("a", Literal::Int(5))]);
    assert_eq!(ids_of(&five.clone().with_parent(named("op-9")), &trace), [10]);
    assert_eq!(ids_of(&five.with_ancestor(named("op-1")), &trace), [0u64; 0]);
    assert_eq!(ids_of(&Query::everything().with_ancestor(named("op-1")), &trace), [2, 3, 4]);
    let both = Query::everything().and_where(query("{ span.a >= 2 } | count() > 1"));
    assert_eq!(ids_of(&both, &trace), [2, 4, 10]);
}

#[test]
fn an_attribute_is_found_under_its_other_name_and_the_selection_says_so() {
    let trace = trace(&[
        Node::new(1, 0).attr("http.response.status_code", json!(200)),
        Node::new(2, 1).attr("db.system.name", json!("microsoft.sql_server")),
        Node::new(3, 1).attr("http.target", json!("/a?b")),
        Node::new(4, 1).attr("url.path", json!("/a")),
    ]);
    let select = |tests, aliases| Query::of_fields(tests, aliases, Span::default()).select(&Index::new(&trace));
    let status = select(vec![attribute("http.status_code", Literal::Int(200))], true);
    assert_eq!(status.spans().len(), 1);
    let used = AliasUse { asked: "http.status_code".into(), found: "http.response.status_code".into(), refused: None };
    assert_eq!(status.aliases, [used]);
    assert_eq!(select(vec![attribute("db.system", Literal::Str("mssql".into()))], true).spans().len(), 1);
    assert_eq!(select(vec![attribute("url.path", Literal::Str("/a".into()))], true).spans().len(), 2);
    let target = select(vec![attribute("http.target", Literal::Str("/a".into()))], true);
    assert!(target.spans().is_empty() && target.aliases[0].refused.is_some());
    assert!(select(vec![attribute("http.status_code", Literal::Int(200))], false).spans().is_empty());
    // Text is exact.
    assert_eq!(ids("{ span.http.status_code = 200 }", &trace), [0u64; 0]);
}

#[test]
fn in_a_trace_without_types_text_is_compared_as_what_it_is_asked_for() {
    let trace = trace_of(&[Node::new(1, 0).attr("n", json!("200")).event("e", &[("k", json!("3"))])], true);
    assert_eq!(ids_of(&mapping(vec![attribute("n", Literal::Int(200))]), &trace), [1]);
    assert_eq!(ids("{ span.n = 200 && event.k > 2 }", &trace), [1]);
    assert_eq!(ids("{ .n = \"200\" && event.k = 3 }", &trace), [1]);
    assert_eq!(ids("{ span.n = \"200.0\" }", &trace), [0u64; 0]);
}

#[test]
fn without_a_scope_an_attribute_is_the_spans_or_the_resources_and_of_nothing_else() {
    let mut node = Node::new(1, 0).attr("a", json!(1)).event("e", &[("k", json!(1)), ("a", json!(2))]);
    node.links = vec![(7, 1)];
    let trace = trace(&[node, Node::new(2, 1).event("e", &[("a", json!(2))])]);
    for (text, expected) in [
        ("{ .a = 1 }", vec![1]),
        ("{ .a = 2 }", vec![]),
        ("{ .a != nil }", vec![1]),
        ("{ .a = nil }", vec![2]),
        ("{ .k = 1 }", vec![]),
        ("{ .k =~ \".*\" }", vec![]),
        ("{ .k + 1 = 2 }", vec![]),
        ("{ !(.k = 1) }", vec![1, 2]),
        ("{ .k = 1 && event:name = \"e\" }", vec![]),
        ("{ .service.name = \"shop\" }", vec![1, 2]),
        ("{ event.k = 1 }", vec![1]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
    assert_eq!(query("{ } | by(.k)").spansets(&trace).len(), 1);
    assert!(query("{ } | max(.k) >= 1").spansets(&trace).is_empty());
}

#[test]
fn an_array_of_one_is_its_element_and_an_empty_or_mixed_one_compares_with_nothing() {
    let trace = trace(&[
        Node::new(1, 0).attr("a", json!(["x"])).attr("n", json!([5])).attr("b", json!([true])),
        Node::new(2, 1).attr("a", json!([])).attr("n", json!([5, 6])).attr("b", json!([[true]])),
        Node::new(3, 1).attr("a", json!(["x", 1])).attr("n", json!([5, 6.5])).attr("b", json!([null])),
        Node::new(4, 1).attr("a", json!(["x", "y"])).attr("n", json!([1.5])),
    ]);
    for (text, expected) in [
        ("{ span.a = \"x\" }", vec![1, 4]),
        ("{ span.a != \"x\" }", vec![]),
        ("{ span.a != \"z\" }", vec![1, 4]),
        ("{ span.a !~ \"z\" }", vec![1, 4]),
        ("{ span.a =~ \"x|1\" }", vec![1, 4]),
        ("{ span.a = span.a }", vec![1]),
        ("{ span.n + 1 = 6 }", vec![1]),
        ("{ -span.n < 0 }", vec![1, 4]),
        ("{ span.n >= 6 }", vec![2]),
        ("{ span.n != 7 }", vec![1, 2, 4]),
        ("{ span.b }", vec![1]),
        ("{ !span.b }", vec![]),
        ("{ !(span.b = false) }", vec![1, 2, 3, 4]),
        // It is there all the same.
        ("{ span.a != nil }", vec![1, 2, 3, 4]),
        ("{ span.a = nil }", vec![]),
        ("{ } | sum(span.n) = 6.5", vec![1, 2, 3, 4]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
    let sets = query("{ } | by(span.a)").spansets(&trace);
    let groups: Vec<String> = sets.iter().map(|set| set.groups[0].1.to_string()).collect();
    assert_eq!(groups, ["x", "a value that TraceQL cannot compare", "[x, y]"]);
    let untyped = trace_of(&[Node::new(1, 0).attr("n", json!(["5"]))], true);
    assert_eq!(ids("{ span.n = 5 && span.n < 6 }", &untyped), [1]);
}

#[test]
fn a_roots_parent_id_is_sixteen_zeros() {
    let trace = small();
    for (text, expected) in [
        ("{ span:parentID = \"0000000000000000\" }", vec![1]),
        ("{ span:parentID = \"\" }", vec![]),
        ("{ span:parentID != \"0000000000000000\" }", vec![2, 3, 4, 9, 10]),
        ("{ span:parentID =~ \"0+\" }", vec![1]),
        ("{ span:parentID = \"000000000000004d\" }", vec![9]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
    assert_eq!(query("{ } | by(span:parentID)").spansets(&trace).len(), 5);
}

#[test]
fn the_root_is_the_one_that_began_first() {
    let trace = trace(&[Node::new(5, 0), Node::new(2, 0), Node::new(3, 2)]);
    for (text, expected) in [
        ("{ rootName = \"op-2\" }", vec![2, 3, 5]),
        ("{ trace:rootName = \"op-5\" }", vec![]),
        ("{ rootName = name }", vec![2]),
    ] {
        assert_eq!(ids(text, &trace), expected, "{text}");
    }
    let mut called = [Node::new(2, 0), Node::new(5, 0)];
    (called[0].service, called[1].service) = ("first".to_owned(), "second".to_owned());
    assert_eq!(ids("{ rootServiceName = \"first\" }", &super::testing::trace(&called)), [2, 5]);
}

#[test]
fn a_doubt_on_the_left_of_a_negated_relation_takes_no_doubt_from_the_right() {
    // 1 > 2 > 3; of 2 and 3 attributes were dropped.
    let mut nodes = [Node::new(1, 0).attr("x", json!(0)), Node::new(2, 1), Node::new(3, 2), Node::new(4, 3)];
    (nodes[1].dropped, nodes[2].dropped) = (1, 1);
    let trace = trace(&nodes);
    let index = Index::new(&trace);
    let doubted = |text: &str| -> Vec<u64> {
        let between = query(text).between(&index, Doubt::Lost).unwrap();
        let doubted = between.possibly.into_iter().filter(|ix| !between.surely.contains(ix));
        doubted.map(|ix| trace.span(ix).id().get()).collect()
    };
    for (text, expected) in [
        ("{ span.x = 1 } !> { span.y = 2 }", vec![2, 3]),
        ("{ span.x = 1 } !>> { span.y = 2 }", vec![2, 3]),
        ("{ span.x = 1 } !< { span.y = 2 }", vec![2, 3]),
        ("{ name = \"op-2\" } !> { span.y = 2 }", vec![2]),
        ("{ name = \"op-2\" } > { span.y = 2 }", vec![3]),
        ("{ span.x = 1 } > { name = \"op-4\" }", vec![4]),
        ("{ span.x = 1 } &> { span.y = 2 }", vec![2, 3]),
    ] {
        assert_eq!(doubted(text), expected, "{text}");
    }
}

#[test]
fn the_empty_trace_has_no_spanset() {
    assert!(query("{ } | count() >= 0").spansets(&trace(&[])).is_empty());
}

#[test]
fn a_chain_of_100_000_spans_is_walked_without_recursion() {
    let nodes: Vec<Node> = (1..=100_000).map(|id| Node::new(id, id - 1)).collect();
    let trace = trace(&nodes);
    assert_eq!(query("{ name = \"op-1\" } >> { }").spans(&trace).len(), 99_999);
    assert_eq!(query("{ name = \"op-100000\" } << { }").spans(&trace).len(), 99_999);
    assert_eq!(ids("{ nestedSetLeft = 100000 }", &trace), [100_000]);
    assert_eq!(ids("{ nestedSetRight = 200000 }", &trace), [1]);
}

#[test]
fn results_that_more_spans_can_only_add_to_are_told_from_others() {
    for text in [
        "{ span.a = 1 }",
        "{ !(span.a = 1) }",
        "{ } >> { }",
        "{ } &~ { }",
        "{ } && { span.b = nil }",
        "{ } | count() > 2",
        "{ } | by(name) | max(span.a) >= 2",
        "{ } | min(duration) < 1s",
        "{ } | sum(duration) > 1s | coalesce()",
    ] {
        assert_eq!(query(text).monotone(), Monotone::Up, "{text}");
    }
    for text in [
        "{ } !>> { }",
        "{ rootName = \"x\" }",
        "{ span:childCount = 0 }",
        "{ traceDuration < 1s }",
        "{ nestedSetParent < 0 }",
        "{ } | count() < 2",
        "{ } | count() = 2",
        "{ } | avg(duration) > 1s",
        "{ } | sum(span.a) > 1",
        "{ } && ({ }) || { } !~ { }",
    ] {
        assert_eq!(query(text).monotone(), Monotone::Exact, "{text}");
    }
}
