"""The similarity of two texts."""

from collections.abc import Iterator
from typing import Any

from munjang.runners.onnx.model import MODELS, Model
from munjang.runners.pairs import check_pair


class SimilarityModel(Model):
    """A vector per text, whose cosines are similarities."""

    def answers(self, values: list[Any], **options: Any) -> Iterator[dict[str, Any]]:
        """Yield the cosine of each pair and, if there is one, the number that it stands for."""
        texts = [text for value in values for text in check_pair(value)]
        rows = [self.reader.text_row(text) for text in texts]
        vectors = self.run_rows("vectors", rows)
        lowest, highest = self.card["lowest"], self.card["highest"]
        for place in range(0, len(rows), 2):
            cosine = float((vectors[place] * vectors[place + 1]).sum())
            number = {"value": lowest + (highest - lowest) * cosine} if self.card["numbers"] else {}
            is_cut = rows[place][1] or rows[place + 1][1]
            yield {**number, "cosine": cosine, "truncated": is_cut}


MODELS["similarity"] = SimilarityModel
