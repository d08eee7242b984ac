// The part of a panel that shows the words nearest to a word of the text.

import { post } from "./api.js";
import { describe } from "./errors.js";
import { bar, foreign, make, table, visible } from "./dom.js";
import { exact } from "./numbers.js";
import { phrase } from "./words.js";
import { waitingSign } from "./waiting.js";

const MOST_WORDS = 40;
const MOST_CHARACTERS = 2000;
const NEAREST = 10;

export class Neighbors {
  // `model` is a row of GET /models.
  constructor(model) {
    this.model = model;
    this.stopping = new AbortController();
    this.words = make("div", { className: "words" });
    this.status = make("div", { className: "status" });
    this.status.setAttribute("role", "status");
    this.content = make("div");
    this.element = make(
      "section", { hidden: true },
      phrase("h3", "near"), phrase("small", "near.hint"), this.words, this.status, this.content,
    );
  }

  clear() {
    this.stopping.abort();
    this.element.hidden = true;
    this.status.replaceChildren();
    this.content.replaceChildren();
  }

  // Show a button per word of a request.
  offer({ inputs }) {
    const words = this.model.skills.includes("neighbors") ? wordsOf([inputs].flat().join("\n")) : [];
    this.words.replaceChildren(...words.map((word) => this.button(word)));
    this.element.hidden = words.length === 0;
  }

  button(word) {
    const button = foreign("button", word);
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.ask(word, button));
    return button;
  }

  async ask(word, pressed) {
    this.stopping.abort();
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    for (const button of this.words.children) {
      button.setAttribute("aria-pressed", String(button === pressed));
    }
    const waiting = waitingSign(this.status, "waiting.near");
    try {
      const body = { model: this.model.name, inputs: word, k: NEAREST };
      const [near] = await post("/neighbors", body, signal);
      waiting.end();
      this.content.replaceChildren(tableOf(word, near));
      this.status.replaceChildren(near.length ? best(near[0].word) : phrase("p", "near.none"));
    } catch (error) {
      waiting.end();
      if (error.name === "AbortError") return;
      this.content.replaceChildren();
      this.status.replaceChildren(describe(error));
    }
  }
}

function best(word) {
  return make("p", {}, phrase("span", "near.best"), " ", foreign("strong", word));
}

function tableOf(word, near) {
  const rows = near.map((each) => [foreign("bdi", each.word), bar(each.score, exact(each.score))]);
  const caption = ["table.near", { word: visible(word) }];
  return table(caption, ["column.word", "column.cosine"], rows);
}

// The words of a text, each once.
function wordsOf(text) {
  const begin = text.slice(0, MOST_CHARACTERS);
  const words = globalThis.Intl?.Segmenter
    ? Array.from(new Intl.Segmenter(undefined, { granularity: "word" }).segment(begin))
      .filter(({ isWordLike }) => isWordLike)
      .map(({ segment }) => segment)
    : begin.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words)].slice(0, MOST_WORDS);
}
