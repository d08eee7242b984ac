// Numbers: of regression, and of the similarity of two texts.

import { post } from "../api.js";
import { make, table } from "../dom.js";
import { exact } from "../numbers.js";
import { phrase } from "../words.js";

const ROWS = { value: "row.value", cosine: "row.cosine" };

export async function showNumbers({ model, inputs, signal }, show) {
  const answer = await post("/predict", { model: model.name, inputs }, signal);
  const names = Object.keys(ROWS).filter((name) => typeof answer[name] === "number");
  const first = make("strong", {}, exact(answer[names[0]]));
  show.headline(phrase("span", "answer"), " ", first);
  if (answer.truncated) show.details(phrase("p", "truncated"));
  const rows = names.map((name) => [phrase("span", ROWS[name]), exact(answer[name])]);
  show.details(table(["table.scores"], ["column.score", "column.value"], rows));
}
