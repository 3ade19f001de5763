// Two traces side by side: spans with the same path (services and names from the root on) in the same place among their likes. Pure.

/** Rows of both in one order: `{ a, b, depth }`, where one of the two is -1 if only the other trace has such a span. */
function alignTraces(left, right) {
  const rows = [];
  const open = [];
  const children = (trace, row) => {
    const found = [];
    const last = row < 0 ? trace.length - 1 : trace.last[row];
    for (let at = row + 1; at <= last; at = trace.last[at] + 1) found.push(at);
    return found;
  };
  // A side that is not there has no children: -2 stands for it, -1 for the top.
  const push = (a, b, depth) => {
    const pairs = pairUp(left, a === -2 ? [] : children(left, a), right, b === -2 ? [] : children(right, b));
    for (const [one, other] of pairs.reverse()) open.push({ a: one, b: other, depth });
  };
  push(-1, -1, 0);
  while (open.length > 0) {
    const row = open.pop();
    rows.push(row);
    push(row.a < 0 ? -2 : row.a, row.b < 0 ? -2 : row.b, row.depth + 1);
  }
  return rows;
}

/** Siblings of both in pairs: the first `GET /x` with the first `GET /x`. What only the right has stands where it ran. */
function pairUp(left, ours, right, theirs) {
  const key = (trace, row) => `${trace.service(row).name}\u0000${trace.name(row)}\u0000${trace.kind(row)}`;
  const waiting = new Map();
  for (const row of theirs) {
    const of = key(right, row);
    if (!waiting.has(of)) waiting.set(of, []);
    waiting.get(of).push(row);
  }
  const partner = new Map();
  const pairs = ours.map((row) => {
    const likes = waiting.get(key(left, row));
    const other = likes && likes.length > 0 ? likes.shift() : -1;
    partner.set(other, row);
    return [row, other];
  });
  // Those of the right alone go behind the sibling that they follow there.
  const behind = new Map();
  let before = -1;
  for (const row of theirs) {
    if (partner.has(row)) before = row;
    else behind.set(before, [...(behind.get(before) || []), row]);
  }
  const out = (behind.get(-1) || []).map((row) => [-1, row]);
  for (const pair of pairs) {
    out.push(pair);
    if (pair[1] >= 0) for (const row of behind.get(pair[1]) || []) out.push([-1, row]);
  }
  return out;
}
