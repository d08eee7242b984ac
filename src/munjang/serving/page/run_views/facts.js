// Facts of a run in words.

import { foreign, make, visible } from "../dom.js";
import { count, exact } from "../numbers.js";
import { hasWords, phrase } from "../words.js";

const KINDS = {
  model: "kind.model",
  comparison: "kind.comparison",
  search: "kind.search",
  export: "kind.export",
  unknown: "kind.unknown",
};
const STATES = {
  running: "state.running",
  stopped: "state.stopped",
  finished: "state.finished",
  damaged: "state.damaged",
};
const UNITS = { step: "unit.step", run: "unit.run", model: "unit.model", trial: "unit.trial" };
// Seconds of each unit of time, the largest first.
const TIMES = [[86400, "ago.days"], [3600, "ago.hours"], [60, "ago.minutes"], [0, "ago.now"]];

export function nameOf(name) {
  return foreign("bdi", name);
}

export function kind(name) {
  return phrase("span", KINDS[name] ?? KINDS.unknown);
}

export function state(name) {
  const known = Object.hasOwn(STATES, name) ? name : "damaged";
  const text = phrase("span", STATES[known]);
  text.className = `state ${known}`;
  return text;
}

// How far a run is.
export function progress({ progress: done }) {
  if (!done) return "–";
  const { unit, done: number, total } = done;
  const some = total === null || total === number ? count(number) : `${count(number)}/${count(total)}`;
  return phrase("span", UNITS[unit] ?? UNITS.step, { number: some });
}

// The best score, and its metric.
export function score({ best }) {
  if (!best) return "–";
  return make("span", {}, metric(best.metric), " ", exact(best.value));
}

// The name of a task.
export function task(name) {
  const key = `task.${name}`;
  return hasWords(key) ? phrase("span", key) : make("span", { lang: "en" }, visible(name));
}

// The name of a metric, or of another value of a log.
export function metric(name) {
  const key = `metric.${name}`;
  return hasWords(key) ? phrase("span", key) : make("span", { lang: "en" }, visible(name));
}

// How long ago a time is, which is given in seconds since 1970.
export function ago(seconds) {
  if (!seconds) return "–";
  const passed = Math.max(0, Date.now() / 1000 - seconds);
  const [length, key] = TIMES.find(([least]) => passed >= least);
  const text = make("time", { dateTime: new Date(1000 * seconds).toISOString() });
  text.append(phrase("span", key, { number: length ? Math.floor(passed / length) : 0 }));
  text.title = new Date(1000 * seconds).toLocaleString();
  return text;
}
