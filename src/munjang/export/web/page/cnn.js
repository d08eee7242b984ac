// Convolutions over token vectors. States are as in layers.js.

// Filters over windows of `width` places with zeros around the text.
class Convolution {
  constructor(described, arrays) {
    Object.assign(this, described);  // width, left, dim, filters
    this.weight = arrays.get(described.weight);
    this.bias = arrays.get(described.bias);
  }

  // Writes the maps into `out`, whose places have `stride` numbers, from `column` on.
  run(vectors, time, out, stride, column) {
    const {width, left, dim, filters, weight, bias} = this;
    for (let place = 0; place < time; place++) {
      const at = place * stride + column;
      for (let f = 0; f < filters; f++) out[at + f] = bias[f];
      for (let k = 0; k < width; k++) {
        const from = place + k - left;
        if (from < 0 || from >= time) continue;
        for (let i = 0; i < dim; i++) {
          const value = vectors[from * dim + i], row = (k * dim + i) * filters;
          if (value) for (let f = 0; f < filters; f++) out[at + f] += value * weight[row + f];
        }
      }
    }
  }

  // Adds to `gradient` [time x dim] that of the vectors for derivatives of the maps.
  backward(slopes, time, stride, column, gradient) {
    const {width, left, dim, filters, weight} = this;
    for (let place = 0; place < time; place++) {
      for (let f = 0; f < filters; f++) {
        const slope = slopes[place * stride + column + f];
        if (!slope) continue;
        for (let k = 0; k < width; k++) {
          const to = place + k - left;
          if (to < 0 || to >= time) continue;
          for (let i = 0; i < dim; i++) {
            gradient[to * dim + i] += slope * weight[(k * dim + i) * filters + f];
          }
        }
      }
    }
  }
}

const FLAT = 1e-6, NEAR = 1e-4;

class Cnn extends WideEncoder {
  constructor(described, arrays, vocabulary) {
    super(described, arrays, vocabulary);
    this.exact = described.activation !== "softmax";
    this.activation = ACTIVATIONS[described.activation];
    this.convolutions = described.convolutions.map(layer => new Convolution(layer, arrays));
    this.dim = this.convolutions.reduce((sum, layer) => sum + layer.filters, 0);
    this.bias = Float64Array.of(...this.convolutions.flatMap(layer => [...layer.bias]));
  }

  _maps(vectors, time) {
    const maps = new Float64Array(time * this.dim);
    this._each((layer, column) => layer.run(vectors, time, maps, this.dim, column));
    return maps;
  }

  _each(use) {
    let column = 0;
    for (const layer of this.convolutions) {
      use(layer, column);
      column += layer.filters;
    }
  }

  states(input) {
    const time = input.ids.length, maps = this._maps(this.embedding.vectors(input), time);
    if (this.exact) return {states: maps.map(this.activation), dim: this.dim};
    // softmax is over the filters of a width
    for (let place = 0; place < time; place++) {
      this._each((layer, column) => {
        const at = place * this.dim + column;
        maps.set(softmax(maps.slice(at, at + layer.filters)), at);
      });
    }
    return {states: maps, dim: this.dim};
  }

  // The rescale rule, see `munjang.models.cnn.Cnn.decomposed_pooled`.
  share(input, gradient, shares) {
    const time = input.ids.length, {dim, activation, bias} = this;
    const maps = this._maps(this.embedding.vectors(input), time), states = maps.map(activation);
    const slopes = new Float64Array(time * dim);
    this.pooling.weights(states, time, dim).forEach((weights, number) => {
      for (let at = 0; at < time * dim; at++) {
        if (weights[at]) slopes[at] += weights[at] * gradient[number * dim + at % dim];
      }
    });
    for (let at = 0; at < time * dim; at++) {
      if (slopes[at]) slopes[at] *= this._slope(maps[at], bias[at % dim]);
    }
    const toVectors = new Float64Array(time * this.embedding.dim);
    this._each((layer, column) => layer.backward(slopes, time, dim, column, toVectors));
    this.embedding.share(input, toVectors, place => place * this.embedding.dim, shares);
    const pooledDim = dim * this.pooling.names.length;
    if (this.bag) shareBag(this.bag, input, gradient.slice(pooledDim), "sqrtn", shares);
    const base = bias.map(activation);
    return gradient.slice(0, pooledDim).reduce((sum, value, i) => sum + value * base[i % dim], 0);
  }

  _slope(map, bias) {
    const {activation} = this, difference = map - bias;
    if (Math.abs(difference) >= FLAT) return (activation(map) - activation(bias)) / difference;
    return (activation(map + NEAR) - activation(map - NEAR)) / (2 * NEAR);
  }
}

ENCODERS.cnn = Cnn;
