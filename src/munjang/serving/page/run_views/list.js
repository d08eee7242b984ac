// The list of runs, which is kept up to date while it is seen.

import { get } from "../api.js";
import { make, visible } from "../dom.js";
import { describe } from "../errors.js";
import { addressOf } from "../places.js";
import { repeat } from "../poll.js";
import { waitingSign } from "../waiting.js";
import { phrase, refill } from "../words.js";
import { ago, kind, nameOf, progress, score, state } from "./facts.js";

// Seconds between two looks: while something is trained, and else.
const SOON = 2;
const LATER = 5;
// Key of the heading, the cell, and whether narrow screens leave it out.
const COLUMNS = [
  ["column.kind", (run) => kind(run.kind), true],
  ["column.state", (run) => state(run.state), false],
  ["column.progress", progress, false],
  ["column.best", score, false],
  ["column.changed", (run) => ago(run.updated), true],
];

export class RunsView {
  // `on.unauthorized` is called without a key.
  constructor(place, on) {
    this.place = place;
    this.on = on;
    this.rows = new Map(); // by name
    this.states = new Map(); // of the runs at the last look
    this.status = make("div", { className: "status" });
    this.status.setAttribute("role", "status");
    this.body = make("tbody");
    this.more = make("p");
    const list = make("div", { className: "wide", tabIndex: 0 }, tableAround(this.body));
    list.setAttribute("role", "group");
    list.setAttribute("aria-labelledby", "runs-caption");
    this.list = list;
    this.element = make("div", {}, this.status, list, this.more);
    list.hidden = true;
  }

  show() {
    this.place.hidden = false;
    refill(this.element);
    this.place.replaceChildren(this.element);
    this.waiting = this.rows.size ? null : waitingSign(this.status, "waiting.runs");
    this.stop = repeat((signal) => this.refresh(signal));
  }

  hide() {
    this.stop?.();
    this.waiting?.end();
    this.place.hidden = true;
  }

  async refresh(signal) {
    try {
      const { runs, left_out: left } = await get("/runs", signal);
      this.waiting?.end();
      this.draw(runs, left);
      return runs.some((run) => run.state === "running") ? SOON : LATER;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.waiting?.end();
      this.status.replaceChildren(describe(error));
      if (error.kind === "unauthorized") this.on.unauthorized();
      return LATER;
    }
  }

  draw(runs, left) {
    const rows = runs.map((run) => this.rowOf(run));
    this.rows = new Map(rows.map((row) => [row.name, row]));
    this.arrange(rows.map((row) => row.element));
    this.list.hidden = !runs.length;
    this.more.replaceChildren(...(left ? [phrase("small", "runs.more", { number: left })] : []));
    this.announce(runs);
  }

  // A row keeps its element, and with it the focus, as long as the run is listed.
  rowOf(run) {
    const row = this.rows.get(run.name) ?? new Row(run);
    row.update(run);
    return row;
  }

  arrange(elements) {
    const isSame = elements.length === this.body.children.length
      && elements.every((element, place) => element === this.body.children[place]);
    if (isSame) return;
    const focused = document.activeElement;
    this.body.replaceChildren(...elements);
    if (this.body.contains(focused)) focused.focus();
  }

  // Tell which trainings have ended since the last look, or that there is nothing.
  announce(runs) {
    const ended = runs.filter(({ name, state: now }) =>
      this.states.get(name) === "running" && now !== "running");
    this.states = new Map(runs.map((run) => [run.name, run.state]));
    if (!runs.length) this.status.replaceChildren(phrase("p", "runs.none"));
    else if (ended.length) this.status.replaceChildren(...ended.map(describeEnd));
    else if (!this.status.querySelector(".ended")) this.status.replaceChildren();
  }
}

class Row {
  constructor({ name }) {
    this.name = name;
    this.title = make("th", { scope: "row" });
    this.cells = COLUMNS.map(([, , isExtra]) => make("td", { className: isExtra ? "extra" : "" }));
    this.element = make("tr", {}, this.title, ...this.cells);
  }

  update(run) {
    const shown = JSON.stringify(run);
    if (shown !== this.shown) {
      const hasFocus = this.title.contains(document.activeElement);
      this.title.replaceChildren(...nameCell(run));
      if (hasFocus) this.title.querySelector("a")?.focus();
    }
    this.shown = shown;
    COLUMNS.forEach(([, cell], place) => this.cells[place].replaceChildren(cell(run)));
  }
}

function nameCell({ name, state: now, problem }) {
  const link = make("a", { href: addressOf(name) }, nameOf(name));
  if (!problem) return [link];
  const about = make("small", { className: now === "damaged" ? "wrong" : "", lang: "en" }, visible(problem));
  return [link, make("br"), about];
}

function describeEnd({ name, state: now }) {
  const values = { name: nameOf(name).textContent, state: { words: `state.${now}` } };
  const line = phrase("p", "runs.ended", values);
  line.className = "ended";
  return line;
}

function tableAround(body) {
  const caption = phrase("caption", "table.runs");
  caption.id = "runs-caption";
  const name = phrase("th", "column.run");
  const others = COLUMNS.map(([key, , isExtra]) => {
    const cell = phrase("th", key);
    if (isExtra) cell.className = "extra";
    return cell;
  });
  for (const cell of [name, ...others]) cell.scope = "col";
  const head = make("thead", {}, make("tr", {}, name, ...others));
  return make("table", { className: "runs" }, caption, head, body);
}
