// The form: models, texts, settings.

import { make } from "./dom.js";
import { Settings } from "./settings.js";
import { boxesOf, viewOf } from "./tasks.js";
import { phrase } from "./words.js";

const find = (id) => document.getElementById(id);

export class AskForm {
  // `on.models` is called with the chosen models, `on.submit` with inputs and settings.
  constructor(models, on) {
    this.on = on;
    this.element = find("ask");
    this.settings = new Settings(find("settings"));
    this.texts = []; // of the boxes, kept when the model changes
    find("model").addEventListener("change", () => this.chooseModel());
    find("beside").addEventListener("change", () => this.chooseBeside());
    submitOutsideComposition(this.element, () => this.submit());
    this.setModels(models);
    this.element.hidden = false;
  }

  // Offer other models; the chosen one stays if it is among them.
  setModels(models) {
    const before = find("model").value;
    this.models = models;
    find("model").replaceChildren(...models.map(optionOf));
    this.choose(before);
  }

  choose(name) {
    if (this.models.some((model) => model.name === name)) find("model").value = name;
    this.chooseModel();
  }

  get model() {
    return this.models[find("model").selectedIndex];
  }

  // The models that answer: one or two.
  get chosen() {
    const beside = this.models.find(({ name }) => name === find("beside").value);
    return [this.model, ...(beside ? [beside] : [])];
  }

  focus() {
    this.boxes[0].focus();
  }

  chooseModel() {
    const before = find("beside").value;
    const same = this.models.filter((each) => each !== this.model && fits(each, this.model));
    const none = phrase("option", "beside.none");
    none.value = "";
    find("beside").replaceChildren(none, ...same.map(optionOf));
    if (same.some(({ name }) => name === before)) find("beside").value = before;
    find("beside-label").hidden = same.length === 0;
    this.drawBoxes();
    this.chooseBeside();
  }

  chooseBeside() {
    const views = this.chosen.map(viewOf);
    this.settings.show([...new Set(views.flatMap((view) => view.settings))]);
    for (const box of this.boxes) box.required = !views.every((view) => view.isOptional);
    this.on.models(this.chosen);
  }

  drawBoxes() {
    const { insert } = viewOf(this.model);
    this.boxes = boxesOf(this.model).map((_, place) => this.makeBox(place));
    const labels = boxesOf(this.model).map((key, place) =>
      make("label", {}, phrase("span", key), this.boxes[place]));
    const buttons = insert ? [insertButton(insert, this.boxes[0])] : [];
    find("boxes").replaceChildren(...labels, ...buttons);
  }

  makeBox(place) {
    const box = make("textarea", { rows: 3, spellcheck: false, dir: "auto" });
    box.value = this.texts[place] ?? "";
    box.addEventListener("input", () => { this.texts[place] = box.value; });
    return box;
  }

  submit() {
    const texts = this.boxes.map((box) => box.value);
    this.on.submit(texts.length === 1 ? texts[0] : texts, this.settings.read());
  }
}

// Whether two models are asked the same question.
function fits(one, other) {
  return boxesOf(one).join() === boxesOf(other).join();
}

function optionOf({ name }) {
  return make("option", { value: name }, name);
}

function insertButton(mark, box) {
  const button = phrase("button", "mask.insert");
  button.type = "button";
  button.addEventListener("click", () => {
    box.setRangeText(mark, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input"));
    box.focus();
  });
  return button;
}

// Enter and the button submit, but nothing is sent while an input method composes a syllable: the
// text would lack it. Enter then belongs to the input method.
function submitOutsideComposition(form, submit) {
  let isComposing = false;
  let isWanted = false;
  form.addEventListener("compositionstart", () => { isComposing = true; });
  form.addEventListener("compositionend", () => {
    isComposing = false;
    if (isWanted) submit();
    isWanted = false;
  });
  form.addEventListener("keydown", (event) => {
    // 229 is the key of input methods, also in browsers that end the composition first
    const isOfInputMethod = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || isOfInputMethod) return;
    if (!(event.target instanceof HTMLTextAreaElement)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isComposing) isWanted = true;
    else submit();
  });
}
