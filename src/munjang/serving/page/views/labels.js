// Labels with their probabilities.

import { post } from "../api.js";
import { bar, foreign, table } from "../dom.js";
import { exact, percent } from "../numbers.js";
import { phrase } from "../words.js";

const MOST = 20;

export async function classify({ model, inputs, signal }, show) {
  const reply = await post("/classify", { model: model.name, input: inputs }, signal);
  const [row] = reply.data;
  const scores = row.probs.map((score, place) => ({ label: model.labels[place], score }));
  const chosen = [row.label].flat();
  show.headline(phrase("span", "answer"), ...headline(chosen, scores));
  if (row.truncated) show.details(phrase("p", "truncated"));
  show.details(tableOfScores(scores));
}

function headline(chosen, scores) {
  if (!chosen.length) return [" ", phrase("em", "answer.none")];
  const scoreOf = new Map(scores.map(({ label, score }) => [label, score]));
  return chosen.flatMap((label, place) => [
    place ? ", " : " ",
    foreign("strong", label),
    ` ${percent(scoreOf.get(label) ?? 0)}`,
  ]);
}

function tableOfScores(scores) {
  const ranked = scores.toSorted((one, other) => other.score - one.score);
  const rows = ranked.slice(0, MOST).map(({ label, score }) => [
    foreign("bdi", label),
    bar(score, exact(score)),
  ]);
  const rest = ranked.slice(MOST);
  if (rest.length) {
    const sum = rest.reduce((total, { score }) => total + score, 0);
    rows.push([phrase("em", "more", { number: rest.length }), exact(sum)]);
  }
  return table(["table.probabilities"], ["column.label", "column.probability"], rows);
}
