"""Rows of one text."""

from typing import Any

from munjang.export.onnx.runner.text import EOS, GO, Encoder, check_text

# Sides of a row, its words out of the vocabulary, and whether it was cut.
Row = tuple[list[list[int]], list[str], bool]


class Reader:
    """Texts to rows of ids, cut to the length that the model reads.

    Args:
        encoder: of texts.
        settings: section `input` of `munjang.json`.
    """

    def __init__(self, encoder: Encoder, settings: dict[str, Any]) -> None:
        self.encoder = encoder
        self.settings = settings

    def collect(self, texts: Any) -> list[Any]:
        """Return values as a list; a single one counts as a list of one."""
        return [texts] if isinstance(texts, str) else list(texts)

    def parse(self, line: str) -> Any:
        """Return the value of a line of a file."""
        return line

    def row(self, value: Any) -> Row:
        """Return the row of a value."""
        return self.text_row(value)

    def text_row(self, text: Any) -> Row:
        """Return the row of a text on its own."""
        ids, words, is_cut = self.read(text)
        return [[GO, *ids, EOS] if self.settings["add_go_eos"] else ids], words, is_cut

    def read(self, text: Any) -> tuple[list[int], list[str], bool]:
        """Return ids without GO and EOS, words out of the vocabulary, and whether it was cut."""
        text, breaks = check_text(text), self.settings["line_breaks"]
        ids: list[int] = []
        words: list[str] = []
        for line in text.split("\n") if breaks else [text]:
            found, unknown = self.encoder.encode(line)
            ids += [EOS, *found] if breaks else found
            words += unknown
        most, room = self.settings["max_length"], self.settings["max_tokens"]
        # the EOS before a text is not counted
        if len(ids) <= min(most, most if room is None else room) + breaks:
            return ids, words, False
        kept = self.cut(ids, most + breaks, None if room is None else room + breaks)
        return kept, words, len(kept) < len(ids)

    def cut(self, ids: list[int], most: int, room: int | None) -> list[int]:
        """Keep `most` tokens that are no markers of capitals, and no marker without its word.

        Args:
            ids: ids.
            most: most tokens, markers not counted.
            room: most tokens, markers counted; None: no limit.
        """
        kept: list[int] = []
        count = 0
        for place, number in enumerate(ids):
            is_sign = number in self.encoder.signs
            if count >= most or (room is not None and place >= room - is_sign):
                break
            kept.append(number)
            count += not is_sign
        return kept


READERS: dict[str, type[Reader]] = {"text": Reader}
