// Everything that a span says, beside the waterfall.

/** `pick(row)` selects another span, `link()` gives the span's own address. */
function spanDetail(trace, row, { pick, link, close }) {
  const { at, alike } = row;
  const service = trace.service(at);
  const facts = el("dl", { class: "facts" });
  const fact = (name, ...value) => facts.append(el("dt", null, name), el("dd", null, ...value));
  const start = trace.start + BigInt(Math.round(trace.offset(at)));
  const more = trace.detail(at);
  fact("service", swatch(service.colour), quote(service.name));
  fact("kind", trace.kind(at) === "-" ? "not said" : trace.kind(at));
  fact("status", el("span", { class: trace.failed(at) ? "bad" : "" }, trace.status(at)),
    more && more.message ? [": ", quote(more.message)] : null);
  if (trace.untimed(at)) fact("duration", "not known: its start or end is missing, or they contradict each other");
  else fact("duration", el("strong", { title: exact(trace.took(at)) }, duration(trace.took(at))), `, own time ${duration(trace.self(at))}`);
  const share = criticalShare(trace, at);
  if (share !== null) fact("critical path", share === 0 ? "not on it" : `${duration(share)} of it`);
  fact("starts", `+${duration(trace.offset(at))}`, el("div", { class: "faint" }, instant(start)));
  const parent = trace.parents[at];
  fact("parent", parent < 0 ? "none in this trace" : spanButton(trace, parent, pick));
  const children = [];
  for (let child = at + 1; child <= trace.last[at] && children.length < 8; child = trace.last[child] + 1) children.push(child);
  if (children.length > 0) {
    const rest = trace.children[at] - children.length;
    fact("children", children.map((child) => el("div", null, spanButton(trace, child, pick))), rest > 0 ? `and ${rest} more` : null);
  }
  fact("span id", el("code", null, trace.spanId(at)), copier("copy", () => trace.spanId(at), { "aria-label": "copy the span's id" }));
  if (more && more.scope) fact("made by", quote(`${more.scope} ${more.version}`));
  if (more && more.state) fact("tracestate", quote(more.state));
  const marks = (trace.marks.get(at) || []).map((mark) => el("li", null, markWords(mark)));
  if (more && more.dropped) {
    const [attributes, events, links] = more.dropped;
    marks.push(el("li", null, `its SDK dropped ${attributes} attributes, ${events} events, ${links} links over its limits`));
  }
  const body = [
    el("div", { class: "actions" },
      copier("copy link", link), copier("copy as selector", () => selector(trace, at, more)),
      copier("copy as JSON", () => asJson(trace, at, more))),
    facts, marks.length > 0 ? el("ul", { class: "marks" }, marks) : null,
    alike.length > 1 ? alikeTable(trace, at, alike, pick) : null,
  ];
  if (more) {
    body.push(attributeTable("attributes", more.attributes), eventList(trace, at, more.events), linkList(more.links),
      attributeTable("resource", more.resource, true));
  } else {
    body.push(el("p", { class: "faint" }, "The report had no room for the attributes of this trace's spans: `tracespec show` has them."));
  }
  return el("aside", { class: "detail", "aria-label": "span" },
    el("div", { class: "head" }, el("h3", null, quote(trace.name(at))),
      button("×", close, { class: "quiet", "aria-label": "close the span" })),
    body);
}

function swatch(colour) {
  return el("span", { class: `swatch c${colour}`, "aria-hidden": "true" });
}

function spanButton(trace, row, pick) {
  return el("button", { type: "button", class: "link", onclick: () => pick(row) },
    quote(trace.name(row)), el("span", { class: "faint" }, " ", quote(trace.service(row).name)));
}

function criticalShare(trace, row) {
  if (!trace.critical) return null;
  return (trace.critical.get(row) || []).reduce((sum, [from, to]) => sum + to - from, 0);
}

function markWords({ kind, value }) {
  switch (kind) {
    case "before_parent": return `starts ${duration(value)} before its parent, as only clocks that differ can show it; it is drawn where its own clock puts it`;
    case "untimed": return "its duration is not known";
    case "parent_missing": return `its parent ${value || ""} is not in the trace`;
    case "other_trace": return `it is of trace ${value}, which a link leads to`;
    default: return kind;
  }
}

/** The spans that one row stands for, the longest first. */
function alikeTable(trace, at, alike, pick) {
  const all = alike.map((by) => at + by).sort((a, b) => trace.took(b) - trace.took(a));
  const total = all.reduce((sum, one) => sum + trace.took(one), 0);
  const middle = trace.took(all[Math.floor(all.length / 2)]);
  const shown = all.slice(0, 20).map((one) => el("li", null,
    el("button", { type: "button", class: "link", onclick: () => pick(one) }, `+${duration(trace.offset(one))}`), ` ${duration(trace.took(one))}`));
  return el("details", { open: true },
    el("summary", null, `${count(all.length, "span")} that are alike`),
    el("p", null, `together ${duration(total)}; shortest ${duration(trace.took(all[all.length - 1]))}, ` +
      `middle ${duration(middle)}, longest ${duration(trace.took(all[0]))}`),
    el("ol", { class: "alike" }, shown), all.length > shown.length ? `and ${all.length - shown.length} more` : null);
}

function attributeTable(title, attributes, closed) {
  if (attributes.length === 0) return null;
  const rows = attributes.map(({ key, type, value }) => el("tr", null,
    el("th", { scope: "row" }, quote(key)),
    el("td", null, quote(value), type === "text" ? null : el("span", { class: "type" }, type)),
    el("td", null, copier("copy", () => value, { "aria-label": `copy the value of ${key}` }))));
  return el("details", { open: !closed },
    el("summary", null, `${title} (${attributes.length})`), el("table", { class: "attributes" }, el("tbody", null, rows)));
}

/** Events with their places on the span's own time line. */
function eventList(trace, at, events) {
  if (events.length === 0) return null;
  const took = Math.max(1, trace.took(at));
  const line = el("div", { class: "eventline", "aria-hidden": "true" },
    events.slice(0, 200).map((event) => el("span", { style: { left: `${Math.min(100, Math.max(0, (event.at / took) * 100))}%` } })));
  const items = events.map((event) => el("li", null,
    el("span", { class: "time" }, `+${duration(event.at)}`), quote(event.name), attributeTable("attributes", event.attributes)));
  return el("details", { open: true }, el("summary", null, `events (${events.length})`), line, el("ol", { class: "events" }, items));
}

function linkList(links) {
  if (links.length === 0) return null;
  const items = links.map((link) => el("li", null,
    "span ", el("code", null, link.span), " of trace ", el("code", null, link.trace), attributeTable("attributes", link.attributes)));
  return el("details", { open: true }, el("summary", null, `links (${links.length})`), el("ul", null, items));
}

/** The span as a spec selects it. JSON's texts are YAML's as well. */
function selector(trace, at) {
  const kind = trace.kind(at) === "-" ? "" : `, kind: ${trace.kind(at)}`;
  return `{ service: ${JSON.stringify(trace.service(at).name)}, name: ${JSON.stringify(trace.name(at))}${kind} }`;
}

function asJson(trace, at, more) {
  const map = (all) => Object.fromEntries(all.map(({ key, value }) => [key, value]));
  return JSON.stringify({
    trace_id: trace.id, span_id: trace.spanId(at), name: trace.name(at), service: trace.service(at).name, kind: trace.kind(at),
    status: trace.status(at), start_unix_ns: String(trace.start + BigInt(Math.round(trace.offset(at)))), duration_ns: trace.took(at),
    ...(more && {
      status_message: more.message, attributes: map(more.attributes), resource: map(more.resource),
      events: more.events.map((event) => ({ offset_ns: event.at, name: event.name, attributes: map(event.attributes) })),
      links: more.links.map((link) => ({ trace_id: link.trace, span_id: link.span, attributes: map(link.attributes) })),
    }),
  }, null, 2);
}
