// Tokens for each [MASK] of a text.

import { post } from "../api.js";
import { bar, foreign, table } from "../dom.js";
import { exact, percent } from "../numbers.js";
import { phrase } from "../words.js";

export async function fillMasks({ model, inputs, signal }, show) {
  const answer = await post("/predict", { model: model.name, inputs }, signal);
  const best = answer.masks.flatMap(([candidate], place) => [
    place ? "; " : "",
    phrase("span", "answer.mask", { number: place + 1 }),
    " ",
    foreign("strong", candidate.token),
    ` ${percent(candidate.probability)}`,
  ]);
  show.headline(...(best.length ? best : [phrase("em", "answer.no_mask")]));
  if (answer.truncated) show.details(phrase("p", "truncated"));
  show.details(...answer.masks.map(tableOfTokens));
}

function tableOfTokens(candidates, place) {
  const rows = candidates.map(({ token, probability }) => [
    foreign("bdi", token),
    bar(probability, exact(probability)),
  ]);
  const caption = ["table.tokens", { number: place + 1 }];
  return table(caption, ["column.token", "column.probability"], rows);
}
