// One run: what it is, what can be done with it, and its curves and tables.

import { fetchFile, get, hasKey, post } from "../api.js";
import { foreign, make, visible } from "../dom.js";
import { describe } from "../errors.js";
import { count } from "../numbers.js";
import { pathOf } from "../places.js";
import { repeat } from "../poll.js";
import { waitingSign } from "../waiting.js";
import { phrase } from "../words.js";
import { ComparisonPart } from "./comparison.js";
import { ago, kind, progress, score, state, task } from "./facts.js";
import { SearchPart } from "./search.js";
import { TrainingPart } from "./training.js";

const SOON = 2;
const LATER = 5;
// What a run shows: by kind, a class with an element and `update(reply)`. Exports have no more than facts.
const PARTS = { model: TrainingPart, comparison: ComparisonPart, search: SearchPart };
const PAGES = { report: "link.report", comparison: "link.comparison" };

export class RunView {
  // `on.unauthorized` is called without a key, `on.tryModel` with a name and what loads the model.
  constructor(place, on) {
    this.place = place;
    this.on = on;
  }

  show({ name }) {
    this.name = name;
    this.shown = "";
    this.part = null;
    this.facts = make("p", { className: "facts" });
    this.status = make("div", { className: "status" });
    this.status.setAttribute("role", "status");
    this.actions = make("div", { className: "row" });
    this.content = make("div");
    this.place.hidden = false;
    this.place.replaceChildren(this.facts, this.status, this.actions, this.content);
    this.waiting = waitingSign(this.status, "waiting.run");
    this.stop = repeat((signal) => this.refresh(signal));
  }

  hide() {
    this.stop?.();
    this.waiting?.end();
    this.place.hidden = true;
  }

  async refresh(signal) {
    try {
      const reply = await get(pathOf(this.name), signal);
      this.waiting?.end();
      this.draw(reply);
      return reply.run.state === "running" ? SOON : LATER;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.waiting?.end();
      this.shown = ""; // so that the next reply takes the place of the error
      this.status.replaceChildren(describe(error));
      if (error.kind === "unauthorized") this.on.unauthorized();
      return LATER;
    }
  }

  draw(reply) {
    const { run, pages } = reply;
    this.facts.replaceChildren(...factsOf(reply));
    const shown = JSON.stringify(reply);
    if (shown === this.shown) return;
    this.shown = shown;
    this.status.replaceChildren(...problemOf(run));
    this.drawActions(run, pages);
    if (run.state === "damaged" || !(run.kind in PARTS)) return;
    if (!this.part) {
      this.part = new PARTS[run.kind]();
      this.content.replaceChildren(this.part.element);
    }
    this.part.update(reply);
  }

  // Buttons and links keep their focus while nothing about them changes.
  drawActions(run, pages) {
    const key = JSON.stringify([run.loadable, pages]);
    if (key === this.actions.dataset.shown) return;
    this.actions.dataset.shown = key;
    this.actions.replaceChildren(
      ...(run.loadable ? [this.tryButton()] : []),
      ...pages.filter((page) => page in PAGES).map((page) => this.pageLink(page)),
    );
  }

  tryButton() {
    const button = phrase("button", "run.try");
    button.type = "button";
    button.addEventListener("click", () => this.tryModel());
    return button;
  }

  async tryModel() {
    const waiting = waitingSign(this.status, "waiting.load");
    const path = `/v2/repository/models/${encodeURIComponent(this.name)}/load`;
    try {
      await this.on.tryModel(this.name, () => post(path, {}));
      waiting.end();
    } catch (error) {
      waiting.end();
      this.status.replaceChildren(describe(error));
    }
  }

  // A page opens by itself, apart from this one. With a key, which a link cannot carry, it is saved.
  pageLink(page) {
    const path = `${pathOf(this.name)}/pages/${page}`;
    const link = phrase("a", PAGES[page]);
    Object.assign(link, { href: path, target: "_blank", rel: "noopener" });
    link.addEventListener("click", (event) => {
      if (!hasKey()) return;
      event.preventDefault();
      this.save(path, `${page}.html`);
    });
    return link;
  }

  async save(path, file) {
    try {
      const url = URL.createObjectURL(await fetchFile(path));
      make("a", { href: url, download: file }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      this.status.replaceChildren(describe(error));
    }
  }
}

function factsOf({ run, rate, unit }) {
  const speed = rate === null ? null
    : phrase("span", "run.rate", { unit, rate: count(Math.round(rate)) });
  const facts = [
    make("span", {}, ...titleOf(run)),
    state(run.state),
    progress(run),
    run.best ? make("span", {}, phrase("span", "run.best"), " ", score(run), ...atOf(run)) : null,
    speed,
    make("span", {}, phrase("span", "run.changed"), " ", ago(run.updated)),
  ].filter((fact) => fact && fact !== "–");
  return facts.flatMap((fact, place) => (place ? [" · ", fact] : [fact]));
}

// The kind of a run, with its task and its architecture.
function titleOf(run) {
  const about = [
    ...(run.task ? [", ", task(run.task)] : []),
    ...(run.architecture ? [", ", foreign("bdi", run.architecture)] : []),
  ];
  return [kind(run.kind), ...about];
}

// Where the best score was reached.
function atOf({ kind: name, best }) {
  if (!best.at) return [];
  if (name === "model") return [" ", phrase("span", "run.at_step", { number: count(Number(best.at)) })];
  if (name === "search") return [" ", phrase("span", "run.at_trial", { number: best.at })];
  return [" (", foreign("bdi", best.at), ")"];
}

function problemOf({ problem, state: now }) {
  if (!problem) return [];
  const className = now === "damaged" ? "wrong" : "";
  return [make("p", { className, lang: "en" }, visible(problem))];
}
