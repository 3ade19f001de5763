//! Printing and reading are inverse, for any tree that TraceQL can say.

use super::parse::read;
use super::*;
use crate::source::Span;
use crate::trace::{Kind, StatusCode};
use proptest::prelude::*;

pub(super) fn at<T>(make: impl FnOnce(Span) -> T) -> T {
    make(Span::default())
}

fn field_expr(kind: FieldKind) -> FieldExpr {
    at(|span| FieldExpr::new(kind, span))
}

fn constant() -> impl Strategy<Value = Static> {
    let text = prop_oneof!["[ -~]{0,8}", "\\PC{0,4}", Just("a\n\t\"\\${x}$${\r\u{1}`".to_owned())];
    prop_oneof![
        prop_oneof![0..=i64::MAX, Just(i64::MIN)].prop_map(Static::Int),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| Static::Float(value.abs())),
        text.prop_map(|text| Static::Str(text.into())),
        any::<bool>().prop_map(Static::Bool),
        (0..=i64::MAX).prop_map(Static::Duration),
        prop::sample::select(&StatusCode::ALL).prop_map(Static::Status),
        prop::sample::select(&Kind::ALL).prop_map(Static::Kind),
    ]
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let scopes = [Scope::Any, Scope::Span, Scope::Resource, Scope::Event, Scope::Link, Scope::Instrumentation];
    let name =
        prop_oneof!["[a-z.]{1,6}", "\\PC{0,5}", "[0-9]{1,3}", Just("span.x".to_owned()), Just("a\"b\\ c".to_owned())];
    let named = (prop::sample::select(scopes.to_vec()), name).prop_map(|(scope, name)| Attribute::Named {
        scope,
        parent: false,
        name,
    });
    prop_oneof![named, prop::sample::select(&Intrinsic::ALL).prop_map(Attribute::Intrinsic)]
}

fn field() -> impl Strategy<Value = FieldExpr> {
    use FieldOp::*;
    let ops = [Or, And, Eq, Ne, Lt, Lte, Gt, Gte, Add, Sub, Mul, Div, Mod, Pow];
    let leaf = prop_oneof![
        constant().prop_map(|value| field_expr(FieldKind::Static(value))),
        attribute().prop_map(|value| field_expr(FieldKind::Attribute(value))),
    ];
    leaf.prop_recursive(5, 24, 2, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            4 => (prop::sample::select(ops.to_vec()), boxed.clone(), boxed.clone())
                .prop_map(|(op, lhs, rhs)| field_expr(FieldKind::Binary(op, lhs, rhs))),
            1 => (boxed.clone(), boxed.clone(), any::<bool>()).prop_map(|(operand, pattern, negated)| {
                field_expr(FieldKind::Matches { operand, pattern, negated, compiled: None })
            }),
            1 => boxed.clone().prop_map(|inner| field_expr(FieldKind::Negative(inner))),
            1 => boxed.clone().prop_map(|inner| field_expr(FieldKind::Not(inner))),
            1 => boxed.clone().prop_map(|inner| field_expr(FieldKind::Exists(inner))),
            1 => boxed.prop_map(|inner| field_expr(FieldKind::Missing(inner))),
        ]
    })
}

fn operator() -> impl Strategy<Value = SpansetOp> {
    let relations = [Relation::Child, Relation::Parent, Relation::Descendant, Relation::Ancestor, Relation::Sibling];
    let modes = [Mode::Plain, Mode::Not, Mode::Union];
    prop_oneof![
        Just(SpansetOp::And),
        Just(SpansetOp::Or),
        (prop::sample::select(relations.to_vec()), prop::sample::select(modes.to_vec()))
            .prop_map(|(relation, mode)| SpansetOp::Structure(relation, mode)),
    ]
}

fn combined(leaf: impl Strategy<Value = SpansetKind> + 'static) -> impl Strategy<Value = SpansetExpr> {
    let leaf = leaf.prop_map(|kind| at(|span| SpansetExpr::new(kind, span)));
    leaf.prop_recursive(3, 8, 2, |inner| {
        (operator(), inner.clone(), inner).prop_map(|(op, lhs, rhs)| {
            let kind = SpansetKind::Binary { op, disconnected: false, lhs: Box::new(lhs), rhs: Box::new(rhs) };
            at(|span| SpansetExpr::new(kind, span))
        })
    })
}

fn scalar_filter() -> impl Strategy<Value = Stage> {
    use FieldOp::*;
    let functions = [AggregateFn::Avg, AggregateFn::Max, AggregateFn::Min, AggregateFn::Sum];
    let aggregate = prop_oneof![
        Just((AggregateFn::Count, None)),
        (prop::sample::select(functions.to_vec()), field()).prop_map(|(function, field)| (function, Some(field))),
    ];
    let number = prop_oneof![
        (-i64::MAX..=i64::MAX).prop_map(Static::Int),
        (-i64::MAX..=i64::MAX).prop_map(Static::Duration),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Static::Float),
    ];
    (prop::sample::select(&[Eq, Ne, Lt, Lte, Gt, Gte][..]), aggregate, number).prop_map(
        |(op, (function, field), value)| {
            let aggregate = Aggregate { function, field, at: Place::default() };
            let (lhs, rhs) = (ScalarExpr::Aggregate(aggregate), ScalarExpr::Static(value, Place::default()));
            Stage::Scalar(ScalarFilter { op, lhs, rhs, at: Place::default() })
        },
    )
}

fn pipeline(least: usize) -> impl Strategy<Value = Pipeline> {
    let plain = || combined(field().prop_map(SpansetKind::Filter)).prop_map(Stage::Spanset);
    let select = || prop::collection::vec(attribute(), 1..3).prop_map(Stage::Select);
    let first = prop_oneof![3 => plain(), 1 => scalar_filter(), 1 => field().prop_map(Stage::By), 1 => select()];
    let next = prop_oneof![plain(), scalar_filter(), field().prop_map(Stage::By), Just(Stage::Coalesce), select()];
    (first, prop::collection::vec(next, least - 1..3)).prop_map(|(first, rest)| {
        let stages = std::iter::once(first).chain(rest).collect();
        Pipeline { stages, at: Place::default() }
    })
}

fn any_query() -> impl Strategy<Value = Query> {
    let wrapped = combined(pipeline(2).prop_map(SpansetKind::Pipeline)).prop_map(Query::of);
    prop_oneof![3 => pipeline(1).prop_map(|pipeline| Query { pipeline }), 1 => wrapped]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_back_as_the_same_tree(query in any_query()) {
        let text = query.to_string();
        let (back, errors) = read(&text);
        prop_assert!(errors.is_empty(), "{}: {:?}", text, errors);
        prop_assert_eq!(&back, &query, "{}", text);
        prop_assert_eq!(back.to_string(), text);
    }

    #[test]
    fn any_text_is_read_or_refused_with_places_inside_of_it(text in "[ -~\u{e4}]{0,40}") {
        let (query, errors) = parse(&text, Span::new(0, text.len()));
        prop_assert_eq!(query.is_none(), !errors.is_empty());
        for error in errors {
            prop_assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
            prop_assert!(text.is_char_boundary(error.span.start as usize) && text.is_char_boundary(error.span.end as usize));
        }
    }

    #[test]
    fn any_tokens_are_read_or_refused(
        words in prop::collection::vec(prop::sample::select(&[
            "{", "}", "(", ")", "|", "||", "&&", "=", "!=", "=~", "!~", "<", ">>", "!<", "&~", "-", "!", "^", "nil", "name",
            "span.a", "event:name", "1", "2s", "\"x\"", "${v}", "count()", "avg(", "by(", "coalesce()", "select(", ",", "rate()",
            "with(", "error", "parent.b", "foo",
        ][..]), 0..24)
    ) {
        let text = words.join(" ");
        let (query, errors) = parse(&text, Span::new(0, text.len()));
        prop_assert_eq!(query.is_none(), !errors.is_empty(), "{}", text);
        if let Some(query) = query {
            prop_assert_eq!(&read(&query.to_string()).0.to_string(), &query.to_string());
        }
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    let span = |text: &str| Span::new(0, text.len());
    for text in [
        format!("{{ {} }}", "(".repeat(50_000)),
        format!("{{ {}.a }}", "!".repeat(50_000)),
        format!("{{ {}.a }}", "-(".repeat(20_000)),
        format!("{{ .a{} }}", " ^ .a".repeat(10_000)),
        format!("{{ .a = 1{} }}", " || .a = 1".repeat(5_000)),
        "(".repeat(60_000),
        vec!["{}"; 9_000].join(" >> "),
        "-".repeat(60_000),
        "{".repeat(60_000),
    ] {
        let (query, errors) = parse(&text, span(&text));
        assert!(
            query.is_none() && errors.iter().any(|error| error.message.contains("deep") || text.starts_with("{{")),
            "{:.40}",
            text
        );
    }
    let long = format!("{{ name = \"{}\" }}", "x".repeat(MAX_LENGTH));
    assert!(parse(&long, span(&long)).1[0].message.contains("bytes"));
    // What is allowed is walked without running out of stack.
    let wide = format!("{{ .a = 1{} }}", " || .a = 1".repeat(200));
    let query = parse(&wide, span(&wide)).0;
    assert!(query.is_some_and(|query| query.clone() == query && query.to_string().len() > 1000));
}
