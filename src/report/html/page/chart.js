// How a waterfall is drawn: map, axis, rows with their bars, arrows between the spans of an order; and the pointer on them.

class Chart {
  constructor(waterfall) {
    this.of = waterfall;
    const { trace } = waterfall;
    this.list = new List({
      class: "rows", role: "tree", tabindex: "0", "aria-label": `spans of trace ${trace.id}`, "aria-keyshortcuts": "?",
    }, (place) => this.row(place));
    this.list.after = (from, to) => {
      this.arrows(from, to);
      this.active(this.at);
    };
    this.map = el("canvas", { class: "map", "aria-hidden": "true" });
    this.brush = el("div", { class: "brush", "aria-hidden": "true" });
    this.mapBox = el("div", { class: "mapbox", title: "drag to look at a part of the trace" }, this.map, this.brush);
    this.ticks = el("div", { class: "ticks", "aria-hidden": "true" });
    this.overlay = svg("svg", { class: "arrows", "aria-hidden": "true" });
    this.top = el("div", { class: "top" }, el("div", { class: "label faint" }, "service and span"), el("div", { class: "axis" }, this.mapBox, this.ticks),
      el("div", { class: "took faint" }, "duration"));
    this.node = el("div", { class: "chart" }, this.top, this.list.node);
    this.pointers();
    // Measuring makes the browser lay everything out: once for each width, not for each row.
    this.width = 600;
    this.left = 0;
    new ResizeObserver(() => this.resized()).observe(this.node);
  }

  /** New rows. */
  reset() {
    this.at = this.of.selected >= 0 ? this.of.placeNear(this.of.selected) : -1;
    this.list.reset(this.of.rows.length);
    // As high as all rows: it is there only for what there is to draw.
    if (this.of.findings.some((finding) => finding.pair)) this.list.canvas.append(this.overlay);
    this.moved(true);
    this.drawMap();
  }
  /** Another part of the axis. */
  moved(rowsAreNew) {
    const { lens } = this.of;
    this.ticks.replaceChildren(...lens.ticks(Math.floor(this.width / 90)).filter((at) => lens.part(at) * this.width < this.width - 40).map((at) =>
      el("span", { style: { left: `${lens.part(at) * 100}%` } }, at === 0 ? "0" : duration(at))));
    this.brush.style.left = `${(lens.from / lens.duration) * 100}%`;
    this.brush.style.width = `${(lens.width / lens.duration) * 100}%`;
    this.brush.hidden = !lens.zoomed;
    if (rowsAreNew) return;
    // Rows stay as they are: only what is on the axis moves.
    this.list.shown.forEach((node, place) => node.children[1].replaceChildren(...this.bars(this.of.rows[place])));
    this.arrows(...this.list.range());
  }
  resized() {
    beside(this.top, this.list);
    const width = Math.max(60, this.ticks.clientWidth);
    if (this.width === width || !this.node.isConnected) return;
    this.width = width;
    this.left = this.ticks.getBoundingClientRect().left - this.list.canvas.getBoundingClientRect().left;
    this.moved();
    this.drawMap();
  }
  /** Which row the keys are at; it is named while it is in sight, for only then is it there. */
  active(place = -1) {
    this.at = place;
    const node = this.list.node;
    if (this.list.shown.has(place)) node.setAttribute("aria-activedescendant", `row-${place}`);
    else node.removeAttribute("aria-activedescendant");
  }

  row(place) {
    const { of: { trace, rows, marked, foundSet, selected } } = this;
    const row = rows[place];
    if (row.missing) return this.missing(place, row);
    const { at, alike } = row;
    const all = alike.map((by) => at + by);
    const findings = [...new Set(all.flatMap((one) => marked.get(one) || []))];
    const marks = trace.marks.get(at) || [];
    const below = trace.last[at] - at;
    const service = trace.service(at);
    const found = foundSet ? all.some((one) => foundSet.has(one)) : null;
    const classes = ["row", trace.failed(at) && "failed", at === selected && "selected", found === true && "found",
      found === false && "dim", findings.length > 0 && (findings.some((one) => one.verdict === "fail") ? "marked" : "marked undecided")];
    const took = all.reduce((sum, one) => sum + trace.took(one), 0);
    // What is read out behind the row's own texts.
    const said = [
      trace.kind(at), trace.failed(at) ? "error" : "", `starts at ${duration(trace.offset(at))}`, trace.untimed(at) ? "duration not known" : "",
      findings.length > 0 ? `of finding ${findings.map((finding) => finding.number).join(", ")}` : "",
    ].filter(Boolean).join(", ");
    const twist = below > 0 ? el("span", { class: "twist", "data-act": "toggle", "aria-hidden": "true" }, row.hidden > 0 ? "▸" : "▾") : el("span", { class: "twist" });
    const repeat = alike.length > 1 && this.of.starts[at] === at ? el("span", { class: "repeat", "data-act": "unfold", title: "show each" }, `×${alike.length}`)
      : row.opened > 0 ? el("span", { class: "repeat on", "data-act": "fold", title: "fold again" }, `1 of ${row.opened}`)
        : alike.length > 1 ? el("span", { class: "repeat" }, `×${alike.length}`) : null;
    const label = el("div", { class: "label", style: { "--gutter": this.gutter, "--depth": String(Math.min(row.depth, 24)) } },
      findings.length > 0 ? el("span", { class: "gutter" }, el("span", { class: `number ${findings[0].verdict}`, title: findings.map((one) => `${one.number}: ${one.message}`).join("\n") },
        findings.length > 1 ? `${findings[0].number}+` : String(findings[0].number))) : null,
      twist, swatch(service.colour), repeat,
      el("span", { class: "name" }, trace.failed(at) ? el("span", { class: "bad" }, "! ") : null, quote(trace.name(at)),
        row.hidden > 0 ? el("span", { class: "faint" }, ` +${row.hidden}`) : null,
        row.depth > 24 ? el("span", { class: "faint" }, ` level ${row.depth}`) : null),
      el("span", { class: "service" }, quote(service.name)));
    return el("div", {
      id: `row-${place}`, class: classes.filter(Boolean).join(" "), role: "treeitem", "aria-level": String(row.depth + 1),
      "aria-setsize": String(rows.length), "aria-posinset": String(place + 1), "aria-selected": String(at === selected),
      "aria-expanded": below > 0 ? String(row.hidden === 0) : null, "aria-description": said, "data-place": String(place),
      title: marks.length > 0 ? marks.map(markWords).join("; ") : null,
    }, label, el("div", { class: "bars" }, this.bars(row)),
    el("div", { class: "took" }, trace.untimed(at) ? "?" : duration(took), marks.length > 0 ? el("span", { class: "odd" }, " ~") : null));
  }

  /** What of a row hangs on the part of the axis that is looked at. */
  bars(row) {
    const { of: { trace, lens, show } } = this;
    const bar = ([from, to], kind) => el("span", {
      class: `bar ${kind}`,
      style: { left: `${lens.part(from) * 100}%`, width: `${Math.max(0, ((to - from) / lens.width) * 100)}%` },
    });
    const cut = (sections, kind) => drawn(sections, lens.from, lens.to, this.width).map((section) => bar(section, kind));
    const all = row.alike.map((by) => row.at + by);
    const sections = all.map((one) => [trace.offset(one), trace.offset(one) + trace.took(one)]);
    if (row.missing) return cut(sections, "missing");
    const { colour } = trace.service(row.at);
    const pale = show.critical && trace.critical;
    const bars = cut(sections, `c${colour}${pale ? " pale" : ""}`);
    if (pale) bars.push(...cut(all.flatMap((one) => trace.critical.get(one) || []), `c${colour} critical`));
    if (show.gaps) bars.push(...cut(all.flatMap((one) => trace.gaps.get(one) || []), "gap"));
    return bars;
  }

  get gutter() {
    return this.of.marked.size > 0 || this.of.state.missing.size > 0 ? "26px" : "2px";
  }

  /** Where spans belong that are not in the trace: below their parent, at some time while it ran. */
  missing(place, row) {
    const { depth, missing: { numbers, verdict, what, times } } = row;
    const { rows } = this.of;
    return el("div", {
      id: `row-${place}`, class: `row missing ${verdict}`, role: "treeitem", "aria-level": String(depth + 1), "aria-setsize": String(rows.length),
      "aria-posinset": String(place + 1), "aria-selected": "false", title: `expected here: ${what}`, "aria-description": `of finding ${numbers.join(", ")}`, "data-place": String(place),
    }, el("div", { class: "label", style: { "--gutter": this.gutter, "--depth": String(Math.min(depth, 24)) } },
      el("span", { class: "gutter" }, el("span", { class: `number ${verdict}` }, numbers.length > 1 ? `${numbers[0]}+` : String(numbers[0]))), el("span", { class: "twist" }),
      times > 1 ? el("span", { class: "repeat" }, `×${times}`) : null, el("span", { class: "name" }, "expected here: ", prose(what))),
    el("div", { class: "bars" }, this.bars(row)), el("div", { class: "took faint" }, "missing"));
  }

  /** From the end of what should have come first to the start of what should have followed. */
  arrows(from, to) {
    const { findings, trace, lens } = this.of;
    const x = (time) => this.left + Math.min(1, Math.max(0, lens.part(time))) * this.width;
    const paths = [];
    for (const { pair, number, verdict } of findings) {
      if (!pair) continue;
      const [first, then] = pair.map((row) => this.of.placeNear(row));
      if (first < 0 || then < 0 || first === then || Math.max(first, then) < from || Math.min(first, then) > to) continue;
      const [x1, x2] = [x(trace.offset(pair[0]) + trace.took(pair[0])), x(trace.offset(pair[1]))];
      const [y1, y2] = [first * ROW + ROW / 2, then * ROW + ROW / 2 + (then < first ? 7 : -7)];
      const bend = Math.max(18, Math.abs(x2 - x1) / 3);
      const head = then < first ? 5 : -5;
      paths.push(
        svg("path", { class: `arrow ${verdict}`, d: `M${x1},${y1} C${x1 + bend},${y1} ${x2},${(y1 + y2) / 2} ${x2},${y2}` }),
        svg("path", { class: `head ${verdict}`, d: `M${x2},${y2} l-4,${head} l8,0 z` }),
        svg("circle", { class: `head ${verdict}`, cx: String(x1), cy: String(y1), r: "3" }, svg("title", null, `finding ${number}`)));
    }
    this.overlay.replaceChildren(...paths);
  }

  /** All spans at once, small. */
  drawMap() {
    const { trace, foundSet, marked } = this.of;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [this.width, 36];
    this.map.width = width * scale;
    this.map.height = height * scale;
    const paper = this.map.getContext("2d");
    paper.scale(scale, scale);
    const colours = trace.services.map((service) => cssVariable(`--c${service.colour}`));
    const [bad, doubtful, faint] = ["--fail", "--inconclusive", "--line"].map(cssVariable);
    const isBad = (row) => trace.failed(row) || (marked.get(row) || []).some((one) => one.verdict === "fail");
    const step = (height - 2) / trace.length;
    const thick = Math.min(3, Math.max(0.6, step));
    // Rows beyond what an eye can tell apart are left out, not those that failed.
    const every = Math.max(1, Math.floor(trace.length / (height * 60)));
    for (let row = 0; row < trace.length; row++) {
      const told = trace.failed(row) || marked.has(row);
      if (row % every !== 0 && !told && !(foundSet && foundSet.has(row))) continue;
      paper.fillStyle = told ? (isBad(row) ? bad : doubtful) : foundSet && !foundSet.has(row) ? faint : colours[trace.data.rows[row][SERVICE]];
      const x = (trace.offset(row) / trace.duration) * width;
      paper.fillRect(x, 1 + row * step, Math.max(1, (trace.took(row) / trace.duration) * width), thick);
    }
  }

  pointers() {
    const node = this.list.node;
    node.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (!row || this.dragged) return;
      const { at } = this.of.rows[Number(row.dataset.place)];
      const act = event.target.closest("[data-act]");
      if (!act) this.of.select(at, true);
      else if (act.dataset.act === "toggle") this.of.toggle(at);
      else this.of.unfold(at, act.dataset.act === "unfold");
    });
    node.addEventListener("dblclick", (event) => {
      const row = event.target.closest(".row");
      if (row && event.target.closest(".bars")) this.of.fit(this.of.rows[Number(row.dataset.place)].at);
    });
    node.addEventListener("wheel", (event) => {
      if (!event.target.closest(".bars")) return;
      if (event.ctrlKey || event.metaKey || event.altKey) {
        event.preventDefault();
        const area = this.ticks.getBoundingClientRect();
        this.of.zoom(1.0015 ** event.deltaY, (event.clientX - area.left) / area.width);
      } else if ((event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) && this.of.lens.zoomed) {
        event.preventDefault();
        this.of.pan((event.deltaX || event.deltaY) / this.width);
      }
    }, { passive: false });
    drag(node, (begin) => {
      this.dragged = false;
      if (!begin.target.closest(".bars") || !this.of.lens.zoomed) return null;
      let last = begin.clientX;
      return (event) => {
        this.dragged ||= Math.abs(event.clientX - begin.clientX) > 4;
        if (this.dragged) {
          this.of.pan((last - event.clientX) / this.width);
          last = event.clientX;
        }
      };
    });
    for (const [box, whole] of [[this.mapBox, true], [this.ticks, false]]) {
      drag(box, (begin) => {
        const area = box.getBoundingClientRect();
        const { lens } = this.of;
        const [from, width] = whole ? [0, lens.duration] : [lens.from, lens.width];
        const time = (event) => from + width * Math.min(1, Math.max(0, (event.clientX - area.left) / area.width));
        const first = time(begin);
        return (event) => {
          if (Math.abs(event.clientX - begin.clientX) < 4) return;
          if (!whole && event.type !== "pointerup") return;
          lens.show(Math.min(first, time(event)), Math.max(first, time(event)));
          this.moved();
        };
      });
      box.addEventListener("dblclick", () => this.of.whole());
    }
  }
}

/** `begin(event)` returns what moves and the end of a drag are for, or nothing. */
function drag(node, begin) {
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const move = begin(event);
    if (!move) return;
    const end = (last) => {
      if (last.type === "pointerup") move(last);
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("pointercancel", end);
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", end);
    document.addEventListener("pointercancel", end);
  });
}
