// Which rows a waterfall has: what is collapsed and what is folded. Pure.

/**
 * The rows of a trace in order: `{ at, depth, alike, hidden, opened }`. A row stands for the spans `at + by` for each `by` of `alike`;
 * `hidden` spans below it are not shown; `opened` is the length of a run of which it is the first and which was unfolded. A row with
 * `missing` stands below its parent for spans that belong there and are not in the trace.
 */
function layRows(trace, { fold, collapsed, unfolded, missing = new Map() }) {
  const rows = [];
  const alone = [0];
  const open = [];
  const siblings = (first, last, depth, alike) => {
    const from = open.length;
    for (let at = first; at <= last; at = trace.last[at] + 1) {
      const run = fold ? trace.run(at) : 1;
      if (run > 1 && !unfolded.has(at)) {
        const members = runOf(trace, at);
        open.push({ at, depth, alike: alike.flatMap((by) => members.map((one) => by + one - at)), opened: 0 });
        at = members[members.length - 1];
      } else {
        open.push({ at, depth, alike, opened: run > 1 ? run : 0 });
      }
    }
    // The first is to be taken first.
    for (let a = from, b = open.length - 1; a < b; a++, b--) [open[a], open[b]] = [open[b], open[a]];
  };
  siblings(0, trace.length - 1, 0, alone);
  while (open.length > 0) {
    const row = open.pop();
    const below = trace.last[row.at] - row.at;
    const closed = collapsed.has(row.at);
    rows.push({ ...row, hidden: closed ? below * row.alike.length : 0 });
    if (!closed && missing.size > 0) rows.push(...missingBelow(row, missing));
    if (!closed && below > 0) siblings(row.at + 1, trace.last[row.at], row.depth + 1, row.alike);
  }
  return rows;
}

/** What belongs below a row and is not there: of rows that stand for several spans, each once. */
function missingBelow(row, missing) {
  const found = new Map();
  for (const by of row.alike) {
    for (const { number, verdict, what } of missing.get(row.at + by) || []) {
      if (!found.has(what)) found.set(what, { what, verdict, numbers: new Set(), parents: new Set() });
      found.get(what).numbers.add(number);
      found.get(what).parents.add(by);
    }
  }
  return [...found.values()].map(({ what, verdict, numbers, parents }) => ({
    at: row.at, depth: row.depth + 1, alike: [0], hidden: 0, opened: 0, missing: { what, verdict, numbers: [...numbers], times: parents.size },
  }));
}

/** The siblings that are alike, from the first on. */
function runOf(trace, first) {
  const members = [];
  for (let at = first; members.length < trace.run(first); at = trace.last[at] + 1) members.push(at);
  return members;
}

/** For each span in a run, the run's first. */
function runStarts(trace) {
  const starts = new Int32Array(trace.length).fill(-1);
  for (let at = 0; at < trace.length; at++) {
    if (trace.run(at) > 1) for (const one of runOf(trace, at)) starts[one] = at;
  }
  return starts;
}

/** What has to be opened so that a span has a row of its own. */
function reveal(trace, starts, at, { collapsed, unfolded }) {
  for (let above = at; above >= 0; above = trace.parents[above]) {
    if (above !== at) collapsed.delete(above);
    if (starts[above] >= 0) unfolded.add(starts[above]);
  }
}

/** The part of a run that somebody asked for shows only where the run is unfolded. */
function unfoldAround(trace, starts, wanted, state) {
  const inRun = new Map();
  for (const at of wanted) {
    for (let above = at; above >= 0; above = trace.parents[above]) {
      const start = starts[above];
      if (start < 0) continue;
      if (!inRun.has(start)) inRun.set(start, new Set());
      inRun.get(start).add(above);
    }
  }
  for (const [start, some] of inRun) if (some.size < trace.run(start)) state.unfolded.add(start);
}

/** Sections that would touch when drawn `places` wide, as one; no more than can be told apart. */
function drawn(sections, from, to, places) {
  const least = (to - from) / Math.max(1, places);
  const inside = sections.filter(([a, b]) => b >= from && a <= to).sort((x, y) => x[0] - y[0]);
  const out = [];
  for (const [a, b] of inside) {
    const before = out[out.length - 1];
    if (before && a - before[1] < least) before[1] = Math.max(before[1], b);
    else out.push([a, b]);
  }
  return out;
}
