// The words nearest to a text, by the cosine of their vectors.

import { post } from "../api.js";
import { bar, foreign, table } from "../dom.js";
import { exact } from "../numbers.js";
import { phrase } from "../words.js";

export async function nearestWords({ model, inputs, signal }, show) {
  const answer = await post("/predict", { model: model.name, inputs }, signal);
  if (answer.truncated) show.details(phrase("p", "truncated"));
  if (!answer.words.length) {
    show.headline(phrase("em", "answer.no_words"));
    return;
  }
  show.headline(phrase("span", "answer"), " ", foreign("strong", answer.words[0].word));
  const rows = answer.words.map(({ word, score }) => [
    foreign("bdi", word),
    bar(score, exact(score)),
  ]);
  show.details(table(["table.words"], ["column.word", "column.cosine"], rows));
}
