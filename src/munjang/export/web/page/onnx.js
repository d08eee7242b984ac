// A graph of ONNX, which onnxruntime-web computes on one thread: pages from a disk share no memory.

async function openSession(program, graph) {
  const unpacked = new Blob([program]).stream().pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.numThreads = 1;
  return ort.InferenceSession.create(graph, {
    executionProviders: ["wasm"],
    enableCpuMemArena: false,
    // weights of 8 bits become floats once
    extra: {session: {disable_quant_qdq: "1"}},
  });
}

// Rows of ids, at least one column, and their lengths.
function rowTensors(prefix, rows) {
  const longest = Math.max(1, ...rows.map(row => row.length));
  const ids = new BigInt64Array(rows.length * longest);
  rows.forEach((row, number) => ids.set(row.map(BigInt), number * longest));
  const lengths = BigInt64Array.from(rows, row => BigInt(row.length));
  return {
    [`${prefix}ids`]: new ort.Tensor("int64", ids, [rows.length, longest]),
    [`${prefix}lengths`]: new ort.Tensor("int64", lengths, [rows.length]),
  };
}

class OnnxNetwork {
  constructor(described, arrays) {
    this.exact = false;
    this.units = described.units;
    this.session = openSession(arrays.get(described.program), arrays.get(described.graph));
    this.last = Promise.resolve();
  }

  // One run after the other.
  logits(input) {
    const run = () => this._run(input);
    this.last = this.last.then(run, run);
    return this.last;
  }

  async _run({ids, oovWords}) {
    const feeds = rowTensors("", [ids]);
    if (this.units) Object.assign(feeds, rowTensors("word_", oovWords.map(w => unitIds(w, this.units))));
    const {logits} = await (await this.session).run(feeds, ["logits"]);
    return logits.data;
  }
}

NETWORKS.onnx = OnnxNetwork;
