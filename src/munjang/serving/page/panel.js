// One model on the page: its name, what it is doing, its answer, and the reasons of the answer.

import { describe } from "./errors.js";
import { make, visible } from "./dom.js";
import { Neighbors } from "./neighbors.js";
import { count } from "./numbers.js";
import { Reasons } from "./reasons.js";
import { viewOf } from "./tasks.js";
import { waitingSign } from "./waiting.js";
import { phrase } from "./words.js";

let made = 0;

export class Panel {
  // `on.change` is called when the panel becomes busy or idle, `on.unauthorized` without a key.
  constructor(model, on) {
    this.model = model;
    this.view = viewOf(model);
    this.on = on;
    this.stopping = null; // an AbortController while requests are under way
    this.status = make("div", { className: "status" });
    this.status.setAttribute("role", "status");
    this.content = make("div");
    this.reasons = new Reasons();
    this.neighbors = new Neighbors(model);
    const title = make("h2", { dir: "auto" }, visible(model.name));
    title.id = `panel-${++made}`;
    this.element = make(
      "section", { className: "panel" },
      title, facts(model, this.view), this.status, this.content, this.reasons.element,
      this.neighbors.element,
    );
    this.element.setAttribute("aria-labelledby", title.id);
  }

  get isBusy() {
    return this.stopping !== null;
  }

  stop() {
    this.stopping?.abort();
  }

  // Ask the model and show its answer; what runs is given up.
  async run(inputs, settings) {
    this.stop();
    const stopping = new AbortController();
    const request = { model: this.model, inputs, settings, signal: stopping.signal };
    this.begin(stopping);
    try {
      await this.answer(request);
    } catch (error) {
      if (this.stopping === stopping) this.fail(error, () => this.run(inputs, settings));
    } finally {
      if (this.stopping === stopping) this.end();
    }
  }

  begin(stopping) {
    this.stopping = stopping;
    this.content.replaceChildren();
    this.reasons.clear();
    this.neighbors.clear();
    this.element.setAttribute("aria-busy", "true");
    this.on.change();
  }

  end() {
    this.stopping = null;
    this.element.removeAttribute("aria-busy");
    this.on.change();
  }

  async answer(request) {
    const waiting = waitingSign(this.status, "waiting.answer");
    try {
      await this.view.answer(request, this.show(request.signal));
    } finally {
      waiting.end();
    }
    this.neighbors.offer(request);
    if (this.view.explains === "never" || !this.model.skills.includes("explain")) return;
    await this.reasons.offer(request, {
      isAtOnce: this.view.explains === "at once",
      whileBusy: (work) => this.whileBusy(work),
    });
  }

  // Run what was asked for by a button, so that it can be stopped as an answer can.
  async whileBusy(work) {
    this.stop();
    const stopping = new AbortController();
    this.stopping = stopping;
    this.on.change();
    try {
      await work(stopping.signal);
    } finally {
      if (this.stopping === stopping) this.end();
    }
  }

  // How views show their answers, until the request is stopped:
  //   headline(...nodes)     the answer in a line, which screen readers read out
  //   details(...nodes)      everything else
  //   writing(begin, parts)  a text whose parts come one by one
  show(signal) {
    const unlessStopped = (call) => (...nodes) => {
      signal.throwIfAborted();
      return call(...nodes);
    };
    return {
      headline: unlessStopped((...nodes) => this.status.replaceChildren(make("p", {}, ...nodes))),
      details: unlessStopped((...nodes) => this.content.append(...nodes)),
      writing: unlessStopped((begin, parts) => this.write(begin, parts)),
    };
  }

  async write(begin, parts) {
    const text = document.createTextNode("");
    const prompt = make("span", { className: "prompt" }, visible(begin));
    const paragraph = make("p", { className: "written", dir: "auto" }, prompt, text);
    const started = performance.now();
    let writing = null;
    let last = null;
    try {
      for await (const part of parts) {
        if (last === null) {
          writing = waitingSign(this.status, "waiting.text");
          this.content.append(paragraph);
        }
        text.appendData(visible(part.token.text));
        last = part;
      }
    } finally {
      writing?.end();
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const values = { tokens: count(last.tokens), seconds };
    this.status.replaceChildren(phrase("p", `written.${last.finish_reason}`, values));
  }

  fail(error, retry) {
    if (error.name === "AbortError") {
      this.status.replaceChildren(phrase("p", "stopped"));
      return;
    }
    this.status.replaceChildren(describe(error, retry));
    if (error.kind === "unauthorized") this.on.unauthorized();
  }
}

function facts(model, view) {
  const parameters = count(model.parameters);
  const task = view.title ? { words: view.title } : model.task;
  const line = phrase("p", "facts", { task, architecture: model.architecture, parameters });
  line.className = "facts";
  return line;
}
