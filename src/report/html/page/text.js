// How numbers and texts are written.

/** Text from outside without what could reorder, hide or overstrike it: such characters are shown by their numbers. */
function visible(text) {
  return String(text).replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => `\\u{${c.charCodeAt(0).toString(16)}}`,
  );
}

/** A duration in nanoseconds with three digits: `870ns`, `35.2µs`, `1.24s`. */
function duration(ns) {
  if (!Number.isFinite(ns)) return "?";
  const sign = ns < 0 ? "−" : "";
  const size = Math.abs(ns);
  const units = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  for (let at = 0; at < units.length; at++) {
    const [unit, by] = units[at];
    const value = size / by;
    // 999.6 of a unit is 1 of the next one.
    if (value >= 0.9995 || unit === "ns") {
      const digits = value >= 100 || unit === "ns" ? 0 : value >= 9.995 ? 1 : 2;
      return `${sign}${Number(value.toFixed(digits))}${unit}`;
    }
  }
}

/** All digits of a duration. */
function exact(ns) {
  return `${Math.round(ns).toLocaleString("en-US")} ns`;
}

function count(number, noun) {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Unix nanoseconds (as a big integer) as a date and time in UTC, with all digits. */
function instant(ns) {
  const date = new Date(Number(ns / 1000000n));
  if (Number.isNaN(date.getTime())) return `${ns} ns`;
  return `${date.toISOString().slice(0, 19)}.${String(ns % 1000000000n).padStart(9, "0")}Z`;
}

const SIGNS = { pass: "✓", fail: "✗", inconclusive: "?", error: "!", flaky: "↻", skipped: "–" };
const WORDS = {
  pass: "passed", fail: "failed", inconclusive: "inconclusive", error: "error", flaky: "flaky", skipped: "skipped",
};
/** The worst first, as the overview lists them. */
const VERDICTS = ["fail", "error", "inconclusive", "flaky", "pass", "skipped"];
