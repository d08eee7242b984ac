"""Rows of two texts."""

from typing import Any

from munjang.runners.rows import READERS, Reader, Row
from munjang.text.plain.ids import EOS, GO


class PairReader(Reader):
    """Pairs (first, second) to rows: GO first EOS second EOS, or both apart."""

    def collect(self, texts: Any) -> list[Any]:
        """Return pairs as a list; a single one counts as a list of one."""
        is_pair = isinstance(texts, tuple) and len(texts) == 2
        return [texts] if is_pair and all(isinstance(t, str) for t in texts) else list(texts)

    def parse(self, line: str) -> Any:
        """Return the two texts of a line, which a tab separates."""
        return line.split("\t")

    def row(self, value: Any) -> Row:
        """Return the row of a pair."""
        (first, is_cut), (second, is_also) = map(self.read, check_pair(value))
        is_cut = is_cut or is_also
        if self.settings["reading"] == "towers":
            return [[GO, *side, EOS] for side in (first, second)], is_cut
        count = len(first) + len(second)
        first, second = self._share(first, second)
        is_cut = is_cut or len(first) + len(second) < count
        return [[GO, *first, EOS, *second, EOS]], is_cut

    def text_row(self, text: Any) -> Row:
        """Return the row of a text on its own."""
        ids, is_cut = self.read(text)
        return [[GO, *ids, EOS]], is_cut

    def _share(self, first: list[Any], second: list[Any]) -> tuple[list[Any], list[Any]]:
        """Cut two texts to the tokens that both together may have, the longer one first."""
        most, room = self.settings["max_length"], self.settings["max_tokens"]
        if len(first) + len(second) > most:
            signs = self.tokenizer.signs
            counts = [sum(n not in signs for n in side) for side in (first, second)]
            limits = _split_limit(counts[0], counts[1], most)
            first, second = self.cut(first, limits[0], None), self.cut(second, limits[1], None)
        if room is not None:
            limits = _split_limit(len(first), len(second), room)
            first, second = (
                side if len(side) <= limit else self.cut(side, len(side), limit)
                for side, limit in zip((first, second), limits, strict=True)
            )
        return first, second


def check_pair(texts: Any) -> tuple[Any, Any]:
    """Return both texts of a pair.

    Raises:
        ValueError: it is none.
    """
    if isinstance(texts, str) or len(texts) != 2:
        raise ValueError(f"expected two texts (first, second), got {texts!r:.80}")
    first, second = texts
    return first, second


def _split_limit(first: int, second: int, most: int) -> tuple[int, int]:
    half = (most + 1) // 2
    return min(first, max(most - second, half)), min(second, max(most - first, most - half))


READERS["two_texts"] = PairReader
