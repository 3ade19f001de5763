// The text of a spec with the verdict of each expectation in its margin, and what is wrong under its line.

/** The findings of a step in the order of the spec, numbered: `{ number, verdict, message, rows, line, … }`. */
function numbered(step) {
  const all = step.expectations.flatMap((expectation) => expectation.findings.map((finding) => ({ ...finding, family: expectation.family })));
  // What several expectations have in common is one finding.
  const seen = new Map();
  for (const finding of all) {
    const same = seen.get(finding.message);
    if (same) same.also.push(finding);
    else seen.set(finding.message, { ...finding, also: [] });
  }
  const order = { fail: 0, inconclusive: 1 };
  const out = [...seen.values()].sort((a, b) => (order[a.verdict] ?? 2) - (order[b.verdict] ?? 2));
  out.forEach((finding, at) => (finding.number = at + 1));
  return out;
}

/** `show(finding)` looks at its spans in the waterfall. */
function specView(test, step, findings, show) {
  const lines = run.files[test.file].text.split(/\r?\n/);
  const byLine = new Map();
  const at = (line) => {
    if (!byLine.has(line)) byLine.set(line, { expectations: [], findings: [] });
    return byLine.get(line);
  };
  for (const expectation of step ? step.expectations : []) at(expectation.at[0]).expectations.push(expectation);
  for (const finding of findings) at(finding.at[0]).findings.push(finding);
  const box = el("div", { class: "spec" });
  const draw = (whole) => {
    const [from, to] = whole ? [1, lines.length] : test.lines;
    const outside = [...byLine.keys()].filter((line) => line < from || line > to).sort((a, b) => a - b);
    const list = [];
    for (let line = from; line <= Math.min(to, lines.length); line++) list.push(specLine(lines[line - 1], line, byLine.get(line), show));
    box.replaceChildren(
      el("div", { class: "head" }, el("code", null, test.place), copier("copy", () => test.place, { "aria-label": "copy the place" }),
        lines.length > test.lines[1] - test.lines[0] + 1
          ? button(whole ? "only this test" : "whole file", () => draw(!whole), { "aria-expanded": String(whole) }) : null),
      scroller("div", "spec", el("ol", { class: "lines" }, list, outside.length > 0 ? el("li", { class: "rest" }, "elsewhere in the file") : null,
        outside.map((line) => specLine(lines[line - 1] || "", line, byLine.get(line), show)))));
  };
  draw(false);
  return box;
}

function specLine(text, number, said, show) {
  const expectations = said ? said.expectations : [];
  const findings = said ? said.findings : [];
  // A finding may stand at a line below that of its expectation.
  const verdicts = [...expectations.map((one) => one.verdict), ...findings.map((one) => one.verdict)];
  const worst = VERDICTS.find((one) => verdicts.includes(one));
  const label = expectations.length > 0 ? expectations.map((one) => `${one.path}: ${WORDS[one.verdict] || one.verdict}`).join("\n") : null;
  const marks = [...findings.map((one) => ({ at: one.at, verdict: one.verdict })), ...findings.flatMap((one) => one.also.map((also) => also.at[0] === number ? { at: also.at, verdict: also.verdict } : null)).filter(Boolean),
    ...expectations.filter((one) => one.verdict === "error").map((one) => ({ at: one.at, verdict: "error" }))];
  return el("li", { class: `line ${worst || ""}`, id: `line-${number}` },
    el("span", { class: "margin", title: label }, worst ? badge(worst) : null),
    el("span", { class: "nr", "aria-hidden": "true" }, String(number)),
    el("code", null, coloured(text, marks)),
    findings.map((finding) => findingView(finding, show)));
}

/** A line with its key and comment told apart, and what is wrong underlined. */
function coloured(text, marks) {
  const characters = Array.from(text);
  const classes = new Array(characters.length).fill("");
  const set = (from, to, name) => {
    for (let at = Math.max(0, from); at < Math.min(to, characters.length); at++) classes[at] = `${classes[at]} ${name}`.trim();
  };
  const key = /^(\s*(?:- +)*)("[^"]*"|'[^']*'|[^\s:#{["'][^:#]*?)(?=:(\s|$))/.exec(text);
  if (key) set(Array.from(key[1]).length, Array.from(key[1] + key[2]).length, "key");
  const comment = /(^|\s)#.*$/.exec(text);
  if (comment && !/["']/.test(text.slice(0, comment.index))) set(Array.from(text.slice(0, comment.index)).length, characters.length, "comment");
  for (const { at: [, from, to], verdict } of marks) set(from - 1, Math.max(to - 1, from), `wrong ${verdict}`);
  const parts = [];
  for (let at = 0; at < characters.length;) {
    let end = at;
    while (end < characters.length && classes[end] === classes[at]) end++;
    const piece = characters.slice(at, end).join("");
    parts.push(classes[at] ? el("span", { class: classes[at] }, piece) : piece);
    at = end;
  }
  return parts;
}

function findingView(finding, show) {
  const { number, verdict, message, expected, actual, hint, also, rows, absent } = finding;
  const facts = el("dl", { class: "facts" });
  const fact = (name, value) => {
    if (value) facts.append(el("dt", null, name), el("dd", null, value));
  };
  const [shownExpected, shownActual] = contrast(expected, actual);
  const piece = (part) => (part instanceof Node ? part : prose(part));
  fact("expected", expected && el("span", { class: "pre" }, [shownExpected].flat().map(piece)));
  fact("found", actual && el("span", { class: "pre" }, [shownActual].flat().map(piece)));
  fact("hint", hint && el("span", { class: "pre" }, prose(hint)));
  if (also.length > 0) {
    fact("also", also.slice(0, 10).map((one) => el("div", null, el("code", null, one.path), ` (line ${one.at[0]})`)));
  }
  return el("div", { class: `finding ${verdict}`, id: `finding-${number}` },
    el("div", { class: "message" }, el("span", { class: `number ${verdict}`, "aria-hidden": "true" }, String(number)),
      el("strong", null, verdict === "fail" ? null : `${WORDS[verdict] || verdict}: `, prose(message))),
    facts,
    rows.length > 0 ? button(`show ${rows.length === 1 ? "its span" : `its ${rows.length} spans`} in the waterfall`, () => show(finding), { class: "link" })
      : absent.length > 0 ? button("show where it belongs in the waterfall", () => show(finding), { class: "link" }) : null);
}

/** Two texts with what differs between them marked, where both are long enough for an eye to miss it. */
function contrast(one, other) {
  if (!one || !other || one.length < 24 || other.length < 24 || one.length + other.length > 4000) return [one, other];
  let from = 0;
  while (from < one.length && one[from] === other[from]) from++;
  let till = 0;
  while (till < Math.min(one.length, other.length) - from && one.at(-1 - till) === other.at(-1 - till)) till++;
  if (from + till < Math.min(one.length, other.length) / 2) return [one, other];
  const marked = (text) => [text.slice(0, from), el("mark", null, text.slice(from, text.length - till)), text.slice(text.length - till)];
  return [marked(one), marked(other)];
}
