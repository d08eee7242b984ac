// The view that tries models: a form, and a panel per chosen model.

import { AskForm } from "./form.js";
import { Panel } from "./panel.js";

const find = (id) => document.getElementById(id);

export class TryView {
  // `on.unauthorized` is called without a key.
  constructor(on) {
    this.on = on;
    this.form = null;
    this.panels = [];
    find("stop").addEventListener("click", () => this.stop());
  }

  show() {
    find("try").hidden = false;
    this.form?.focus();
  }

  hide() {
    this.stop();
    find("try").hidden = true;
  }

  setModels(models) {
    find("no-models").hidden = models.length > 0;
    if (!models.length) return;
    if (this.form) this.form.setModels(models);
    else {
      const show = (chosen) => this.showPanels(chosen);
      const submit = (inputs, settings) => this.submit(inputs, settings);
      this.form = new AskForm(models, { models: show, submit });
    }
  }

  choose(name) {
    this.form?.choose(name);
  }

  showPanels(models) {
    this.stop();
    const kept = new Map(this.panels.map((panel) => [panel.model.sha256, panel]));
    const on = { change: () => this.showStop(), unauthorized: this.on.unauthorized };
    this.panels = models.map((model) => {
      const panel = kept.get(model.sha256);
      return panel?.model.name === model.name ? panel : new Panel(model, on);
    });
    find("panels").replaceChildren(...this.panels.map((panel) => panel.element));
  }

  submit(inputs, settings) {
    for (const panel of this.panels) panel.run(inputs, settings);
  }

  stop() {
    for (const panel of this.panels) panel.stop();
  }

  showStop() {
    const stop = find("stop");
    const isBusy = this.panels.some((panel) => panel.isBusy);
    if (!isBusy && document.activeElement === stop) find("submit").focus();
    stop.hidden = !isBusy;
  }
}
