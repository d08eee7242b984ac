// Errors in words.

import { ServerError } from "./api.js";
import { make } from "./dom.js";
import { phrase } from "./words.js";

// By kind of the error; all others are shown with the message of the server.
const KINDS = {
  unreachable: () => ["error.unreachable"],
  cut: () => ["error.cut"],
  unauthorized: () => ["error.key"],
  stopping: () => ["error.stopping"],
  overloaded: (error) => ["error.overloaded", { seconds: error.seconds ?? 1 }],
};

// A paragraph that says what went wrong, with a button if another attempt may help.
export function describe(error, retry = null) {
  const [key, values] = (KINDS[error.kind] ?? refused)(error);
  const text = make("p", { className: "wrong" }, phrase("span", key, values));
  if (!(error.kind in KINDS)) text.append(" ", make("span", { lang: "en" }, error.message));
  if (!retry) return text;
  const again = phrase("button", "retry");
  again.type = "button";
  again.addEventListener("click", retry);
  text.append(" ", again);
  return text;
}

function refused(error) {
  if (!(error instanceof ServerError)) {
    console.error(error);
    return ["error.page"];
  }
  return [error.status < 500 ? "error.refused" : "error.failed"];
}
