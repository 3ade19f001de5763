// A body as lines: JSON indented, literals as they came, and what an expectation asked for marked.

/** Deeper levels are not indented further, nor is anything asked for in them. */
const DEEPEST = 40;

/** JSON as lines `{ text, at }`, each with the normalized path (RFC 9535) of what stands on it; `null` where the text is no JSON. */
function jsonLines(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[^\s"{}[\]:,]+|[{}[\]:,]/g) || [];
  const lines = [];
  const open = [];
  let line = "";
  const end = (at) => {
    lines.push({ text: "  ".repeat(Math.min(open.length, DEEPEST)) + line, at });
    line = "";
  };
  /** The path of the value that begins here. */
  const path = () => {
    const above = open[open.length - 1];
    if (!above || open.length > DEEPEST) return above ? above.at : "$";
    return above.key === null ? `${above.at}[${above.count}]` : `${above.at}[${pathName(above.key)}]`;
  };
  for (let place = 0; place < tokens.length; place++) {
    const token = tokens[place];
    const above = open[open.length - 1];
    if (tokens[place + 1] === ":") {
      above.key = JSON.parse(token);
      line = `${token}: `;
      place++;
      continue;
    }
    let at = path();
    if (token === "{" || token === "[") {
      line += token;
      if (tokens[place + 1] !== "}" && tokens[place + 1] !== "]") {
        end(at);
        open.push({ at, count: 0, key: null });
        continue;
      }
      line += tokens[++place];
    } else if (token === "}" || token === "]") {
      at = open.pop().at;
      line = token;
    } else {
      line += token;
    }
    if (tokens[place + 1] === ",") {
      line += ",";
      place++;
    }
    end(at);
    const around = open[open.length - 1];
    if (around) around.count++;
  }
  return lines;
}

/** A member's name as normalized paths write it. */
function pathName(name) {
  const escapes = { "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "'": "\\'", "\\": "\\\\" };
  // eslint-disable-next-line no-control-regex
  const escaped = name.replace(/['\\\u0000-\u001f]/g, (c) => escapes[c] || `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `'${escaped}'`;
}

/** Lines that are shown around what was asked for, where there are many. */
const AROUND = 4;
const MANY = 30;

/** The lines of a body in parts `{ lines, hidden }`: those around what was asked for are shown, of a long body the others are not. */
function bodyParts(lines, asked) {
  const is = (at) => asked.some((path) => at === path || at.startsWith(`${path}[`));
  const marked = lines.map((line) => ({ ...line, marked: is(line.at) }));
  const shown = new Array(lines.length).fill(lines.length <= MANY || !marked.some((line) => line.marked));
  marked.forEach((line, place) => {
    if (line.marked) shown.fill(true, Math.max(0, place - AROUND), Math.min(lines.length, place + AROUND + 1));
  });
  const parts = [];
  marked.forEach((line, place) => {
    const last = parts[parts.length - 1];
    if (last && last.hidden === !shown[place]) last.lines.push(line);
    else parts.push({ lines: [line], hidden: !shown[place] });
  });
  return parts;
}

/** A body in a box that is copied as it came. `asked` are paths; `head` stands above it. */
function bodySnippet(label, head, body, asked = []) {
  const { text, bytes } = body || { text: "", bytes: 0 };
  const lines = jsonLines(text);
  const draw = (parts) => parts.map(({ lines, hidden }) => hidden
    ? button(`… ${count(lines.length, "line")}`, (event) => event.currentTarget.replaceWith(...drawLines(lines)), { class: "link more" })
    : drawLines(lines));
  const shown = lines ? draw(bodyParts(lines, asked)) : [text];
  const rest = text.endsWith("…") ? `\n(${count(bytes, "byte")} in all)` : "";
  return el("div", { class: "snippet" },
    el("div", { class: "head" }, el("span", null, label), copier("copy", () => (text && head ? `${head}\n\n${text}` : head || text), { "aria-label": `copy: ${label}` })),
    scroller("pre", label, head, head && text ? "\n\n" : "", shown, rest));
}

function drawLines(lines) {
  return lines.map(({ text, marked }) => el("span", { class: marked ? "line asked" : "line" }, text));
}
