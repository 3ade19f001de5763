// Which page is shown, and the keys.

const KEYS = [
  ["everywhere", [["?", "this list"], ["/", "filter tests, find spans"], ["[ ]", "previous, next test that did not pass"], ["u", "back to all tests"]]],
  ["tests", [["↑ ↓ j k", "move"], ["Enter", "open"]]],
  ["waterfall", [["↑ ↓ j k, Page, Home, End", "move"], ["← →", "close and open; with Shift all"], ["Enter", "details of the span"], ["w s + −", "zoom in, out"],
    ["a d", "move along the axis"], ["f", "fit the span"], ["0", "the whole trace"], ["n N", "next, previous found"], ["e E", "next, previous error"],
    ["m M", "next, previous span of a finding"], ["c", "critical path"], ["g", "gaps"], ["r", "fold repeats"], ["Esc", "close the details"],
    ["Ctrl or Alt + wheel", "zoom at the pointer"], ["Shift + wheel, drag", "move along the axis"]]],
];

const app = document.getElementById("app");
let page = { keys: null };

function help() {
  const dialog = el("dialog", { class: "help", "aria-label": "keys" },
    el("h2", null, "Keys"),
    KEYS.map(([where, keys]) => [el("h3", null, where), el("dl", null, keys.map(([key, what]) => [el("dt", null, el("kbd", null, key)), el("dd", null, what)]))]),
    el("form", { method: "dialog" }, el("button", { type: "submit" }, "close")));
  dialog.addEventListener("close", () => dialog.remove());
  // Its keys are its own.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
}

let shown;
function render() {
  const place = address();
  const test = place.t === undefined ? null : byKey.get(place.t);
  // A span that is chosen in the page that is shown changes nothing of it.
  const same = JSON.stringify([place.t, place.a, place.p, place.v, place.w]);
  if (test && same === shown && page.keys instanceof Waterfall) {
    const row = place.s ? page.keys.trace.byId.get(place.s) ?? -1 : -1;
    if (row >= 0 && row !== page.keys.selected) page.keys.select(row, true);
    return;
  }
  page = test ? testPage(test, place) : place.t !== undefined ? { keys: null, node: el("article", null,
    el("h1", null, "There is no such test in this report"), el("a", { class: "button", href: "#" }, "all tests")) } : overviewPage(place);
  app.replaceChildren(
    el("main", { id: "main" }, page.node),
    el("footer", { class: "faint" }, button("keys ?", help, { class: "quiet" })),
    el("div", { id: "live", class: "unseen", role: "status", "aria-live": "polite" }));
  // To ask where the first page stands would lay it out before it is drawn.
  if (shown !== undefined) document.documentElement.scrollTop = 0;
  shown = test ? same : null;
  if (page.keys && page.keys.list) page.keys.list.redraw();
  if (page.keys && page.keys.chart) {
    page.keys.chart.reset();
    if (place.s && page.keys.selected >= 0) {
      page.keys.chart.list.show(page.keys.placeNear(page.keys.selected));
      page.keys.node.scrollIntoView({ block: "start" });
    }
  }
}

/** The keys of the overview: from test to test. */
function overviewKey(event) {
  const links = [...app.querySelectorAll("table.tests a")];
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!by || links.length === 0) return false;
  const here = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, here < 0 ? 0 : here + by))].focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const inList = event.target instanceof Element && event.target.closest(".list");
  // A button or a link that has the focus keeps the keys that work it.
  const own = event.target instanceof Element && event.target.closest("a, button, summary") && (event.key === "Enter" || event.key === " ");
  // Boxes that scroll keep the keys that scroll them, and the page its own while the waterfall has not the focus.
  const scrolls = /^(Arrow|Page|Home|End| )/.test(event.key) && !inList && page.keys;
  if (own || scrolls) return;
  const common = {
    "?": help,
    "/": () => (page.keys instanceof Waterfall ? page.keys.input : app.querySelector("#search") || app).focus(),
    u: () => (location.hash = backHref()),
    "[": () => app.querySelector("a[rel=prev]")?.click(),
    "]": () => app.querySelector("a[rel=next]")?.click(),
  }[event.key];
  if (common) common();
  else if (!(page.keys ? page.keys.key(event) : overviewKey(event))) return;
  event.preventDefault();
});
window.addEventListener("hashchange", render);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.keys && page.keys.chart && page.keys.chart.drawMap());
const print = (on) => () => {
  const list = page.keys && (page.keys.list || page.keys.chart.list);
  if (list) list.print(on);
};
window.addEventListener("beforeprint", print(true));
window.addEventListener("afterprint", print(false));
document.getElementById("plain").remove();
render();
