// A trace as rows on a time axis: what is open, what is looked at, and the keys for it. `chart.js` draws it.

class Waterfall {
  /**
   * `findings`: `[{ number, verdict, rows, pair, absent, message }]`, marked on their rows.
   * `chosen(row)` hears which span is selected (-1 for none), `link(row)` gives the address of a span.
   */
  constructor(trace, { findings = [], selected = -1, chosen = () => {}, link = () => location.href } = {}) {
    Object.assign(this, { trace, findings, chosen, link });
    this.lens = new Lens(trace.duration);
    this.starts = runStarts(trace);
    this.state = { fold: true, collapsed: new Set(), unfolded: new Set(), missing: new Map() };
    this.show = { critical: trace.critical !== null, gaps: true };
    this.marked = new Map();
    for (const finding of findings) {
      for (const row of finding.rows) this.marked.set(row, [...(this.marked.get(row) || []), finding]);
      const { missing } = this.state;
      for (const [row, what] of finding.absent) missing.set(row, [...(missing.get(row) || []), { number: finding.number, verdict: finding.verdict, what }]);
    }
    unfoldAround(trace, this.starts, [...this.marked.keys(), ...this.state.missing.keys()], this.state);
    this.found = [];
    this.selected = -1;
    this.chart = new Chart(this);
    this.node = this.build();
    this.lay();
    if (selected >= 0) this.select(selected, true);
  }

  build() {
    const { trace } = this;
    const about = [count(trace.length, "span"), count(trace.services.length, "service"), duration(trace.duration)];
    if (trace.errors > 0) about.push(count(trace.errors, "error"));
    if (trace.data.partial) about.push("incomplete: its backend left spans out");
    const toggle = (label, title, get, set) => {
      const node = button(label, () => {
        set(!get());
        node.setAttribute("aria-pressed", String(get()));
        this.lay();
      }, { "aria-pressed": String(get()), title });
      return node;
    };
    this.toggles = {
      c: trace.critical && toggle("critical path", "what the duration of the trace consists of (c)", () => this.show.critical, (on) => (this.show.critical = on)),
      g: trace.gaps.size > 0 && toggle("gaps", "times in which nothing below a span ran (g)", () => this.show.gaps, (on) => (this.show.gaps = on)),
      r: trace.data.rows.some((row) => row[RUN] > 1) && toggle("fold repeats", "spans that are alike as one row (r)", () => this.state.fold, (on) => {
        this.state.fold = on;
        this.state.unfolded.clear();
      }),
    };
    this.input = el("input", {
      type: "search", placeholder: "find spans (/)", "aria-label": "find spans", spellcheck: "false", autocomplete: "off",
      title: "words, or service: name: kind: status: id: duration:>10ms key=value",
      oninput: () => this.search(this.input.value),
      onkeydown: (event) => {
        if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
        if (event.key === "Escape") {
          this.search((this.input.value = ""));
          this.chart.list.node.focus();
        }
        event.stopPropagation();
      },
    });
    this.matches = el("span", { class: "faint matches", role: "status" });
    this.side = el("div", { class: "side" });
    const tools = el("div", { class: "tools", role: "toolbar", "aria-label": "waterfall" },
      this.input, this.matches,
      el("span", { class: "group" },
        button("−", () => this.zoom(2), { "aria-label": "zoom out", title: "zoom out (s)" }),
        button("+", () => this.zoom(0.5), { "aria-label": "zoom in", title: "zoom in (w)" }),
        button("all", () => this.whole(), { title: "the whole trace (0)" })),
      el("span", { class: "group" },
        button("collapse", () => this.collapseAll(), { title: "only the first levels (Shift+←)" }),
        button("expand", () => this.expandAll(), { title: "all levels (Shift+→)" })),
      Object.values(this.toggles));
    const legend = el("ul", { class: "legend", "aria-label": "services" }, trace.services.map((service) => el("li", null,
      button([swatch(service.colour), quote(service.name)], () => {
        this.search((this.input.value = `service:"${service.name}"`));
        this.step(1);
      }, { class: "quiet", title: "find its spans" }))));
    return el("section", { class: "waterfall", "aria-label": "waterfall" },
      el("div", { class: "about" }, el("span", null, about.join(" · ")), el("code", null, trace.id),
        copier("copy", () => trace.id, { "aria-label": "copy the trace's id" })),
      tools, legend, el("div", { class: "split" }, this.chart.node, this.side));
  }

  /** The rows anew, after something was opened or closed. */
  lay() {
    const at = this.selected;
    this.rows = layRows(this.trace, this.state);
    this.placeOf = new Map(this.rows.flatMap((row, place) => (row.missing ? [] : [[row.at, place]])));
    this.selected = at;
    this.chart.reset();
  }

  /** The place of the row that shows a span: its own, that of its likes, or that of what it is collapsed into. */
  placeNear(at) {
    for (let above = at; above >= 0; above = this.trace.parents[above]) {
      if (this.placeOf.has(above)) return this.placeOf.get(above);
      const start = this.starts[above];
      if (start >= 0 && this.placeOf.has(start)) return this.placeOf.get(start);
    }
    return -1;
  }

  select(at, open) {
    if (at >= 0 && !this.placeOf.has(at)) {
      reveal(this.trace, this.starts, at, this.state);
      this.selected = at;
      this.lay();
    }
    this.selected = at;
    this.chart.list.redraw();
    const place = at >= 0 ? this.placeOf.get(at) : -1;
    if (place >= 0) this.chart.list.show(place);
    this.chart.active(place);
    if (open || this.side.firstChild) this.detail();
    this.chosen(at);
  }

  detail() {
    const row = this.selected >= 0 && this.rows[this.placeOf.get(this.selected)];
    this.side.replaceChildren(...(row ? [spanDetail(this.trace, row, {
      pick: (at) => this.select(at, true),
      link: () => this.link(row.at),
      close: () => {
        this.side.replaceChildren();
        this.chart.list.node.focus();
        this.chart.resized();
      },
    })] : []));
    this.chart.resized();
  }

  search(text) {
    const test = spanQuery(text, this.trace);
    this.found = [];
    if (test) for (let row = 0; row < this.trace.length; row++) if (test(row)) this.found.push(row);
    this.foundSet = test ? new Set(this.found) : null;
    this.matches.textContent = test ? (this.found.length === 0 ? "none" : count(this.found.length, "match").replace("matchs", "matches")) : "";
    this.chart.list.redraw();
    this.chart.drawMap();
  }

  /** The next span found after the one selected, or the one before it. */
  step(by, among = this.found) {
    if (among.length === 0) return;
    const here = this.selected;
    const next = by > 0 ? among.find((at) => at > here) : among.findLast((at) => at < (here < 0 ? Infinity : here));
    const at = next === undefined ? among[by > 0 ? 0 : among.length - 1] : next;
    this.select(at, this.side.firstChild !== null);
    if (among === this.found) this.matches.textContent = `${among.indexOf(at) + 1} of ${among.length}`;
  }

  toggle(at) {
    const { collapsed } = this.state;
    if (this.trace.last[at] > at) {
      if (!collapsed.delete(at)) collapsed.add(at);
      this.lay();
    }
  }
  unfold(at, on) {
    if (on) this.state.unfolded.add(at);
    else this.state.unfolded.delete(at);
    this.lay();
    this.select(at, false);
  }
  collapseAll() {
    this.state.collapsed.clear();
    for (let at = 0; at < this.trace.length; at++) if (this.trace.depth(at) >= 1 && this.trace.last[at] > at) this.state.collapsed.add(at);
    this.lay();
    this.select(this.selected >= 0 ? this.rows[Math.max(0, this.placeNear(this.selected))].at : -1, false);
  }
  expandAll() {
    this.state.collapsed.clear();
    this.lay();
  }
  zoom(by, at) {
    this.lens.zoom(by, at);
    this.chart.moved();
  }
  whole() {
    this.lens.all();
    this.chart.moved();
  }
  /** Looks at one span, with some room around it. */
  fit(at) {
    const [from, took] = [this.trace.offset(at), Math.max(1, this.trace.took(at))];
    this.lens.show(from - took * 0.05, from + took * 1.05);
    this.chart.moved();
  }

  /** Whether a key meant something here. */
  key(event) {
    const place = this.selected >= 0 ? this.placeNear(this.selected) : -1;
    const row = place >= 0 ? this.rows[place] : null;
    const to = (next) => {
      let there = Math.min(this.rows.length - 1, Math.max(0, next));
      // What is missing cannot be chosen: its row is passed by.
      for (const by = there > place ? 1 : -1; this.rows[there] && this.rows[there].missing;) there += by;
      if (this.rows[there]) this.select(this.rows[there].at, false);
    };
    const page = Math.max(1, Math.floor(this.chart.list.height / ROW) - 1);
    const right = () => {
      if (!row) return to(0);
      if (row.hidden > 0) return this.toggle(row.at);
      if (row.alike.length > 1 && this.starts[row.at] === row.at) return this.unfold(row.at, true);
      return to(place + 1);
    };
    const left = () => {
      if (!row) return to(0);
      if (row.opened > 0) return this.unfold(row.at, false);
      if (row.hidden === 0 && this.trace.last[row.at] > row.at) return this.toggle(row.at);
      const parent = this.trace.parents[row.at];
      return parent >= 0 ? to(this.placeNear(parent)) : undefined;
    };
    const flip = (key) => () => this.toggles[key] && this.toggles[key].click();
    const errors = () => this.trace.data.rows.flatMap((one, at) => (one[STATUS] === 2 ? [at] : []));
    const marked = () => [...this.marked.keys()].sort((a, b) => a - b);
    const keys = {
      ArrowDown: () => to(place + 1), ArrowUp: () => to(place - 1), j: () => to(place + 1), k: () => to(place - 1),
      PageDown: () => to(place + page), PageUp: () => to(place - page), Home: () => to(0), End: () => to(this.rows.length - 1),
      ArrowRight: event.shiftKey ? () => this.expandAll() : right, ArrowLeft: event.shiftKey ? () => this.collapseAll() : left,
      Enter: () => row && this.select(row.at, true), " ": () => row && this.toggle(row.at),
      w: () => this.zoom(0.5, this.pointer()), "+": () => this.zoom(0.5), s: () => this.zoom(2, this.pointer()), "-": () => this.zoom(2),
      a: () => this.pan(-0.2), d: () => this.pan(0.2), 0: () => this.whole(), f: () => row && this.fit(row.at),
      "/": () => this.input.focus(), n: () => this.step(1), N: () => this.step(-1),
      e: () => this.step(1, errors()), E: () => this.step(-1, errors()), m: () => this.step(1, marked()), M: () => this.step(-1, marked()),
      c: flip("c"), g: flip("g"), r: flip("r"),
      Escape: this.side.firstChild ? () => {
        this.side.replaceChildren();
        this.chart.resized();
      } : null,
    };
    const action = keys[event.key];
    if (!action) return false;
    action();
    return true;
  }
  /** Zooming by key keeps the selected span in its place. */
  pointer() {
    if (this.selected < 0) return 0.5;
    const at = this.lens.part(this.trace.offset(this.selected) + this.trace.took(this.selected) / 2);
    return at >= 0 && at <= 1 ? at : 0.5;
  }
  pan(part) {
    this.lens.pan(part);
    this.chart.moved();
  }
}
