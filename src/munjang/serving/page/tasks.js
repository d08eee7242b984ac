// The views of the page: one row per task.
//
// title     key of the task's name
// box       key of the label of the box, for models of one text
// isOptional  whether the text may be empty
// insert    a mark that a button puts into the text
// settings  names of fields in settings.js
// explains  when POST /explain is asked: "at once", "on request" or "never"
// answer    async (request, show): asks the server and shows what it says
//
// A request has the `model` (a row of GET /models), `inputs` (a text, or two in a list), the
// `settings` by name, and a `signal` that stops it. `show` is described in panel.js.

import { generate } from "./views/generation.js";
import { classify } from "./views/labels.js";
import { fillMasks } from "./views/masks.js";
import { nearestWords } from "./views/near_words.js";
import { showNumbers } from "./views/numbers.js";
import { showAnything } from "./views/other.js";
import { translate } from "./views/translation.js";

const USUAL = { box: "box.text", isOptional: false, settings: [], explains: "at once" };

const TASKS = {
  classify: { title: "task.classify", answer: classify },
  multilabel: { title: "task.multilabel", answer: classify },
  regress: { title: "task.regress", answer: showNumbers },
  similarity: { title: "task.similarity", answer: showNumbers },
  masked_lm: {
    title: "task.masked_lm",
    box: "box.masked",
    insert: "[MASK]",
    explains: "on request",
    answer: fillMasks,
  },
  vectors: { title: "task.vectors", explains: "never", answer: nearestWords },
  translate: {
    title: "task.translate",
    box: "box.source",
    settings: ["stream"],
    explains: "never", // a score per written word: others would wait for minutes
    answer: translate,
  },
  language: {
    title: "task.language",
    box: "box.prompt",
    isOptional: true,
    settings: ["tokens", "temperature", "seed"],
    explains: "never",
    answer: generate,
  },
};
// Tasks of other packages.
const OTHER = { title: null, explains: "on request", answer: showAnything };

// Labels of the boxes of an input; all others have one.
const BOXES = { two_texts: ["box.first", "box.second"] };

export function viewOf(model) {
  const row = Object.hasOwn(TASKS, model.task) ? TASKS[model.task] : OTHER;
  return { ...USUAL, ...row };
}

export function boxesOf(model) {
  return Object.hasOwn(BOXES, model.input) ? BOXES[model.input] : [viewOf(model).box];
}
