// All tests of the run: what came of them, when they ran, and which of them one wants to see.

const MOST_ROWS = 2000;
const FIRST = 60;

function overviewPage(place) {
  const filter = {
    q: place.q || "", verdicts: new Set((place.v || "").split(",").filter((one) => VERDICTS.includes(one))),
    file: place.file || "", tag: place.tag || "", by: place.by || "verdict",
  };
  const table = el("tbody");
  const found = el("p", { class: "faint", role: "status" });
  const more = el("p");
  let most = MOST_ROWS;
  let later;
  const timed = run.tests.some((test) => test.started_ns !== undefined && test.started_ns !== null);
  const list = () => {
    const asked = words(filter.q.toLowerCase());
    const kept = run.tests.filter((test) =>
      (filter.verdicts.size === 0 || filter.verdicts.has(test.verdict)) && (!filter.file || test.path === filter.file) &&
      (!filter.tag || (test.tags || []).includes(filter.tag)) && asked.every((word) => test.searched.includes(word)));
    kept.sort(ORDERS[filter.by] || ORDERS.verdict);
    // What is in sight at once, the rest when the browser has drawn that.
    table.replaceChildren(...kept.slice(0, FIRST).map((test) => testRow(test, timed)));
    clearTimeout(later);
    if (kept.length > FIRST) later = setTimeout(() => table.append(...kept.slice(FIRST, most).map((test) => testRow(test, timed))), 30);
    found.textContent = kept.length === run.tests.length ? "" : `${kept.length} of ${count(run.tests.length, "test")}`;
    more.replaceChildren(...(kept.length > most ? [button(`show the other ${kept.length - most}`, () => {
      most = Infinity;
      list();
    })] : []));
  };
  const changed = () => {
    most = MOST_ROWS;
    lastFilter = { q: filter.q, v: [...filter.verdicts].join(","), file: filter.file, tag: filter.tag, by: filter.by === "verdict" ? "" : filter.by };
    history.replaceState(null, "", hashOf(lastFilter));
    list();
  };
  const search = el("input", {
    type: "search", id: "search", placeholder: "filter (/)", "aria-label": "filter tests", autocomplete: "off", spellcheck: "false",
    oninput: () => {
      filter.q = search.value;
      changed();
    },
  });
  search.value = filter.q;
  const chips = VERDICTS.map((verdict) => {
    const number = run.tests.filter((test) => test.verdict === verdict).length;
    if (number === 0) return null;
    const chip = button([badge(verdict, true), String(number)], () => {
      if (!filter.verdicts.delete(verdict)) filter.verdicts.add(verdict);
      chip.setAttribute("aria-pressed", String(filter.verdicts.has(verdict)));
      changed();
    }, { class: "chip", "aria-pressed": String(filter.verdicts.has(verdict)) });
    return chip;
  });
  const choose = (label, key, options) => {
    if (options.length < 2) return null;
    const select = el("select", { "aria-label": label, onchange: () => {
      filter[key] = select.value;
      changed();
    } }, options.map(([value, name]) => el("option", { value, selected: value === filter[key] }, name)));
    return select;
  };
  const files = [...new Set(run.tests.map((test) => test.path))];
  const tags = [...new Set(run.tests.flatMap((test) => test.tags || []))].sort();
  list();
  lastFilter = { ...place };
  return { keys: null, node: el("article", { class: "overview" },
    banner(),
    el("div", { class: "tools filters", role: "search" }, search, chips,
      choose("file", "file", files.length > 1 ? [["", "all files"], ...files.map((file) => [file, file])] : []),
      choose("tag", "tag", tags.length > 0 ? [["", "all tags"], ...tags.map((tag) => [tag, tag])] : []),
      choose("order", "by", [["verdict", "worst first"], ["file", "by file"], ["duration", "slowest first"], ...(timed ? [["start", "by start"]] : [])])),
    found,
    el("table", { class: `tests ${timed ? "timed" : ""}` },
      el("thead", null, el("tr", null, el("th", { scope: "col", class: "verdict" }, "Result"), el("th", { scope: "col" }, "Test"),
        timed ? el("th", { scope: "col", class: "when" }, "When") : null, el("th", { scope: "col", class: "took" }, "Time"))),
      table),
    more) };
}

let lastFilter = {};
function backHref() {
  return hashOf(lastFilter);
}

const byPlace = (a, b) => a.file - b.file || a.line - b.line || a.at - b.at;
const ORDERS = {
  verdict: (a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || byPlace(a, b),
  file: byPlace,
  duration: (a, b) => b.duration_ns - a.duration_ns || byPlace(a, b),
  start: (a, b) => a.started_ns - b.started_ns || byPlace(a, b),
};

/** What came of the run, in a sentence and a bar; where it ran; what went wrong with it as a whole. */
function banner() {
  const counts = VERDICTS.map((verdict) => [verdict, run.tests.filter((test) => test.verdict === verdict).length]).filter(([, number]) => number > 0);
  const bar = el("div", { class: "share", "aria-hidden": "true" }, counts.map(([verdict, number]) => el("span", { class: verdict, style: { "flex-grow": String(number) } })));
  const environment = run.environment || {};
  const facts = [
    environment.backend, run.started_ms > 0 ? new Date(run.started_ms).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "",
    run.duration_ns > 0 ? `took ${duration(run.duration_ns)}` : "", environment.host ? `on ${environment.host}` : "",
    environment.commit ? `commit ${environment.commit.slice(0, 12)}` : "", `seed ${run.seed}`, environment.version ? `tracespec ${environment.version}` : "",
  ];
  const list = (title, kind, all) => all && all.length > 0 ? el("section", { class: `note ${kind}` }, el("h2", null, title), el("ul", null, all.map((one) => el("li", null, one.includes("\n") ? scroller("pre", title, one) : prose(one))))) : null;
  const processes = (run.processes || []).filter((one) => one.ended || one.last_lines.length > 0);
  return el("header", { class: "title" },
    run.interrupted ? el("p", { class: "note error" }, el("strong", null, "Interrupted: "), "the run ended before all of its tests had.") : null,
    el("h1", null, badge(run.verdict, true), document.title.replace(/ · tracespec$/, "").replace(/^\w+: /, "")),
    bar, el("p", { class: "faint" }, facts.filter(Boolean).join(" · ")),
    list("Errors of the run", "error", run.errors),
    processes.map((one) => processLines(one, Boolean(one.ended))),
    list("Remarks", "remark", run.remarks));
}

function testRow(test, timed) {
  const place = (ns) => `${Math.min(100, (ns / Math.max(1, run.duration_ns)) * 100)}%`;
  return el("tr", { class: test.verdict },
    el("td", { class: "verdict" }, badge(test.verdict, true)),
    el("td", { class: "name" }, el("a", { href: hashOf({ t: test.key }) }, quote(test.name)),
      el("span", { class: "faint where" }, test.place, test.tried > 1 ? ` · ${test.tried} attempts` : "",
        (test.tags || []).map((tag) => [" ", el("span", { class: "tag" }, tag)])),
      test.headline ? el("span", { class: "headline" }, prose(test.headline)) : null),
    timed ? el("td", { class: "when" }, test.verdict === "skipped" ? null : el("div", { class: "track" },
      el("span", { class: test.verdict, style: { left: place(test.started_ns), width: place(test.duration_ns) } }))) : null,
    el("td", { class: "took" }, test.verdict === "skipped" ? "" : duration(test.duration_ns)));
}
