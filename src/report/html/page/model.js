// What the file holds: the run, and its traces, which are read only when somebody looks at them.

function embedded(id) {
  const node = document.getElementById(id);
  return node ? JSON.parse(node.textContent) : null;
}

const run = embedded("run");
run.tests.forEach((test, at) => {
  test.at = at;
  test.path = run.files[test.file].path;
  test.place = `${test.path}:${test.line}`;
  const last = test.attempts[test.attempts.length - 1];
  test.steps = last.steps;
  test.headline = headline(test);
  test.searched = `${test.name}\n${test.place}\n${test.headline}\n${(test.tags || []).join("\n")}`.toLowerCase();
});
const byKey = new Map(run.tests.map((test) => [test.key, test]));

/** What one reads of a test that did not pass if one reads nothing else. */
function headline(test) {
  if (test.verdict === "flaky" && test.attempts.length > 1) {
    const before = test.attempts[test.attempts.length - 2];
    return `passed at attempt ${test.tried}, after: ${wrongOf(before.steps) || WORDS[before.verdict]}`;
  }
  return wrongOf(test.steps) || test.reason || "";
}

function wrongOf(steps) {
  return steps.flatMap(problemsOf)[0] || "";
}

/** What is wrong with a step in a line each, what decides its verdict first. */
function problemsOf(step) {
  const error = step.error ? [step.error.split("\n")[0]] : [];
  if (step.verdict === "pass") return error;
  const findings = step.expectations.flatMap((one) => one.findings).sort((a, b) => (a.verdict !== "fail") - (b.verdict !== "fail"));
  const messages = [...new Set(findings.map((one) => one.message))];
  return step.verdict === "error" ? [...error, ...messages] : [...messages, ...error];
}

const traces = new Map();

/** A trace by its number in the file. */
function traceAt(number) {
  if (number === null || number === undefined) return null;
  if (!traces.has(number)) traces.set(number, new Trace(embedded(`trace-${number}`)));
  return traces.get(number);
}

const ID = 0, DEPTH = 1, SERVICE = 2, NAME = 3, KIND = 4, STATUS = 5, OFFSET = 6, DURATION = 7, SELF = 8, RUN = 9;

/** A trace in columns; a row is a span, by its place in the pre-order. */
class Trace {
  constructor(data) {
    this.data = data;
    this.id = data.id;
    this.start = BigInt(data.start);
    // A trace of one moment still has an axis.
    this.duration = Math.max(1, data.duration);
    this.length = data.rows.length;
    this.services = data.services.map(([name, colour]) => ({ name: data.texts[name] || "(no service.name)", colour }));
    this.parents = new Int32Array(this.length).fill(-1);
    this.last = new Int32Array(this.length);
    this.children = new Int32Array(this.length);
    const open = [];
    const close = (row, until) => (this.last[row] = until);
    for (let row = 0; row < this.length; row++) {
      const depth = data.rows[row][DEPTH];
      while (open.length > depth) close(open.pop(), row - 1);
      if (depth > 0) {
        this.parents[row] = open[depth - 1];
        this.children[open[depth - 1]]++;
      }
      open.push(row);
    }
    while (open.length > 0) close(open.pop(), this.length - 1);
    this.critical = data.critical && bySpan(data.critical);
    this.gaps = bySpan(data.gaps);
    this.marks = new Map();
    for (const [row, kind, value] of data.marks) {
      if (!this.marks.has(row)) this.marks.set(row, []);
      this.marks.get(row).push({ kind, value });
    }
    this.byId = new Map(data.rows.map((row, at) => [row[ID], at]));
    this.errors = data.rows.filter((row) => row[STATUS] === 2).length;
  }
  name(row) { return this.data.texts[this.data.rows[row][NAME]]; }
  service(row) { return this.services[this.data.rows[row][SERVICE]]; }
  spanId(row) { return this.data.rows[row][ID]; }
  kind(row) { return this.data.rows[row][KIND]; }
  depth(row) { return this.data.rows[row][DEPTH]; }
  failed(row) { return this.data.rows[row][STATUS] === 2; }
  status(row) { return ["unset", "ok", "error"][this.data.rows[row][STATUS]]; }
  offset(row) { return this.data.rows[row][OFFSET]; }
  took(row) { return this.data.rows[row][DURATION]; }
  self(row) { return this.data.rows[row][SELF]; }
  /** How many siblings from this one on are alike. */
  run(row) { return this.data.rows[row][RUN]; }
  untimed(row) { return (this.marks.get(row) || []).some((mark) => mark.kind === "untimed"); }
  attribute(at) {
    const [key, type, value] = this.data.attributes[at];
    return { key: this.data.texts[key], type, value: this.data.texts[value] };
  }
  /** Everything that a span says; `null` where there was no room for it. */
  detail(row) {
    const detail = this.data.details && this.data.details[row];
    if (!detail) return null;
    const text = (at) => this.data.texts[at];
    const attributes = (all) => all.map((at) => this.attribute(at));
    const [resource, [scope, version], own, events, links, message, state, dropped] = detail;
    return {
      resource: attributes(this.data.resources[resource] || []),
      scope: text(scope), version: text(version), attributes: attributes(own),
      events: events.map(([at, name, all]) => ({ at: Number(at), name: text(name), attributes: attributes(all) })),
      links: links.map(([trace, span, all]) => ({ trace, span, attributes: attributes(all) })),
      message: text(message), state: text(state), dropped,
    };
  }
}

function bySpan(sections) {
  const found = new Map();
  for (const [row, from, to] of sections) {
    if (!found.has(row)) found.set(row, []);
    found.get(row).push([from, to]);
  }
  return found;
}
