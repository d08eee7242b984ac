// A search for settings: the best ones, the metric by trial, and all trials.

import { bar, foreign, make, table, visible } from "../dom.js";
import { count, exact, percent } from "../numbers.js";
import { phrase } from "../words.js";
import { Charts } from "./charts.js";
import { metric } from "./facts.js";

const ENDS = { done: "ended.done", pruned: "ended.pruned", failed: "ended.failed" };

export class SearchPart {
  constructor() {
    this.charts = new Charts("axis.trial");
    this.best = make("div");
    this.trials = make("div");
    this.element = make("div", {}, this.best, this.charts.element, this.trials);
  }

  update({ search }) {
    if (!search.trials.length) {
      this.best.replaceChildren(phrase("p", "search.none"));
      return;
    }
    this.best.replaceChildren(...(search.best ? [settingsOf(search)] : []));
    this.charts.update([valuesOf(search)]);
    this.trials.replaceChildren(trialsOf(search), ...leftOut(search));
  }
}

function settingsOf({ best, defaults, importance }) {
  const hasShares = Object.keys(importance).length > 0;
  const headings = ["column.setting", "column.best_value", "column.default"];
  const rows = Object.entries(best.settings).map(([key, value]) => [
    foreign("bdi", key),
    shown(value),
    shown(defaults[key]),
    ...(hasShares ? [bar(importance[key] ?? 0, percent(importance[key] ?? 0))] : []),
  ]);
  return table(["table.settings"], hasShares ? [...headings, "column.importance"] : headings, rows);
}

// The value of each trial, and the best one so far.
function valuesOf({ trials, metric: name, best }) {
  const done = trials.filter(({ ended, value }) => ended === "done" && value !== null);
  const values = done.map(({ value }) => value);
  const isUp = best !== null && values.every((value) => value <= best.value);
  const better = isUp ? Math.max : Math.min;
  const numbers = done.map(({ number }) => number);
  const soFar = values.map((_, place) => better(...values.slice(0, place + 1)));
  return {
    key: name,
    title: () => metric(name),
    series: [
      { name: () => phrase("span", "search.trial"), x: numbers, y: values },
      { name: () => phrase("span", "search.so_far"), x: numbers, y: soFar },
    ],
  };
}

function trialsOf({ trials, metric: name, best }) {
  const headings = [
    "column.trial", metric(name), "column.ended", "column.epochs", "column.steps",
    "column.seconds", "column.settings", "column.note",
  ];
  const rows = trials.toReversed().map((trial) => [
    String(trial.number),
    trial.value === null ? "–" : exact(trial.value),
    ending(trial, best),
    String(trial.epochs),
    count(trial.steps),
    trial.seconds.toFixed(1),
    make("span", { className: "long" }, settingsText(trial.settings)),
    make("span", { lang: "en" }, visible(trial.note)),
  ]);
  const place = table(["table.trials"], headings, rows, [2, 6, 7]);
  place.classList.add("points");
  return place;
}

function ending({ number, ended }, best) {
  if (number === best?.number) return phrase("strong", "ended.best");
  return Object.hasOwn(ENDS, ended) ? phrase("span", ENDS[ended]) : visible(ended);
}

function settingsText(settings) {
  const pairs = Object.entries(settings).map(([key, value]) => `${key}=${shown(value)}`);
  return foreign("bdi", pairs.join(", "));
}

function leftOut({ left_out: number }) {
  return number ? [make("p", {}, phrase("small", "search.more", { number }))] : [];
}

function shown(value) {
  const isFraction = typeof value === "number" && !Number.isInteger(value);
  if (isFraction) return String(Number(value.toPrecision(4)));
  return value === undefined || value === null ? "–" : visible(String(value));
}
