// Arrays of the page: numbers as base64, and tables of rows.

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

const TYPES = {f32: Float32Array, i8: Int8Array, u8: Uint8Array};

// The arrays that a description names by their numbers: a type, a byte offset and a length each.
class Arrays {
  constructor(listed, bytes) {
    this.listed = listed;
    this.bytes = bytes;
  }

  get(number) {
    const [type, offset, length] = this.listed[number];
    return new TYPES[type](this.bytes.buffer, this.bytes.byteOffset + offset, length);
  }
}

// Ascending whole numbers, written as their differences in groups of seven bits.
function ascendingNumbers(bytes) {
  const numbers = [];
  let last = -1, difference = 0, shift = 0;
  for (const byte of bytes) {
    difference |= (byte & 127) << shift;
    shift += 7;
    if (byte < 128) {
      numbers.push(last += difference);
      difference = shift = 0;
    }
  }
  return numbers;
}

// One bit per number from 0 on.
class BitSet {
  constructor(size, numbers) {
    this.bits = new Uint8Array((size >> 3) + 1);
    for (const number of numbers) this.bits[number >> 3] |= 1 << (number & 7);
  }

  has(number) {
    return (this.bits[number >> 3] >> (number & 7) & 1) === 1;
  }
}

// Rows of numbers [count, dim]; rows that the page does not hold are zero.
class Table {
  constructor(described, arrays) {
    this.dim = described.dim;
    this.numbers = arrays.get(described.numbers);
    this.scales = described.scales === null ? null : arrays.get(described.scales);
    this.places = null;
    if (described.held !== null) {
      this.places = new Int32Array(described.count).fill(-1);
      ascendingNumbers(arrays.get(described.held)).forEach((row, place) => this.places[row] = place);
    }
  }

  // Adds factor x row to `out` from the index `at` on.
  add(row, out, at, factor = 1) {
    const place = this.places ? this.places[row] : row;
    if (place < 0) return;
    const weight = this.scales ? factor * this.scales[place] : factor;
    const start = place * this.dim, numbers = this.numbers;
    for (let i = 0; i < this.dim; i++) out[at + i] += weight * numbers[start + i];
  }

  // The product of a row and the numbers of `vector` from the index `at` on.
  dot(row, vector, at) {
    const place = this.places ? this.places[row] : row;
    if (place < 0) return 0;
    const start = place * this.dim, numbers = this.numbers;
    let sum = 0;
    for (let i = 0; i < this.dim; i++) sum += numbers[start + i] * vector[at + i];
    return this.scales ? sum * this.scales[place] : sum;
  }
}
