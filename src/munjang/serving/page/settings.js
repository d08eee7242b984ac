// Settings of a request: one row per field.

import { make } from "./dom.js";
import { phrase } from "./words.js";

// `input`: properties of the field. `read`: the value of a field; null if it is left empty.
const FIELDS = {
  stream: { words: "setting.stream", input: { type: "checkbox" }, read: (field) => field.checked },
  tokens: {
    words: "setting.tokens",
    input: { type: "number", min: 1, max: 1048576, value: 200, required: true },
    read: readNumber,
  },
  temperature: {
    words: "setting.temperature",
    input: { type: "number", min: 0, max: 1000, step: "any" },
    read: readNumber,
  },
  seed: {
    words: "setting.seed",
    input: { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
    read: readNumber,
  },
};

// The fields of a form, which keep their values while they are hidden.
export class Settings {
  constructor(place) {
    this.fields = new Map();
    this.place = place;
    this.shown = [];
  }

  // Show these fields alone.
  show(names) {
    this.shown = names;
    this.place.replaceChildren(...names.map((name) => this.labeled(name)));
  }

  labeled(name) {
    if (!this.fields.has(name)) {
      this.fields.set(name, make("input", { id: `setting-${name}`, ...FIELDS[name].input }));
    }
    return make("label", {}, phrase("span", FIELDS[name].words), " ", this.fields.get(name));
  }

  // The values by name.
  read() {
    const named = this.shown.map((name) => [name, FIELDS[name].read(this.fields.get(name))]);
    return Object.fromEntries(named);
  }
}

function readNumber(field) {
  return field.value === "" ? null : field.valueAsNumber;
}
