"""The likeliest tokens of each [MASK] of a text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from munjang.export.onnx.runner.masked_text import MASKED, MaskEncoder
from munjang.export.onnx.runner.model import MODELS, Model
from munjang.export.onnx.runner.text import EOS, GO, OOV, PAD, Array, Encoder
from munjang.export.onnx.runner.tokens import name_likeliest


class MaskedModel(Model):
    """A masked language model."""

    def make_encoder(self, folder: Path) -> Encoder:
        """Return the encoder of texts with masks."""
        return MaskEncoder(super().make_encoder(folder), self.card["masks"])

    def mask_logits(self, text: Any) -> tuple[Array, bool]:
        """Return the logits of each [MASK], [masks, vocabulary], and whether the text was cut."""
        (row,), _, is_cut = self.reader.row(text)
        places = [place for place, number in enumerate(row) if number == MASKED]
        if not places:
            return np.zeros((0, len(self.encoder.tokens)), np.float32), is_cut
        ids = [self.card["masks"]["id"] if number == MASKED else number for number in row]
        feeds = self.feeds([([ids], [], is_cut)])
        feeds["rows"] = np.zeros(len(places), dtype=np.int64)
        feeds["places"] = np.array(places, dtype=np.int64)
        return self.graphs["masked"].run(None, feeds)[0], is_cut

    def answers(
        self, values: list[Any], *, top: int = 5, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the `top` likeliest tokens of each mask."""
        hidden = [PAD, OOV, GO, EOS, self.card["masks"]["id"], *self.encoder.signs]
        for value in values:
            logits, is_cut = self.mask_logits(value)
            logits[:, hidden] = -np.inf
            masks = [name_likeliest(self.encoder, row, top) for row in logits]
            yield {"masks": masks, "truncated": is_cut}


MODELS["masked_lm"] = MaskedModel
