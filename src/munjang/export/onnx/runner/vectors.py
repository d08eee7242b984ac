"""Vectors of texts, and the similarity of two."""

from collections.abc import Iterator
from typing import Any

from munjang.export.onnx.runner.model import MODELS, Model
from munjang.export.onnx.runner.pairs import check_pair
from munjang.export.onnx.runner.text import Array


class SimilarityModel(Model):
    """A vector of length 1 per text, whose cosines are similarities."""

    def embed(self, texts: Any) -> Array:
        """Return the vector of each text, [texts, dim]."""
        values = [texts] if isinstance(texts, str) else list(texts)
        return self.run_rows("vectors", [self.reader.text_row(text) for text in values], 0)

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield the cosine of each pair and, if there is one, the number that it stands for."""
        texts = [text for value in values for text in check_pair(value)]
        rows = [self.reader.text_row(text) for text in texts]
        vectors = self.run_rows("vectors", rows, 0)
        lowest, highest = self.card["lowest"], self.card["highest"]
        for place in range(0, len(rows), 2):
            cosine = float((vectors[place] * vectors[place + 1]).sum())
            number = {"value": lowest + (highest - lowest) * cosine} if self.card["numbers"] else {}
            is_cut = rows[place][2] or rows[place + 1][2]
            yield {**number, "cosine": cosine, "truncated": is_cut}


MODELS["similarity"] = SimilarityModel
