// Self-attention layers with the norm before each sublayer. States are as in layers.js.

// `weight` times the vector of each place, plus `bias`: inputs [time x dim] to [time x count].
class Linear {
  constructor(described, arrays) {
    this.weight = arrays.get(described.weight);
    this.bias = described.bias === null ? null : arrays.get(described.bias);
    this.count = described.count;
  }

  run(inputs, time) {
    const {weight, bias, count} = this, dim = weight.length / count;
    const out = new Float64Array(time * count);
    // a weight that was read serves four places; the last place may be computed several times
    for (let place = 0; place < time; place += 4) {
      const [p, q, r, s] = [0, 1, 2, 3].map(more => Math.min(place + more, time - 1));
      const a = p * dim, b = q * dim, c = r * dim, d = s * dim;
      for (let row = 0; row < count; row++) {
        let w = bias ? bias[row] : 0, x = w, y = w, z = w;
        for (let i = 0, at = row * dim; i < dim; i++, at++) {
          const value = weight[at];
          w += value * inputs[a + i];
          x += value * inputs[b + i];
          y += value * inputs[c + i];
          z += value * inputs[d + i];
        }
        out[p * count + row] = w;
        out[q * count + row] = x;
        out[r * count + row] = y;
        out[s * count + row] = z;
      }
    }
    return out;
  }
}

// Layer normalization of each place.
class Norm {
  constructor(described, arrays) {
    this.weight = arrays.get(described.weight);
    this.bias = arrays.get(described.bias);
    this.eps = described.eps;
  }

  run(states) {
    const {weight, bias, eps} = this, dim = weight.length, out = new Float64Array(states.length);
    for (let at = 0; at < states.length; at += dim) {
      const own = states.subarray(at, at + dim), mean = own.reduce((a, b) => a + b, 0) / dim;
      const variance = own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / dim;
      const scale = 1 / Math.sqrt(variance + eps);
      for (let i = 0; i < dim; i++) out[at + i] = (own[i] - mean) * scale * weight[i] + bias[i];
    }
    return out;
  }
}

const angle = (place, pair, width) => place / 10000 ** (2 * pair / width);

// Adds positions to vectors; rotary ones turn queries and keys instead.
const POSITIONS = {
  rotary: () => {},
  sinusoidal: (vectors, dim, {scale}) => {
    for (let at = 0; at < vectors.length; at++) {
      const i = at % dim, turned = angle((at - i) / dim, i >> 1, dim);
      vectors[at] += scale * (i % 2 ? Math.cos(turned) : Math.sin(turned));
    }
  },
  learned: (vectors, dim, {weight}) => {
    for (let at = 0; at < vectors.length; at++) vectors[at] += weight[at];
  },
};

// Turns the pairs (i, i + width / 2) of each head in the first two thirds of each place: queries
// and keys.
function rotate(projected, time, dim, width) {
  const half = width / 2;
  for (let place = 0; place < time; place++) {
    for (let i = 0; i < half; i++) {
      const turned = angle(place, i, width), cos = Math.cos(turned), sin = Math.sin(turned);
      const begin = place * 3 * dim + i;
      for (let at = begin; at < begin + 2 * dim; at += width) {
        const first = projected[at], second = projected[at + half];
        projected[at] = first * cos - second * sin;
        projected[at + half] = first * sin + second * cos;
      }
    }
  }
}

// softmax(Q K^T / sqrt(width)) V of each head: [time x 3 dim] to [time x dim].
function attend(projected, time, dim, width) {
  const out = new Float64Array(time * dim), scores = new Float64Array(time);
  const stride = 3 * dim, scale = 1 / Math.sqrt(width);
  for (let head = 0; head < dim; head += width) {
    for (let place = 0; place < time; place++) {
      const query = place * stride + head, to = place * dim + head;
      for (let other = 0; other < time; other++) {
        const key = other * stride + dim + head;
        let sum = 0;
        for (let i = 0; i < width; i++) sum += projected[query + i] * projected[key + i];
        scores[other] = sum * scale;
      }
      softmax(scores).forEach((weight, other) => {
        const value = other * stride + 2 * dim + head;
        for (let i = 0; i < width; i++) out[to + i] += weight * projected[value + i];
      });
    }
  }
  return out;
}

// x + Attention(Norm(x)), and then x + FeedForward(Norm(x)).
class Block {
  constructor(described, arrays) {
    for (const name of ["attention_norm", "feed_forward_norm"]) {
      this[name] = new Norm(described[name], arrays);
    }
    for (const name of ["in_proj", "out_proj", "up", "down"]) {
      this[name] = new Linear(described[name], arrays);
    }
  }

  run(states, time, width, turned, activation) {
    const dim = this.down.count, add = (x, y) => x.map((value, i) => value + y[i]);
    const projected = this.in_proj.run(this.attention_norm.run(states), time);
    if (turned) rotate(projected, time, dim, width);
    states = add(states, this.out_proj.run(attend(projected, time, dim, width), time));
    const hidden = this.up.run(this.feed_forward_norm.run(states), time);
    return add(states, this.down.run(activate(activation, hidden, this.up.count), time));
  }
}

class Transformer extends WideEncoder {
  constructor(described, arrays, vocabulary) {
    super(described, arrays, vocabulary);
    this.exact = false;
    const {kind, scale, weight} = described.positions;
    this.positions = {kind, scale, weight: weight === undefined ? null : arrays.get(weight)};
    this.blocks = described.blocks.map(block => new Block(block, arrays));
    this.norm = new Norm(described.norm, arrays);
  }

  states(input) {
    const time = input.ids.length, {dim} = this.embedding, {heads, activation} = this.described;
    const {kind} = this.positions;
    let states = Float64Array.from(this.embedding.vectors(input));
    POSITIONS[kind](states, dim, this.positions);
    for (const block of this.blocks) {
      states = block.run(states, time, dim / heads, kind === "rotary", activation);
    }
    return {states: this.norm.run(states), dim};
  }
}

ENCODERS.transformer = Transformer;
