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

// Files of other architectures add theirs.
const ENCODERS = {mean: Mean};

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
