"""The likeliest tokens of each [MASK] of a text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from munjang.runners.masks import MASKED, MaskTokenizer
from munjang.runners.onnx.decoding import name_likeliest
from munjang.runners.onnx.model import MODELS, Array, Model
from munjang.runners.rows import Reader, Row
from munjang.text.plain.ids import EOS, GO, OOV, PAD


class MaskedModel(Model):
    """A masked language model."""

    def __init__(self, folder: Path, card: dict[str, Any], threads: int | None) -> None:
        super().__init__(folder, card, threads)
        self.reader = Reader(MaskTokenizer(self.tokenizer, card["masks"]), card["input"])

    def feeds(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Return the inputs of the graph for a batch without masks."""
        none = np.zeros(0, dtype=np.int64)
        return {**super().feeds(rows), "rows": none, "places": none}

    def mask_logits(self, text: Any) -> tuple[Array, bool]:
        """Return the logits of each [MASK], [masks, vocabulary], and whether the text was cut."""
        (row,), is_cut = self.reader.row(text)
        places = [place for place, number in enumerate(row) if number == MASKED]
        if not places:
            return np.zeros((0, len(self.tokenizer.tokens)), np.float32), is_cut
        ids = [self.card["masks"]["id"] if number == MASKED else number for number in row]
        feeds = self.feeds([([ids], is_cut)])
        feeds["rows"] = np.zeros(len(places), dtype=np.int64)
        feeds["places"] = np.array(places, dtype=np.int64)
        return self.graphs["masked"].run(["logits"], feeds)[0], is_cut

    def answers(
        self, values: list[Any], *, top: int = 5, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the `top` likeliest tokens of each mask."""
        hidden = [PAD, OOV, GO, EOS, self.card["masks"]["id"], *self.tokenizer.signs]
        for value in values:
            logits, is_cut = self.mask_logits(value)
            logits[:, hidden] = -np.inf
            masks = [name_likeliest(self.tokenizer, row, top) for row in logits]
            yield {"masks": masks, "truncated": is_cut}


MODELS["masked_lm"] = MaskedModel
