// A sign that an answer is being worked on. It comes late enough not to flicker.

import { make } from "./dom.js";
import { phrase, rephrase } from "./words.js";

const DELAY = 250;

// Show the sign in `place` after a while, with the seconds so far, until `end` is called or
// something else stands there.
export function waitingSign(place, key) {
  const started = performance.now();
  const spinner = make("span", { className: "spinner" });
  const seconds = make("span");
  for (const each of [spinner, seconds]) each.setAttribute("aria-hidden", "true");
  const sign = make("p", { className: "waiting" }, spinner, phrase("span", key), seconds);
  place.replaceChildren();
  const showing = setTimeout(() => {
    if (!place.hasChildNodes()) place.replaceChildren(sign);
  }, DELAY);
  const counting = setInterval(() => {
    const passed = Math.floor((performance.now() - started) / 1000);
    if (passed >= 2) rephrase(seconds, "waiting.seconds", { seconds: passed });
  }, 1000);
  const end = () => {
    clearTimeout(showing);
    clearInterval(counting);
    sign.remove();
  };
  return { end };
}
