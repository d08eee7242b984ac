// The part of a panel that says why: at once, or on a button where that takes long.

import { post } from "./api.js";
import { describe } from "./errors.js";
import { make } from "./dom.js";
import { drawExplanation } from "./explanation.js";
import { waitingSign } from "./waiting.js";
import { phrase } from "./words.js";

// An explanation that took longer, or of a longer text, is made on a button only.
const LONG_MILLISECONDS = 4000;
const LONG_CHARACTERS = 2000;

export class Reasons {
  constructor() {
    this.isSlow = false;
    this.status = make("div", { className: "status" });
    this.status.setAttribute("role", "status");
    this.content = make("div", { className: "why" });
    const title = phrase("h3", "why");
    this.element = make("section", { hidden: true }, title, this.status, this.content);
  }

  clear() {
    this.element.hidden = true;
    this.status.replaceChildren();
    this.content.replaceChildren();
  }

  // Explain the answer to a request, or show a button that does. `whileBusy` runs a function of
  // a signal.
  async offer(request, { isAtOnce, whileBusy }) {
    this.element.hidden = false;
    const length = [request.inputs].flat().join("").length;
    if (isAtOnce && !this.isSlow && length <= LONG_CHARACTERS) {
      await this.explain(request);
      return;
    }
    const button = phrase("button", "why.ask");
    button.type = "button";
    button.addEventListener("click", async () => {
      await whileBusy((signal) => this.explain({ ...request, signal }));
      this.content.querySelector("summary")?.focus();
    });
    this.content.replaceChildren(button);
  }

  async explain(request) {
    const { model, inputs, signal } = request;
    const waiting = waitingSign(this.status, "waiting.why");
    const started = performance.now();
    try {
      const reply = await post("/explain", { model: model.name, inputs }, signal);
      this.isSlow = performance.now() - started > LONG_MILLISECONDS;
      this.content.replaceChildren(...drawExplanation(reply.explanation));
      waiting.end();
    } catch (error) {
      waiting.end();
      const isStopped = error.name === "AbortError";
      this.status.replaceChildren(isStopped ? phrase("p", "stopped") : describe(error));
    }
  }
}
