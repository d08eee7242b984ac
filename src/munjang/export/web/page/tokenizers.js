// Texts to tokens. A token is {id, at, oov}: its id, the character of the normal text at which it
// begins, and the word if it is out of vocabulary.

const OOV = 1, GO = 2, EOS = 3, RESERVED = 4;

class Vocabulary {
  constructor(tokens) {
    this.tokens = tokens;
    this.ids = new Map(tokens.map((token, number) => [token, number + RESERVED]));
    this.size = tokens.length + RESERVED;
  }

  id(token) {
    return this.ids.get(token) ?? OOV;
  }

  // The letters of an id beyond the reserved ones; those of OOV words follow the vocabulary.
  spelling(id, oovWords) {
    return id < this.size ? this.tokens[id - RESERVED] : oovWords[id - this.size];
  }
}

// Letters for classes of characters: space, word, symbol, mark, format character, joiner.
function wordClass(character, characters) {
  const point = character.codePointAt(0);
  if (point === 0x200d) return "j";
  if (point >= 0x1f3fb && point < 0x1f400) return "m";
  const category = characters.category(character);
  if (category === "Cf") return "f";
  if (category === "Cc" || category[0] === "Z") return " ";
  return {L: "w", N: "w", M: "m"}[category[0]] ?? "s";
}
const WORD = /m*w[wmfj]*|m+|s(?:[mfj]|(?<=j)s)*/g;
const SIGNS = ["", "<\u21e7>", "<\u21ea>"];

// Characters as given and lowered, equally many, and the place of each in the normal text.
function lowerCharacters(normal, lower, characters) {
  // the capital dotted i is one character whose lower case is two
  const parts = normal.characters.map(
    character => lower && character === "\u0130" ? ["I", "\u0307"] : [character]);
  const given = parts.flat();
  return {
    given,
    lowered: lower ? [...characters.lower(given.join(""))] : given,
    places: parts.flatMap((part, place) => part.map(() => place)),
  };
}

function unicodeWords(described, vocabulary, characters) {
  const signIds = SIGNS.map(sign => vocabulary.id(sign));
  return normal => {
    const {given, lowered, places} = lowerCharacters(normal, described.lower, characters);
    const classes = given.map(character => wordClass(character, characters)).join("");
    const tokens = [];
    let isFirst = true;
    for (const found of classes.matchAll(WORD)) {
      const start = found.index, end = start + found[0].length, at = places[start];
      const word = lowered.slice(start, end).join("");
      if (described.capitals && classes[start] === "w" && given[start].length === 1) {
        const kind = capitalsOf(given, lowered, start, end, isFirst, characters);
        if (kind && signIds[kind] !== OOV) tokens.push({id: signIds[kind], at});
        isFirst = false;
      }
      tokens.push({id: vocabulary.id(word), at, oov: word});
    }
    return tokens;
  };
}

// 1 if a word begins with a capital, 2 if it is all capitals, else 0.
function capitalsOf(given, lowered, start, end, isFirst, characters) {
  if (given[start] === lowered[start]) return 0;
  let changed = 0, small = false;
  for (let i = start; i < end; i++) {
    if (given[i] !== lowered[i]) changed++;
    else if (given[i].length === 1 && characters.category(given[i]) === "Ll") small = true;
  }
  return changed >= 2 && !small ? 2 : isFirst ? 0 : 1;
}

const KERAS_FILTERS = new Set("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n ");

function kerasWords(described, vocabulary, characters) {
  return normal => {
    const {lowered, places} = lowerCharacters(normal, described.lower, characters);
    const tokens = [];
    let word = "";
    lowered.forEach((character, i) => {
      if (KERAS_FILTERS.has(character)) {
        word = "";
        return;
      }
      if (!word) tokens.push({at: places[i]});
      word += character;
      Object.assign(tokens.at(-1), {id: vocabulary.id(word), oov: word});
    });
    return tokens;
  };
}

function singleCharacters(described, vocabulary, characters) {
  const fold = character => character === "\u0130" ? "i" : characters.lower(character);
  return normal => normal.characters.map((character, at) => (
    {id: vocabulary.id(described.lower ? fold(character) : character), at}));
}

// The jamo of a Hangul syllable; `closed` is the letter of a syllable without a final consonant.
function jamoOf(character, closed) {
  const index = character.codePointAt(0) - 0xac00;
  if (index < 0 || index >= 11172) return [character];
  const tail = index % 28;
  const jamo = [0x1100 + Math.floor(index / 588), 0x1161 + Math.floor(index % 588 / 28)];
  if (tail || closed) jamo.push(0x11a7 + tail);
  return jamo.map(point => String.fromCharCode(point));
}

function jamo(described, vocabulary) {
  return normal => normal.characters.flatMap((character, at) => (
    jamoOf(character, false).map(letter => ({id: vocabulary.id(letter), at}))));
}

function bytes(described, vocabulary) {
  const encoder = new TextEncoder();
  return normal => normal.characters.flatMap((character, at) => (
    Array.from(encoder.encode(character), byte => (
      {id: vocabulary.id(byte.toString(16).padStart(2, "0")), at}))));
}

const SPACE_SIGN = "\u2581", LONGEST = 64;
const PRETOKEN = /(?:_m*)?(?:L[Lm]*|N[Nm]*|P[Pm]*|S[Sm]*|B[Bm]*|#m*)|_m*/g;

function pretokenClass(character, characters) {
  if (character === SPACE_SIGN) return "_";
  if (character === "#") return "#";
  const category = characters.category(character);
  if (category === "So") return "S";
  if (category === "Cf" || category === "Sk") return character < "\x80" ? "P" : "m";
  if (category[0] === "S") return "P";
  return {L: "L", N: "N", M: "m", P: "P", Z: "B"}[category[0]] ?? "B";
}

// Pieces of pre-tokens; `cut` returns the [id, length] of the pieces of an array of characters.
function subwords(vocabulary, characters, cut) {
  const known = new Map();
  return normal => {
    if (!normal.characters.length) return [];
    const swapped = [SPACE_SIGN, ...normal.characters.map(
      character => character === " " ? SPACE_SIGN : character === SPACE_SIGN ? " " : character)];
    const classes = swapped.map(character => pretokenClass(character, characters)).join("");
    const tokens = [];
    for (const found of classes.matchAll(PRETOKEN)) {
      const end = found.index + found[0].length;
      for (let start = found.index; start < end; start += LONGEST) {
        const pretoken = swapped.slice(start, Math.min(start + LONGEST, end));
        const key = pretoken.join("");
        if (!known.has(key)) known.set(key, cut(pretoken, key));
        let at = start;
        for (const [id, length] of known.get(key)) {
          // the first sign stands for no character, and a space before a word belongs to no token
          const first = swapped[at] === SPACE_SIGN && length > 1 ? at : at - 1;
          tokens.push({id, at: Math.max(0, first)});
          at += length;
        }
      }
    }
    return tokens;
  };
}

function bytePairs(described, vocabulary, characters) {
  const ranks = new Map(described.merges.map(([left, right], rank) => [left + "\n" + right, rank]));
  return subwords(vocabulary, characters, pretoken => {
    const pieces = pretoken.map(character => [character, 1]);
    for (;;) {
      let best = Infinity, place = 0;
      for (let i = 0; i + 1 < pieces.length; i++) {
        const rank = ranks.get(pieces[i][0] + "\n" + pieces[i + 1][0]) ?? Infinity;
        if (rank < best) [best, place] = [rank, i];
      }
      if (best === Infinity) break;
      const [left, right] = pieces.splice(place, 2);
      pieces.splice(place, 0, [left[0] + right[0], left[1] + right[1]]);
    }
    return pieces.map(([piece, length]) => [vocabulary.id(piece), length]);
  });
}

// The longest pieces from left to right: [id, length] each; one OOV if they do not cover the word.
function longestPieces(word, vocabulary, continuation) {
  const pieces = [];
  for (let start = 0; start < word.length;) {
    let end = word.length, id = OOV;
    for (; end > start; end--) {
      const piece = word.slice(start, end).join("");
      id = vocabulary.id(start ? continuation + piece : piece);
      if (id !== OOV) break;
    }
    if (id === OOV) return [[OOV, word.length]];
    pieces.push([id, end - start]);
    start = end;
  }
  return pieces;
}

function wordPieces(described, vocabulary, characters) {
  return subwords(vocabulary, characters,
    pretoken => longestPieces(pretoken, vocabulary, described.continuation));
}

// The likeliest pieces (Viterbi); a run of unknown characters is one OOV.
function unigrams(described, vocabulary, characters) {
  const scores = described.scores, longest = Math.max(...vocabulary.tokens.map(t => [...t].length));
  const unknown = Math.min(0, ...scores) - 10;
  return subwords(vocabulary, characters, pretoken => {
    const best = [{score: 0, start: 0, id: OOV}];
    const reach = (end, candidate) => {
      if (!best[end] || candidate.score > best[end].score) best[end] = candidate;
    };
    for (let start = 0; start < pretoken.length; start++) {
      let piece = "", isKnown = false;
      for (let end = start + 1; end <= Math.min(pretoken.length, start + longest); end++) {
        piece += pretoken[end - 1];
        const id = vocabulary.id(piece);
        if (id === OOV) continue;
        isKnown ||= end === start + 1;
        reach(end, {score: best[start].score + scores[id - RESERVED], start, id});
      }
      if (!isKnown) reach(start + 1, {score: best[start].score + unknown, start, id: OOV});
    }
    const pieces = [];
    for (let end = pretoken.length; end > 0; end = best[end].start) {
      const {id, start} = best[end];
      if (id === OOV && pieces.length && pieces[0][0] === OOV) pieces[0][1] += end - start;
      else pieces.unshift([id, end - start]);
    }
    return pieces;
  });
}

const TOKENIZERS = {
  words: unicodeWords, keras_words: kerasWords, characters: singleCharacters, jamo, bytes,
  bpe: bytePairs, wordpiece: wordPieces, unigram: unigrams,
};

// Characters of a text that are read at first: so many, and per token that a network reads.
const FEWEST = 1024, LONG = 8;

// Encodes texts as `munjang.data.token_rows` does: normal form, tokens, length, GO and EOS.
class Encoder {
  constructor(described, characters) {
    this.described = described;
    this.characters = characters;
    this.vocabulary = new Vocabulary(described.vocabulary);
    const make = TOKENIZERS[described.tokenizer.kind];
    this.tokens = make(described.tokenizer, this.vocabulary, characters);
    this.signs = new Set(SIGNS.map(sign => this.vocabulary.id(sign)).filter(id => id !== OOV));
  }

  // Returns {ids, oovWords, starts, truncated}; `starts` are indices of the text, -1 for GO and EOS.
  encode(given) {
    const {ends} = this.described;
    const [normal, all] = this._read(cleanText(given)), tokens = this._cut(all);
    const oovWords = [];
    const ids = tokens.map(({id, oov}) => {
      if (id !== OOV || oov === undefined || !this.described.oov_words) return id;
      if (!oovWords.includes(oov)) oovWords.push(oov);
      return this.vocabulary.size + oovWords.indexOf(oov);
    });
    const starts = tokens.map(({at}) => normal.starts[at]);
    if (ends) {
      ids.unshift(GO), ids.push(EOS);
      starts.unshift(-1), starts.push(-1);
    }
    return {ids, oovWords, starts, truncated: tokens.length < all.length};
  }

  // The normal text and its tokens; of a long text no more than the network reads, if that ends
  // before a space, where only the last pre-token depends on what follows.
  _read(text) {
    const length = this.described.max_length, end = text.indexOf(" ", FEWEST + LONG * length);
    for (const part of end > 0 ? [text.slice(0, end), text] : [text]) {
      const normal = new NormalText(part, this.characters, this.described.nfc);
      const tokens = this.tokens(normal);
      const words = tokens.filter(({id}) => !this.signs.has(id)).length;
      if (part === text || words > length + LONGEST) return [normal, tokens];
    }
  }

  // Signs do not count to the length, but to the most tokens that a network reads.
  _cut(tokens) {
    const length = this.described.max_length, most = this.described.max_tokens ?? Infinity;
    if (tokens.length <= Math.min(length, most)) return tokens;
    let words = 0;
    return tokens.filter(({id}, place) => {
      const isSign = this.signs.has(id);
      const kept = words < length && place < most && !(isSign && place === most - 1);
      words += isSign ? 0 : 1;
      return kept;
    });
  }
}
