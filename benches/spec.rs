//! How long reading large specs takes (`cargo bench --bench spec`). Every shape is read at one size and at four times that
//! size: where reading is linear, the second takes about four times as long as the first.

use divan::{Bencher, black_box};
use std::path::PathBuf;
use tracespec::diag::{RenderOptions, render, to_json};
use tracespec::spec::{LoadOptions, load};

fn main() {
    divan::main();
}

const SIZES: [usize; 2] = [8_000, 32_000];

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

fn test(keys: &str) -> String {
    format!("tests:\n  - {{ name: t, request: {{ url: 'http://h/' }}, {keys} }}\n")
}

fn read(bencher: Bencher<'_, '_>, text: String) {
    bencher.bench_local(|| {
        let files = vec![(PathBuf::from("a.yaml"), text.clone().into_bytes())];
        let (plan, diagnostics) = load(files, &LoadOptions::default());
        black_box((render(&diagnostics, RenderOptions::default()), to_json(&diagnostics)));
        let places: usize = plan
            .files
            .iter()
            .flat_map(|file| &file.tests)
            .map(|test| test.source.line_column(test.name.span.start).column)
            .sum();
        black_box(places)
    });
}

#[divan::bench(args = SIZES)]
fn quoted_items_on_one_line(bencher: Bencher<'_, '_>, count: usize) {
    read(bencher, test(&format!("trace: {{ services: [{}] }}", list(count, |at| format!("\"service-{at}\"")))));
}

#[divan::bench(args = SIZES)]
fn objects_of_a_json_body(bencher: Bencher<'_, '_>, count: usize) {
    let body = list(count, |at| format!("{{ \"id\": {at}, \"name\": \"n\" }}"));
    let text = format!(
        "tests:\n  - {{ name: t, request: {{ url: 'http://h/', json: [{body}] }}, response: {{ status: 200 }} }}\n"
    );
    read(bencher, text);
}

#[divan::bench(args = SIZES)]
fn attributes_without_values(bencher: Bencher<'_, '_>, count: usize) {
    let attributes = list(count, |at| format!("a{at}:1"));
    read(bencher, test(&format!("trace: {{ spans: [{{ select: x, attributes: {{ {attributes} }} }}] }}")));
}

#[divan::bench(args = SIZES)]
fn a_merge_of_a_large_mapping(bencher: Bencher<'_, '_>, count: usize) {
    let keys = list(count, |at| format!("a{at}: 1"));
    let own = list(count, |at| format!("b{at}: 1"));
    let spans = format!("trace: {{ spans: [{{ select: x, attributes: {{ <<: *a, {own} }} }}] }}");
    read(bencher, format!("x-a: &a {{ {keys} }}\n{}", test(&spans)));
}

#[divan::bench(args = SIZES)]
fn an_order_of_many(bencher: Bencher<'_, '_>, count: usize) {
    let spans = list(count, |at| format!("{{ select: s{at}, as: n{at} }}"));
    let arrows = (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>().join(" -> ");
    read(bencher, test(&format!("trace: {{ spans: [{spans}], order: ['{arrows}'] }}")));
}

#[divan::bench(args = SIZES)]
fn tests_on_one_line(bencher: Bencher<'_, '_>, count: usize) {
    let test = |at| format!("{{ name: t{at}, request: {{ url: 'http://h/' }}, response: {{ status: 200 }} }}");
    // Each test has ten values, and a file has at most 200,000.
    read(bencher, format!("tests: [{}]\n", list(count / 2, test)));
}

#[divan::bench(args = SIZES)]
fn calls_that_are_required_and_forbidden(bencher: Bencher<'_, '_>, count: usize) {
    let require = list(count, |at| format!("a -> b{at}"));
    let forbid = list(count, |at| format!("a -> c{at}"));
    read(bencher, test(&format!("trace: {{ calls: {{ require: [{require}], forbid: [{forbid}] }} }}")));
}
