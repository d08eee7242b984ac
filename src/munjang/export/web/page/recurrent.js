// Recurrent layers. States are as in layers.js.

// One step of each cell, in the symbols of `munjang.layers.cells`: `x` is W x + b of all steps from
// index `at` on, `u` is U h + d; h and c are overwritten.
const CELLS = {
  rnn: {
    gates: 1,
    step(x, at, u, h) {
      for (let i = 0; i < h.length; i++) h[i] = Math.tanh(x[at + i] + u[i]);
    },
  },
  lstm: {
    gates: 4,
    step(x, at, u, h, c) {
      const n = h.length, gate = (k, i) => x[at + k * n + i] + u[k * n + i];
      for (let i = 0; i < n; i++) {
        c[i] = sigmoid(gate(1, i)) * c[i] + sigmoid(gate(0, i)) * Math.tanh(gate(2, i));
        h[i] = sigmoid(gate(3, i)) * Math.tanh(c[i]);
      }
    },
  },
  gru: {
    gates: 3,
    step(x, at, u, h) {
      const n = h.length;
      for (let i = 0; i < n; i++) {
        const r = sigmoid(x[at + i] + u[i]), z = sigmoid(x[at + n + i] + u[n + i]);
        h[i] = z * h[i] + (1 - z) * Math.tanh(x[at + 2 * n + i] + r * u[2 * n + i]);
      }
    },
  },
};

// One direction of one layer.
class RecurrentLayer {
  constructor(described, arrays, cell, hidden) {
    this.cell = CELLS[cell];
    this.hidden = hidden;
    for (const name of ["w", "u", "b", "d"]) this[name] = arrays.get(described[name]);
  }

  // Writes the states of inputs [time x dim] into `out`, as `Convolution.run` does.
  run(inputs, time, dim, backwards, out, stride, column) {
    const rows = this.cell.gates * this.hidden;
    const h = new Float64Array(this.hidden), c = new Float64Array(this.hidden);
    for (let t = 0; t < time; t++) {
      const place = backwards ? time - 1 - t : t;
      const x = affine(this.w, this.b, inputs.subarray(place * dim, (place + 1) * dim), rows);
      this.cell.step(x, 0, affine(this.u, this.d, h, rows), h, c);
      out.set(h, place * stride + column);
    }
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

ENCODERS.recurrent = Recurrent;
