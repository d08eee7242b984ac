"""Rows of one text."""

from typing import Any

from munjang.runners.tokenizer import Tokenizer, check_text
from munjang.text.plain.ids import EOS, GO

# Sides of a row, which are ids, and whether it was cut.
Row = tuple[list[list[Any]], bool]


class Reader:
    """Texts to rows of ids, cut to the length that the model reads.

    Args:
        tokenizer: of texts.
        settings: section `input` of `munjang.json`.
    """

    def __init__(self, tokenizer: Tokenizer, settings: dict[str, Any]) -> None:
        self.tokenizer = tokenizer
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
        ids, is_cut = self.read(text)
        return [[GO, *ids, EOS] if self.settings["add_go_eos"] else ids], is_cut

    def read(self, text: Any) -> tuple[list[Any], bool]:
        """Return ids without GO and EOS, and whether the text was cut."""
        text, breaks = check_text(text), self.settings["line_breaks"]
        if breaks:
            ids = [n for line in text.split("\n") for n in [EOS, *self.tokenizer.encode(line)]]
        else:
            ids = self.tokenizer.encode(text)
        most, room = self.settings["max_length"], self.settings["max_tokens"]
        # the EOS before a text is not counted
        if len(ids) <= min(most, most if room is None else room) + breaks:
            return ids, False
        kept = self.cut(ids, most + breaks, None if room is None else room + breaks)
        return kept, len(kept) < len(ids)

    def cut(self, ids: list[Any], most: int, room: int | None) -> list[Any]:
        """Keep `most` tokens that are no markers of capitals, and no marker without its word.

        Args:
            ids: ids.
            most: most tokens, markers not counted.
            room: most tokens, markers counted; None: no limit.
        """
        kept: list[Any] = []
        count = 0
        for place, number in enumerate(ids):
            is_sign = number in self.tokenizer.signs
            if count >= most or (room is not None and place >= room - is_sign):
                break
            kept.append(number)
            count += not is_sign
        return kept


# The class of readers of each input.
READERS: dict[str, type[Reader]] = {"text": Reader}
