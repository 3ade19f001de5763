// One test: what is wrong first, then the spec, the trace, the request and the answer, and how the wait went.

/** The page of a test, and what its keys are for: `{ node, keys }`. */
function testPage(test, place) {
  const attempt = clamp(Number(place.a || test.attempts.length), test.attempts.length);
  const { steps } = test.attempts[attempt - 1];
  const step = place.p ? clamp(Number(place.p), steps.length) : firstBroken(steps) + 1;
  const current = steps[step - 1] || null;
  const here = { t: test.key, a: attempt === test.attempts.length ? undefined : attempt, p: place.p };
  const findings = current ? numbered(current) : [];
  const trace = current ? traceAt(current.trace) : null;
  const comparing = place.v === "compare" && trace;
  let active = null;
  const show = (finding) => {
    if (!active || !(active instanceof Waterfall)) return;
    active.select(finding.rows[0], true);
    active.node.scrollIntoView({ block: "nearest" });
    active.chart.list.node.focus({ preventScroll: true });
  };
  const view = trace && (comparing ? compareView(test, attempt, step, trace, place) : (active = new Waterfall(trace, {
    findings,
    selected: place.s ? trace.byId.get(place.s.toLowerCase()) ?? -1 : -1,
    chosen: (row) => readdress({ ...here, s: row >= 0 ? trace.spanId(row) : undefined }),
    link: (row) => absolute({ ...here, s: trace.spanId(row) }),
  })).node);
  if (comparing) active = view.keys;
  const node = el("article", { class: "test" },
    heading(test),
    test.attempts.length > 1 ? choices("attempts", test.attempts, attempt, (at) => ({ ...here, a: at, p: undefined }), (one, at) => `attempt ${at + test.tried - test.attempts.length}`) : null,
    steps.length > 1 ? choices("steps", steps, step, (at) => ({ ...here, p: at }), (one, at) => one.name || `step ${at}`) : null,
    current && !comparing ? summary(current, findings) : null,
    comparing ? null : [el("h2", null, "Spec"), specView(test, current, findings, show)],
    trace ? [el("div", { class: "titled" }, el("h2", null, "Trace"),
      el("a", { class: "button", href: hashOf(comparing ? here : { ...here, v: "compare" }) }, comparing ? "back to the waterfall" : "compare…"),
      current.link ? el("a", { class: "button", href: current.link, rel: "noreferrer noopener", target: "_blank" }, "open in the backend ↗") : null),
    comparing ? view.node : view] : noTrace(current),
    current && !comparing ? exchange(current) : null,
    comparing ? null : commands(test, current),
    current && !comparing && current.remarks.length > 0 ? [el("h2", null, "Remarks"), el("ul", null, current.remarks.map((one) => el("li", null, prose(one))))] : null,
    current && !comparing && current.log && current.log.trim() ? el("details", { class: "block", open: current.verdict === "inconclusive" || current.verdict === "error" },
      el("summary", null, "how the wait went"), scroller("pre", "how the wait went", current.log)) : null);
  return { node, keys: active };
}

function clamp(number, most) {
  return Number.isInteger(number) && number >= 1 ? Math.min(number, Math.max(1, most)) : 1;
}

function firstBroken(steps) {
  const at = steps.findIndex((step) => !["pass", "flaky", "skipped"].includes(step.verdict));
  return at < 0 ? 0 : at;
}

function heading(test) {
  const next = (by) => {
    const broken = run.tests.filter((one) => !["pass", "flaky", "skipped"].includes(one.verdict));
    const among = broken.length > 0 ? broken : run.tests;
    const here = among.findIndex((one) => one.at >= test.at);
    const exactly = among[here] === test;
    const at = by > 0 ? (exactly ? here + 1 : here) : (here < 0 ? among.length : here) - 1;
    return among[at] || null;
  };
  const step = (label, key, to) => to ? el("a", { class: "button", href: hashOf({ t: to.key }), title: `${to.name} (${key})`, rel: key === "[" ? "prev" : "next" }, label) : null;
  return el("header", { class: "title" },
    el("nav", { "aria-label": "tests" }, el("a", { class: "button", href: backHref() }, "← all tests"), step("← previous", "[", next(-1)), step("next →", "]", next(1))),
    el("h1", null, badge(test.verdict, true), quote(test.name)),
    el("p", { class: "faint" }, el("code", null, test.place), ` · ${duration(test.duration_ns)}`,
      test.tried > 1 ? ` · ${test.tried} attempts` : "",
      (test.tags || []).map((tag) => [" ", el("span", { class: "tag" }, tag)])),
    test.reason ? el("p", { class: "note" }, test.reason) : null);
}

/** Tabs as links: attempts, steps. */
function choices(label, all, current, to, name) {
  return el("nav", { class: "choices", "aria-label": label }, all.map((one, at) =>
    el("a", { href: hashOf(to(at + 1)), "aria-current": at + 1 === current ? "true" : null }, badge(one.verdict), name(one, at + 1),
      one.duration_ns === undefined || one.duration_ns === null ? null : el("span", { class: "faint" }, ` ${duration(one.duration_ns)}`))));
}

/** What is wrong, in lines that lead to their places. */
function summary(step, findings) {
  const items = findings.map((finding) => el("li", null,
    el("a", { href: "#", onclick: (event) => {
      event.preventDefault();
      const target = document.getElementById(`finding-${finding.number}`);
      if (target) target.scrollIntoView({ block: "center" });
    } }, el("span", { class: `number ${finding.verdict}` }, String(finding.number)), prose(finding.message))));
  const rejudged = step.rejudged ? el("p", { class: "note" }, `${step.late ? "late" : "re-judged"}: this test had passed; ${step.rejudged}`) : null;
  const error = step.error ? el("pre", { class: "note error" }, step.error) : null;
  if (!rejudged && !error && items.length === 0) return null;
  return el("section", { class: "summary", "aria-label": "what is wrong" }, rejudged, error, items.length > 0 ? el("ul", null, items) : null);
}

function noTrace(step) {
  if (!step || !step.trace_id) return null;
  const why = step.spans === null || step.spans === undefined ? "no span of it was received"
    : `its ${count(step.spans, "span")} had no room in this report; \`tracespec show ${step.trace_id}\` shows them`;
  return [el("h2", null, "Trace"), el("p", null, el("code", null, step.trace_id), `: ${why}`)];
}

/** The request as it was sent and the answer, where they were kept. */
function exchange(step) {
  const { request, answer, program } = step;
  if (!request && !answer && !program) return null;
  const headers = (all) => all.map(([name, value]) => `${name}: ${value}`).join("\n");
  const body = (one) => (!one ? "" : `\n\n${pretty(one.text)}${one.text.endsWith("…") ? `\n(${count(one.bytes, "byte")} in all)` : ""}`);
  return el("div", { class: "pair" },
    request ? el("section", null, el("h2", null, "Request"), snippet("request", `${request.method} ${request.url}\n${headers(request.headers)}${body(request.body)}`)) : null,
    program ? el("section", null, el("h2", null, "Program"), snippet("command line", program.shell), program.ending ? el("p", { class: "faint" }, program.ending) : null) : null,
    [["standard output", program && program.stdout], ["standard error", program && program.stderr]].map(([name, one]) =>
      one && one.bytes > 0 ? el("section", null, el("h2", null, name[0].toUpperCase() + name.slice(1)), snippet(name, body(one).trim())) : null),
    answer ? el("section", null, el("h2", null, "Response"), snippet("response", `${answer.status}\n${headers(answer.headers)}${body(answer.body)}`)) : null);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function commands(test, step) {
  const list = [snippet("run this test alone", test.rerun || `tracespec run ${shellWord(test.place)}`)];
  if (step && step.request && step.request.curl) list.push(snippet("send the request", step.request.curl));
  if (step && step.trace_id) list.push(snippet("show the trace in a terminal", `tracespec show ${step.trace_id}`));
  const facts = step ? [`request ${duration(step.trigger_ns)}`, `wait ${duration(step.wait_ns)}`, step.settled_by, step.polls > 0 ? count(step.polls, "read") : ""] : [];
  return [el("h2", null, "Again"), el("div", { class: "pair" }, list), el("p", { class: "faint" }, facts.filter(Boolean).join(" · "))];
}

/** A text as one word for a shell. */
function shellWord(text) {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Another trace of the report beside this one. */
function compareView(test, attempt, step, trace, place) {
  const candidates = [];
  for (const other of [test, ...run.tests.filter((one) => one !== test)]) {
    other.attempts.forEach((one, at) => one.steps.forEach((its, number) => {
      const same = other === test && at + 1 === attempt && number + 1 === step;
      if (same || its.trace === null || its.trace === undefined) return;
      const parts = [other === test ? "this test" : other.name, other.attempts.length > 1 ? `attempt ${at + 1 + other.tried - other.attempts.length}` : "", one.steps.length > 1 ? its.name || `step ${number + 1}` : ""];
      candidates.push({ id: `${other.key}.${at + 1}.${number + 1}`, name: `${SIGNS[its.verdict]} ${parts.filter(Boolean).join(", ")}`, trace: its.trace });
    }));
  }
  if (candidates.length === 0) return { node: el("p", null, "There is no other trace in this report to compare with."), keys: null };
  const chosen = candidates.find((one) => one.id === place.w) || candidates[0];
  // Options are drawn by the browser, as text.
  const select = el("select", { "aria-label": "compare with", onchange: () => go({ ...address(), w: select.value }) },
    candidates.slice(0, 2000).map((one) => el("option", { value: one.id, selected: one === chosen }, one.name)));
  const compare = new Compare(traceAt(chosen.trace), trace, [chosen.name, `${SIGNS[test.verdict]} ${test.name}`]);
  return { node: el("div", null, el("p", { class: "tools" }, el("label", null, "compare with ", select)), compare.node), keys: compare };
}
