// The page: a text box, the answer, and why. Texts become text nodes, never HTML.

const find = id => document.getElementById(id);
const described = JSON.parse(find("model").textContent);
const model = new Model(described, bytesOf(find("weights").textContent.trim()));
const sentences = described.sentences;
const WEAKEST = 0.04, STRONG = 0.66, MOST_LABELS = 10, MOST_WORDS = 200, QUIET = 700, SLICE = 25;
const TOLERANCE = 1e-3;

function say(key, values = {}) {
  return sentences[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function make(tag, attributes, ...parts) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...parts);
  return element;
}

// Control characters, and those that would turn the text around them, get a sign.
function visible(text) {
  const shown = text.replace(/[\0-\x1f]/g, sign => String.fromCharCode(0x2400 + sign.charCodeAt(0)));
  return shown.replace(/[\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
    sign => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

const named = text => make("bdi", {}, visible(text).trim() || "␣");
const shortNumber = x => Number.isInteger(x) ? String(x) : Number(x.toPrecision(5)).toString();
const signed = x => (x < 0 ? "-" : "+") + Math.abs(x).toFixed(Math.abs(x) >= 0.01 || x === 0 ? 2 : 4);

function showAnswer(answer) {
  const isNumber = answer.number !== undefined;
  const label = isNumber ? shortNumber(answer.number) : answer.label;
  find("answer").replaceChildren(
    make("b", {}, label ? named(label) : say("no label")),
    ...(typeof answer.probability === "number"
      ? [", ", say("probability {p}", {p: answer.probability.toFixed(4)})] : []));
  find("cut").hidden = !answer.truncated;
  find("all").hidden = isNumber;
  find("others").textContent = answer.labels.length > MOST_LABELS
    ? say("{n} more labels", {n: answer.labels.length - MOST_LABELS}) : "";
  find("labels").tBodies[0].replaceChildren(...shownLabels(answer).map(i => labelRow(answer, i)));
}

function shownLabels(answer) {
  const all = answer.labels.map((_, i) => i);
  if (all.length <= MOST_LABELS) return all;
  return all.sort((a, b) => answer.probabilities[b] - answer.probabilities[a]).slice(0, MOST_LABELS);
}

function labelRow(answer, i) {
  const probability = answer.probabilities[i];
  const button = make("button", {type: "button", "data-label": i}, named(answer.labels[i]));
  button.addEventListener("click", () => explain(i));
  const bar = make("span", {class: "bar"});
  bar.style.width = `${100 * probability}%`;
  return make("tr", answer.chosen.includes(i) ? {class: "chosen"} : {},
    make("th", {scope: "row"}, button),
    make("td", {class: "bars", "aria-hidden": "true"}, bar),
    make("td", {}, probability.toFixed(4)));
}

function shade(element, share, largest) {
  const opacity = largest > 0 ? Math.min(1, Math.abs(share) / largest) : 0;
  element.style.setProperty("--w", opacity < WEAKEST ? 0 : opacity.toFixed(3));
  element.className = `${share < 0 ? "down" : "up"} ${opacity >= STRONG ? "strong" : "weak"}`;
}

function showWhy(answer, why) {
  for (const button of find("labels").querySelectorAll("button")) {
    const isShown = why.score.names.label === answer.labels[button.dataset.label];
    button.setAttribute("aria-pressed", isShown);
  }
  const names = Object.entries(why.score.names).map(([name, value]) => [name, visible(value)]);
  find("score").textContent = say(why.score.key, Object.fromEntries(names));
  const shares = why.words.map(word => word.share ?? 0);
  const largest = Math.max(0, ...shares.map(Math.abs));
  showShaded(answer.text, why.words, largest);
  showLegend(largest);
  const sum = shares.reduce((a, b) => a + b, 0);
  find("sum").textContent = why.exact
    ? say("exact", {value: shortNumber(why.value), base: signed(why.base), words: signed(sum),
      rest: signed(why.rest)})
    : say("left out", {value: shortNumber(why.value), base: shortNumber(why.base)});
  showNumbers(answer.text, why);
  find("why").hidden = false;
}

function showShaded(text, words, largest) {
  const parts = [];
  let end = 0;
  for (const word of words.filter(word => word.share !== null)) {
    const part = make("span", {title: signed(word.share)}, text.slice(word.start, word.end));
    shade(part, word.share, largest);
    parts.push(text.slice(end, word.start), part);
    end = word.end;
  }
  find("shaded").replaceChildren(...parts, text.slice(end));
}

function showLegend(largest) {
  const steps = [-1, -0.5, 0, 0.5, 1].map(step => {
    const part = make("span", {}, signed(step * largest));
    shade(part, step, 1);
    return part;
  });
  find("legend").replaceChildren(...steps, make("small", {}, say("legend")));
}

function showNumbers(text, why) {
  const rows = why.words.filter(word => word.share !== null).slice(0, MOST_WORDS)
    .map(word => [named(text.slice(word.start, word.end)), word.share.toFixed(6)]);
  if (why.exact && why.rest) rows.push([say("beginning and end"), why.rest.toFixed(6)]);
  rows.push([say(why.exact ? "without text" : "all words left out"), why.base.toFixed(6)]);
  rows.push([say("score"), why.value.toFixed(6)]);
  find("numbers").tBodies[0].replaceChildren(...rows.map(
    ([name, number]) => make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, number))));
}

let answer = null, reading = null, typed = 0, turn = 0, timer = 0;

// Computes in slices, so that typing is never held up; a newer text ends it.
async function explain(wanted) {
  const own = ++turn, shown = answer;
  let end = performance.now() + SLICE;
  for await (const value of model.why(shown, wanted)) {
    if (own !== turn) return;
    if (value) return showWhy(shown, value);
    if (performance.now() <= end) continue;
    await new Promise(done => setTimeout(done));
    end = performance.now() + SLICE;
  }
}

// Reads one text at a time; of those that came meanwhile only the last.
async function update() {
  const own = ++typed;
  await Promise.allSettled([reading]);
  if (own !== typed) return;
  reading = model.read(find("text").value);
  const read = await reading;
  if (own !== typed) return;
  answer = read;
  turn++;
  const isEmpty = !cleanText(answer.text);
  find("result").hidden = isEmpty;
  clearTimeout(timer);
  if (isEmpty) {
    find("said").textContent = "";
    return;
  }
  showAnswer(answer);
  if (answer.starts.some(start => start >= 0)) explain();
  else find("why").hidden = true;
  timer = setTimeout(() => find("said").textContent = find("answer").textContent, QUIET);
}

// while a syllable is being composed, the text is not finished
find("text").addEventListener("input", event => event.isComposing || update());
find("text").addEventListener("compositionend", update);
if (find("text").value) update();
start();

async function start() {
  find("loading").hidden = false;
  try {
    find("wrong").hidden = await model.check() <= TOLERANCE;
  } catch (error) {
    find("wrong").textContent = say("cannot run", {reason: String(error)});
    find("wrong").hidden = false;
  }
  find("loading").hidden = true;
  document.body.classList.add("live");
}
