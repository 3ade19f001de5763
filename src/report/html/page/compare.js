// Two traces beside each other, aligned by path: what is new, what is gone, and what takes longer or shorter.

class Compare {
  constructor(left, right, names) {
    Object.assign(this, { left, right, names });
    this.all = alignTraces(left, right);
    this.only = false;
    this.duration = Math.max(left.duration, right.duration);
    this.list = new List({ class: "rows pairs", role: "list", tabindex: "0", "aria-label": "spans of both traces" }, (at) => this.row(at));
    this.top = el("div", { class: "top" }, el("div", { class: "label faint" }, "service and span"), el("div", { class: "axis" }),
      el("div", { class: "took faint" }, "before, after"));
    this.node = this.build();
    new ResizeObserver(() => beside(this.top, this.list)).observe(this.node);
    this.lay();
  }
  build() {
    const [fresh, gone] = [this.all.filter((row) => row.a < 0).length, this.all.filter((row) => row.b < 0).length];
    const signed = (ns) => (ns === 0 ? "as long" : `${duration(Math.abs(ns))} ${ns > 0 ? "longer" : "shorter"}`);
    const summary = [fresh > 0 ? `${count(fresh, "span")} new` : "", gone > 0 ? `${count(gone, "span")} gone` : "",
      `${signed(this.right.duration - this.left.duration)} in all`].filter(Boolean).join(", ");
    const toggle = button("only differences", () => {
      this.only = !this.only;
      toggle.setAttribute("aria-pressed", String(this.only));
      this.lay();
    }, { "aria-pressed": "false" });
    const side = (sign, name, trace) => el("li", null, el("span", { class: `line ${sign}`, "aria-hidden": "true" }), quote(name),
      el("span", { class: "faint" }, ` ${count(trace.length, "span")}, ${duration(trace.duration)}`));
    return el("section", { class: "waterfall compare", "aria-label": "comparison" },
      el("h3", null, summary),
      el("ul", { class: "sides" }, side("left", this.names[0], this.left), side("right", this.names[1], this.right)),
      el("div", { class: "tools" }, toggle),
      el("div", { class: "chart" }, this.top, this.list.node));
  }
  lay() {
    const differs = (row) => row.a < 0 || row.b < 0 || this.left.failed(row.a) !== this.right.failed(row.b);
    this.rows = this.only ? withThoseAbove(this.all, differs) : this.all;
    this.list.reset(this.rows.length);
  }
  row(at) {
    const { a, b, depth } = this.rows[at];
    const kind = a < 0 ? "new" : b < 0 ? "gone" : "same";
    const [trace, row] = b < 0 ? [this.left, a] : [this.right, b];
    const failed = trace.failed(row);
    const bar = (of, one, side) => one < 0 ? null : el("span", {
      class: `bar ${side}`,
      style: { left: `${(of.offset(one) / this.duration) * 100}%`, width: `${(of.took(one) / this.duration) * 100}%` },
    });
    const times = kind === "same" ? [duration(this.left.took(a)), " → ", duration(this.right.took(b))] : [duration(trace.took(row))];
    return el("div", { class: `row ${kind} ${failed ? "failed" : ""}`, role: "listitem" },
      el("div", { class: "label", style: { "--gutter": "2px", "--depth": String(Math.min(depth, 24)) } },
        el("span", { class: "change" }, { new: "+", gone: "−", same: " " }[kind], kind === "same" ? null : el("span", { class: "unseen" }, kind)),
        el("span", { class: "name" }, failed ? el("span", { class: "bad" }, "! ") : null, quote(trace.name(row))),
        el("span", { class: "service" }, quote(trace.service(row).name))),
      el("div", { class: "bars" }, bar(this.left, a, "left"), bar(this.right, b, "right")),
      el("div", { class: `took ${this.notable(a, b) ? "notable" : ""}` }, times));
  }
  /** Whether a span takes so much longer or shorter that one would ask why. */
  notable(a, b) {
    if (a < 0 || b < 0) return false;
    const [one, other] = [this.left.took(a), this.right.took(b)];
    return Math.abs(one - other) > this.duration * 0.02 && Math.max(one, other) > 1.5 * Math.min(one, other);
  }
  key(event) {
    const by = { ArrowDown: ROW, j: ROW, ArrowUp: -ROW, k: -ROW }[event.key];
    if (by) this.list.node.scrollBy(0, by);
    return by !== undefined;
  }
}

/** The rows that are asked for, and those above them. */
function withThoseAbove(rows, asked) {
  const kept = new Array(rows.length).fill(false);
  const above = [];
  rows.forEach((row, at) => {
    above.length = row.depth;
    above[row.depth] = at;
    if (asked(row)) above.forEach((one) => (kept[one] = true));
  });
  return rows.filter((_, at) => kept[at]);
}
