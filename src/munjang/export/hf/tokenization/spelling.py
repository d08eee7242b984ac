"""Letters of words out of the vocabulary, for the model."""

from typing import Any

from munjang.export.hf.tokenization.tokenizer import MunjangTokenizer
from munjang.runners.spelling import spell_word
from munjang.text.plain.ids import OOV

# Numbers per token: 40 letters between two signs.
WIDTH = 42


class MunjangSpellingTokenizer(MunjangTokenizer):
    """A tokenizer that also returns `letters`, [batch, time, 42]: zeros for known tokens."""

    model_input_names = ["input_ids", "attention_mask", "letters"]

    def encode_row(self, value: Any, longest: int | None, *, is_cut: bool) -> dict[str, Any]:
        """Return the columns of a text or a pair: its ids, and the letters of unknown words."""
        (row, *_), _ = self.read(value, longest, is_cut=is_cut)
        units = self.text_tokenizer.settings["units"]
        spelled = [spell_word(token, units) if isinstance(token, str) else [] for token in row]
        letters = [numbers + [0] * (WIDTH - len(numbers)) for numbers in spelled]
        return {"input_ids": _only_ids(row), "letters": letters}

    def _tokenize(self, text: str, **options: Any) -> list[str]:
        """Return the tokens of a text, OOV for unknown words."""
        ids = _only_ids(self.text_tokenizer.encode(text))
        return [self.text_tokenizer.tokens[number] for number in ids]

    def _pad(self, encoded_inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Pad the letters as the ids are."""
        letters = list(encoded_inputs["letters"]) if "letters" in encoded_inputs else None
        padded = super()._pad(encoded_inputs, *arguments, **options)
        if letters is not None:
            side = options.get("padding_side") or self.padding_side
            more = [[0] * WIDTH] * (len(padded["input_ids"]) - len(letters))
            padded["letters"] = letters + more if side == "right" else more + letters
        return padded


def _only_ids(row: list[Any]) -> list[int]:
    """Return the ids of a row in which words out of the vocabulary stand as they are."""
    return [OOV if isinstance(token, str) else token for token in row]
