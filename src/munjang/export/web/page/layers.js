// Layers of networks. States are [time x dim] in one array, place after place.

const sigmoid = x => 1 / (1 + Math.exp(-x));
const softplus = x => x > 20 ? x : Math.log1p(Math.exp(x));
const SELU_SCALE = 1.0507009873554805, SELU_ALPHA = 1.6732632423543772;

// The error function by its series, and by its continued fraction where that is shorter.
function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x, sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 && n < 80; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (size + fraction));
}

const ACTIVATIONS = {
  relu: x => Math.max(0, x),
  leaky_relu: x => x < 0 ? 0.2 * x : x,
  elu: x => x < 0 ? Math.expm1(x) : x,
  selu: x => SELU_SCALE * (x < 0 ? SELU_ALPHA * Math.expm1(x) : x),
  gelu: x => x * 0.5 * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: x => x * sigmoid(x),
  swish: x => x * sigmoid(x),
  mish: x => x * Math.tanh(softplus(x)),
  softplus,
  softsign: x => x / (1 + Math.abs(x)),
  sigmoid,
  hard_sigmoid: x => Math.min(1, Math.max(0, x / 6 + 0.5)),
  tanh: Math.tanh,
  linear: x => x,
  exponential: Math.exp,
};

function softmax(scores) {
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map(score => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum);
}

// An activation of every number; softmax is over the `width` numbers of a place.
function activate(name, states, width) {
  if (name !== "softmax") return states.map(ACTIVATIONS[name]);
  for (let at = 0; at < states.length; at += width) {
    states.set(softmax(states.subarray(at, at + width)), at);
  }
  return states;
}

// rows [count x dim] of `weight` times a vector, plus `bias`.
function affine(weight, bias, vector, count) {
  const dim = vector.length, result = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    let sum = bias ? bias[row] : 0;
    for (let i = 0; i < dim; i++) sum += weight[row * dim + i] * vector[i];
    result[row] = sum;
  }
  return result;
}

// Additive attention: one weight per place.
function attentionWeights(pooling, states, time, dim) {
  if (!time) return [];
  const scores = Array.from({length: time}, (_, place) => {
    const state = states.subarray(place * dim, (place + 1) * dim);
    const keys = affine(pooling.keys, pooling.keysBias, state, dim);
    return keys.reduce((sum, key, i) => sum + Math.tanh(key) * pooling.query[i], 0);
  });
  return softmax(scores);
}

// The weight of each state in each pooled number, [time x dim]; places that share a maximum share
// its weight.
const PLACE_WEIGHTS = {
  mean: (states, time, dim) => new Float64Array(time * dim).fill(1 / time),
  first: (states, time, dim) => new Float64Array(time * dim).fill(1, 0, dim),
  last: (states, time, dim, pooling) => {
    const weights = new Float64Array(time * dim), half = pooling.directions === 2 ? dim / 2 : dim;
    weights.fill(1, (time - 1) * dim, (time - 1) * dim + half);
    return weights.fill(1, half, dim === half ? half : dim);
  },
  attention: (states, time, dim, pooling) => {
    const weights = attentionWeights(pooling, states, time, dim);
    return new Float64Array(time * dim).map((_, i) => weights[Math.floor(i / dim)]);
  },
  max: (states, time, dim) => {
    const weights = new Float64Array(time * dim);
    for (let i = 0; i < dim; i++) {
      let highest = -Infinity, count = 0;
      for (let at = i; at < time * dim; at += dim) {
        if (states[at] > highest) [highest, count] = [states[at], 0];
        if (states[at] === highest) count++;
      }
      for (let at = i; at < time * dim; at += dim) weights[at] = states[at] === highest ? 1 / count : 0;
    }
    return weights;
  },
};

// Several poolings, one after the other; zeros for a text without tokens.
class Pooling {
  constructor(described, arrays) {
    this.names = described.names;
    this.directions = described.directions;
    if (described.attention) {
      this.keys = arrays.get(described.attention.keys);
      this.keysBias = arrays.get(described.attention.bias);
      this.query = arrays.get(described.attention.query);
    }
  }

  weights(states, time, dim) {
    return this.names.map(name => PLACE_WEIGHTS[name](states, time, dim, this));
  }

  run(states, time, dim) {
    const pooled = new Float64Array(this.names.length * dim);
    if (!time) return pooled;
    this.weights(states, time, dim).forEach((weights, number) => {
      for (let at = 0; at < time * dim; at++) {
        if (weights[at]) pooled[number * dim + at % dim] += weights[at] * states[at];
      }
    });
    return pooled;
  }
}
