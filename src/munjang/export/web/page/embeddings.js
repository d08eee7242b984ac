// Vectors of tokens: their own rows, those of hashed n-grams of tokens, and of character n-grams.

// The product of two numbers of 64 bits modulo 2^64; each is [high, low] of 32 bits.
function multiply([aHigh, aLow], [bHigh, bLow]) {
  const a0 = aLow & 65535, a1 = aLow >>> 16, b0 = bLow & 65535, b1 = bLow >>> 16;
  const middle = a0 * b1 + a1 * b0 + Math.floor(a0 * b0 / 65536);
  const carry = a1 * b1 + Math.floor(middle / 65536);
  const low = middle % 65536 * 65536 + a0 * b0 % 65536;
  return [(carry + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) >>> 0, low];
}

const STEP = [0, 1000003], SPREAD = [0x9e3779b9, 0x7f4a7c15];

// The hash of each n-gram of `ids`, n = 2 .. longest, at the place where it starts; see
// `munjang.layers.hashing`. Returns [places][longest - 1], fewer near the end.
function hashNgrams(ids, longest, buckets) {
  return ids.map((id, place) => {
    const hashes = [];
    let rolling = [0, id];
    for (let n = 2; n <= longest && place + n <= ids.length; n++) {
      const [high, low] = multiply(rolling, STEP), sum = low + ids[place + n - 1];
      rolling = [(high + (sum > 0xffffffff ? 1 : 0)) >>> 0, sum >>> 0];
      const mixed = multiply(rolling, SPREAD);
      hashes.push(((mixed[0] << 12 | mixed[1] >>> 20) & 0x7fffffff) % buckets);
    }
    return hashes;
  });
}

const COUNT_CELLS = 2 ** 22, MAX_NGRAMS = 40, MIN_N = 3;

function unitsOf(token, units) {
  return units === "jamo" ? [...token].flatMap(letter => jamoOf(letter, true)) : [...token];
}

// Numbers of the letters or jamo of a word, with its boundaries.
function unitIds(word, units) {
  const letters = [...word].slice(0, MAX_NGRAMS).join("");
  const kept = unitsOf(letters, units).slice(0, MAX_NGRAMS);
  return [1, ...kept.map(unit => unit.codePointAt(0) + 3), 2];
}

// The sum of the rows of a token's character n-grams, divided by the root of their number.
class SumOfNgrams {
  constructor(described, arrays) {
    this.described = described;
    this.table = new Table(described.table, arrays);
    this.shared = new BitSet(COUNT_CELLS, ascendingNumbers(arrays.get(described.shared)));
  }

  rows(word) {
    return hashNgrams(unitIds(word, this.described.units), this.described.max_n, COUNT_CELLS)
      .flatMap(hashes => hashes.slice(MIN_N - 2))
      .filter(cell => this.shared.has(cell))
      .slice(0, MAX_NGRAMS)
      .map(cell => 1 + cell % this.described.buckets);
  }

  weight(count) {
    return 1 / Math.sqrt(count);
  }

  reads() {
    return true;
  }
}

// As fastText: the mean of the rows of the n-grams of words that are out of vocabulary.
class MeanOfNgrams {
  constructor(described, arrays) {
    this.described = described;
    this.table = new Table(described.table, arrays);
    this.encoder = new TextEncoder();
  }

  rows(word) {
    const units = ["<", ...unitsOf(word, this.described.units), ">"], rows = [];
    units.forEach((_, start) => {
      let hash = 2166136261;
      for (let end = start; end < Math.min(units.length, start + this.described.max_n); end++) {
        for (const byte of this.encoder.encode(units[end])) {
          hash = Math.imul(hash ^ (byte << 24 >> 24), 16777619);
        }
        if (end - start + 1 >= MIN_N) rows.push(1 + (hash >>> 0) % this.described.buckets);
      }
    });
    return rows;
  }

  weight(count) {
    return 1 / count;
  }

  reads(id, size) {
    return id >= size;
  }
}

const SUBWORDS = {sum: SumOfNgrams, fasttext: MeanOfNgrams};

// One vector per token. An input is {ids, oovWords}.
class Embedding {
  constructor(described, arrays, vocabulary) {
    this.described = described;
    this.dim = described.table.dim;
    this.table = new Table(described.table, arrays);
    this.vocabulary = vocabulary;
    this.kept = described.kept === null ? null
      : new BitSet(COUNT_CELLS, ascendingNumbers(arrays.get(described.kept)));
    const subwords = described.subwords;
    this.subwords = subwords && new SUBWORDS[subwords.kind](subwords, arrays);
    this.known = new Map();
  }

  // The row of the n-gram of each n = 2, 3, ... at every place; -1 without one.
  _ngramRows(ids) {
    const {ngrams, buckets} = this.described, size = this.vocabulary.size;
    if (ngrams === 1) return ids.map(() => []);
    const hashes = hashNgrams(ids, ngrams, this.kept ? COUNT_CELLS : buckets);
    return hashes.map(of => of.map(
      hash => this.kept && !this.kept.has(hash) ? -1 : size + hash % buckets));
  }

  // Calls `use(table, row, place, n, factor)` for every row that the vectors are made of; `n` is 1
  // for what belongs to a token alone. With `backwards` n-grams end at a place.
  visit({ids, oovWords}, backwards, use) {
    const size = this.vocabulary.size, last = ids.length - 1;
    const visible = ids.map(id => id < size ? id : OOV);
    visible.forEach((id, place) => use(this.table, id, place, 1, 1));
    const ordered = backwards ? [...visible].reverse() : visible;
    this._ngramRows(ordered).forEach((rows, place) => rows.forEach((row, n) => {
      if (row >= 0) use(this.table, row, backwards ? last - place : place, n + 2, 1);
    }));
    if (!this.subwords) return;
    ids.forEach((id, place) => {
      if (id < RESERVED || !this.subwords.reads(id, size)) return;
      const rows = this._rowsOf(this.vocabulary.spelling(id, oovWords));
      const weight = this.subwords.weight(rows.length);
      for (const row of rows) use(this.subwords.table, row, place, 1, weight);
    });
  }

  _rowsOf(word) {
    if (this.known.size > 20000) this.known.clear();
    if (!this.known.has(word)) this.known.set(word, this.subwords.rows(word));
    return this.known.get(word);
  }

  // Vectors [places x dim].
  vectors(input, backwards = false) {
    const vectors = new Float32Array(input.ids.length * this.dim);
    this.visit(input, backwards, (table, row, place, n, factor) => {
      table.add(row, vectors, place * this.dim, factor);
    });
    return vectors;
  }

  // The sum of all vectors, divided by their number or its root.
  bag(input, combiner) {
    const sum = new Float64Array(this.dim), divisor = bagDivisor(input.ids.length, combiner);
    this.visit(input, false, (table, row, place, n, factor) => table.add(row, sum, 0, factor));
    return sum.map(value => value / divisor);
  }

  // Adds to `shares` [places] the products of the vectors with `gradient`, which `begin(place)`
  // finds in it; that of an n-gram is divided evenly among its tokens.
  share(input, gradient, begin, shares) {
    this.visit(input, false, (table, row, place, n, factor) => {
      const share = factor * table.dot(row, gradient, begin(place)) / n;
      for (let i = 0; i < n; i++) shares[place + i] += share;
    });
  }
}

function bagDivisor(tokens, combiner) {
  return combiner === "mean" ? Math.max(1, tokens) : Math.sqrt(Math.max(1, tokens));
}
