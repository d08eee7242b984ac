"""The base of exported models."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from munjang.export.onnx.runner.letters import word_units
from munjang.export.onnx.runner.rows import READERS, Row
from munjang.export.onnx.runner.text import ENCODERS, FORMAT, OOV, Array, Encoder, pad

# Rows that one run of a graph gets, of similar length. An answer does not depend on its batch.
BATCH_ROWS = 32


def open_graph(path: Path, threads: int | None) -> Any:
    """Open a graph."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    # weights of 8 bits become floats once, when the graph is opened
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


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
        self.encoder = self.make_encoder(folder)
        self.reader = READERS[card["input"]["kind"]](self.encoder, card["input"])
        self.graphs = {
            name: open_graph(folder / file, threads) for name, file in card["graphs"].items()
        }

    def make_encoder(self, folder: Path) -> Encoder:
        """Return the encoder of texts."""
        settings = self.card["tokenizer"]
        return ENCODERS[settings["name"]](settings, folder)

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

    def run_rows(self, graph: str, rows: Sequence[Row], width: int) -> Array:
        """Return the outputs of a graph [rows, outputs]; without rows [0, width]."""
        outputs: list[Any] = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda place: len(rows[place][0][0]))
        for start in range(0, len(order), BATCH_ROWS):
            places = order[start : start + BATCH_ROWS]
            feeds = self.feeds([rows[place] for place in places])
            found = self.graphs[graph].run(None, feeds)[0]
            for place, values in zip(places, found, strict=True):
                outputs[place] = values
        return np.array(outputs) if rows else np.zeros((0, width), np.float32)

    def feeds(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Return the inputs of a graph for a batch."""
        sides, feeds = self.number_words(rows)
        prefixes = ("",) if len(sides[0]) == 1 else ("first_", "second_")
        for side, prefix in zip(zip(*sides, strict=True), prefixes, strict=True):
            feeds[f"{prefix}ids"], feeds[f"{prefix}lengths"] = pad(side)
        return feeds

    def number_words(self, rows: Sequence[Row]) -> tuple[list[list[list[int]]], dict[str, Array]]:
        """Return the sides of rows, where words out of the vocabulary have ids behind it.

        The second result is the letters of these words. Without character n-grams all of them have
        the id OOV, and there are no letters.
        """
        spelled = self.card["input"]["spelled_words"]
        if spelled is None:
            return [row[0] for row in rows], {}
        numbers: dict[str, int] = {}
        size = len(self.encoder.tokens)
        sides = []
        for row, words, _ in rows:
            left = iter(words)
            sides.append(
                [
                    [
                        size + numbers.setdefault(next(left), len(numbers)) if n == OOV else n
                        for n in side
                    ]
                    for side in row
                ]
            )
        units, lengths = pad([word_units(word, spelled) for word in numbers])
        return sides, {"word_units": units, "word_lengths": lengths}


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
