// Elements. Texts are never read as HTML.

import { phrase } from "./words.js";

let made = 0;

// A new element. Properties are those of the DOM, such as className; children are nodes and texts.
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// A table of rows of texts and nodes; the first column names the row, the others are numbers.
// A heading is a key of the table of texts, or a node. Columns of the places in `texts` hold texts.
// `caption` is [key, values]. The table scrolls if it is too wide, so the keyboard can reach it.
export function table(caption, headings, rows, texts = []) {
  const className = (place) => (texts.includes(place) ? "text" : "");
  const head = headings.map((key, place) => {
    const cell = typeof key === "string" ? phrase("th", key) : make("th", {}, key);
    Object.assign(cell, { scope: "col", className: className(place) });
    return cell;
  });
  const body = rows.map(([first, ...rest]) => {
    const title = make("th", { scope: "row", dir: "auto" }, first);
    return make("tr", {}, title, ...rest.map((cell, place) =>
      make("td", { className: className(place + 1) }, cell)));
  });
  const title = phrase("caption", ...caption);
  title.id = `caption-${++made}`;
  const whole = make(
    "table", {},
    title,
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
  const place = make("div", { className: "wide", tabIndex: 0 }, whole);
  place.setAttribute("role", "group");
  place.setAttribute("aria-labelledby", title.id);
  return place;
}

// A number with a bar, whose length is a share from 0 to 1 of the whole width.
export function bar(share, text) {
  const filled = make("span", { className: "filled" });
  filled.style.setProperty("--share", String(Math.min(1, Math.max(0, share))));
  const track = make("span", { className: "bar" }, filled);
  track.setAttribute("aria-hidden", "true");
  return make("span", { className: "measured" }, track, make("span", {}, text));
}

// A person's or a model's text, which may be of any language and direction.
export function foreign(tag, text, className = "") {
  return make(tag, { className, dir: "auto", lang: languageOf(text) }, visible(text));
}

// The text with a symbol for characters that are invisible or would reverse the text around them.
export function visible(text) {
  return text.replace(HIDDEN, (sign) =>
    `⟨U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

// Line breaks, tabs, the joiners of emoji and the tags of flags stay.
const HIDDEN =
  /(?![\n\t\u200c\u200d\u{e0020}-\u{e007f}])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

// The language as far as the script tells it; "" is HTML's word for an unknown one.
export function languageOf(text) {
  if (/\p{Script=Hangul}/u.test(text)) return "ko";
  return /[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text) ? "ja" : "";
}
