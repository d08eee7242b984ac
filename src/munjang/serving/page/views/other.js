// Answers of tasks that the page does not know: as JSON.

import { post } from "../api.js";
import { make, visible } from "../dom.js";
import { phrase } from "../words.js";

export async function showAnything({ model, inputs, signal }, show) {
  const answer = await post("/predict", { model: model.name, inputs }, signal);
  show.headline(phrase("span", "answer"), " ", phrase("em", "answer.other"));
  show.details(make("pre", { tabIndex: 0 }, visible(JSON.stringify(answer, null, 2))));
}
