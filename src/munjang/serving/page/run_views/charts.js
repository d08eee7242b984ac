// Charts that share their x axis: one mark on all of them, and all their points in one table.

import { make } from "../dom.js";
import { phrase } from "../words.js";
import { Chart } from "./chart.js";
import { axisNumber, nearest, valueNumber } from "./scales.js";

let made = 0;

export class Charts {
  // `axis`: key of the name of the x axis.
  constructor(axis) {
    this.axis = axis;
    this.charts = new Map(); // by key
    this.groups = [];
    this.xs = []; // of all points, ascending
    this.marked = null; // the x that is marked; null follows the newest
    this.grid = make("div", { className: "charts" });
    this.element = make("section", { hidden: true }, this.slider(), this.grid, this.table());
  }

  // Moves the mark, also for the keyboard and for screen readers, which read its text out.
  slider() {
    this.input = make("input", { type: "range", min: 0, step: 1, id: `mark-${++made}` });
    this.input.addEventListener("input", () => this.mark(this.xs[this.input.valueAsNumber]));
    this.at = make("output", { htmlFor: this.input.id });
    const label = phrase("label", this.axis);
    label.htmlFor = this.input.id;
    return make("div", { className: "mark" }, label, this.input, this.at);
  }

  table() {
    this.points = make("div", { className: "wide points", tabIndex: 0 });
    this.points.setAttribute("role", "group");
    this.details = make("details", {}, phrase("summary", "curves.table"), this.points);
    this.details.addEventListener("toggle", () => this.fillTable());
    return this.details;
  }

  // Show groups of curves: {key, title, series: [{name, x, y}]}; title and name make nodes.
  update(groups) {
    this.groups = groups.filter(({ series }) => series.some(({ x }) => x.length));
    this.element.hidden = this.groups.length === 0;
    const xs = this.groups.flatMap(({ series }) => series.flatMap(({ x }) => x));
    this.xs = [...new Set(xs)].toSorted((one, other) => one - other);
    this.drawCharts();
    this.input.max = Math.max(0, this.xs.length - 1);
    this.mark(this.marked);
    this.fillTable();
  }

  drawCharts() {
    const kept = this.charts;
    const ends = [this.xs[0], this.xs.at(-1)];
    this.charts = new Map(this.groups.map((group) => {
      const chart = kept.get(group.key) ?? new Chart(group.title, (x) => this.mark(x));
      chart.update(group.series, ends);
      return [group.key, chart];
    }));
    const elements = [...this.charts.values()].map((chart) => chart.element);
    const isSame = elements.length === this.grid.children.length
      && elements.every((element, place) => element === this.grid.children[place]);
    if (!isSame) this.grid.replaceChildren(...elements);
  }

  // Mark the points nearest to an x on all charts; null marks the last ones.
  mark(x) {
    const last = this.xs.length - 1;
    if (last < 0) return;
    const place = x === null || x === undefined ? last : nearest(this.xs, x);
    this.marked = place === last ? null : this.xs[place];
    this.input.value = place;
    const values = [...this.charts.values()].map((chart) => chart.mark(this.xs[place]));
    this.at.textContent = axisNumber(this.xs[place]);
    this.input.setAttribute("aria-valuetext", [this.at.textContent, ...values].join("; "));
  }

  // The table is made while it is open only. Its box keeps its place and its focus.
  fillTable() {
    if (!this.details.open) return;
    const series = this.groups.flatMap((group) => group.series.map((one) => ({ group, one })));
    const caption = phrase("caption", "curves.table");
    const first = phrase("th", this.axis);
    const heads = series.map(({ group, one }) =>
      make("th", {}, group.title(), ...(group.series.length > 1 ? [" ", one.name()] : [])));
    for (const head of [first, ...heads]) head.scope = "col";
    const columns = series.map(({ one }) => new Map(one.x.map((x, place) => [x, one.y[place]])));
    const rows = this.xs.map((x) => make(
      "tr", {},
      make("th", { scope: "row" }, axisNumber(x)),
      ...columns.map((column) => make("td", {}, column.has(x) ? valueNumber(column.get(x)) : "")),
    ));
    this.points.setAttribute("aria-label", caption.textContent);
    this.points.replaceChildren(make(
      "table", {},
      caption,
      make("thead", {}, make("tr", {}, first, ...heads)),
      make("tbody", {}, ...rows),
    ));
  }
}
