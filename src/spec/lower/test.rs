//! Tests: their settings, their steps, their matrix.

use super::vacuous::is_open;
use super::{Lower, wait};
use crate::diag::{Code, Problem};
use crate::matcher::{Lookup, Template, Value, template};
use crate::source::{Span, Spanned};
use crate::spec::forms;
use crate::spec::plan::{Check, Expectation, GraphQlErrors, Repeat, Response, Step, Test, Trigger};
use crate::spec::read::{Fields, first_line};
use crate::yaml::{Core, Node, Scalar, Style};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn tests(&mut self, node: &Node) -> Vec<Test> {
        let Some(items) = self.reader.list(node, "tests") else { return Vec::new() };
        if items.is_empty() && !self.reader.lenient {
            self.reader.error(
                Code::Empty,
                node.span,
                "there is no test here",
                "a test is written `- name: …`, a request and what is expected",
            );
        }
        // A vector that grows has room for four: plans are large, and files of one test many.
        let mut tests: Vec<Test> = Vec::with_capacity(items.len());
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for item in items {
            for test in self.test(item) {
                let name = &test.name;
                match seen.get(&name.value) {
                    Some(first) => {
                        let problem = Problem::error(
                            Code::DuplicateName,
                            name.span,
                            format!("two tests have the name `{}`", name.value),
                        )
                        .related(*first, "first here")
                        .help(if *first == name.span {
                            "put the row's variables into the name: `${…}`"
                        } else {
                            "reports and `-k` use the name: give each test its own"
                        });
                        self.reader.push(problem);
                    }
                    None => {
                        seen.insert(name.value.clone(), name.span);
                        tests.push(test);
                    }
                }
            }
        }
        tests
    }

    fn test(&mut self, item: &Arc<Node>) -> Vec<Test> {
        let Some(fields) = self.reader.fields(item, &forms::TEST) else { return Vec::new() };
        let known = self.reader.known.clone();
        let used = std::mem::take(&mut self.reader.used);
        let (exact_names, max_skew) = (self.exact_names, self.max_skew);
        let tests = self.test_fields(&fields);
        (self.exact_names, self.max_skew) = (exact_names, max_skew);
        self.reader.known = known;
        self.reader.used.extend(used);
        tests
    }

    fn test_fields(&mut self, fields: &Fields<'_>) -> Vec<Test> {
        let name = self.name(fields);
        let rows = fields.get("matrix").map(|node| self.matrix(node));
        let lenient = self.reader.lenient;
        if let Some(rows) = &rows {
            // Names of rows that could not be read are no mistakes.
            self.reader.lenient |= rows.rows.is_empty();
            self.reader.known.extend(rows.columns.iter().cloned());
        }
        if let Some(exact) = fields.get("exact_names").and_then(|node| self.reader.boolean(node)) {
            self.exact_names = exact;
        }
        if let Some(node) = fields.get("clocks") {
            self.max_skew = self.reader.clocks(node).or(self.max_skew);
        }
        let tags = fields.get("tags").map(|node| self.reader.words(node, "tags")).unwrap_or_default();
        let skip = fields.get("skip").and_then(|node| self.skip(node));
        let only = fields.get("only").is_some_and(|node| self.only(node));
        let retries = fields.get("retries").and_then(|node| self.reader.number(node)).or(self.defaults.retries);
        let timeout = fields.get("timeout").and_then(|node| self.reader.positive_duration(node));
        let mutex = fields.get("mutex").and_then(|node| self.reader.word(node, "a word"));
        let needs = fields.get("needs").map(|node| self.reader.words(node, "test names")).unwrap_or_default();
        let backend =
            fields.get("backend").and_then(|node| self.backend(node)).or_else(|| self.defaults.backend.clone());
        self.backend = backend.clone();
        self.reader.needs = needs.iter().map(|need| need.value.clone()).collect();
        let (steps, repeat) = self.steps(fields);
        self.reader.needs.clear();
        self.backend = None;
        self.reader.lenient = lenient;
        if only && skip.is_some() {
            self.reader.error(
                Code::ConflictingKeys,
                fields.key_span("only"),
                "the test has both `only` and `skip`",
                "remove `only` or `skip`",
            );
        }
        let Some(name) = name else { return Vec::new() };
        let test = Test {
            name: Spanned::new(name.to_string(), name.span),
            source: self.source.clone(),
            at: fields.node.span,
            tags: tags.into_iter().map(|tag| tag.value).collect(),
            row: BTreeMap::new(),
            steps,
            skip,
            only,
            retries,
            timeout,
            mutex: mutex.map(|mutex| mutex.value),
            needs,
            backend,
            used: Arc::new(self.reader.used.clone()),
            repeat,
        };
        match rows {
            None => {
                let name = name.as_text().unwrap_or_default().to_owned();
                vec![Test { name: Spanned::new(name, test.name.span), ..test }]
            }
            Some(rows) => {
                let columns = rows.columns.iter().filter(|column| {
                    !self.reader.used.contains(*column) && !name.vars().any(|(used, ..)| used == *column)
                });
                let unused: Vec<String> = columns.cloned().collect();
                if let (false, Some(node)) = (
                    unused.is_empty()
                        || rows.rows.is_empty()
                        || self.reader.lenient
                        || self.reader.broken_within(fields.node.span),
                    fields.get("matrix"),
                ) {
                    let says = format!("nothing uses `{}` of this matrix", unused.join("`, `"));
                    self.reader.push(
                        Problem::warning(Code::UnusedVariable, node.span, says)
                            .help("use it as `${…}` in the test, or remove it"),
                    );
                }
                if self.too_many(fields, rows.rows.len()) || self.too_long(fields, &name, &rows.rows) {
                    return Vec::new();
                }
                rows.rows
                    .into_iter()
                    .map(|row| Test { name: Spanned::new(row_name(&name, &row), test.name.span), row, ..test.clone() })
                    .collect()
            }
        }
    }

    /// Reports a matrix that makes so many tests that they fill the memory: each has the whole test.
    fn too_many(&mut self, fields: &Fields<'_>, rows: usize) -> bool {
        let all = fields.node.size.saturating_mul(rows as u64);
        if all > MOST_OF_A_MATRIX {
            let says = format!(
                "{rows} rows of a test with {} values make {all} values: more than {MOST_OF_A_MATRIX}",
                fields.node.size
            );
            let help = "make the test smaller, or put fewer rows into one matrix";
            self.reader.error(Code::TooLarge, fields.key_span("matrix"), says, help);
        }
        all > MOST_OF_A_MATRIX
    }

    /// Reports a name that nobody could read with the values of a row in it.
    fn too_long(&mut self, fields: &Fields<'_>, name: &Template, rows: &[BTreeMap<String, Value>]) -> bool {
        let length = |row: &BTreeMap<String, Value>| match name.as_text() {
            Some(text) => text.len() + row.values().map(|value| value.text.len()).sum::<usize>(),
            None => name.parts.iter().fold(0usize, |sum, part| match part {
                crate::matcher::Part::Text(text) => sum + text.len(),
                crate::matcher::Part::Var { name, .. } => sum + row.get(name).map_or(0, |value| value.text.len()),
            }),
        };
        let long = rows.iter().position(|row| length(row) > MOST_OF_A_NAME);
        if let Some(row) = long {
            let says = format!(
                "with the values of row {} the name of this test has more than {MOST_OF_A_NAME} bytes",
                row + 1
            );
            let help = "name the test by a short value: `name: order of ${sku}`";
            self.reader.error(Code::TooLarge, fields.key_span("name"), says, help);
        }
        long.is_some()
    }

    fn name(&mut self, fields: &Fields<'_>) -> Option<Template> {
        let node = self.reader.need(fields, "name")?;
        let scalar = self.reader.scalar(node, "a test's name", false)?;
        if scalar.text.trim().is_empty() {
            self.reader.error(
                Code::Empty,
                node.span,
                "a test's name cannot be empty",
                "say in a few words what the test shows",
            );
            return None;
        }
        let template = match template::parse(&scalar.text, scalar.at) {
            Ok(template) => template,
            Err(problem) => {
                self.reader.push(problem);
                return None;
            }
        };
        self.reader.other_template(&template, scalar);
        let columns = fields.get("matrix").map(|node| self.columns(node)).unwrap_or_default();
        // If the matrix cannot be read, only that is reported.
        let unread = fields.has("matrix") && columns.is_empty();
        for (var, _, span) in template.vars() {
            if !columns.iter().any(|column| column == var) && !self.reader.lenient && !unread {
                let near = crate::diag::did_you_mean(var, columns.iter().map(String::as_str));
                let help = near.unwrap_or_else(|| {
                    "only values of the test's `matrix` may stand in its name: it is known before anything runs"
                        .to_owned()
                });
                self.reader.error(
                    Code::UnknownVariable,
                    span,
                    format!("`${{{var}}}` has no value in a test's name"),
                    help,
                );
            }
        }
        Some(template)
    }

    fn skip(&mut self, node: &Node) -> Option<String> {
        // In quotes too, since nobody's reason is `false`.
        let whether = |scalar: &Scalar| {
            matches!(scalar.core(), Core::Bool(_))
                || Scalar { style: Style::Plain, ..scalar.clone() }.old_boolean().is_some()
                || matches!(&*scalar.text, "true" | "false")
        };
        if node.scalar().is_some_and(whether) {
            self.reader.error(
                Code::WrongType,
                node.span,
                "`skip` says why, not whether",
                "write `skip: the reason`, or remove the key",
            );
            return None;
        }
        self.reader.word(node, "a reason").map(|word| word.value)
    }

    fn only(&mut self, node: &Node) -> bool {
        let only = self.reader.boolean(node).unwrap_or(false);
        if only && self.options.ci {
            self.reader.error(
                Code::OnlyInCi,
                node.span,
                "`only` would leave every other test out of this CI run",
                "remove it before you commit",
            );
        }
        only
    }

    fn steps(&mut self, fields: &Fields<'_>) -> (Vec<Step>, Option<Repeat>) {
        let wait = fields.get("wait").map(|node| self.wait(node)).unwrap_or_default();
        let wait = wait::over(wait, &self.defaults.wait);
        self.names = super::names::Names::default();
        let mut captures = BTreeMap::new();
        let mut steps = Vec::with_capacity(1);
        let repeat;
        let complete = if let Some(node) = fields.get("steps") {
            for name in ["request", "trace_id", "trace_file", "response", "trace", "until"] {
                if fields.has(name) {
                    let says = format!("a test with `steps` has no `{name}` of its own");
                    self.reader.error(
                        Code::ConflictingKeys,
                        fields.key_span(name),
                        says,
                        "move it into one of the steps",
                    );
                }
            }
            let items = self.reader.full_list(node, "steps").unwrap_or_default();
            steps.reserve_exact(items.len());
            self.collect_names(items.iter());
            repeat = self.repeat(fields);
            for (i, item) in items.iter().enumerate() {
                let Some(step) = self.reader.fields(item, &forms::STEP) else { continue };
                let own = step.get("wait").map(|node| self.wait(node)).unwrap_or_default();
                let wait = wait::over(own, &wait);
                steps.extend(self.step(&step, &format!("steps[{i}]."), &wait, &mut captures));
            }
            steps.len() == items.len()
        } else {
            let node: Arc<Node> = Arc::new(fields.node.clone());
            self.collect_names(std::iter::once(&node));
            repeat = self.repeat(fields);
            steps.extend(self.step(fields, "", &wait, &mut captures));
            !steps.is_empty()
        };
        self.vacuous(&mut steps);
        if let Some(repeat) = repeat.as_ref().filter(|_| complete) {
            self.repeated(repeat, fields, &mut steps);
        }
        self.unused_captures(&captures);
        let broken = self.reader.broken_within(fields.node.span);
        let times = repeat.as_ref().is_some_and(|repeat| repeat.timed().next().is_some());
        if complete && !broken && !self.reader.lenient && !times && !steps.iter().any(could_fail) {
            self.nothing_expected(fields, &steps);
        }
        (steps, repeat)
    }

    fn nothing_expected(&mut self, fields: &Fields<'_>, steps: &[Step]) {
        let expectations = || steps.iter().filter_map(|step| step.trace.as_ref()).flat_map(|trace| &trace.list);
        let optional = |one: &Expectation| matches!(&one.check, Check::Spans(span) if span.optional);
        if expectations().next().is_some() && expectations().all(optional) {
            let says = "everything this test expects is `optional`: it passes on an empty trace";
            let help = "remove one `optional`, or expect something else as well: `trace: { errors: none }`, a `status`";
            self.reader.error(Code::NoExpectation, first_line(fields), says, help);
            return;
        }
        let written = steps.iter().any(|step| step.response.at.is_some() || step.trace.is_some());
        let (says, help) = if written {
            (
                "this test could not fail: captures, `optional` and open counts such as `0..` expect nothing",
                "expect something: `response: { status: 200 }`, `trace: { errors: none }`, a `count`",
            )
        } else {
            (
                "this test expects nothing, so it could not fail",
                "add `response: { status: 200 }` or a `trace` with what must be in it",
            )
        };
        self.reader.error(Code::NoExpectation, first_line(fields), says, help);
    }

    fn unused_captures(&mut self, captures: &BTreeMap<String, Span>) {
        for (name, span) in captures {
            if !self.reader.used.contains(name) {
                self.captured.push((name.clone(), *span));
            }
        }
    }
}

/// Values that the tests of one matrix may have in all.
const MOST_OF_A_MATRIX: u64 = 4_000_000;
/// Bytes of a test's name.
const MOST_OF_A_NAME: usize = 10_000;

struct Row<'a>(&'a BTreeMap<String, Value>);

impl Lookup for Row<'_> {
    fn value(&self, name: &str, _: Option<&str>, span: Span) -> Result<Value, Problem> {
        self.0.get(name).cloned().ok_or_else(|| Problem::error(Code::UnboundVariable, span, String::new()))
    }
}

/// The name with the row's values in it; a name without variables gets them behind it.
fn row_name(name: &Template, row: &BTreeMap<String, Value>) -> String {
    if name.as_text().is_none() {
        return name.bind(&Row(row)).unwrap_or_else(|_| name.to_string());
    }
    let values: Vec<String> = row.iter().map(|(column, value)| format!("{column}={}", value.text)).collect();
    format!("{} [{}]", name.as_text().unwrap_or_default(), values.join(", "))
}

/// Whether a step expects anything that could fail.
fn could_fail(step: &Step) -> bool {
    let Response { status, headers, json, body, errors, exit_code, stdout, stderr, duration, .. } = &step.response;
    let of_http =
        status.is_some() || !headers.is_empty() || body.is_some() || !matches!(errors, GraphQlErrors::NotLookedAt);
    let Response { grpc_status, status_message, metadata, .. } = &step.response;
    let of_grpc = grpc_status.is_some() || status_message.is_some() || !metadata.is_empty();
    let of_program = exit_code.is_some() || stdout.is_some() || stderr.is_some();
    let response = of_http || of_grpc || of_program || !json.is_empty() || duration.is_some();
    let sends = matches!(step.trigger, Trigger::Http(_) | Trigger::Grpc(_) | Trigger::Command(_));
    (sends && response) || step.trace.as_ref().is_some_and(|trace| trace.list.iter().any(can_fail))
}

/// Whether it fails a trace that is empty of what it looks for. (What no trace could violate is an error by itself.)
fn can_fail(expectation: &Expectation) -> bool {
    match &expectation.check {
        Check::Spans(span) => !(span.optional || span.count.as_ref().is_some_and(|count| is_open(&count.value))),
        _ => true,
    }
}
