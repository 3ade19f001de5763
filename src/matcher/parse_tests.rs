use super::{Comparison, Compiled, Literal, Matcher, Operand, Pattern, Position, Template, TypeName, parse, template};
use crate::diag::{Code, Problem};
use crate::source::SourceFile;
use crate::yaml::{self, TextSpan};
use proptest::prelude::*;

fn read(yaml: &str, position: Position) -> Result<Matcher, Vec<Problem>> {
    let parsed = yaml::parse(&SourceFile::new("a.yaml", format!("m: {yaml}\n")));
    let mut problems = parsed.problems;
    let root = parsed.root.unwrap();
    let matcher = parse(root.get("m").unwrap(), position, &mut problems);
    matcher.ok_or(problems)
}

#[track_caller]
fn good(yaml: &str, position: Position, expect: Matcher) {
    let got = read(yaml, position);
    assert!(
        got.as_ref().is_ok_and(|got| without_places(got) == without_places(&expect)),
        "{yaml}: {got:#?}\n{expect:#?}"
    );
}

#[track_caller]
fn bad(yaml: &str, position: Position, code: Code, help: &str) {
    match read(yaml, position) {
        Ok(matcher) => panic!("{yaml} is {matcher:?}"),
        Err(problems) => {
            let problem = &problems[0];
            assert!(problem.code == code && problem.help.join(" ").contains(help), "{yaml}: {problem:#?}");
        }
    }
}

/// Places aside, by what is printed of the parts.
fn without_places(matcher: &Matcher) -> String {
    let mut text = format!("{matcher:?}");
    while let Some(at) = text.find("Span {") {
        let end = text[at..].find('}').map_or(text.len(), |n| at + n + 1);
        text.replace_range(at..end, "@");
    }
    // Whether it is compiled shows in no spec.
    while let Some(at) = text.find("regex: Some(") {
        let end = text[at..].find("))").map_or(text.len(), |n| at + n + 2);
        text.replace_range(at..end, "regex");
    }
    text
}

fn compare(comparison: Comparison, literal: Literal) -> Matcher {
    Matcher::Compare(comparison, Operand::Literal(literal))
}

fn eq(text: &str) -> Matcher {
    compare(Comparison::Eq, Literal::Str(text.into()))
}

#[test]
fn a_value_alone_is_equality_with_type() {
    good("card", Position::Any, eq("card"));
    good("200", Position::Any, compare(Comparison::Eq, Literal::Int(200)));
    good("'200'", Position::Any, eq("200"));
    good("01234", Position::Any, eq("01234"));
    good("true", Position::Any, compare(Comparison::Eq, Literal::Bool(true)));
    good("1.5", Position::Any, compare(Comparison::Eq, Literal::Float(1.5)));
    good("3s", Position::Any, eq("3s"));
    good("1.10", Position::Text, eq("1.10"));
    good("18446744073709551615", Position::Any, compare(Comparison::Eq, Literal::Int(u64::MAX.into())));
    good(
        "[a, 1]",
        Position::Any,
        compare(Comparison::Eq, Literal::List(vec![Literal::Str("a".into()), Literal::Int(1)])),
    );
    good("3s", Position::Duration, compare(Comparison::Eq, Literal::Duration(3_000_000_000)));
}

#[test]
fn operators_stand_with_or_without_a_blank() {
    for text in ["< 3s", "<3s", "'<   3s'"] {
        good(text, Position::Duration, compare(Comparison::Lt, Literal::Duration(3_000_000_000)));
    }
    good("'!= 200'", Position::Any, compare(Comparison::Ne, Literal::Int(200)));
    good("'!= card'", Position::Any, compare(Comparison::Ne, Literal::Str("card".into())));
    good("'>= 10kB'", Position::Any, compare(Comparison::Gte, Literal::Size(10_000)));
    good("< 60%", Position::Any, compare(Comparison::Lt, Literal::Share(600_000_000_000)));
    good("'< 3'", Position::Count, compare(Comparison::Lt, Literal::Int(3)));
    // Below one there is none, below none there is nothing.
    good("'< 1'", Position::Count, compare(Comparison::Lt, Literal::Int(1)));
    good("'<= 0'", Position::Count, compare(Comparison::Lte, Literal::Int(0)));
    good("< 1ns", Position::Duration, compare(Comparison::Lt, Literal::Duration(1)));
    for (text, position) in [("'< 0'", Position::Count), ("'< -1'", Position::Count), ("< 0s", Position::Duration)] {
        let problems = read(text, position).unwrap_err();
        assert_eq!(problems[0].code, Code::NeverMatches, "{text}");
    }
    let pattern = |text: &str| Pattern { text: Template::text(text, Default::default()), regex: None };
    for text in ["~ card.*", "=~ card.*", "'~card.*'"] {
        let Ok(Matcher::Matches { pattern: got, negated: false }) = read(text, Position::Text) else {
            panic!("{text}")
        };
        assert!(got.text.as_text() == pattern("card.*").text.as_text());
        assert!(got.regex.unwrap().is_match("cards"));
    }
    let Ok(Matcher::Matches { pattern: got, .. }) = read("~ a|b", Position::Text) else { panic!() };
    let regex = got.regex.unwrap();
    assert!(regex.is_match("a") && !regex.is_match("ab") && !regex.is_match("xa"), "anchored around the whole");
}

#[test]
fn ranges_need_two_ends_that_read() {
    let range = |low: Option<i128>, high: Option<i128>| {
        let end = |end: Option<i128>| end.map(|end| Operand::Literal(Literal::Int(end)));
        Matcher::Range(end(low), end(high))
    };
    good("2..5", Position::Count, range(Some(2), Some(5)));
    good("2..", Position::Count, range(Some(2), None));
    good("..5", Position::Any, range(None, Some(5)));
    good("a..b", Position::Any, eq("a..b"));
    good("../x", Position::Text, eq("../x"));
    good("..", Position::Any, eq(".."));
    bad("2..x", Position::Count, Code::BadMatcher, "both ends");
    bad("..", Position::Count, Code::BadMatcher, "both ends");
    bad("5..2", Position::Any, Code::NeverMatches, "2..5");
    bad("< 0", Position::Count, Code::NeverMatches, "write `0`");
    bad("< 0s", Position::Duration, Code::NeverMatches, "200ms");
    bad("1..2s", Position::Any, Code::WrongUnit, "same unit");
}

#[test]
fn wrong_operators_name_the_right_one() {
    bad("== 3", Position::Any, Code::BadMatcher, "write the value alone: `3`");
    bad("= 3", Position::Any, Code::BadMatcher, "write the value alone: `3`");
    bad("=< 3", Position::Any, Code::BadMatcher, "`<= 3`");
    bad("=> 3", Position::Any, Code::BadMatcher, "`>= 3`");
    bad("<> 3", Position::Any, Code::BadMatcher, "`!= 3`");
    bad("<", Position::Any, Code::BadMatcher, "");
    bad("null", Position::Any, Code::BadMatcher, "absent");
    bad("< 3", Position::Duration, Code::WrongUnit, "`3ms` or `3s`");
    bad("< 3s", Position::Count, Code::WrongUnit, "<= 5");
    bad("exists", Position::Count, Code::BadMatcher, "");
    bad("[a]", Position::Text, Code::WrongType, "one_of");
}

#[test]
fn the_mapping_form_says_everything() {
    good("{ eq: '< 3' }", Position::Any, eq("< 3"));
    good("{ eq: null }", Position::Any, compare(Comparison::Eq, Literal::Null));
    good("{ exists: false }", Position::Any, Matcher::Absent);
    good("{ type: int }", Position::Any, Matcher::Type(TypeName::Int));
    good("{ length: < 3 }", Position::Any, Matcher::Length(Box::new(compare(Comparison::Lt, Literal::Int(3)))));
    good(
        "{ gt: 1, lte: 5 }",
        Position::Any,
        Matcher::All(vec![compare(Comparison::Gt, Literal::Int(1)), compare(Comparison::Lte, Literal::Int(5))]),
    );
    good(
        "{ between: [1s, 3s] }",
        Position::Duration,
        Matcher::Range(
            Some(Operand::Literal(Literal::Duration(1_000_000_000))),
            Some(Operand::Literal(Literal::Duration(3_000_000_000))),
        ),
    );
    bad("{ gt: 5, lt: 5 }", Position::Any, Code::NeverMatches, "");
    bad("{ one_of: [] }", Position::Any, Code::NeverMatches, "");
    bad("{}", Position::Any, Code::Empty, "");
}

#[test]
fn a_value_is_never_an_operator() {
    struct One(&'static str);
    impl super::Lookup for One {
        fn value(&self, _: &str, _: Option<&str>, _: crate::source::Span) -> Result<super::Value, Problem> {
            Ok(super::Value::text(self.0))
        }
    }
    let bound = |yaml: &str, position, value| read(yaml, position).unwrap().bind(&One(value), position);
    assert_eq!(bound("'${x}'", Position::Any, "< 3").unwrap(), eq("< 3"));
    assert_eq!(bound("'${x}'", Position::Any, "exists").unwrap(), eq("exists"));
    assert_eq!(bound("< ${x}", Position::Any, "5").unwrap(), compare(Comparison::Lt, Literal::Int(5)));
    assert_eq!(
        bound("< ${x}", Position::Duration, "5s").unwrap(),
        compare(Comparison::Lt, Literal::Duration(5_000_000_000))
    );
    assert!(bound("< ${x}", Position::Duration, "5").is_err());
    assert!(bound("'${x}'", Position::Count, "-1").is_err());
    let Matcher::Matches { pattern, .. } = bound("~ id-${x}", Position::Text, ".*").unwrap() else { panic!() };
    let regex = pattern.regex.unwrap();
    assert!(regex.is_match("id-.*") && !regex.is_match("id-7"));
    assert_eq!(
        bound("{ one_of: ['${x}', b] }", Position::Any, "a").unwrap(),
        Matcher::OneOf(vec![Operand::Literal(Literal::Str("a".into())), Operand::Literal(Literal::Str("b".into())),])
    );
    assert_eq!(
        bound("['${x}', b]", Position::Any, "a").unwrap(),
        compare(Comparison::Eq, Literal::List(vec![Literal::Str("a".into()), Literal::Str("b".into())]))
    );
}

#[test]
fn a_number_in_a_variable_is_text_where_text_is_compared_and_a_number_elsewhere() {
    struct Five;
    impl super::Lookup for Five {
        fn value(&self, _: &str, _: Option<&str>, _: crate::source::Span) -> Result<super::Value, Problem> {
            Ok(super::Value { literal: Literal::Int(5), ..super::Value::text("5".to_owned()) })
        }
    }
    let bound = |yaml: &str, position| read(yaml, position).unwrap().bind(&Five, position).unwrap();
    assert_eq!(bound("'${x}'", Position::Text), eq("5"));
    assert_eq!(bound("'${x}'", Position::Any), compare(Comparison::Eq, Literal::Int(5)));
    assert_eq!(
        bound("{ starts_with: '${x}' }", Position::Any),
        Matcher::StartsWith(Operand::Literal(Literal::Str("5".into())))
    );
    assert_eq!(bound("{ gt: '${x}' }", Position::Any), compare(Comparison::Gt, Literal::Int(5)));
}

fn number() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<i64>().prop_map(|n| Literal::Int(n.into())),
        (0..i64::MAX).prop_map(|ns| Literal::Duration(ns.into())),
        any::<u32>().prop_map(|bytes| Literal::Size(bytes.into())),
        (0u8..100).prop_map(|percent| Literal::Share(i128::from(percent) * 10_000_000_000)),
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z_/][a-zA-Z0-9_/ -]{0,12}[a-z]".prop_filter("words of the language", |text| {
        !matches!(text.as_str(), "exists" | "absent" | "true" | "false" | "null") && !text.ends_with(' ')
    })
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let comparison =
        prop_oneof![Just(Comparison::Lt), Just(Comparison::Lte), Just(Comparison::Gt), Just(Comparison::Gte)];
    prop_oneof![
        word().prop_map(|text| eq(&text)),
        word().prop_map(|text| compare(Comparison::Ne, Literal::Str(text.into()))),
        (comparison, number()).prop_map(|(comparison, literal)| compare(comparison, literal)),
        (0..i64::MAX, 0..i64::MAX).prop_map(|(a, b)| {
            let end = |ns: i64| Some(Operand::Literal(Literal::Duration(ns.into())));
            Matcher::Range(end(a.min(b)), end(a.max(b)))
        }),
        any::<u32>().prop_map(|n| Matcher::Range(Some(Operand::Literal(Literal::Int(n.into()))), None)),
        word().prop_map(|text| {
            let regex = Some(Compiled::new(&text).unwrap());
            Matcher::Matches {
                pattern: Pattern { text: Template::text(text, Default::default()), regex },
                negated: false,
            }
        }),
        Just(Matcher::Exists),
        Just(Matcher::Absent),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(matcher in matcher()) {
        let text = matcher.to_string();
        let quoted = format!("'{}'", text.replace('\'', "''"));
        let again = read(&quoted, Position::Any);
        prop_assert!(again.as_ref().is_ok_and(|again| again.to_string() == text && without_places(again) == without_places(&matcher)), "{text}: {again:?}");
    }

    #[test]
    fn a_template_reads_back(text in "([a-z $}.]|\\$\\$\\{|\\$\\{[a-z]{1,3}\\}|\\$\\{env\\.[A-Z]{1,3}:-[a-z]{0,3}\\}){0,12}") {
        if let Ok(first) = template::parse(&text, TextSpan::default()) {
            let again = template::parse(&first.to_string(), TextSpan::default());
            prop_assert_eq!(Ok(first), again);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}") {
        for position in [Position::Any, Position::Text, Position::Count, Position::Int, Position::Duration, Position::Word(&["a"])] {
            let scalar = yaml::Scalar { text: text.as_str().into(), style: yaml::Style::Quoted, at: TextSpan::default() };
            let node = yaml::Node::scalar_of(scalar);
            parse(&node, position, &mut Vec::new());
        }
    }
}
