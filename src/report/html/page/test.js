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
    const [first] = [...finding.rows, ...finding.absent.map(([row]) => row)];
    if (first === undefined) return;
    active.select(first, true);
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
    test.attempts.length > 1 ? attemptsView(test, attempt, (at) => ({ ...here, a: at === test.attempts.length ? undefined : at, p: undefined })) : null,
    steps.length > 1 ? choices("steps", steps, step, (at) => ({ ...here, p: at }), (one, at) => one.name || `step ${at}`) : null,
    current && !comparing ? [summary(current, findings), sinceLastPass(current, here)] : null,
    comparing ? null : runsView(test),
    comparing ? null : [el("h2", null, "Spec"), specView(test, current, findings, show)],
    trace ? [el("div", { class: "titled" }, el("h2", null, "Trace"),
      el("a", { class: "button", href: hashOf(comparing ? here : { ...here, v: "compare" }) }, comparing ? "back to the waterfall" : "compare…"),
      current.link ? el("a", { class: "button", href: current.link, rel: "noreferrer noopener", target: "_blank" }, "open in the backend ↗") : null),
    comparing ? view.node : view] : noTrace(current),
    current && !comparing ? [exchange(current), printed(current)] : null,
    comparing ? null : commands(test, current),
    current && !comparing ? [remarks(current), waited(current)] : null);
  return { node, keys: active };
}

function remarks(step) {
  return step.remarks.length > 0 ? [el("h2", null, "Remarks"), el("ul", null, step.remarks.map((one) => el("li", null, prose(one))))] : null;
}

/** How the wait went, where it may say why: a step that passed has said enough with what ended it. */
function waited(step) {
  const unclear = step.verdict === "inconclusive" || step.verdict === "error" || Boolean(step.rejudged);
  if (!step.log || !step.log.trim() || (step.verdict === "pass" && !unclear)) return null;
  return el("details", { class: "block", open: unclear }, el("summary", null, "how the wait went"), scroller("pre", "how the wait went", step.log));
}

/** What processes of the system printed meanwhile, of a step that it may explain. */
function printed(step) {
  if (step.logs.length === 0) return null;
  return [el("h2", null, "Printed meanwhile"), step.logs.map((process) => processLines(process, Boolean(process.ended) || step.logs.length === 1))];
}

/** The last lines of a process of the system. */
function processLines({ name, ended, last_lines: lines }, open) {
  return el("details", { class: "block", open },
    el("summary", null, "process ", el("code", null, name), ended ? [": ended with ", quote(ended)] : ""),
    scroller("pre", `last lines of ${name}`, lines.join("\n") || "it printed nothing"));
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

/** The most problems that are named of an attempt. */
const PROBLEMS = 3;

/** All attempts side by side: what came of each, why, and what it was answered. */
function attemptsView(test, current, to) {
  const card = (one, at) => {
    const problems = one.steps.flatMap(problemsOf);
    const told = one.steps[one.verdict === "pass" ? one.steps.length - 1 : firstBroken(one.steps)];
    const facts = told ? [told.answer ? `answered ${told.answer.status}` : "", told.spans ? count(told.spans, "span") : ""].filter(Boolean) : [];
    return el("a", { class: one.verdict, href: hashOf(to(at + 1)), "aria-current": at + 1 === current ? "true" : null },
      el("span", { class: "head" }, badge(one.verdict, true), el("strong", null, attemptName(test, one, at + 1)),
        one.duration_ns === null ? null : el("span", { class: "faint" }, duration(one.duration_ns))),
      problems.slice(0, PROBLEMS).map((problem) => el("span", { class: "problem" }, prose(problem))),
      problems.length > PROBLEMS ? el("span", { class: "problem faint" }, `and ${problems.length - PROBLEMS} more`) : null,
      facts.length > 0 ? el("span", { class: "problem faint" }, facts.join(" · ")) : null);
  };
  return el("nav", { class: "attempts", "aria-label": "attempts" }, test.attempts.map(card));
}

/** Tabs as links: steps. */
function choices(label, all, current, to, name) {
  return el("nav", { class: "choices", "aria-label": label }, all.map((one, at) =>
    el("a", { href: hashOf(to(at + 1)), "aria-current": at + 1 === current ? "true" : null }, badge(one.verdict), name(one, at + 1),
      one.duration_ns === undefined || one.duration_ns === null ? null : el("span", { class: "faint" }, ` ${duration(one.duration_ns)}`))));
}

/** What is wrong, in lines that lead to their places. */
function summary(step, findings) {
  const items = findings.map((finding) => el("li", { class: finding.verdict },
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

/** What is different since the test last passed, and the way to both traces beside each other. */
function sinceLastPass(step, here) {
  const { since_last_pass: since } = step;
  if (!since) return null;
  const both = since.trace !== null && step.trace !== null;
  return el("p", { class: "note since" }, prose(since.text), " ",
    both ? el("a", { class: "button", href: hashOf({ ...here, v: "compare", w: LAST_PASS }) }, "compare both traces") : null);
}

/** The trace of the last pass, in an address. */
const LAST_PASS = "last-pass";

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
  const headers = (all) => all.map(([name, value]) => `${name}: ${value}`);
  const part = (title, ...nodes) => el("section", null, el("h2", null, title), nodes);
  const output = (title, one) => (one && one.bytes > 0 ? part(title, bodySnippet(title.toLowerCase(), "", one)) : null);
  return el("div", { class: "pair" },
    request ? part(request.protocol === "grpc" ? "gRPC call" : "Request", bodySnippet("request", [`${request.method} ${request.url}`, ...headers(request.headers)].join("\n"), request.body)) : null,
    program ? part("Program", snippet("command line", program.shell), program.ending ? el("p", { class: "faint" }, `it ended with ${program.ending}`) : null) : null,
    program ? [output("Standard output", program.stdout), output("Standard error", program.stderr)] : null,
    answer ? part("Response", bodySnippet("response", [answer.status + (answer.message ? `: ${answer.message}` : ""), ...headers(answer.headers)].join("\n"), answer.body, answer.asked)) : null);
}

function commands(test, step) {
  const list = [snippet("run this test alone", test.rerun || `tracespec run ${shellWord(test.place)}`)];
  if (step && step.request && step.request.curl) list.push(snippet("send the request", step.request.curl));
  if (step && step.trace_id) list.push(snippet("show the trace in a terminal", `tracespec show ${step.trace_id}`));
  const took = (what, ns) => (ns > 0 ? `${what} ${duration(ns)}` : "");
  const facts = step ? [took("request", step.trigger_ns), took("wait", step.wait_ns), step.settled_by, step.polls > 0 ? count(step.polls, "read") : ""] : [];
  return [el("h2", null, "Reproduce"), el("div", { class: "pair" }, list), el("p", { class: "faint" }, facts.filter(Boolean).join(" · "))];
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
      const parts = [other === test ? "this test" : other.name, other.attempts.length > 1 ? attemptName(other, one, at + 1) : "", one.steps.length > 1 ? its.name || `step ${number + 1}` : ""];
      candidates.push({ id: `${other.key}.${at + 1}.${number + 1}`, name: `${SIGNS[its.verdict]} ${parts.filter(Boolean).join(", ")}`, trace: its.trace });
    }));
  }
  const since = test.attempts[attempt - 1].steps[step - 1].since_last_pass;
  if (since && since.trace !== null) candidates.unshift({ id: LAST_PASS, name: `${SIGNS.pass} this test when it last passed`, trace: since.trace });
  if (candidates.length === 0) return { node: el("p", null, "There is no other trace in this report to compare with."), keys: null };
  const chosen = candidates.find((one) => one.id === place.w) || candidates[0];
  // Options are drawn by the browser, as text.
  const select = el("select", { "aria-label": "compare with", onchange: () => go({ ...address(), w: select.value }) },
    candidates.slice(0, 2000).map((one) => el("option", { value: one.id, selected: one === chosen }, one.name)));
  const compare = new Compare(traceAt(chosen.trace), trace, [chosen.name, `${SIGNS[test.verdict]} ${test.name}`]);
  return { node: el("div", null, el("p", { class: "tools" }, el("label", null, "compare with ", select)), compare.node), keys: compare };
}
