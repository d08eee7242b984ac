// A comparison: its table and curves once it is finished, its runs until then.

import { foreign, make, table, visible } from "../dom.js";
import { bytes, count, exact } from "../numbers.js";
import { phrase } from "../words.js";
import { Charts } from "./charts.js";
import { metric, nameOf } from "./facts.js";
import { groupsOf } from "./training.js";

const AS_TRAINED = " as trained";
const VERDICTS = {
  "the best": "verdict.best",
  "worse": "verdict.worse",
  "worse within the margin": "verdict.slightly",
  "good enough": "verdict.good",
  "cannot tell": "verdict.unclear",
  "constant": "verdict.constant",
};
const STATES = {
  waiting: "state.waiting",
  running: "state.running",
  done: "state.done",
  failed: "state.failed",
  damaged: "state.damaged",
};

export class ComparisonPart {
  constructor() {
    this.choice = make("p", { className: "choice" });
    this.tables = make("div");
    this.heading = make("h2");
    this.element = make("div", {}, this.choice, this.tables, this.heading);
    this.charts = null;
  }

  update({ comparison, curves }) {
    const isFinished = comparison.standings.length > 0;
    this.choice.replaceChildren(...(isFinished ? choiceOf(comparison) : []));
    this.tables.replaceChildren(...(isFinished ? finished(comparison) : [runs(comparison)]));
    const key = isFinished ? "curves.title" : "compare.current";
    this.heading.replaceChildren(...(curves.length ? [phrase("span", key)] : []));
    this.drawCurves(isFinished, comparison, curves);
  }

  // Curves of a finished comparison are over seconds, those of the present run over steps.
  drawCurves(isFinished, comparison, curves) {
    const axis = isFinished ? "axis.seconds" : "axis.step";
    if (this.charts?.axis !== axis) {
      this.charts?.element.remove();
      this.charts = new Charts(axis);
      this.element.append(this.charts.element);
    }
    this.charts.update(isFinished ? together(curves, comparison.metric)
      : groupsOf(curves, comparison.metric));
  }
}

// All curves in one chart.
function together(curves, name) {
  const series = curves.map((curve) => ({
    name: () => make("span", {}, nameOf(curve.name), " ",
      phrase("span", "compare.seed", { number: curve.part })),
    x: curve.x,
    y: curve.y,
  }));
  return [{ key: name, title: () => metric(name), series }];
}

function choiceOf({ choice }) {
  if (!choice) return [phrase("span", "compare.constant")];
  const why = choice.why ? [" ", make("span", { lang: "en" }, `(${visible(choice.why)})`)] : [];
  return [phrase("span", "compare.choice"), " ", foreign("strong", choice.name), ...why];
}

function finished({ standings, metric: name, machine }) {
  const headings = [
    "column.model", metric(name), "column.seeds", "column.rows", "column.behind", "column.verdict",
    "column.parameters", "column.size", "column.training", "p50", "p99",
  ].map((head) => (head === "p50" || head === "p99" ? make("span", {}, head) : head));
  const rows = standings.map((row) => [
    standingName(row),
    number(row.score, exact),
    interval(row.over_seeds),
    interval(row.over_rows),
    behind(row.to_best),
    verdict(row.verdict),
    number(row.parameters, count),
    number(row.folder_bytes, bytes),
    number(row.seconds, (seconds) => `${seconds.toFixed(1)} s`),
    number(row.p50, (time) => `${time.toFixed(2)} ms`),
    number(row.p99, (time) => `${time.toFixed(2)} ms`),
  ]);
  const notes = machine ? [make("p", {}, phrase("small", "compare.machine", { machine: visible(machine) }))] : [];
  return [table(["table.standings"], headings, rows, [5]), ...notes];
}

function standingName({ name, runs: done, seeds, reasons }) {
  const some = done === seeds ? [] : [` (${done}/${seeds})`];
  const why = reasons.flatMap((reason) => [make("br"), make("small", { lang: "en" }, visible(reason))]);
  return make("span", {}, nameOf(name), ...some, ...why);
}

function verdict(text) {
  const isAsTrained = text.endsWith(AS_TRAINED);
  const known = isAsTrained ? text.slice(0, -AS_TRAINED.length) : text;
  if (!Object.hasOwn(VERDICTS, known)) return visible(text) || "–";
  const more = isAsTrained ? [phrase("span", "verdict.as_trained")] : [];
  return make("span", {}, phrase("span", VERDICTS[known]), ...more);
}

function behind(gap) {
  if (!gap || gap.value === null) return "–";
  if (gap.at_most === null) return exact(gap.value);
  return phrase("span", "behind.most", { value: exact(gap.value), most: exact(gap.at_most) });
}

function interval(ends) {
  if (!ends || ends.low === null || ends.high === null) return "–";
  return `${ends.low.toFixed(3)}–${ends.high.toFixed(3)}`;
}

function number(value, show) {
  return value === null ? "–" : show(value);
}

function runs({ runs: all }) {
  const headings = ["column.model", "column.seed", "column.state", "column.training", "column.reason"];
  const rows = all.map((run) => [
    nameOf(run.name),
    String(run.seed),
    phrase("span", STATES[run.state] ?? STATES.damaged),
    number(run.seconds, (seconds) => `${seconds.toFixed(1)} s`),
    make("span", { lang: "en" }, visible(run.reason)),
  ]);
  return table(["table.compared"], headings, rows, [2, 4]);
}
