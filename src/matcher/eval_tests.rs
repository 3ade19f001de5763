#![allow(clippy::unwrap_used)]
use super::*;
use crate::matcher::{Compiled, Pattern, Template, TypeName};
use crate::source::Span;
use serde_json::json;

fn literal(value: Literal) -> Operand {
    Operand::Literal(value)
}
fn text(value: &str) -> Literal {
    Literal::Str(value.into())
}
fn compare(comparison: Comparison, value: Literal) -> Matcher {
    Matcher::Compare(comparison, literal(value))
}
fn eq(value: Literal) -> Matcher {
    compare(Comparison::Eq, value)
}
fn pattern(pattern: &str, negated: bool) -> Matcher {
    let regex = Compiled::new(pattern).unwrap();
    let text = Template { parts: vec![crate::matcher::Part::Text(pattern.into())], span: Span::default() };
    Matcher::Matches { pattern: Pattern { text, regex: Some(regex) }, negated }
}

#[test]
fn a_pattern_runs_over_line_ends() {
    let matcher = |yaml: &str| {
        let file = crate::source::SourceFile::new("m.yaml", format!("m: '{yaml}'\n"));
        let root = crate::yaml::parse(&file).root.unwrap();
        let crate::yaml::Value::Map(entries) = &root.value else { panic!("{yaml}") };
        let mut problems = Vec::new();
        crate::matcher::parse(&entries[0].1, crate::matcher::Position::Text, &mut problems).unwrap()
    };
    let sql = Fact::text("BEGIN;\nDROP TABLE users");
    assert!(matcher("~ .*DROP TABLE.*").test(&sql));
    assert!(!matcher("!~ .*DROP TABLE.*").test(&sql));
    assert!(!matcher("~ DROP TABLE.*").test(&sql));
}

#[test]
fn only_absent_holds_of_a_missing_fact() {
    let all = [
        eq(Literal::Null),
        compare(Comparison::Ne, Literal::Int(1)),
        Matcher::Range(None, Some(literal(Literal::Int(1)))),
        pattern(".*", true),
        Matcher::Contains(literal(text(""))),
        Matcher::OneOf(vec![literal(Literal::Null)]),
        Matcher::Exists,
        Matcher::Type(TypeName::Null),
        Matcher::Length(Box::new(Matcher::Exists)),
        Matcher::All(vec![Matcher::Absent, Matcher::Exists]),
    ];
    assert!(all.iter().all(|matcher| !matcher.test(&Fact::Missing)));
    assert!(Matcher::Absent.test(&Fact::Missing) && !Matcher::Absent.test(&Fact::Null));
}

#[test]
fn types_are_not_bent_not_even_by_not_equal() {
    assert!(!eq(Literal::Int(200)).test(&Fact::text("200")));
    assert!(!compare(Comparison::Ne, Literal::Int(200)).test(&Fact::text("200")));
    assert!(!compare(Comparison::Lt, Literal::Int(200)).test(&Fact::nanoseconds(5)));
    assert!(!eq(text("true")).test(&Fact::Bool(true)));
    assert!(eq(Literal::Int(1)).test(&Fact::Float(1.0)) && eq(Literal::Float(1.0)).test(&Fact::Int(1)));
    assert_eq!(eq(Literal::Int(200)).mismatch(&Fact::text("200")), "is \"200\", a string, not the number 200");
}

#[test]
fn text_of_a_format_without_types_is_compared_as_the_operand_is_typed() {
    let fact = Fact::Untyped("200");
    assert!(eq(Literal::Int(200)).test(&fact) && eq(text("200")).test(&fact));
    assert!(Matcher::Range(Some(literal(Literal::Int(200))), Some(literal(Literal::Int(299)))).test(&fact));
    assert!(eq(Literal::Bool(false)).test(&Fact::Untyped("false")));
    assert!(eq(Literal::List(vec![text("a"), Literal::Int(1)])).test(&Fact::Untyped("[\"a\",1]")));
    assert!(!eq(Literal::Int(200)).test(&Fact::Untyped("200 OK")));
}

#[test]
fn numbers_are_exact_and_nan_equals_nothing() {
    let edge = (1i128 << 53) + 1;
    assert!(!eq(Literal::Float(edge as f64)).test(&Fact::Int(edge)));
    assert!(eq(Literal::Int(u64::MAX.into())).test(&Fact::json(&json!(u64::MAX))));
    assert!(!eq(Literal::Float(f64::NAN)).test(&Fact::Float(f64::NAN)));
    assert!(compare(Comparison::Ne, Literal::Int(1)).test(&Fact::Float(f64::NAN)));
    assert!(compare(Comparison::Lt, Literal::Duration(100_000_000)).test(&Fact::nanoseconds(99_700_000)));
    assert!(!compare(Comparison::Lt, Literal::Duration(100_000_000)).test(&Fact::nanoseconds(100_000_000)));
    assert!(eq(Literal::Size(10_000)).test(&Fact::Int(10_000)));
    assert!(compare(Comparison::Lt, Literal::Share(600_000_000_000)).test(&Fact::Float(0.59)));
}

#[test]
fn arrays_are_equal_element_by_element_and_contain_with_type() {
    let array = json!([1, "two", [3]]);
    let fact = Fact::json(&array);
    let list = Literal::List(vec![Literal::Int(1), text("two"), Literal::List(vec![Literal::Int(3)])]);
    assert!(eq(list.clone()).test(&fact) && !compare(Comparison::Ne, list).test(&fact));
    assert!(!eq(Literal::List(vec![Literal::Int(1)])).test(&fact));
    assert!(compare(Comparison::Ne, Literal::List(vec![Literal::Int(1)])).test(&fact));
    assert!(Matcher::Contains(literal(Literal::Int(1))).test(&fact));
    assert!(!Matcher::Contains(literal(text("1"))).test(&fact));
    assert!(Matcher::Length(Box::new(eq(Literal::Int(3)))).test(&fact));
    assert!(!eq(Literal::Int(1)).test(&fact), "an array is not its element");
}

#[test]
fn null_differs_from_every_value_and_equals_null() {
    assert!(eq(Literal::Null).test(&Fact::Null) && Matcher::Exists.test(&Fact::Null));
    assert!(compare(Comparison::Ne, Literal::Null).test(&Fact::Int(0)));
    assert!(compare(Comparison::Ne, text("x")).test(&Fact::Null) && !eq(text("x")).test(&Fact::Null));
}

#[test]
fn patterns_and_affixes_are_for_text() {
    assert!(
        pattern("card.*", false).test(&Fact::text("card-1")) && !pattern("card", false).test(&Fact::text("card-1"))
    );
    assert!(pattern("card", true).test(&Fact::text("x")) && !pattern("card", true).test(&Fact::Int(5)));
    assert!(Matcher::StartsWith(literal(text("ca"))).test(&Fact::text("card")));
    assert!(Matcher::EndsWith(literal(text("rd"))).test(&Fact::text("card")));
    assert!(!Matcher::Contains(literal(text("5"))).test(&Fact::Int(55)));
    assert!(pattern("client|server", false).test(&Fact::kind(crate::trace::Kind::Client)));
}

#[test]
fn types_and_lengths_are_told() {
    for (name, fact) in [
        (TypeName::String, Fact::text("")),
        (TypeName::Int, Fact::Int(1)),
        (TypeName::Double, Fact::Float(1.0)),
        (TypeName::Number, Fact::Int(1)),
        (TypeName::Bool, Fact::Bool(true)),
        (TypeName::Bytes, Fact::Bytes(&[1])),
        (TypeName::Null, Fact::Null),
    ] {
        assert!(Matcher::Type(name).test(&fact), "{name:?}");
    }
    assert!(!Matcher::Type(TypeName::Int).test(&Fact::Float(1.0)));
    assert!(Matcher::Length(Box::new(eq(Literal::Int(5)))).test(&Fact::text("zwölf")));
}

#[test]
fn a_mismatch_says_what_is_there_and_what_was_expected() {
    let cases = [
        (eq(text("card")), Fact::text("invoice"), "is \"invoice\", not card"),
        (eq(text("card")), Fact::Missing, "is missing (expected = card)"),
        (
            compare(Comparison::Lt, Literal::Duration(3_000_000_000)),
            Fact::nanoseconds(3_500_000_000),
            "is 3.5s, not < 3s",
        ),
        (Matcher::Absent, Fact::Int(1), "is 1, but must be absent"),
        (pattern("a+", false), Fact::Int(1), "is the number 1; a pattern matches only text"),
        (pattern("a+", false), Fact::text("ab"), "is \"ab\", which does not match a+ from end to end"),
        (Matcher::Type(TypeName::Int), Fact::text("1"), "is \"1\", a string, not of type int"),
        (Matcher::All(vec![Matcher::Exists, eq(Literal::Int(2))]), Fact::Int(1), "is 1, not 2"),
    ];
    for (matcher, fact, expected) in cases {
        assert_eq!(matcher.mismatch(&fact), expected);
    }
    assert_eq!(eq(text("x")).mismatch(&Fact::text("\u{1b}[31m")), "is \"\\u{1b}[31m\", not x");
}

#[test]
fn the_elements_of_an_array_may_be_meant_in_another_type() {
    use crate::trace::{Symbols, Value};
    let mut symbols = Symbols::default();
    let texts = [symbols.intern("5"), symbols.intern("x")].map(Value::Str);
    let numbers = [Value::Int(5), Value::Int(6)];
    let list = |list: &[Literal]| eq(Literal::List(list.to_vec()));
    for (matcher, array, tests, doubts) in [
        (Matcher::Contains(literal(Literal::Int(5))), &texts, false, true),
        (Matcher::Contains(literal(Literal::Int(7))), &texts, false, false),
        (Matcher::Contains(literal(text("5"))), &texts, true, false),
        (Matcher::Contains(literal(text("6"))), &numbers, false, true),
        (Matcher::Contains(literal(text("x"))), &numbers, false, false),
        (list(&[Literal::Int(5), text("x")]), &texts, false, true),
        (list(&[Literal::Int(5)]), &texts, false, false),
        (list(&[text("5"), text("6")]), &numbers, false, true),
        (Matcher::OneOf(vec![literal(Literal::List(vec![text("5"), text("6")]))]), &numbers, false, true),
        (Matcher::All(vec![Matcher::Exists, Matcher::Contains(literal(text("6")))]), &numbers, false, true),
        (eq(Literal::Int(5)), &numbers, false, false),
    ] {
        let array = Fact::Array(array, &symbols);
        assert_eq!((matcher.test(&array), matcher.doubts(&array)), (tests, doubts), "{matcher:?}");
    }
}

#[test]
fn a_duration_is_compared_with_durations_only() {
    let (duration, number) = (Literal::Duration(5), Literal::Int(5));
    for comparison in [Comparison::Eq, Comparison::Gte, Comparison::Ne] {
        for fact in [Fact::Int(5), Fact::Float(6.0), Fact::Untyped("5"), Fact::text("5")] {
            assert!(!compare(comparison, duration.clone()).test(&fact), "{comparison:?} {fact:?}");
        }
    }
    assert!(eq(duration).test(&Fact::Duration(5)) && !eq(number).test(&Fact::Duration(5)));
}
