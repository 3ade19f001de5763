// The runs of a test that is repeated: what they came to together, and each of them.

/** What an attempt is called: a run has a name of its own. */
function attemptName(test, one, at) {
  return one.label || `attempt ${at + test.tried - test.attempts.length}`;
}

function runsView(test) {
  const { runs } = test;
  if (!runs) return null;
  const time = (ns) => el("td", { class: "number" }, ns === null || ns === undefined ? "–" : duration(ns));
  const trace = (row) => {
    if (row.attempt) return el("a", { href: hashOf({ t: test.key, a: row.attempt }) }, "spans");
    return row.link ? el("a", { href: row.link, rel: "noreferrer noopener", target: "_blank" }, "in the backend ↗") : null;
  };
  const head = ["run", "verdict", ...runs.timed.map((one) => quote(one)), "response", "trace", "", "why"];
  return [el("h2", null, "Runs"),
    el("ul", null, runs.lines.map((line) => el("li", null, prose(line)))),
    el("details", { class: "block" },
      el("summary", null, "each run"),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "each run" }, el("table", { class: "runs" },
        el("thead", null, el("tr", null, head.map((one) => el("th", { scope: "col" }, one)))),
        el("tbody", null, runs.rows.map((row) => el("tr", null,
          el("td", { class: "number" }, String(row.number)),
          el("td", null, badge(row.verdict)),
          row.durations_ns.map(time),
          time(row.response_ns),
          el("td", null, row.trace_id ? el("code", null, row.trace_id) : null),
          el("td", null, trace(row)),
          el("td", null, row.why ? prose(row.why) : null)))))),
      runs.more > 0 ? el("p", { class: "faint" }, `${count(runs.more, "more run")} that passed`) : null)];
}
