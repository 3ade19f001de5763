use super::{Value, parse};
use crate::source::SourceFile;

fn problems(text: &str) -> Vec<(String, String, String)> {
    let file = SourceFile::new("a.yaml", text);
    let mut list: Vec<_> = parse(&file).problems;
    list.sort_by_key(|p| p.span);
    list.into_iter().map(|p| (p.code.as_str().to_owned(), file.slice(p.span).to_owned(), p.help.join(" | "))).collect()
}

#[track_caller]
fn check(text: &str, expect: &[(&str, &str, &str)]) {
    let got = problems(text);
    let got: Vec<_> = got.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(got.len(), expect.len(), "{got:#?}");
    for (got, expect) in got.iter().zip(expect) {
        assert!(got.0 == expect.0 && got.1 == expect.1 && got.2.contains(expect.2), "{got:#?}\n{expect:#?}");
    }
}

#[test]
fn words_that_mean_something_else_to_yaml_are_reported_with_the_right_spelling() {
    check("count: >2\nb: 1\n", &[("yaml-trap", ">2", "write '>2'")]);
    check("count: >= 2  # many\n", &[("yaml-trap", ">= 2", "write '>= 2'")]);
    check("a: != x\n", &[("yaml-trap", "!= x", "write '!= x'")]);
    check("a: { count: > 2, b: !~ x }\n", &[("yaml-trap", "> 2", "'> 2'"), ("yaml-trap", "!~ x", "'!~ x'")]);
    check("- { status = error } | count() > 1\n", &[("yaml-trap", "{ status = error } | count() > 1", "'{ status")]);
    check("select: { name = \"a\" }\n", &[("yaml-trap", "{ name = \"a\" }", "'{ name = \"a\" }'")]);
    check("url: \"a\" + b\n", &[("yaml-trap", "\"a\" + b", "'\"a\" + b'")]);
    check("a: { b: ${x}/y, c: 1 }\n", &[("yaml-trap", "${x}/y", "'${x}/y'")]);
    check("a: [${x}]\n", &[("yaml-trap", "${x}", "'${x}'")]);
    check(
        "a: { $.items[0].sku: x }\n",
        &[("yaml-trap", "$.items[0].sku", "quote")].map(|(a, b, _)| (a, b, "write '$.items[0].sku'")),
    );
    check("- * -> b\n- * -> c: <= 2\n", &[("yaml-trap", "* -> b", "'* -> b'"), ("yaml-trap", "* -> c", "'* -> c'")]);
    check("name: shop: the order\n", &[("yaml-trap", "shop: the order", "'shop: the order'")]);
    check("name: order #12\n", &[("hash-cuts", "#12", "'order #12'")]);
    check("name: \"open\nb: 1\n", &[("yaml-trap", "\"open", "close it")]);
    check("a: {b: 1\nc: 2\n", &[("yaml-syntax", "{", "add a `}`")]);
}

#[test]
fn what_yaml_takes_as_meant_is_left_alone() {
    for text in [
        "a: >\n  text > here\n  * x: y\nb: |-\n  ! x\n",
        "a: >-\n  x\n",
        "a: >2\n    x\n",
        "a: plain\n  > goes on\nb: 1\n",
        "a: &x { b: 1 }\nc: *x\nd:\n  <<: *x\n",
        "a: { b: \"${x}\", c: '> 2' } # note\n",
        "a: [1, 2,\n  3]\nb: {\n  c: 1\n}\n",
        "a: order # 12\n",
        "'$.x': 1\n\"a -> b\": 2\n",
        "- a -> *: 2\n- a -> b\n",
        "{\"tests\": [{\"name\": \"x: y\"}]}",
        "a: {}\nb: []\n",
        "url: ${base}/orders\n",
        "a: \"two\n  lines\"\n",
        "a: -5\nb: - 5\n",
        "x: &a\n  y: 1\n",
        "x: { a: &a { y: 1 }, b: *a, c: &b [1], d: &c text }\n",
    ] {
        let got = problems(text);
        assert!(got.is_empty() || text.contains("b: - 5"), "{text}\n{got:#?}");
    }
}

#[test]
fn one_mistake_hides_no_other() {
    let text = "tests:\n  - name: a\n    count: >2\n  - name: b\n     bad: 1\n  - name: c\n    x: 1\n    x: 2\n";
    let got = problems(text);
    let codes: Vec<_> = got.iter().map(|p| p.0.as_str()).collect();
    assert_eq!(codes, ["yaml-trap", "yaml-syntax", "duplicate-key"], "{got:#?}");
}

#[test]
fn tabs_tags_and_second_documents_are_errors() {
    check("a:\n\tb: 1\n", &[("tab", "\t", "spaces")]);
    check("a: !foo x\n", &[("yaml-tag", "!foo", "quotes")]);
    check("a: 1\n---\nb: 1\n", &[("yaml-syntax", "---", "file of its own")]);
    check("a: *nowhere\n", &[("yaml-syntax", "*nowhere", "quotes")]);
}

#[test]
fn bombs_are_refused_in_no_time() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..40 {
        let alias = format!("*a{}", i - 1);
        text.push_str(&format!("a{i}: &a{i} [{}]\n", [alias.as_str(); 9].join(", ")));
    }
    assert_eq!(problems(&text)[0].0, "yaml-limit");
    assert_eq!(problems(&format!("a: {}\n", "[".repeat(100_000)))[0].0, "yaml-syntax");
    assert_eq!(problems(&format!("a: {}{}\n", "[".repeat(1000), "]".repeat(1000)))[0].0, "yaml-limit");
    let blocks: String = (0..200).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert_eq!(problems(&blocks)[0].0, "yaml-limit");
    assert!(problems(&format!("a: {}\n", "x".repeat(1_000_000))).is_empty());
    assert_eq!(problems(&format!("a: {}\n", "x".repeat(9 << 20)))[0].0, "yaml-limit");
}

#[test]
fn spans_are_those_of_the_source() {
    let file = SourceFile::new("a.yaml", "a: ü\nbé: \"q\\n\"\nc:\n  - 'x'\n  - |\n    text\n    more\n\nd: 1\n");
    let root = parse(&file).root.unwrap();
    assert_eq!(file.slice(root.get("a").unwrap().span), "ü");
    let q = root.get("bé").unwrap();
    assert_eq!(file.slice(q.span), "\"q\\n\"");
    assert_eq!(q.scalar().unwrap().at.start, None);
    let Value::List(items) = &root.get("c").unwrap().value else { panic!() };
    assert_eq!(file.slice(items[0].scalar().unwrap().at.part(0, 1)), "x");
    assert_eq!(&*items[1].scalar().unwrap().text, "text\nmore\n");
    assert!(file.slice(items[1].span).ends_with("more"), "{:?}", file.slice(items[1].span));
}
