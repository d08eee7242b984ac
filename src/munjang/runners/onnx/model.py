"""The base of exported models."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from munjang.runners.rows import READERS, Row
from munjang.runners.tokenizer import open_tokenizer

Array = npt.NDArray[Any]
FORMAT = 2
# Rows that one run of a graph gets, of similar length. An answer does not depend on its batch.
BATCH_ROWS = 32


def open_graph(path: Path, threads: int | None) -> Any:
    """Open a graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    # without a pool, memory of a long text is given back
    options.enable_cpu_mem_arena = False
    # weights of 8 bits become floats once, when the graph is opened
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def pad(rows: Sequence[Sequence[int]]) -> tuple[Array, Array]:
    """Return ids [batch, time], at least one column, and lengths [batch]."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    ids = np.zeros((len(rows), max(1, int(lengths.max(initial=0)))), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids, lengths


class Model:
    """An exported model. A subclass implements `answers`.

    Attributes:
        card: content of `munjang.json`.

    Args:
        folder: what `munjang export onnx` wrote.
        card: content of its `munjang.json`.
        threads: threads of onnxruntime; as many as it chooses if None.
    """

    def __init__(self, folder: Path, card: dict[str, Any], threads: int | None) -> None:
        self.card = card
        self.tokenizer = open_tokenizer(card["tokenizer"], folder)
        self.reader = READERS[card["input"]["kind"]](self.tokenizer, card["input"])
        self.plain_reader = self.reader
        self.graphs = {name: open_graph(folder / f, threads) for name, f in card["graphs"].items()}

    def predict(self, texts: Any, **options: Any) -> list[dict[str, Any]]:
        """Return an answer per text; a single text counts as a list of one.

        Args:
            texts: strings; of a model of two texts pairs (first, second).
            options: `top`, the number of tokens, of models that predict tokens.

        Raises:
            ValueError: a value is no text.
        """
        return list(self.answers(self.reader.collect(texts), **options))

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield an answer per value."""
        raise NotImplementedError

    def embed(self, texts: Any, *, pooling: str | None = None, normalize: bool = False) -> Array:
        """Return a vector per text, also of a model of two texts, float32 [texts, dim].

        Args:
            texts: strings.
            pooling: mean, first or max of the states of all tokens, or pooled, what the head of
                the model reads; the model's own if None.
            normalize: divide each vector by its length.

        Raises:
            ValueError: the model has no such vectors, or a value is no text.
        """
        known: list[str] = self.card["poolings"]
        chosen = pooling or "".join(known[:1])
        if chosen not in known:
            raise ValueError(f"pooling: expected {' or '.join(known) or 'none'}, got {pooling}")
        values = [texts] if isinstance(texts, str) else texts
        vectors = self.run_rows(chosen, [self.plain_reader.text_row(text) for text in values])
        if normalize:
            vectors /= np.maximum(np.sqrt((vectors**2).sum(1, keepdims=True)), 1e-12)
        return vectors

    def run_rows(self, output: str, rows: Sequence[Row]) -> Array:
        """Return an output of the only graph, [rows, outputs]."""
        (graph,) = self.graphs.values()
        found: list[Any] = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda place: len(rows[place][0][0]))
        for start in range(0, len(order), BATCH_ROWS):
            places = order[start : start + BATCH_ROWS]
            (outputs,) = graph.run([output], self.feeds([rows[place] for place in places]))
            for place, values in zip(places, outputs, strict=True):
                found[place] = values
        return np.array(found) if rows else np.zeros((0, 1), np.float32)

    def feeds(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Return the inputs of a graph for a batch."""
        sides = [list(side) for side in zip(*(row[0] for row in rows), strict=True)]
        given = self.tokenizer.number_words(sides)
        names = self.card["sides"]  # a text on its own stands on both sides
        given |= dict(zip(names, sides * len(names), strict=False))
        feeds = {}
        for name, batch in given.items():
            feeds[f"{name}ids"], feeds[f"{name}lengths"] = pad(batch)
        return feeds


# The class of models of each task.
MODELS: dict[str, type[Model]] = {}


def load(folder: str | Path, *, threads: int | None = None) -> Model:
    """Open an exported model.

    Args:
        folder: what `munjang export onnx` wrote.
        threads: threads of onnxruntime; as many as it chooses if None.

    Raises:
        ValueError: the folder has another format.
        OSError: a file is missing.
    """
    folder = Path(folder)
    card = json.loads((folder / "munjang.json").read_text("utf-8"))
    if card.get("format") != FORMAT:
        raise ValueError(
            f"{folder / 'munjang.json'}: expected format {FORMAT}, got {card.get('format')!r}; "
            "take munjang_onnx.py from the same folder"
        )
    return MODELS[card["task"]](folder, card, threads)
