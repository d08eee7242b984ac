// The page: it asks the server for its models, and shows the view that the address names.

import { get, useKey } from "./api.js";
import { visible } from "./dom.js";
import { describe } from "./errors.js";
import { placeOf } from "./places.js";
import { RunView } from "./run_views/run.js";
import { RunsView } from "./run_views/list.js";
import { TryView } from "./try.js";
import { waitingSign } from "./waiting.js";
import { choose, preferred, phrase, rephrase } from "./words.js";

const find = (id) => document.getElementById(id);
const on = { unauthorized: askForKey, tryModel };
const VIEWS = {
  try: { title: "view.try", view: new TryView(on) },
  runs: { title: "view.runs", view: new RunsView(find("runs"), on) },
  run: { title: "view.run", view: new RunView(find("runs"), on) },
};
let shown = null;

// Ask for the models; called again with a key, and after a model was loaded.
async function load() {
  const waiting = waitingSign(find("notice"), "waiting.models");
  try {
    const { models, has_runs: hasRuns } = await get("/models");
    find("notice").replaceChildren();
    find("key-form").hidden = true;
    find("views").hidden = !hasRuns;
    VIEWS.try.view.setModels(models);
    if (!models.length && hasRuns && !location.hash) location.replace("#runs");
    route();
  } catch (error) {
    if (error.kind === "unauthorized") askForKey();
    else find("notice").replaceChildren(describe(error, load));
  } finally {
    waiting.end();
  }
}

// Show the view of the address.
function route() {
  const { name, values } = placeOf(location.hash);
  shown?.hide();
  shown = VIEWS[name].view;
  rephrase(find("title"), VIEWS[name].title, { name: visible(values.name ?? "") });
  nameDocument();
  for (const link of find("views").children) {
    const isCurrent = link.hash === (name === "try" ? "#try" : "#runs");
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  shown.show(values);
}

function nameDocument() {
  document.title = `${find("title").textContent} – Munjang`;
}

// Load the model of a run, if it is new or has changed, and go to where it can be tried.
async function tryModel(name, loadModel) {
  await loadModel();
  const { models } = await get("/models");
  VIEWS.try.view.setModels(models);
  VIEWS.try.view.choose(name);
  location.hash = "#try";
}

// Show the field of the key; if it was shown already, the key in it is wrong.
function askForKey() {
  const isWrong = !find("key-form").hidden || find("key").value !== "";
  shown?.hide();
  find("key-form").hidden = false;
  const text = phrase("p", isWrong ? "error.key_wrong" : "error.key");
  text.className = "wrong";
  find("notice").replaceChildren(text);
  find("key").focus();
}

find("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(find("key").value);
  load();
});
addEventListener("hashchange", () => {
  route();
  if (shown !== VIEWS.try.view) find("title").focus();
});
find("language").addEventListener("change", (event) => {
  choose(event.target.value);
  nameDocument();
});
find("language").value = preferred();
choose(preferred());
load();
