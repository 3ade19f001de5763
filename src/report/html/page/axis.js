// The time axis: the part of it that is looked at, and where its ticks are. Pure.

/** A window `[from, to]` of a trace of this duration. */
class Lens {
  constructor(duration) {
    this.duration = duration;
    this.all();
  }
  all() {
    this.from = 0;
    this.to = this.duration;
  }
  get width() { return this.to - this.from; }
  get zoomed() { return this.width < this.duration * 0.9999; }
  /** A time as a part of the window, 0 at its begin and 1 at its end. */
  part(time) { return (time - this.from) / this.width; }
  /** Looks at this part, at least a nanosecond wide and not beyond the trace. */
  show(from, to) {
    const width = Math.min(this.duration, Math.max(1, to - from));
    this.from = Math.min(Math.max(0, from), this.duration - width);
    this.to = this.from + width;
  }
  /** Makes the window `by` times as wide; the time at the part `at` of it stays where it is. */
  zoom(by, at = 0.5) {
    const time = this.from + this.width * at;
    const width = Math.min(this.duration, Math.max(1, this.width * by));
    this.show(time - width * at, time - width * at + width);
  }
  pan(part) { this.show(this.from + this.width * part, this.to + this.width * part); }
  /** Round times in the window, so many at most. */
  ticks(most) {
    const least = this.width / Math.max(1, most);
    let step = 10 ** Math.floor(Math.log10(Math.max(1, least)));
    step = [1, 2, 5, 10].map((by) => by * step).find((by) => by >= least) || step * 10;
    const found = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.to && found.length <= most + 1; at += step) found.push(at);
    return found;
  }
}
