// Elements. Whatever is given as a child is text; nothing in this page is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.entries(value).forEach(([key, text]) => node.style.setProperty(key, text));
    // Only places in this page, and pages of the web; `link` is for the latter.
    else if (name === "href" && !/^(#|https?:\/\/)/i.test(value)) continue;
    else node.setAttribute(name, value === true ? "" : visible(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : visible(child));
  }
  return node;
}

/** An element with attributes, listeners (`onclick`) and children. */
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A text from outside that keeps its direction to itself. */
function quote(text, attributes) {
  return el("bdi", attributes, text);
}

/** A sentence in which what stands between backticks is set as code, and arrows are not broken. */
function prose(text) {
  const plain = (part) => part.split(/(->)/).map((piece) => (piece === "->" ? el("span", { class: "whole" }, piece) : piece));
  return text.split("`").map((part, at, all) => (at % 2 === 1 && at < all.length - 1 ? el("code", null, part) : plain(at % 2 === 1 ? `\`${part}` : part)));
}

function button(label, action, attributes) {
  return el("button", { type: "button", onclick: action, ...attributes }, label);
}

/** The sign of a verdict with its word: read out, and seen where `word` is set. */
function badge(verdict, word) {
  const label = WORDS[verdict] || verdict;
  const sign = el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[verdict] || "·");
  return el("span", { class: `badge ${verdict}` }, sign, el("span", { class: word ? "word" : "unseen" }, label));
}

/** Puts a text on the clipboard, also where the page is not one that the browser trusts. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return done;
  }
}

/** A button that copies what `text()` returns. */
function copier(label, text, attributes) {
  const node = button(label, async () => {
    const done = await copy(text());
    say(done ? "copied" : "the browser does not allow copying");
    node.classList.add("done");
    setTimeout(() => node.classList.remove("done"), 1200);
  }, { class: "copy", ...attributes });
  return node;
}

/** A command or document that one copies. */
function snippet(label, text) {
  return el("div", { class: "snippet" },
    el("div", { class: "head" }, el("span", null, label), copier("copy", () => text, { "aria-label": `copy: ${label}` })),
    scroller("pre", label, text));
}

/** A box that may scroll is reached by the keyboard and has a name. */
function scroller(tag, label, ...children) {
  return el(tag, { tabindex: "0", role: "region", "aria-label": label }, ...children);
}

/** Says something to who listens to the page. */
function say(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = visible(text);
}

function cssVariable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
