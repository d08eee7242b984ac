// The continuation of a text, as it is written.

import { postStream } from "../api.js";

export async function generate({ model, inputs, settings, signal }, show) {
  const { tokens, temperature, seed } = settings;
  const body = {
    model: model.name,
    inputs,
    parameters: { max_new_tokens: tokens, temperature, seed },
    stream: true,
  };
  await show.writing(inputs, postStream("/generate", body, signal));
}
