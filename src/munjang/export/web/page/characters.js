// Characters as Python reads them: categories, white space, normal form and lower case.
//
// A browser may know more characters than the Python that wrote the page, or fewer. So categories
// come with the page, and a character that Python does not know is neither composed nor lowered.

const CATEGORIES = ("Cn Cc Cf Cs Co Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk "
  + "Sm So Zl Zp Zs").split(" ");

// A number per character: runs of a length and a number, such as "w1:4", in base 36 and joined by
// spaces.
class Runs {
  constructor(runs) {
    this.ends = [];
    this.numbers = [];
    let end = 0;
    for (const run of runs.split(" ")) {
      const [length, number] = run.split(":");
      this.ends.push(end += parseInt(length, 36));
      this.numbers.push(parseInt(number, 36));
    }
  }

  at(character) {
    const point = character.codePointAt(0);
    let low = 0, high = this.ends.length - 1;
    while (low < high) {
      const middle = low + high >> 1;
      if (this.ends[middle] > point) high = middle;
      else low = middle + 1;
    }
    return this.numbers[low];
  }
}

class Characters {
  constructor(runs) {
    this.runs = new Runs(runs);
  }

  category(character) {
    return CATEGORIES[this.runs.at(character)];
  }

  // Applies a function to the parts of a text between characters that Python does not know.
  _known(text, change) {
    if (!/[^\0-\u024f\uac00-\ud7a3]/.test(text)) return change(text);
    let result = "", part = "";
    for (const character of text) {
      if (this.category(character) !== "Cn") part += character;
      else {
        result += change(part) + character;
        part = "";
      }
    }
    return result + change(part);
  }

  compose(text) {
    return this._known(text, part => part.normalize("NFC"));
  }

  decompose(text) {
    return this._known(text, part => part.normalize("NFD"));
  }

  lower(text) {
    return this._known(text, part => part.toLowerCase());
  }
}

// The blocks of `munjang.text.normalize`: the normal form before them does not depend on them.
const INERT = /[\x00-\u02ff\u2010-\u205e\u2190-\u2328\u2500-\u27bf\u3001-\u3029\u3041-\u3098\u30a0-\u30ff\u3131-\u318e\u4e00-\u9fff\uac00-\ud7a3\ufe0f\uff01-\uff5e\u{1f300}-\u{1faff}]/u;
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const WORDS = new RegExp(`[${SPACE}]*(?:[^${SPACE}]+|$)`, "g");
const BLANKS = new RegExp(`^[${SPACE}]+(?!$)`);
const VISIBLE = new RegExp(
  `[^${SPACE}\\x00-\\x20\\x7f-\\xa0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f`
  + "\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8"
  + "\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]", "u");

// A text of whole characters; "" if nothing of it is visible.
function cleanText(text) {
  const whole = text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
  return VISIBLE.test(whole) ? whole : "";
}

// A text as an array of characters, and where each begins in the text as given.
class NormalText {
  constructor(text, characters, compose) {
    this.characters = [];
    this.starts = [];
    let begin = 0, part = "";
    const close = end => {
      const composed = compose ? characters.compose(part) : part;
      let at = begin;
      for (const character of composed) {
        this.characters.push(character);
        this.starts.push(at);
        if (composed === part) at += character.length;
      }
      begin = end;
      part = "";
    };
    let end = 0;
    for (const character of text) {
      if (part && (!compose || INERT.test(character))) close(end);
      part += character;
      end += character.length;
    }
    close(end);
  }
}

// Runs without white space, each with the white space before it, which counts to it:
// {begin, start, end}, where the word itself starts at `start`.
function wordRanges(text) {
  return [...text.matchAll(WORDS)].filter(([word]) => word).map(found => {
    const begin = found.index, [blanks = ""] = found[0].match(BLANKS) ?? [];
    return {begin, start: begin + blanks.length, end: begin + found[0].length};
  });
}
