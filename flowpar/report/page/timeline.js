// Attempts over time, a row for each process at work, on a canvas: so 10,000 of them cost no more than a hundred.
// Above the rows, how many ran and how many waited. The table of attempts says the same in words.
"use strict";

const DARK_BARS = new Set(["succeeded", "failed", "timed_out", "cut_off"]);
const ROW = {most: 22, least: 5, top: 92, bottom: 26};

class Timeline {
  constructor(root) {
    this.bars = [];
    for (let number = 0; number < attemptCount; number += 1) {
      if (attempts.start[number] !== null && attempts.row[number] !== null) this.bars.push(number);
    }
    if (!this.bars.length) {
      root.append(make("p", {class: "faint"}, "Nothing ran."));
      return;
    }
    this.bars.sort((a, b) => attempts.start[a] - attempts.start[b]);
    this.critical = new Set(data.critical);
    this.whole = Math.max(data.length, 0.001);
    this.from = 0;
    this.to = this.whole;
    this.current = null;
    this.countUp();
    this.build(root);
    this.listen();
    this.resize();
  }

  // How many run and wait at each moment at which that changes.
  countUp() {
    const steps = (pairs) => {
      const moves = pairs.flatMap(([from, to]) => [[from, 1], [to, -1]]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      let level = 0;
      const times = [], levels = [];
      for (const [at, move] of moves) {
        level += move;
        times.push(at);
        levels.push(level);
      }
      return {times, levels, most: levels.reduce((most, one) => Math.max(most, one), 0)};
    };
    this.running = steps(this.bars.map((n) => [attempts.start[n], attempts.start[n] + (attempts.took[n] || 0)]));
    this.waiting = steps(this.bars.filter((n) => attempts.wait[n] > 0.0005)
      .map((n) => [Math.max(0, attempts.start[n] - attempts.wait[n]), attempts.start[n]]));
  }

  build(root) {
    const button = (text, label, act) => make("button", {type: "button", "aria-label": label, onclick: act}, text);
    this.criticalBox = make("input", {type: "checkbox", id: "show-critical", checked: true, onchange: () => this.paint()});
    this.canvas = make("canvas", {tabindex: "0", role: "application", "aria-label":
      `Timeline of ${counted(this.bars.length, "attempt")} in ${counted(data.rows.length, "row")}. Left and right move, plus and ` +
      "minus zoom, 0 shows all, n and p go to the next and the previous attempt. The table of attempts says the same.",
      "aria-describedby": "chart-details"});
    this.details = make("div", {id: "chart-details", class: "details", role: "status"});
    this.floating = make("div", {class: "floating", hidden: true, "aria-hidden": "true"});
    root.append(
      make("div", {class: "tools"}, button("+", "Zoom in", () => this.zoom(0.5)), button("−", "Zoom out", () => this.zoom(2)),
        button("All", "Show all", () => this.look(0, this.whole)),
        data.critical.length ? make("label", {for: "show-critical", class: "check"}, this.criticalBox, "Critical path") : "",
        this.legend()),
      this.canvas, this.details, this.floating);
    this.tell(null);
  }

  legend() {
    const present = Object.keys(STATES).filter((state) => this.bars.some((number) => stateOf(number) === state));
    return make("ul", {class: "legend"}, ...present.map((state) => make("li", {}, badge(state))));
  }

  listen() {
    const canvas = this.canvas, fingers = new Map();
    let last = null, gap = 0;
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      matchMedia(query).addEventListener("change", () => this.resize());
    }
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return; // the page scrolls
      event.preventDefault();
      if (event.shiftKey) this.move((event.deltaY || event.deltaX) / this.width);
      else this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.timeAt(event.offsetX));
    }, {passive: false});
    canvas.addEventListener("dblclick", (event) => this.zoom(0.5, this.timeAt(event.offsetX)));
    canvas.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event.offsetX);
      last = {x: event.offsetX, moved: 0};
      gap = spread();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) {
        this.hover(event);
        return;
      }
      fingers.set(event.pointerId, event.offsetX);
      if (fingers.size === 2 && gap > 8 && spread() > 8) {
        this.zoom(gap / spread(), this.timeAt(event.offsetX));
        gap = spread();
      } else if (last) {
        this.move((last.x - event.offsetX) / this.width);
        last = {x: event.offsetX, moved: last.moved + Math.abs(last.x - event.offsetX)};
      }
    });
    const spread = () => {
      const places = [...fingers.values()];
      return places.length === 2 ? Math.abs(places[0] - places[1]) : 0;
    };
    const lift = (event) => {
      if (last && last.moved < 4 && event.type === "pointerup") this.tell(this.barAt(event.offsetX, event.offsetY));
      fingers.delete(event.pointerId);
      last = null;
    };
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) canvas.addEventListener(name, lift);
    canvas.addEventListener("pointerleave", () => { this.floating.hidden = true; });
    choice.listeners.push(() => this.paint());
  }

  press(event) {
    const acts = {
      ArrowLeft: () => this.move(-0.15), ArrowRight: () => this.move(0.15), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5),
      "-": () => this.zoom(2), 0: () => this.look(0, this.whole), Home: () => this.look(0, this.to - this.from),
      End: () => this.look(this.whole - (this.to - this.from), this.whole), n: () => this.step(1), p: () => this.step(-1),
      Escape: () => { this.tell(null); choice.choose(null); },
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  }

  step(by) {
    const near = this.current === null ? (by > 0 ? -1 : 0) : this.bars.indexOf(this.current);
    const next = this.bars[(near + by + this.bars.length) % this.bars.length], start = attempts.start[next];
    const half = (this.to - this.from) / 2;
    if (start < this.from || start > this.to) this.look(start - half, start + half);
    this.tell(next);
  }

  look(from, to) {
    const width = Math.min(Math.max(to - from, this.whole / 1e5, 0.0005), this.whole);
    this.from = Math.min(Math.max(0, from), this.whole - width);
    this.to = this.from + width;
    this.paint();
  }

  move(share) {
    const by = share * (this.to - this.from);
    this.look(this.from + by, this.to + by);
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    this.look(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  timeAt(x) {
    return this.from + (x - this.gutter) / this.width * (this.to - this.from);
  }

  placeOf(time) {
    return this.gutter + (time - this.from) / (this.to - this.from) * this.width;
  }

  resize() {
    const ratio = window.devicePixelRatio || 1, full = this.canvas.parentElement.clientWidth;
    this.gutter = full < 560 ? 0 : 120;
    this.width = Math.max(50, full - this.gutter - 2);
    this.rowHeight = Math.max(ROW.least, Math.min(ROW.most, Math.floor(520 / data.rows.length)));
    this.height = ROW.top + this.rowHeight * data.rows.length + ROW.bottom;
    this.canvas.width = Math.round(full * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.width = `${full}px`;
    this.canvas.style.height = `${this.height}px`;
    this.pen = this.canvas.getContext("2d");
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(document.documentElement);
    this.color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colors = Object.fromEntries(Object.keys(STATES).map((state) => [state, this.color(state)]));
    this.paint();
  }

  paint() {
    const pen = this.pen;
    pen.clearRect(0, 0, this.gutter + this.width + 2, this.height);
    pen.font = "12px system-ui, sans-serif";
    this.paintAxis();
    this.paintLevels();
    this.paintRows();
    pen.save();
    pen.beginPath();
    pen.rect(this.gutter, 0, this.width, this.height);
    pen.clip();
    if (this.criticalBox.checked) this.paintPath(); // behind the bars, whose names are to be read
    this.paintBars();
    if (this.criticalBox.checked) for (const number of data.critical) this.outline(number, this.color("critical"), 2);
    if (this.current !== null) this.outline(this.current, this.color("ink"), 2);
    pen.restore();
  }

  paintAxis() {
    const pen = this.pen, span = this.to - this.from, bottom = this.height - ROW.bottom;
    const rough = span / Math.max(2, this.width / 110), power = 10 ** Math.floor(Math.log10(rough));
    const nice = [1, 2, 5, 10].map((step) => step * power).find((step) => step >= rough);
    const step = rough > 30 ? [60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800].find((one) => one >= rough) || nice : nice;
    pen.textAlign = "center";
    for (let at = Math.ceil(this.from / step) * step; at <= this.to + step / 1000; at += step) {
      const x = Math.round(this.placeOf(at)) + 0.5;
      pen.fillStyle = this.color("line");
      pen.fillRect(x, ROW.top - 70, 1, bottom - ROW.top + 70);
      pen.fillStyle = this.color("faint");
      const label = step < 0.01 ? `${(at * 1000).toFixed(step < 0.001 ? 1 : 0)} ms` : step < 1 ? `${at.toFixed(step < 0.1 ? 2 : 1)} s` : duration(at).replace(/\.0+ s/, " s");
      pen.fillText(at === 0 ? "0" : label, Math.min(Math.max(x, this.gutter + 14), this.gutter + this.width - 16), bottom + 17);
    }
    for (const at of data.resumed) {
      const x = Math.round(this.placeOf(at));
      if (at < this.from || at > this.to) continue;
      pen.fillStyle = this.color("ink");
      for (let y = 16; y < bottom; y += 7) pen.fillRect(x, y, 1.5, 4);
      pen.textAlign = x > this.gutter + this.width - 70 ? "right" : "left";
      pen.fillText("resumed", x + (pen.textAlign === "left" ? 5 : -5), 13);
      pen.textAlign = "center";
    }
  }

  paintLevels() {
    const pen = this.pen, base = ROW.top - 14, tall = 48;
    // The number of those that wait may be a thousand times that of those that run: each has a scale of its own.
    const path = (steps, scale, isFilled) => {
      pen.beginPath();
      pen.moveTo(this.gutter, base);
      let y = base;
      for (let x = 0; x <= this.width; x += 1) {
        const level = peak(steps, this.timeAt(this.gutter + x), this.timeAt(this.gutter + x + 1));
        const here = base - tall * level / scale;
        if (here !== y || x === this.width) {
          pen.lineTo(this.gutter + x, y);
          pen.lineTo(this.gutter + x, here);
          y = here;
        }
      }
      pen.lineTo(this.gutter + this.width, base);
      if (isFilled) pen.fill(); else pen.stroke();
    };
    pen.fillStyle = this.color("level");
    path(this.running, Math.max(1, this.running.most), true);
    pen.strokeStyle = this.color("retried");
    pen.lineWidth = 1.5;
    if (this.waiting.most) path(this.waiting, Math.max(1, this.waiting.most), false);
    pen.textAlign = this.gutter ? "right" : "left";
    const x = this.gutter ? this.gutter - 8 : 2, lift = this.gutter ? 0 : -46;
    pen.fillStyle = this.color("faint");
    pen.fillText(`running ≤ ${this.running.most.toLocaleString("en")}`, x, base - 26 + lift + (this.gutter ? 0 : 8));
    if (this.waiting.most) {
      pen.fillStyle = this.color("waiting-ink");
      pen.fillText(`waiting ≤ ${this.waiting.most.toLocaleString("en")}`, this.gutter ? x : x + 96, base - (this.gutter ? 8 : 64));
    }
  }

  paintRows() {
    const pen = this.pen;
    data.rows.forEach((label, row) => {
      const top = ROW.top + row * this.rowHeight;
      if (row % 2 === 0) {
        pen.fillStyle = this.color("stripe");
        pen.fillRect(this.gutter, top, this.width, this.rowHeight);
      }
      if (this.gutter && (this.rowHeight >= 12 || row % Math.ceil(14 / this.rowHeight) === 0)) {
        pen.fillStyle = this.color("faint");
        pen.textAlign = "right";
        pen.fillText(label.length > 13 ? `${label.slice(0, 12)}…` : label, this.gutter - 8, top + this.rowHeight / 2 + 4);
      }
    });
  }

  paintBars() {
    const pen = this.pen, ends = data.rows.map(() => -1), gap = this.rowHeight > 9 ? 2 : 0.5;
    let visible = 0;
    for (const number of this.bars) {
      const start = attempts.start[number], end = start + (attempts.took[number] || 0);
      if (start > this.to || end < this.from) continue;
      visible += 1;
      const x = this.placeOf(start), width = Math.max(1, this.placeOf(end) - x - 0.5), row = attempts.row[number];
      const state = stateOf(number), isBad = BAD.has(state) || state === "retried" || state === "tolerated";
      if (!isBad && x + width < ends[row]) continue; // nothing of it would be seen
      ends[row] = Math.max(ends[row], Math.floor(x + width));
      const top = ROW.top + row * this.rowHeight + gap, tall = this.rowHeight - 2 * gap;
      pen.globalAlpha = choice.task !== null && attempts.task[number] !== choice.task ? 0.18 : 1;
      pen.fillStyle = this.colors[state];
      pen.fillRect(x, top, width, tall);
      if (width > 3) {
        pen.fillStyle = this.color("paper"); // so that neighbours are two
        pen.fillRect(x, top, 1, tall);
      }
      if (isBad) this.mark(x, top, width, tall, state);
      if (width > 34 && tall > 12) this.write(number, Math.max(x, this.gutter), top, Math.min(x + width, this.gutter + this.width), tall);
      pen.globalAlpha = 1;
    }
    if (visible <= 400) this.paintWaits();
  }

  // What went wrong is told by form, too: bars that were tried again are crossed out, failed ones have a notch.
  mark(x, top, width, tall, state) {
    const pen = this.pen;
    pen.save();
    pen.beginPath();
    pen.rect(x, top, width, tall);
    pen.clip();
    pen.strokeStyle = this.color("paper");
    pen.lineWidth = 1.5;
    if ((state === "retried" || state === "cut_off") && width > 4) {
      pen.globalAlpha *= 0.6;
      for (let at = x - tall; at < x + Math.min(width, 4000); at += 7) {
        pen.beginPath();
        pen.moveTo(at, top + tall);
        pen.lineTo(at + tall, top);
        pen.stroke();
      }
    }
    pen.restore();
    if (state === "failed" || state === "timed_out") {
      pen.fillStyle = this.color("ink");
      pen.fillRect(x, top, Math.max(2, Math.min(width, 3)), tall);
    }
  }

  write(number, left, top, right, tall) {
    const room = right - left - 10, pen = this.pen, signs = Math.floor(room / 6.6);
    if (signs < 3) return;
    const name = nameOf(number);
    pen.fillStyle = this.color(DARK_BARS.has(stateOf(number)) ? "on-bar" : "on-light-bar");
    pen.textAlign = "left";
    pen.fillText(name.length > signs ? `${name.slice(0, signs - 1)}…` : name, left + 7, top + tall / 2 + 4);
  }

  paintWaits() {
    const pen = this.pen;
    pen.fillStyle = this.color("waiting-ink");
    for (const number of this.bars) {
      const start = attempts.start[number], wait = attempts.wait[number] || 0;
      if (start - wait > this.to || start < this.from || wait < 0.0005) continue;
      const x = this.placeOf(start - wait), y = ROW.top + (attempts.row[number] + 1) * this.rowHeight - 2;
      pen.globalAlpha = choice.task !== null && attempts.task[number] !== choice.task ? 0.15 : 0.75;
      pen.fillRect(x, y, Math.max(0, this.placeOf(start) - x), 1);
    }
    pen.globalAlpha = 1;
  }

  paintPath() {
    const pen = this.pen;
    let before = null;
    for (const number of data.critical) {
      const y = ROW.top + (attempts.row[number] + 0.5) * this.rowHeight, x = this.placeOf(attempts.start[number]);
      if (before) {
        pen.strokeStyle = this.color("critical");
        pen.lineWidth = 1.5;
        pen.beginPath();
        pen.moveTo(before.x, before.y);
        pen.bezierCurveTo((before.x + x) / 2, before.y, (before.x + x) / 2, y, x, y);
        pen.stroke();
      }
      before = {x: this.placeOf(attempts.start[number] + (attempts.took[number] || 0)), y};
    }
  }

  outline(number, color, width) {
    const x = this.placeOf(attempts.start[number]), end = this.placeOf(attempts.start[number] + (attempts.took[number] || 0));
    this.pen.strokeStyle = color;
    this.pen.lineWidth = width;
    this.pen.strokeRect(x, ROW.top + attempts.row[number] * this.rowHeight + 1, Math.max(2, end - x), this.rowHeight - 2);
  }

  barAt(x, y) {
    const row = Math.floor((y - ROW.top) / this.rowHeight), time = this.timeAt(x), slack = 3 * (this.to - this.from) / this.width;
    let found = null, best = Infinity;
    for (const number of this.bars) {
      if (attempts.row[number] !== row) continue;
      const start = attempts.start[number], end = start + (attempts.took[number] || 0);
      const away = time < start ? start - time : time > end ? time - end : 0;
      if (away <= slack && away <= best) {
        best = away;
        found = number;
      }
    }
    return found;
  }

  hover(event) {
    const number = this.barAt(event.offsetX, event.offsetY);
    this.floating.hidden = number === null || event.pointerType === "touch";
    this.canvas.style.cursor = number === null ? "grab" : "pointer";
    if (this.floating.hidden) return;
    this.floating.textContent = `${fullName(number)}: ${wordOf(stateOf(number))}, ${duration(attempts.took[number])}`;
    this.floating.style.left = `${Math.min(event.clientX + 14, innerWidth - this.floating.offsetWidth - 8)}px`;
    this.floating.style.top = `${event.clientY + 18}px`;
  }

  tell(number) {
    this.current = number;
    if (number === null) {
      this.details.replaceChildren(make("span", {class: "faint"}, matchMedia("(pointer: coarse)").matches ?
        "Drag to move, pinch to zoom; choose a bar to read about it." :
        "Drag to move, double-click or Ctrl and the wheel to zoom; choose a bar to read about it."));
    } else {
      const fact = (name, text) => text ? make("span", {class: "fact"}, make("span", {class: "faint"}, name), ` ${text}`) : "";
      this.details.replaceChildren(make("strong", {class: "mono"}, fullName(number)), badge(stateOf(number)),
        fact("started at", duration(attempts.start[number])), fact("took", duration(attempts.took[number])),
        fact("waited", duration(attempts.wait[number])), fact("CPU", duration(attempts.cpu[number])),
        fact("peak memory", kibibytes(attempts.memory[number])), fact("process", attempts.pid[number] === null ? "" : String(attempts.pid[number])),
        this.critical.has(number) ? make("span", {class: "fact"}, "on the critical path") : "",
        data.errors[number] ? make("span", {class: "reason"}, data.errors[number]) : "");
    }
    if (this.pen) this.paint();
  }
}

// The highest level within a moment, by halving the list of its changes.
function peak({times, levels}, from, to) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= from) low = middle + 1; else high = middle;
  }
  let level = low ? levels[low - 1] : 0;
  for (let at = low; at < times.length && times[at] < to && at < low + 200; at += 1) level = Math.max(level, levels[at]);
  return level;
}
