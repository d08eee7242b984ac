// Answers of logits, as the tasks of `munjang.tasks` give them, and what explains them.
//
// An answer is {label, probability, labels, probabilities, number}; a score that explains it is
// {name, coefficients, offset}: linear in the logits.

class Classes {
  constructor(described) {
    Object.assign(this, described);  // labels, temperature, decision
  }

  _perClass(logits) {
    return logits.length === 1 ? [0, logits[0]] : [...logits];
  }

  answer(logits) {
    const scores = this._perClass(logits);
    const probabilities = softmax(scores.map(score => score / this.temperature));
    let best = scores.indexOf(Math.max(...scores));
    if (this.decision) {
      const positive = this.labels.indexOf(this.decision.positive);
      best = probabilities[positive] >= this.decision.threshold ? positive : 1 - positive;
    }
    return {chosen: [best], label: this.labels[best], probability: probabilities[best],
      labels: this.labels, probabilities};
  }

  // The margin of a class: its logit minus that of the best other one.
  score(logits, wanted) {
    const scores = this._perClass(logits);
    const chosen = wanted ?? scores.indexOf(Math.max(...scores));
    if (logits.length === 1) {
      return {key: "log odds of {label}", names: {label: this.labels[chosen]},
        coefficients: [2 * chosen - 1], offset: 0};
    }
    const others = scores.map((score, i) => i === chosen ? -Infinity : score);
    const second = others.indexOf(Math.max(...others));
    return {key: "logit of {label} minus logit of {other}",
      names: {label: this.labels[chosen], other: this.labels[second]},
      coefficients: scores.map((_, i) => i === chosen ? 1 : i === second ? -1 : 0), offset: 0};
  }
}

class LabelSets {
  constructor(described) {
    Object.assign(this, described);  // labels, thresholds
  }

  answer(logits) {
    const probabilities = [...logits].map(sigmoid);
    const chosen = this.labels.map((_, i) => i)
      .filter(i => probabilities[i] >= this.thresholds[i]);
    return {chosen, label: chosen.map(i => this.labels[i]).join(", "), probability: null,
      labels: this.labels, probabilities};
  }

  score(logits, wanted) {
    const [first] = this.answer(logits).chosen;
    const chosen = wanted ?? first ?? logits.indexOf(Math.max(...logits));
    return {key: "logit of {label}", names: {label: this.labels[chosen]},
      coefficients: this.labels.map((_, i) => i === chosen ? 1 : 0), offset: 0};
  }
}

class Numbers {
  constructor(described) {
    Object.assign(this, described);  // mean, scale, is_logarithm
  }

  answer(logits) {
    const output = this.is_logarithm ? Math.exp(logits[0]) : logits[0];
    return {chosen: [], number: output * this.scale + this.mean, labels: [], probabilities: []};
  }

  score() {
    return this.is_logarithm
      ? {key: "logarithm of the number", names: {}, coefficients: [1], offset: Math.log(this.scale)}
      : {key: "the number", names: {}, coefficients: [this.scale], offset: this.mean};
  }
}

const TASKS = {classes: Classes, label_sets: LabelSets, numbers: Numbers};

// A model: texts to answers, and answers to the shares of words.
class Model {
  constructor(described, bytes) {
    const arrays = new Arrays(described.arrays, bytes);
    this.described = described;
    this.encoder = new Encoder(described.text, new Characters(described.characters));
    this.network = makeNetwork(described.network, arrays, this.encoder.vocabulary);
    this.task = new TASKS[described.task.kind](described.task);
  }

  // A network may compute its logits later.
  async read(text) {
    const encoded = this.encoder.encode(text), logits = await this.network.logits(encoded);
    return {text, ...encoded, logits, ...this.task.answer(logits)};
  }

  // Yields null while it computes, and then {score, method, value, base, words}; a word is
  // {start, end, share}, and `share` null where the network read none of it.
  async *why(answer, wanted) {
    const score = this.task.score(answer.logits, wanted);
    const ranges = wordRanges(answer.text), words = placesOfWords(answer.starts, ranges);
    const valueOf = logits => score.coefficients.reduce(
      (sum, coefficient, i) => sum + coefficient * logits[i], score.offset);
    const value = valueOf(answer.logits), shares = new Float64Array(answer.ids.length);
    let base;
    if (this.network.exact && answer.ids.length) {
      base = score.offset + this.network.share(answer, score.coefficients, shares);
    } else {
      const without = async places => valueOf(await this.network.logits({
        ids: answer.ids.map((id, place) => places.has(place) ? OOV : id),
        oovWords: answer.oovWords}));
      base = await without(new Set(words.flat()));
      for (const places of words) {
        if (places.length) shares[places[0]] = value - await without(new Set(places));
        yield null;
      }
    }
    const sum = places => places.reduce((total, place) => total + shares[place], 0);
    const inText = new Set(words.flat());
    yield {
      score, value, base, exact: this.network.exact,
      rest: answer.ids.reduce((total, _, i) => inText.has(i) ? total : total + shares[i], 0),
      words: ranges.map(({start, end}, i) => (
        {start, end, share: words[i].length ? sum(words[i]) : null})),
    };
  }

  // The largest difference from the logits that the page was written with.
  async check() {
    let largest = 0;
    for (const {text, logits} of this.described.checks) {
      const own = (await this.read(text)).logits;
      largest = Math.max(largest, ...logits.map((logit, i) => Math.abs(logit - own[i])));
    }
    return largest;
  }
}

// The places of the tokens that begin in each word.
function placesOfWords(starts, ranges) {
  const words = ranges.map(() => []);
  let number = 0;
  starts.forEach((start, place) => {
    if (start < 0) return;
    while (number + 1 < ranges.length && start >= ranges[number].end) number++;
    if (words.length) words[number].push(place);
  });
  return words;
}
