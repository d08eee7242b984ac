"""Munjang's side of the translation benchmark, a job a process; see translate.py."""

import contextlib
import io
import sys
from pathlib import Path
from typing import Any

from translation import (
    ALPHA,
    BATCH_TOKENS,
    BEAM,
    BETAS,
    CLIP,
    DROPOUT,
    FEED_FORWARD,
    HEADS,
    LAYERS,
    MOST_STEPS,
    RATE,
    SMOOTHING,
    SOURCE,
    TARGET,
    VOCABULARY,
    WIDTH,
    Answer,
    Clock,
    main,
    peak_memory,
    read_lines,
    time_decoding,
)

# Small batches and little dropout: what is decoded with is to learn the length of answers soon.
QUICK = {"model": {"dropout": 0.1}, "training": {"batch_tokens": 1024}}
VALIDATION_PAIRS = 64  # validation pairs: what an evaluation takes is not the question here


def settings(threads: int, steps: int | None) -> dict[str, Any]:
    return {
        "task": "translate",
        "tokenizer": {"name": "words", "max_size": VOCABULARY, "shared_vocabulary": False},
        "model": {
            "name": "transformer", "dim": WIDTH, "layers": LAYERS, "heads": HEADS,
            "feed_forward_dim": FEED_FORWARD, "positions": "sinusoidal", "dropout": DROPOUT,
        },
        "translate": {"label_smoothing": SMOOTHING, "samples": 0},
        "decoding": {"beam": BEAM, "length_penalty": ALPHA, "max_length": MOST_STEPS,
                     "max_length_ratio": MOST_STEPS},
        "training": {
            "batch_tokens": BATCH_TOKENS, "learning_rate": RATE, "beta2": BETAS[1],
            "weight_decay": 0.0, "clip_norm": CLIP, "average_after": None, "epochs": 1000,
            "max_steps": steps, "threads": threads,
        },
    }  # fmt: skip


def prepare_training(data: str, threads: int, steps: int | None = None, **changed: Any) -> Any:
    """multi30k with words as tokens, ready to train on."""
    import torch

    from munjang.config import merge
    from munjang.data.pairs.aligned import AlignedFiles
    from munjang.preparation import prepare
    from munjang.reporting import discard

    torch.set_num_threads(threads)
    files = AlignedFiles(*(Path(data) / f"train.{side}" for side in (SOURCE, TARGET)))
    validation = tuple(
        read_lines(Path(data) / f"val.{side}")[:VALIDATION_PAIRS] for side in (SOURCE, TARGET)
    )
    merged = merge(settings(threads, steps), changed)
    return prepare(files, validation, merged, discard)


def prepare(data: str, work: str) -> Answer:
    """Write what JoeyNMT reads: the same words with spaces between, and our vocabularies."""
    import polars as pl

    from munjang.text.registry import make_tokenizer

    ready, folder = prepare_training(data, 1), Path(work)
    sizes = {}
    for side, tokenizer in ((SOURCE, ready.input.sides.source), (TARGET, ready.input.sides.target)):
        for name, part in (("train", "train"), ("dev", "val"), ("test", "test2016")):
            texts = pl.Series(read_lines(Path(data) / f"{part}.{side}"))
            every = make_tokenizer("words").fit(texts)
            words = every.decode(every.encode(texts)).to_list()
            (folder / f"{name}.{side}").write_text("\n".join(words) + "\n", encoding="utf-8")
        known = tokenizer.vocabulary.tokens[4:]
        (folder / f"words.{side}").write_text("\n".join(known) + "\n", encoding="utf-8")
        sizes[side] = tokenizer.vocabulary.size
    return {"vocabularies": sizes}


def train(data: str, work: str, threads: int, seconds: float, precision: str = "float32") -> Answer:
    """Steps of `munjang.training.loop` by the clock."""
    from munjang.api import make_loop
    from munjang.layers.parameters import count_parameters

    del work  # nothing is kept
    loop = make_loop(prepare_training(data, threads, training={"precision": precision}))
    before, clock = peak_memory(), Clock(seconds)
    for step in loop:
        if clock.after(step.tokens):
            break
    size = count_parameters(loop.state.model)
    return {**clock.answer(), "before": before, "parameters": size}


def fit(data: str, work: str, threads: int, steps: int) -> Answer:
    """Train the model that both sides decode with: a folder, and its weights for JoeyNMT."""
    import numpy as np
    from torch import nn

    from munjang.api import fit as fitted
    from munjang.preparation import Prepared

    class WithoutOutputBias(Prepared):
        """JoeyNMT's output layer has none, so ours stays at zero."""

        def network(self) -> nn.Module:
            network = super().network()
            network.embedding.bias.requires_grad_(False)
            return network

    ready = WithoutOutputBias(**vars(prepare_training(data, threads, steps, **QUICK)))
    trained = fitted(ready, Path(work) / "model", overwrite=True)
    weights = {name: value.numpy() for name, value in trained.model.network.state_dict().items()}
    np.savez(Path(work) / "weights.npz", **weights)
    return {"cross_entropy": trained.scores.cross_entropy}


def decode(data: str, work: str, threads: int, sentences: int) -> Answer:
    """Texts to texts by `munjang.load(folder).predict`, beside reading files and weights."""
    import polars as pl
    import torch

    import munjang

    torch.set_num_threads(threads)
    model = munjang.load(Path(work) / "model")
    before = peak_memory()
    texts = read_lines(Path(data) / f"test2016.{SOURCE}")[:sentences]
    words = model.input.sides.target

    def answer(some: list[str]) -> list[str]:
        """Answers with spaces between the words, as those of JoeyNMT have them."""
        written = pl.Series([one.text for one in model.predict(some)], dtype=pl.String)
        return words.decode(words.encode(written)).to_list()

    return {**time_decoding(answer, texts), "before": before}


def stream(data: str, work: str, threads: int, lines: int) -> Answer:
    """`munjang predict` on a file of so many lines, those of test2016 again and again."""
    import torch

    from munjang.cli import main

    torch.set_num_threads(threads)
    texts, path = read_lines(Path(data) / f"test2016.{SOURCE}"), Path(work) / f"{lines}.{SOURCE}"
    with path.open("w", encoding="utf-8") as out:
        out.writelines(texts[row % len(texts)] + "\n" for row in range(lines))
    sys.argv = ["munjang", "predict", str(Path(work) / "model"), "--input", str(path)]
    with contextlib.redirect_stdout(_Counted()) as counted, contextlib.suppress(SystemExit):
        main()
    assert counted.lines == lines, f"{counted.lines} answers to {lines} lines"
    return {}


class _Counted(io.TextIOBase):
    """Takes what is printed, and keeps only how many lines there were."""

    lines = 0

    def write(self, text: str) -> int:
        self.lines += text.count("\n")
        return len(text)


if __name__ == "__main__":
    main({f.__name__: f for f in (prepare, train, fit, decode, stream)})
