// A line chart in SVG, drawn for the width that it has, with a mark on one x.

import { make } from "../dom.js";
import { rephrase } from "../words.js";
import { nearest, scale, tickNumber, ticks, valueNumber } from "./scales.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 200;
const LEFT = 54;
const RIGHT = 18;
const TOP = 8;
const BOTTOM = 22;
const COLORS = 8;
// Of fewer points each has a dot.
const FEW = 40;
let made = 0;

export class Chart {
  // `title` makes the node of the title; `onPoint` is called with the x that is pointed at.
  constructor(title, onPoint) {
    this.series = [];
    this.marked = null;
    this.about = svg("title", { id: `chart-${++made}` });
    this.svg = svg("svg", { role: "img", "aria-labelledby": this.about.id, height: HEIGHT });
    this.plot = make("div", { className: "plot" }, this.svg);
    this.title = title();
    this.values = make("span", { className: "values" });
    const caption = make("figcaption", {}, make("b", {}, this.title), " ", this.values);
    this.element = make("figure", { className: "chart" }, caption, this.plot);
    new ResizeObserver(() => this.draw()).observe(this.plot);
    const point = (event) => this.point(event, onPoint);
    this.svg.addEventListener("pointerdown", point);
    this.svg.addEventListener("pointermove", point);
  }

  // Show curves, [{name, x, y}], on an x axis between two ends.
  update(series, ends) {
    this.ends = ends;
    this.series = series.filter(({ x }) => x.length);
    this.names = this.series.map(({ name }) => name());
    this.draw();
  }

  // Mark the points nearest to an x, and return their values as a text.
  mark(x) {
    this.marked = x;
    this.drawMark();
    return `${this.title.textContent} ${this.values.textContent}`;
  }

  point(event, onPoint) {
    if (!this.x) return;
    const { left } = this.svg.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / (this.width - LEFT - RIGHT);
    onPoint(this.x.low + share * (this.x.high - this.x.low));
  }

  draw() {
    this.width = this.plot.clientWidth;
    if (!this.width || !this.series.length) return;
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.x = scale(this.ends, LEFT, this.width - RIGHT);
    this.y = scale(this.series.flatMap(({ y }) => y), HEIGHT - BOTTOM, TOP, 0.04);
    this.markGroup = svg("g");
    this.describe();
    this.svg.replaceChildren(
      this.about, ...this.axes(), ...this.series.flatMap((one, place) => this.line(one, place)),
      this.markGroup,
    );
    this.drawMark();
  }

  axes() {
    const marks = [];
    for (const value of ticks(this.y, 4)) {
      const y = this.y.at(value);
      marks.push(svg("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }));
      marks.push(text(LEFT - 6, y + 4, "end", tickNumber(value)));
    }
    const room = Math.max(2, Math.floor((this.width - LEFT) / 90));
    for (const value of ticks(this.x, room)) {
      marks.push(text(this.x.at(value), HEIGHT - 5, "middle", tickNumber(value)));
    }
    return marks;
  }

  line({ x, y }, place) {
    const color = `series-${place % COLORS}`;
    const points = x.map((value, number) => [this.x.at(value), this.y.at(y[number])]);
    const path = points.map(([left, top]) => `${left.toFixed(1)},${top.toFixed(1)}`).join(" ");
    const dots = points.length > FEW ? [] : points.map(([left, top]) =>
      svg("circle", { class: color, cx: left, cy: top, r: 2 }));
    return [svg("polyline", { class: color, points: path }), ...dots];
  }

  drawMark() {
    if (this.marked === null || !this.x) return;
    const marks = [];
    const values = this.series.map(({ x, y }, place) => {
      const at = nearest(x, this.marked);
      const point = { cx: this.x.at(x[at]), cy: this.y.at(y[at]), r: 4 };
      marks.push(svg("circle", { class: `series-${place % COLORS}`, ...point }));
      return valueNumber(y[at]);
    });
    const left = this.x.at(this.marked);
    const line = svg("line", { class: "marked", x1: left, x2: left, y1: TOP, y2: HEIGHT - BOTTOM });
    this.markGroup.replaceChildren(line, ...marks);
    this.values.replaceChildren(...values.flatMap((value, place) => this.value(value, place)));
  }

  // A value in the caption, with its color and its name if there are several.
  value(value, place) {
    if (this.series.length === 1) return [value];
    const key = make("span", { className: `key series-${place % COLORS}` });
    key.setAttribute("aria-hidden", "true");
    return [make("span", {}, key, this.names[place], ` ${value}`), " "];
  }

  describe() {
    const ys = this.series.flatMap(({ y }) => y);
    const { words } = this.title.dataset;
    rephrase(this.about, "chart.about", {
      name: words ? { words } : this.title.textContent,
      number: ys.length,
      low: valueNumber(ys.reduce((one, other) => Math.min(one, other))),
      high: valueNumber(ys.reduce((one, other) => Math.max(one, other))),
    });
  }
}

function svg(tag, attributes = {}) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function text(x, y, anchor, content) {
  const element = svg("text", { x, y, "text-anchor": anchor });
  element.textContent = content;
  return element;
}
