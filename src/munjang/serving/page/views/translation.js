// A text for a text, whole or as it is written.

import { post, postStream } from "../api.js";
import { foreign, table } from "../dom.js";
import { exact } from "../numbers.js";
import { phrase } from "../words.js";

export async function translate(request, show) {
  const { model, inputs, settings, signal } = request;
  const body = { model: model.name, inputs };
  if (settings.stream) {
    await show.writing("", postStream("/translate", { ...body, stream: true }, signal));
    return;
  }
  const [{ answer, candidates, truncated }] = [await post("/translate", body, signal)].flat();
  const text = answer ? foreign("strong", answer) : phrase("em", "answer.empty");
  show.headline(phrase("span", "answer"), " ", text);
  if (truncated) show.details(phrase("p", "truncated"));
  const rows = candidates.map((each) => [foreign("bdi", each.text), exact(each.score)]);
  show.details(table(["table.candidates"], ["column.text", "column.score"], rows));
}
