// Why an answer is what it is: words in shades of their shares, and the shares in a table.

import { foreign, languageOf, make, table, visible } from "./dom.js";
import { brief, exact, signed } from "./numbers.js";
import { phrase } from "./words.js";

// Longer words are shown by their tokens, as in scripts without spaces.
const LONGEST_WORD = 20;
// Shades below this opacity are left out; from the other one on letters have another color.
const WEAKEST = 0.04;
const STRONG = 0.66;
const MOST_WORDS = 50;
const MOST_NGRAMS = 20;
const LEGEND = [-1, -0.5, 0, 0.5, 1];
// Scores after these are closed at first.
const OPEN = 3;

// Nodes that show the field `explanation` of POST /explain.
export function drawExplanation({ scores, method, baseline }) {
  const parts = scores.map((score) => score.texts.map(partsOf));
  const shares = parts.flat(2).map(({ share }) => Math.abs(share ?? 0));
  const largest = shares.reduce((one, other) => Math.max(one, other), 0);
  const rows = scores.map((score, place) => drawScore(score, parts[place], largest, method, place));
  return [
    legend(largest),
    ...rows,
    make("p", {}, phrase("small", "why.method", { method: method.replaceAll("_", " "), baseline })),
  ];
}

function drawScore(score, parts, largest, method, place) {
  const title = foreign("bdi", score.score);
  title.lang = "en";
  return make(
    "details", { open: place < OPEN },
    make("summary", {}, title),
    drawSum(score, method),
    ...score.texts.map((text, number) => drawText(text.text, parts[number], largest)),
    make("div", { className: "tables" }, ...drawTables(score, parts.flat())),
  );
}

function drawText(text, parts, largest) {
  const shades = parts.map((part) => shaded(part.text, part.share, largest));
  return make("p", { className: "shaded", dir: "auto", lang: languageOf(text) }, ...shades);
}

function drawTables(score, parts) {
  const named = parts
    .filter(({ share, text }) => share !== null && text.trim())
    .toSorted((one, other) => Math.abs(other.share) - Math.abs(one.share))
    .slice(0, MOST_WORDS)
    .map(({ text, share }) => [foreign("bdi", text.trim()), signed(share)]);
  const rest = [...score.specials.map(({ share }) => share), ...score.texts.map((t) => t.rest)]
    .reduce((sum, share) => sum + share, 0);
  const words = table(["table.shares"], ["column.word", "column.share"], [
    ...named,
    ...(rest ? [[phrase("em", "row.rest"), signed(rest)]] : []),
    [phrase("em", "row.base"), signed(score.base)],
    [phrase("em", "row.value_of_score"), signed(score.value)],
  ]);
  return score.ngrams ? [words, drawNgrams(score.ngrams)] : [words];
}

function drawNgrams({ ngrams, bias, others }) {
  const rows = ngrams.slice(0, MOST_NGRAMS).map(({ text, filters, share }) => [
    foreign("bdi", text),
    String(filters.length),
    signed(share),
  ]);
  const rest = ngrams.slice(MOST_NGRAMS);
  if (rest.length) {
    const sum = rest.reduce((total, { share }) => total + share, 0);
    rows.push([phrase("em", "more", { number: rest.length }), "", signed(sum)]);
  }
  if (others) rows.push([phrase("em", "row.others"), "", signed(others)]);
  rows.push([phrase("em", "row.bias"), "", signed(bias)]);
  return table(["table.ngrams"], ["column.ngram", "column.filters", "column.share"], rows);
}

// The score as a sum, unless the method does not divide it.
function drawSum({ value, base, sum }, method) {
  const numbers = { value: exact(value), base: exact(base) };
  if (method === "leave_one_out") return phrase("p", "why.without", numbers);
  const sign = sum < 0 ? "-" : "+";
  const line = make("p", {},
    phrase("span", "why.sum", { ...numbers, sign, sum: exact(Math.abs(sum)) }));
  const lacking = value - base - sum;
  if (Math.abs(lacking) >= 0.005) {
    line.append(phrase("span", "why.lacking", { lacking: signed(lacking) }));
  }
  return line;
}

// A whole text in order: words, or the tokens of long ones, and what is between them.
// Places count characters, of which JavaScript has one or two units each.
function partsOf({ text, words, pieces }) {
  const letters = Array.from(text);
  const parts = [];
  let begin = 0;
  const add = (start, end, share) => {
    if (begin < start) parts.push({ text: letters.slice(begin, start).join(""), share: null });
    if (start < end) parts.push(...withoutSpace(letters.slice(start, end).join(""), share));
    begin = Math.max(begin, end);
  };
  let next = 0;
  for (const word of words) {
    const inside = [];
    for (; next < pieces.length && pieces[next].start < word.end; next++) inside.push(pieces[next]);
    const isLong = word.end - word.start > LONGEST_WORD && inside.length > 1;
    for (const { start, end, share } of isLong ? inside : [word]) {
      add(Math.max(start, begin), Math.min(end, word.end), share);
    }
  }
  add(letters.length, letters.length, null);
  return parts;
}

// A part whose share counts the space before it, which gets no shade.
function withoutSpace(text, share) {
  const body = text.trimStart();
  const space = text.slice(0, text.length - body.length);
  if (!space || !body) return [{ text, share }];
  return [{ text: space, share: null }, { text: body, share }];
}

function legend(largest) {
  const steps = LEGEND.map((step) => shaded(brief(step * largest), step * largest, largest));
  return make("p", { className: "legend" }, ...steps, phrase("small", "why.legend"));
}

function shaded(text, share, largest) {
  const part = make("span", {}, visible(text).replaceAll("\n", "⏎\n"));
  if (share === null) return part;
  part.title = signed(share);
  const opacity = largest > 0 ? Math.min(1, Math.abs(share) / largest) : 0;
  if (opacity < WEAKEST) return part;
  part.className = `${share < 0 ? "down" : "up"} ${opacity >= STRONG ? "strong" : "weak"}`;
  part.style.setProperty("--w", opacity.toFixed(3));
  return part;
}
