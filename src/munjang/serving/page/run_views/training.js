// The curves of a training.

import { make } from "../dom.js";
import { phrase } from "../words.js";
import { Charts } from "./charts.js";
import { metric } from "./facts.js";

// Names that come first and last; those of the log are between.
const FIRST = ["loss"];
const LAST = ["learning_rate"];

export class TrainingPart {
  constructor() {
    this.charts = new Charts("axis.step");
    this.empty = make("p", { hidden: true }, phrase("em", "curves.none"));
    this.element = make("div", {}, this.empty, this.charts.element);
  }

  update({ run, curves }) {
    this.empty.hidden = curves.length > 0;
    this.charts.update(groupsOf(curves, run.best?.metric));
  }
}

// A chart per name of a value; the metric that decides stands beside the loss.
export function groupsOf(curves, decides) {
  const names = [...new Set(curves.map(({ name }) => name))];
  return names.toSorted((one, other) => rank(one, decides) - rank(other, decides)).map((name) => ({
    key: name,
    title: () => metric(name),
    series: curves.filter((curve) => curve.name === name).map((curve) => ({
      name: () => part(curve.part),
      x: curve.x,
      y: curve.y,
    })),
  }));
}

function rank(name, decides) {
  if (FIRST.includes(name)) return 0;
  if (LAST.includes(name)) return 3;
  return name === decides ? 1 : 2;
}

function part(name) {
  return phrase("span", name === "train" ? "part.train" : "part.valid");
}
