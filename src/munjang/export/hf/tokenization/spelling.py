"""Letters of words out of the vocabulary, for the model."""

from typing import Any

from munjang.export.hf.tokenization.tokenizer import MunjangTokenizer
from munjang.export.onnx.runner.letters import word_units
from munjang.export.onnx.runner.text import OOV

# Numbers per token: 40 letters between two signs.
WIDTH = 42


class MunjangSpellingTokenizer(MunjangTokenizer):
    """A tokenizer that also returns `letters`, [batch, time, 42]: zeros for known tokens."""

    model_input_names = ["input_ids", "attention_mask", "letters"]

    def encode_row(self, value: Any, longest: int | None, *, is_cut: bool) -> dict[str, Any]:
        """Return the columns of a text or a pair: its ids, and the letters of unknown words."""
        (ids, *_), words, _ = self.read(value, longest, is_cut=is_cut)
        unknown = iter(words)
        units = [
            word_units(next(unknown), self.reading["spelled_words"]) if number == OOV else []
            for number in ids
        ]
        letters = [numbers + [0] * (WIDTH - len(numbers)) for numbers in units]
        return {"input_ids": ids, "letters": letters}

    def _pad(self, encoded_inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Pad the letters as the ids are."""
        letters = list(encoded_inputs["letters"]) if "letters" in encoded_inputs else None
        padded = super()._pad(encoded_inputs, *arguments, **options)
        if letters is not None:
            side = options.get("padding_side") or self.padding_side
            more = [[0] * WIDTH] * (len(padded["input_ids"]) - len(letters))
            padded["letters"] = letters + more if side == "right" else more + letters
        return padded
