// The page: it asks the server for its models, and shows a form and a panel per chosen model.

import { get, useKey } from "./api.js";
import { describe } from "./errors.js";
import { AskForm } from "./form.js";
import { Panel } from "./panel.js";
import { waitingSign } from "./waiting.js";
import { choose, phrase, preferred } from "./words.js";

const find = (id) => document.getElementById(id);
let form = null;
let panels = [];

async function load() {
  const waiting = waitingSign(find("notice"), "waiting.models");
  try {
    const { models } = await get("/models");
    find("notice").replaceChildren();
    find("key-form").hidden = true;
    form ??= new AskForm(models, { models: showPanels, submit });
    form.focus();
  } catch (error) {
    if (error.kind === "unauthorized") askForKey();
    else find("notice").replaceChildren(describe(error, load));
  } finally {
    waiting.end();
  }
}

function showPanels(models) {
  for (const panel of panels) panel.stop();
  const kept = new Map(panels.map((panel) => [panel.model, panel]));
  const on = { change: showStop, unauthorized: askForKey };
  panels = models.map((model) => kept.get(model) ?? new Panel(model, on));
  find("panels").replaceChildren(...panels.map((panel) => panel.element));
}

function submit(inputs, settings) {
  for (const panel of panels) panel.run(inputs, settings);
}

function showStop() {
  const stop = find("stop");
  const isBusy = panels.some((panel) => panel.isBusy);
  if (!isBusy && document.activeElement === stop) find("submit").focus();
  stop.hidden = !isBusy;
}

// Show the field of the key; if it was shown already, the key in it is wrong.
function askForKey() {
  const isWrong = !find("key-form").hidden || find("key").value !== "";
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
find("stop").addEventListener("click", () => {
  for (const panel of panels) panel.stop();
});
find("language").addEventListener("change", (event) => choose(event.target.value));
find("language").value = preferred();
choose(preferred());
load();
