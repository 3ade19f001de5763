use super::text::{self, Look};
use super::*;
use crate::facts::Facts;
use crate::trace::fixture::{Draft, draft};
use crate::trace::{Kind, SpanIx, Trace};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MS: u64 = 1_000_000;

fn all(trace: &Trace) -> Waterfall<'_> {
    Waterfall::new(&Facts::from(trace), &Choice::default(), &Overlay::default())
}

fn drawn(waterfall: &Waterfall<'_>, width: usize) -> Vec<String> {
    text::rows(waterfall, &Look { width, ..Look::default() }).lines().map(str::to_owned).collect()
}

fn row(trace: &Trace, name: &str) -> SpanIx {
    trace.spans().find(|span| span.name() == name).map(|span| span.ix()).expect("such a span")
}

fn shop() -> Trace {
    let mut spans = vec![
        Draft::new(1, 0, "gateway", Kind::Server).name("POST /orders").times(0, 90 * MS),
        Draft::new(2, 1, "order", Kind::Client).name("charge").times(MS, 20 * MS),
        Draft::new(3, 2, "payment", Kind::Server).name("authorize").times(2 * MS, 19 * MS).error(),
        Draft::new(4, 1, "order", Kind::Client).name("reserve").times(30 * MS, 40 * MS),
    ];
    let step = |id| Draft::new(id, 1, "order", Kind::Internal).name("step").times(id * 9 * MS, id * 9 * MS + MS);
    spans.extend((5..9).map(step));
    draft(&spans)
}

#[test]
fn each_span_has_a_bar_where_it_ran() {
    let trace = shop();
    let expected = [
        "   gateway  POST /orders  ▕████████████████████████████▏ 90ms",
        "   order      charge      ▕▎█████▏                     ▏ 19ms",
        " ! payment      authorize ▕ ▐████                      ▏ 17ms",
        "   order      reserve     ▕         ▐██▍               ▏ 10ms",
        "   order      ×4 step     ▕              ▏  ▎  ▎  ▎    ▏  4ms",
    ];
    let got = drawn(&all(&trace), 60);
    assert_eq!(got.len(), expected.len(), "{}", got.join("\n"));
    for (got, expected) in got.iter().zip(expected) {
        let columns = |line: &str| line.split('▕').next().unwrap_or_default().trim_end().to_owned();
        assert_eq!(columns(got), columns(expected));
        assert_eq!(got.rsplit(' ').next(), expected.rsplit(' ').next());
    }
}

#[test]
fn runs_of_equal_subtrees_are_one_row_for_each_of_their_spans() {
    let mut spans = vec![Draft::new(1, 0, "order", Kind::Server).name("list").times(0, 1000)];
    for at in 0..5u64 {
        let (client, server, begin) = (10 + at * 10, 11 + at * 10, 10 + at * 100);
        spans.push(Draft::new(client, 1, "order", Kind::Client).name("GET").times(begin, begin + 90));
        spans.push(Draft::new(server, client, "stock", Kind::Server).name("GET").times(begin + 1, begin + 80));
        let select = |n| {
            Draft::new(server + 1 + n, server, "stock", Kind::Client).name("SELECT").times(begin + 2 + n, begin + 3 + n)
        };
        spans.extend((0..3).map(select));
    }
    let trace = draft(&spans);
    let waterfall = all(&trace);
    let rows: Vec<(&str, usize, u64)> =
        waterfall.rows.iter().map(|row| (row.span.name(), row.spans(), row.duration_ns)).collect();
    assert_eq!(rows, [("list", 1, 1000), ("GET", 5, 450), ("GET", 5, 395), ("SELECT", 15, 15)]);
    let choice = Choice { fold: false, ..Choice::default() };
    assert_eq!(Waterfall::new(&Facts::from(&trace), &choice, &Overlay::default()).rows.len(), trace.len());
}

#[test]
fn what_failed_or_was_asked_for_is_not_folded_away() {
    let step = |id| Draft::new(id, 1, "a", Kind::Internal).name("step");
    let mut spans = vec![Draft::new(1, 0, "a", Kind::Server), step(2), step(3), step(4).error(), step(5), step(6)];
    assert_eq!(all(&draft(&spans)).rows.len(), 6);
    spans[3] = step(4);
    let trace = draft(&spans);
    assert_eq!(all(&trace).rows.len(), 2);
    let overlay = Overlay { asked: [row(&trace, "step")].into(), ..Overlay::default() };
    assert_eq!(Waterfall::new(&Facts::from(&trace), &Choice::default(), &overlay).rows.len(), 6);
}

#[test]
fn a_depth_counts_what_is_below_it() {
    let trace = shop();
    let choice = Choice { depth: Some(2), ..Choice::default() };
    let waterfall = Waterfall::new(&Facts::from(&trace), &choice, &Overlay::default());
    let lines = drawn(&waterfall, 80);
    assert!(lines[1].contains("charge (+1)") && lines.len() == 4, "{}", lines.join("\n"));
}

#[test]
fn around_a_span_its_ancestors_and_a_sibling_on_each_side_are_shown() {
    let mut spans =
        vec![Draft::new(1, 0, "a", Kind::Server).name("top"), Draft::new(2, 1, "a", Kind::Internal).name("mid")];
    spans.extend((3..9).map(|id| Draft::new(id, 2, "a", Kind::Internal).name(&format!("s{id}"))));
    let trace = draft(&spans);
    let asked = [row(&trace, "s5")];
    let choice = Choice { show: Show::Around { spans: &asked, near: true }, ..Choice::default() };
    let waterfall = Waterfall::new(&Facts::from(&trace), &choice, &Overlay::default());
    let names: Vec<(&str, bool)> = waterfall.rows.iter().map(|row| (row.span.name(), row.context)).collect();
    assert_eq!(names, [("top", true), ("mid", true), ("s4", true), ("s5", false), ("s6", true)]);
    assert_eq!(waterfall.elided, [Elided { before: 5, depth: 2, spans: 3, what: Elision::Siblings }]);
}

#[test]
fn an_excerpt_joins_the_marked_spans_and_counts_other_siblings() {
    let trace = shop();
    let drawn = excerpt_within(&trace, &[row(&trace, "authorize"), row(&trace, "reserve")], &[], 80);
    let lines: Vec<&str> = drawn.lines().map(|line| line.split('▕').next().unwrap_or_default().trim_end()).collect();
    let expected = [
        "   gateway  POST /orders",
        "   order      charge",
        "▸! payment      authorize",
        "▸  order      reserve",
        "              … 4 more",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_single_span_is_shown_below_its_parent() {
    let trace = shop();
    let drawn = excerpt_within(&trace, &[row(&trace, "authorize")], &[], 100);
    assert_eq!(drawn.lines().count(), 2);
    assert!(drawn.starts_with("   order    charge"), "{drawn}");
}

#[test]
fn a_missing_span_is_expected_below_its_parent_wherever_that_has_a_row() {
    let trace = shop();
    let charge = row(&trace, "charge");
    let of = |below, what: &str| Missing { below, what: what.to_owned(), sign: Some('2') };
    let missing = [of(charge, "a span of `mailer`"), of(charge, "a span of `mailer`"), of(row(&trace, "reserve"), "x")];
    let drawn = excerpt_within(&trace, &[charge], &missing, 80);
    let lines: Vec<&str> = drawn.lines().map(|line| line.split('▕').next().unwrap_or_default().trim_end()).collect();
    // Said once; what belongs below a span that is not shown is not said.
    assert_eq!(
        lines,
        [
            "   gateway  POST /orders",
            "▸  order      charge (+1)",
            "2               expected here: a span of `mailer`",
            "              … 5 more",
        ],
        "{drawn}"
    );
    let overlay = Overlay { missing: missing[..1].to_vec(), ..Overlay::default() };
    let whole = Waterfall::new(&Facts::from(&trace), &Choice::default(), &overlay);
    let at = whole.rows.iter().position(|row| row.span.ix() == charge).unwrap();
    assert_eq!(whole.expected, [Expected { before: at + 1, depth: 2, missing: missing[0].clone() }]);
}

#[test]
fn what_is_odd_about_a_span_is_said_below_it() {
    let trace = draft(&[
        Draft::new(1, 0, "a", Kind::Client).name("call").times(50 * MS + 1, 90 * MS),
        Draft::new(2, 1, "b", Kind::Server).name("early").times(10 * MS + 1, 60 * MS),
        Draft::new(3, 1, "b", Kind::Server).name("open").times(60 * MS + 1, 70 * MS).without_end(),
        Draft::new(4, 77, "c", Kind::Server).name("lost").times(60 * MS + 1, 70 * MS),
    ]);
    let lines = drawn(&all(&trace), 100).join("\n");
    for said in [
        "starts 40ms before its parent: their clocks differ; it is drawn where its own clock puts it",
        "its end is missing",
        "its parent 000000000000004d is not in the trace",
    ] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&lines).contains(said), "{said}:\n{lines}");
    }
    let open = lines.lines().find(|line| line.contains("open")).unwrap_or_default();
    assert!(open.contains('?') && open.ends_with('?'), "{open}");
}

#[test]
fn traces_of_any_shape_are_drawn_within_bounds() {
    let deep: Vec<Draft> = (1..=100_000).map(|id| Draft::new(id, id - 1, "deep", Kind::Internal)).collect();
    let deep = draft(&deep);
    let rows: Vec<SpanIx> = deep.spans().map(|span| span.ix()).collect();
    let ends = excerpt_within(&deep, &[rows[0], rows[99_999]], &[], 80);
    assert!(ends.contains("… 99993 levels"), "{ends}");
    assert!(excerpt_within(&deep, &rows, &[], 80).lines().count() <= 64);
    let lines = drawn(&all(&deep), 80);
    assert!(
        lines.len() == 100_000 && lines.iter().all(|line| unicode_width::UnicodeWidthStr::width(line.as_str()) <= 80)
    );
    let less = draft(&(1..=10_000).map(|id| Draft::new(id, id - 1, "deep", Kind::Internal)).collect::<Vec<_>>());
    assert!(svg::document(&all(&less)).contains("8000 more rows are not drawn"));
    chrome::document(&Facts::from(&less));
    let picked = [rows[99_999]];
    let choice = Choice { show: Show::Around { spans: &picked, near: true }, ..Choice::default() };
    assert!(Waterfall::new(&Facts::from(&deep), &choice, &Overlay::default()).rows.len() < 10);
    let empty = draft(&[]);
    assert!(drawn(&all(&empty), 80).is_empty() && excerpt_within(&empty, &[], &[], 80).is_empty());
    assert!(text::draw(&all(&empty), &Look::default()).contains("0 spans"));
    assert!(svg::document(&all(&empty)).ends_with("</svg>\n"));
    // Each names the other as its parent.
    let circle = draft(&[Draft::new(1, 2, "a", Kind::Internal), Draft::new(2, 1, "a", Kind::Internal)]);
    assert_eq!(all(&circle).rows.len(), 2);
}

#[test]
fn nothing_from_outside_controls_the_terminal_or_leaves_the_text_of_a_picture() {
    let trace = draft(&[Draft::new(1, 0, "a\u{1b}[2J", Kind::Server)
        .name("b\nc</text><script>alert(1)</script>\u{202e}")
        .error()]);
    let look = Look { notes: Some(&|span| attribute_lines(span.trace(), span.ix())), ..Look::default() };
    for drawn in [text::draw(&all(&trace), &look), detail(&Facts::from(&trace), SpanIx(0))] {
        assert!(!drawn.contains(['\u{1b}', '\u{202e}']) && !drawn.contains("b\nc"), "{drawn:?}");
    }
    let picture = svg::document(&all(&trace));
    assert!(
        !picture.contains("<script") && !picture.contains('\u{1b}') && picture.contains("&lt;script&gt;"),
        "{picture}"
    );
}

/// Text without the escape sequences of colours.
fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out += before;
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    out + rest
}

#[test]
fn colour_adds_nothing_to_the_text() {
    let trace = shop();
    let look = |colour| Look { width: 90, colour, notes: None, sign: None };
    let coloured = text::draw(&all(&trace), &look(true));
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(without_colour(&coloured), text::draw(&all(&trace), &look(false)));
}

#[test]
fn services_of_a_trace_differ_in_colour_and_keep_it() {
    let names: Vec<String> = (0..12).map(|at| format!("service-{at}")).collect();
    let all = colour::assign(names.iter().map(String::as_str));
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 12);
    assert_eq!(colour::assign(["payment-service"].into_iter()), [colour::assign(["payment-service"].into_iter())[0]]);
    assert_eq!(colour::assign((0..30).map(|_| "x")).len(), 30);
}

/// Service, name, parent, start, duration, what is odd, whether it failed.
type Thrown = (&'static str, &'static str, u64, u64, u64, u8, bool);

fn any_trace() -> impl Strategy<Value = Vec<Draft>> {
    let service = prop::sample::select(vec!["shop", "注文サービス", "", "payment-service-with-a-long-name"]);
    let name = prop::sample::select(vec!["GET /", "SELECT", "注文を受け付ける", "👩🚀", "e\u{301}", "a\tb\u{7}"]);
    let span = (service, name, 0u64..40, 0u64..2_000_000, 0u64..500_000, 0u8..20, any::<bool>());
    prop::collection::vec(span, 1..40).prop_map(|spans| {
        let make = |(at, (service, name, parent, start, long, odd, error)): (usize, Thrown)| {
            let id = at as u64 + 1;
            let span = Draft::new(id, if parent == id { 0 } else { parent }, service, Kind::Internal)
                .name(name)
                .times(start, start + long);
            let span = if error && odd < 10 { span.error() } else { span };
            if odd == 0 { span.without_end() } else { span }
        };
        spans.into_iter().enumerate().map(make).collect()
    })
}

proptest! {
    #[test]
    fn every_span_has_one_row_no_line_is_too_wide_and_order_does_not_matter(spans in any_trace(), width in 40usize..180, seed in any::<u64>()) {
        let trace = draft(&spans);
        let waterfall = all(&trace);
        prop_assert_eq!(waterfall.rows.iter().map(Row::spans).sum::<usize>(), trace.len());
        let look = Look { width, colour: false, notes: None, sign: None };
        let drawn = text::draw(&waterfall, &look);
        for line in drawn.lines().skip(1) {
            let takes = unicode_width::UnicodeWidthStr::width(line);
            prop_assert!(takes <= width, "{} of {}: {}", takes, width, line);
        }
        let mut shuffled = spans.clone();
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut shuffled);
        let other = draft(&shuffled);
        prop_assert_eq!(text::draw(&all(&other), &look), drawn);
        prop_assert_eq!(svg::document(&all(&other)), svg::document(&waterfall));
        prop_assert_eq!(chrome::document(&Facts::from(&other)), chrome::document(&Facts::from(&trace)));
    }

    #[test]
    fn spans_on_one_thread_of_a_chrome_trace_nest(spans in any_trace()) {
        let trace = draft(&spans);
        let document = chrome::document(&Facts::from(&trace));
        let mut threads: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
        let events = document["traceEvents"].as_array().cloned().unwrap_or_default();
        let complete = events.iter().filter(|event| event["ph"] == "X");
        for event in complete {
            let number = |key: &str| event[key].as_u64().unwrap_or_default();
            let time = |key: &str| event[key].as_f64().unwrap_or(f64::NAN);
            prop_assert!(number("pid") > 0 && event["name"].is_string() && event["cat"].is_string() && event["args"].is_object());
            prop_assert!(time("ts") >= 0.0 && time("dur") >= 0.0);
            threads.entry((number("pid"), number("tid"))).or_default().push((time("ts"), time("ts") + time("dur")));
        }
        prop_assert_eq!(threads.values().map(Vec::len).sum::<usize>(), trace.len());
        for sections in threads.values_mut() {
            sections.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
            let mut open: Vec<f64> = Vec::new();
            for (from, to) in sections {
                // The format's times are floats of microseconds.
                open.retain(|end| *end > *from + 1e-6);
                prop_assert!(open.last().is_none_or(|end| *to <= *end + 1e-6));
                open.push(*to);
            }
        }
    }
}
