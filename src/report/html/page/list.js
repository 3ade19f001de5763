// A list of which only what is in sight has elements.

const ROW = 24;
/** Rows that are drawn above and below what is in sight. */
const BEYOND = 4;
const MOST_IN_SIGHT = 26;

/** A head that stands above a list is as wide as its rows, whatever room the scroll bar takes. */
function beside(head, list) {
  head.style.paddingRight = `${list.node.offsetWidth - list.node.clientWidth}px`;
}

class List {
  /** `draw(at)` makes the element of a row. */
  constructor(attributes, draw) {
    this.drawRow = draw;
    this.count = 0;
    this.canvas = el("div", { class: "canvas", role: "presentation" });
    this.node = el("div", { ...attributes, class: `list ${attributes.class || ""}` }, this.canvas);
    this.node.addEventListener("scroll", () => this.soon(), { passive: true });
    this.shown = new Map();
    this.after = null;
  }
  /** There are so many rows now; all are drawn anew. */
  reset(count) {
    this.count = count;
    this.canvas.style.height = `${count * ROW}px`;
    // As high as its rows, up to a number of them.
    this.height = Math.max(1, Math.min(count, MOST_IN_SIGHT)) * ROW + 4;
    this.node.style.height = `${this.height}px`;
    this.redraw();
  }
  redraw() {
    this.shown.forEach((node) => node.remove());
    this.shown.clear();
    this.draw();
  }
  /** Draws in the next frame, however often it is asked for until then. */
  soon() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }
  range() {
    const height = this.whole ? this.count * ROW : this.height || 624;
    const top = this.whole ? 0 : this.node.scrollTop;
    const from = Math.max(0, Math.floor(top / ROW) - BEYOND);
    return [from, Math.min(this.count, Math.ceil((top + height) / ROW) + BEYOND)];
  }
  draw() {
    const [from, to] = this.range();
    for (const [at, node] of this.shown) {
      if (at < from || at >= to) {
        node.remove();
        this.shown.delete(at);
      }
    }
    const fresh = document.createDocumentFragment();
    for (let at = from; at < to; at++) {
      if (this.shown.has(at)) continue;
      const node = this.drawRow(at);
      node.style.top = `${at * ROW}px`;
      this.shown.set(at, node);
      fresh.append(node);
    }
    this.canvas.append(fresh);
    if (this.after) this.after(from, to);
  }
  /** Makes a row visible. */
  show(at) {
    const top = at * ROW;
    const { scrollTop } = this.node;
    if (top < scrollTop) this.node.scrollTop = Math.max(0, top - 2 * ROW);
    else if (top + ROW > scrollTop + this.height) this.node.scrollTop = top - this.height + 3 * ROW;
    this.draw();
  }
  /** All rows at once, for paper, up to a number that a browser can bear. */
  print(on) {
    this.whole = on && this.count <= 2000;
    this.node.style.height = `${this.whole ? this.count * ROW : this.height}px`;
    this.redraw();
  }
}
