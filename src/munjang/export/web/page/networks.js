// Networks from their description. An input is {ids, oovWords}; `scores` are coefficients of the
// logits, and `exact` tells whether they can be divided among the places of a text exactly.

class Mean {
  constructor(described, arrays, vocabulary) {
    this.exact = true;
    this.combiner = described.combiner;
    this.embedding = new Embedding(described.embedding, arrays, vocabulary);
  }

  pooled(input) {
    return this.embedding.bag(input, this.combiner);
  }

  // Shares of the places in gradient x pooled vector, added to `shares`; returns that without text.
  share(input, gradient, shares) {
    shareBag(this.embedding, input, gradient, this.combiner, shares);
    return 0;
  }
}

function shareBag(embedding, input, gradient, combiner, shares) {
  const divisor = bagDivisor(input.ids.length, combiner);
  embedding.share(input, gradient.map(value => value / divisor), () => 0, shares);
}

// Encoders with states and a bag of n-grams beside them.
class WideEncoder {
  constructor(described, arrays, vocabulary) {
    this.described = described;
    this.embedding = new Embedding(described.embedding, arrays, vocabulary);
    this.bag = described.bag && new Embedding(described.bag, arrays, vocabulary);
    this.pooling = new Pooling(described.pooling, arrays);
  }

  pooled(input) {
    const {states, dim} = this.states(input);
    const pooled = this.pooling.run(states, input.ids.length, dim);
    return this.bag ? Float64Array.of(...pooled, ...this.bag.bag(input, "sqrtn")) : pooled;
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

class Recurrent extends WideEncoder {
  constructor(described, arrays, vocabulary) {
    super(described, arrays, vocabulary);
    this.exact = false;
    const make = layer => new RecurrentLayer(layer, arrays, described.cell, described.hidden);
    this.layers = described.layers.map(directions => directions.map(make));
  }

  states(input) {
    const time = input.ids.length, {hidden, ngrams_end} = this.described;
    let states = this.embedding.vectors(input, ngrams_end), dim = this.embedding.dim;
    for (const directions of this.layers) {
      const stride = hidden * directions.length, next = new Float64Array(time * stride);
      directions.forEach((layer, number) => {
        layer.run(states, time, dim, number === 1, next, stride, number * hidden);
      });
      [states, dim] = [next, stride];
    }
    return {states, dim};
  }
}

const ENCODERS = {mean: Mean, cnn: Cnn, recurrent: Recurrent};

class Head {
  constructor(described, arrays, vocabulary) {
    const encoder = described.encoder;
    this.encoder = new ENCODERS[encoder.kind](encoder, arrays, vocabulary);
    this.weight = arrays.get(described.weight);
    this.bias = arrays.get(described.bias);
    this.exact = this.encoder.exact;
  }

  logits(input) {
    return affine(this.weight, this.bias, this.encoder.pooled(input), this.bias.length);
  }

  share(input, scores, shares) {
    const dim = this.weight.length / this.bias.length, gradient = new Float64Array(dim);
    let base = 0;
    scores.forEach((score, output) => {
      base += score * this.bias[output];
      for (let i = 0; i < dim; i++) gradient[i] += score * this.weight[output * dim + i];
    });
    return base + this.encoder.share(input, gradient, shares);
  }
}

// The mean of the logits of several networks.
class Ensemble {
  constructor(described, arrays, vocabulary) {
    this.networks = described.networks.map(each => makeNetwork(each, arrays, vocabulary));
    this.exact = this.networks.every(network => network.exact);
  }

  logits(input) {
    const all = this.networks.map(network => network.logits(input));
    return all[0].map((_, i) => all.reduce((sum, logits) => sum + logits[i], 0) / all.length);
  }

  share(input, scores, shares) {
    const own = scores.map(score => score / this.networks.length);
    return this.networks.reduce((sum, network) => sum + network.share(input, own, shares), 0);
  }
}

// Linear model on TF-IDF of hashed n-grams, see `munjang.layers.tfidf_linear`.
class TfidfLinear {
  constructor(described, arrays, vocabulary) {
    this.described = described;
    this.size = vocabulary.size;
    this.idf = new Table(described.idf, arrays);
    this.weight = new Table(described.weight, arrays);
    this.bias = arrays.get(described.bias);
  }

  // The n-grams of a text: [term, place, n, value].
  _terms({ids}) {
    const {ngrams, buckets} = this.described;
    const visible = ids.map(id => id < this.size ? id : OOV);
    const terms = visible.map((id, place) => [id, place, 1]);
    if (ngrams > 1) {
      hashNgrams(visible, ngrams, buckets).forEach((hashes, place) => hashes.forEach((hash, n) => {
        terms.push([this.size + hash, place, n + 2]);
      }));
    }
    const valued = terms.map(([term, ...rest]) => [term, ...rest, this.idf.dot(term, [1], 0)]);
    const norm = Math.max(1e-9, Math.hypot(...valued.map(term => term[3])));
    return valued.map(([term, place, n, value]) => [term, place, n, value / norm]);
  }

  logits(input) {
    const logits = Float64Array.from(this.bias);
    for (const [term, , , value] of this._terms(input)) this.weight.add(term, logits, 0, value);
    return logits;
  }

  share(input, scores, shares) {
    for (const [term, place, n, value] of this._terms(input)) {
      const share = value * this.weight.dot(term, scores, 0) / n;
      for (let i = 0; i < n; i++) shares[place + i] += share;
    }
    return scores.reduce((sum, score, output) => sum + score * this.bias[output], 0);
  }
}

// A network and a linear model, whose logits are averaged.
class LinearEnsemble {
  constructor(described, arrays, vocabulary) {
    this.network = makeNetwork(described.network, arrays, vocabulary);
    this.linear = new TfidfLinear(described.linear, arrays, vocabulary);
    this.part = described.weight;
    this.exact = this.network.exact;
  }

  logits(input) {
    const linear = this.linear.logits(input);
    return this.network.logits(input).map((logit, i) => logit + this.part * (linear[i] - logit));
  }

  share(input, scores, shares) {
    const ofNetwork = scores.map(score => (1 - this.part) * score);
    const ofLinear = scores.map(score => this.part * score);
    return this.network.share(input, ofNetwork, shares) + this.linear.share(input, ofLinear, shares);
  }
}

const NETWORKS = {head: Head, ensemble: Ensemble, linear_ensemble: LinearEnsemble};

function makeNetwork(described, arrays, vocabulary) {
  return new NETWORKS[described.kind](described, arrays, vocabulary);
}
