// The parts of the page that only compute, on traces of any shape: which rows there are, and how two traces are aligned.

import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { check, equal } from "./browser.mjs";

/** The page's own files, without a page. */
function load() {
  const source = ["text", "model", "rows", "search", "align", "axis", "body"].map((name) =>
    readFileSync(new URL(`../../src/report/html/page/${name}.js`, import.meta.url), "utf8"));
  const context = createContext({ document: { getElementById: () => ({ textContent: '{"tests":[],"files":[]}' }) } });
  runInContext(`${source.join("")}; this.page = { Trace, Lens, layRows, runOf, runStarts, reveal, unfoldAround, drawn, alignTraces, spanQuery, duration, jsonLines, bodyParts };`, context);
  return context.page;
}

/** Numbers that look random and are the same each time. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A trace's document: a tree of so many spans, in which equal subtrees next to each other are runs. */
function document(roll, spans, kinds) {
  const depths = [0];
  while (depths.length < spans) depths.push(1 + roll(Math.min(8, depths[depths.length - 1] + 1)));
  const names = depths.map(() => roll(kinds));
  const last = depths.map((depth, at) => {
    let end = at;
    while (end + 1 < depths.length && depths[end + 1] > depth) end++;
    return end;
  });
  const shape = (at) => JSON.stringify(depths.slice(at, last[at] + 1).map((depth, by) => [depth - depths[at], names[at + by]]));
  const runs = depths.map(() => 1);
  const inRun = new Set();
  for (let at = 0; at < spans; at++) {
    if (inRun.has(at)) continue;
    const members = [at];
    for (let next = last[at] + 1; next < spans && depths[next] === depths[at] && shape(next) === shape(at); next = last[next] + 1) members.push(next);
    if (members.length >= 3) {
      runs[at] = members.length;
      members.forEach((one) => inRun.add(one));
    }
  }
  const rows = depths.map((depth, at) => [at.toString(16).padStart(16, "0"), depth, names[at] % 3, names[at], "server", 0, at * 10, 50, 5, runs[at]]);
  return {
    id: "t", start: "1", duration: spans * 10 + 50, partial: false, services: [[0, 0], [1, 1], [2, 2]], rows, critical: null, gaps: [], marks: [],
    details: null, resources: [], attributes: [], texts: Array.from({ length: Math.max(3, kinds) }, (_, at) => `name ${at}`),
  };
}

export default async function pure() {
  const page = load();
  const each = (body) => {
    for (let seed = 1; seed <= 300; seed++) {
      const roll = dice(seed * 7919);
      body(roll, new page.Trace(document(roll, 1 + roll(120), 1 + roll(6))), seed);
    }
  };

  await check("rows, folded or not, stand for every span exactly once", () => each((roll, trace, seed) => {
    const collapsed = new Set(Array.from({ length: roll(4) }, () => roll(trace.length)));
    for (const fold of [true, false]) {
      const rows = page.layRows(trace, { fold, collapsed: new Set(), unfolded: new Set() });
      const stood = rows.flatMap((row) => row.alike.map((by) => row.at + by)).sort((a, b) => a - b);
      equal(stood, Array.from({ length: trace.length }, (_, at) => at), `seed ${seed}, fold ${fold}`);
      const closed = page.layRows(trace, { fold, collapsed, unfolded: new Set() });
      equal(closed.reduce((sum, row) => sum + row.alike.length + row.hidden, 0), trace.length, `seed ${seed}, collapsed`);
    }
  }));

  await check("a span that is looked for gets a row of its own", () => each((roll, trace, seed) => {
    const state = { fold: true, collapsed: new Set([0, roll(trace.length)]), unfolded: new Set() };
    const wanted = roll(trace.length);
    page.reveal(trace, page.runStarts(trace), wanted, state);
    const row = page.layRows(trace, state).find((one) => one.at === wanted);
    equal(row && row.alike.length, 1, `seed ${seed}, span ${wanted}`);
  }));

  await check("aligning takes every span of both traces once, and a trace with itself differs nowhere", () => each((roll, left, seed) => {
    const right = new page.Trace(document(roll, 1 + roll(120), 1 + roll(6)));
    const rows = page.alignTraces(left, right);
    const all = (trace) => Array.from({ length: trace.length }, (_, at) => at);
    equal(rows.map((row) => row.a).filter((at) => at >= 0).sort((a, b) => a - b), all(left), `seed ${seed}, left`);
    equal(rows.map((row) => row.b).filter((at) => at >= 0).sort((a, b) => a - b), all(right), `seed ${seed}, right`);
    equal(page.alignTraces(left, left).every((row) => row.a === row.b), true, `seed ${seed}, with itself`);
  }));

  await check("a trace of 100,000 spans below each other is laid out and aligned", () => {
    const deep = document(dice(1), 1, 1);
    deep.rows = Array.from({ length: 100_000 }, (_, at) => [String(at), at, 0, 0, "server", 0, at, 100_000 - at, 1, 1]);
    const trace = new page.Trace(deep);
    equal(page.layRows(trace, { fold: true, collapsed: new Set(), unfolded: new Set() }).length, 100_000, "rows");
    equal(page.alignTraces(trace, trace).length, 100_000, "aligned");
  });

  await check("the part of the axis that is looked at stays within the trace, and has a few round ticks", () => {
    for (const duration of [1, 7, 1000, 123_456_789, 2 ** 63]) {
      const lens = new page.Lens(duration);
      const roll = dice(duration % 1000);
      for (let step = 0; step < 200; step++) {
        if (roll(2)) lens.zoom(roll(2) ? 0.5 : 2, roll(11) / 10);
        else lens.pan(roll(21) / 10 - 1);
        equal(lens.from >= 0 && lens.to <= duration * 1.0000001 && lens.width > 0, true, `${duration}: ${lens.from} to ${lens.to}`);
        equal(lens.ticks(8).length <= 11, true, `${duration}: ${lens.ticks(8)}`);
      }
    }
  });

  await check("what is missing has one row below its parent, whatever is folded, and takes no span's row away", () => each((roll, trace, seed) => {
    const below = roll(trace.length);
    const missing = new Map([[below, [{ number: 1, what: "x" }, { number: 3, what: "x" }]]]);
    const bare = page.layRows(trace, { fold: true, collapsed: new Set(), unfolded: new Set() });
    const rows = page.layRows(trace, { fold: true, collapsed: new Set(), unfolded: new Set(), missing });
    const at = rows.findIndex((row) => row.missing);
    equal(rows.filter((row) => row.missing).length, 1, `seed ${seed}`);
    equal([rows[at].missing.numbers, rows[at].missing.times, rows[at].depth], [[1, 3], 1, rows[at - 1].depth + 1], `seed ${seed}, numbers and level`);
    equal(rows[at - 1].alike.some((by) => rows[at - 1].at + by === below), true, `seed ${seed}, below its parent`);
    equal(rows.filter((row) => !row.missing), bare, `seed ${seed}, the others`);
  }));

  await check("a body as lines is the same JSON, literal by literal, and lines know their paths", () => {
    const roll = dice(5);
    const leaves = ["1.0", "12345678901234567890", "-0", "1e5", "true", "null", '"a \\" [{,:"', '""', '"\\u0041"', "[]", "{}"];
    const value = (deep) => {
      const kind = roll(deep > 5 ? 1 : 3);
      const some = (make) => Array.from({ length: 1 + roll(4) }, make).join(roll(2) ? "," : " ,\n");
      if (kind === 0) return leaves[roll(leaves.length)];
      return kind === 1 ? `[${some(() => value(deep + 1))}]` : `{${some((_, at) => `"k'${at}" : ${value(deep + 1)}`)}}`;
    };
    const bare = (text) => text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part[0] === '"' ? part : ""));
    for (let round = 0; round < 300; round++) {
      const text = value(0);
      equal(bare(page.jsonLines(text).map((line) => line.text).join("\n")), bare(text), text);
    }
    equal(page.jsonLines('{"a": [{"b\'c": 1}], "d": {}}').map((line) => line.at), ["$", "$['a']", "$['a'][0]", "$['a'][0]['b\\'c']", "$['a'][0]", "$['a']", "$['d']", "$"], "paths");
    equal(page.jsonLines("{no json"), null, "no JSON");
    const deep = page.jsonLines("[".repeat(5000) + "]".repeat(5000));
    equal(deep.length, 2 * 5000 - 1, "deep");
    const parts = page.bodyParts(page.jsonLines(JSON.stringify(Array.from({ length: 100 }, (_, at) => ({ at })))), ["$[50]['at']"]);
    equal(parts.map((part) => [part.hidden, part.lines.length]), [[true, 148], [false, 9], [true, 145]], "around what was asked for");
  });

  await check("durations have the digits that a reader needs", () => {
    equal([0, 870, 35_200, 1_500_000, 99_950_000, 999_600_000, 1_240_000_000, 61_000_000_000, -5_000_000].map(page.duration),
      ["0ns", "870ns", "35.2µs", "1.5ms", "100ms", "1s", "1.24s", "61s", "−5ms"], "durations");
  });
}
