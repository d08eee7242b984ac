"""The tokenizer as transformers calls it."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import BatchEncoding, PreTrainedTokenizer

from munjang.runners.rows import READERS, Row
from munjang.runners.tokenizer import Tokenizer, open_tokenizer
from munjang.text.plain.ids import EOS, OOV


class MunjangTokenizer(PreTrainedTokenizer):
    """Texts to the ids that the model was trained on.

    Args:
        vocab_file: the tokens, a list in JSON.
        encoder: settings of what cuts a text into tokens.
        reader: settings of rows: lengths, GO and EOS.
        options: as of every tokenizer of transformers.
    """

    vocab_files_names = {"vocab_file": "vocabulary.json"}
    model_input_names = ["input_ids", "attention_mask"]

    def __init__(
        self, vocab_file: str, encoder: dict[str, Any], reader: dict[str, Any], **options: Any
    ) -> None:
        self.vocab_file, self.reading = vocab_file, reader
        self.text_tokenizer = self.make_tokenizer(encoder, Path(vocab_file).parent)
        self.ids = {token: number for number, token in enumerate(self.text_tokenizer.tokens)}
        super().__init__(**options)
        self.init_kwargs |= {"encoder": encoder, "reader": reader}

    def make_tokenizer(self, settings: dict[str, Any], folder: Path) -> Tokenizer:
        """Return what cuts a text into tokens."""
        return open_tokenizer(settings, folder)

    def _encode_plus(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        padding_strategy: Any = None,
        truncation_strategy: Any = None,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: Any = None,
        return_attention_mask: bool | None = None,
        **options: Any,
    ) -> BatchEncoding:
        """Return the ids of texts, or of pairs of texts; called by `tokenizer(...)`."""
        is_one = isinstance(text, str)
        values = [text] if is_one else list(text)
        if text_pair is not None:
            values = list(zip(values, [text_pair] if is_one else text_pair, strict=True))
        is_cut = getattr(truncation_strategy, "value", "do_not_truncate") != "do_not_truncate"
        rows = [self.encode_row(value, max_length, is_cut=is_cut) for value in values]
        columns: Any = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        if columns:
            columns = self.pad(
                columns,
                padding=getattr(padding_strategy, "value", False),
                max_length=max_length,
                pad_to_multiple_of=pad_to_multiple_of,
                padding_side=padding_side,
                return_attention_mask=return_attention_mask,
            )
        if is_one and return_tensors is None:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(columns, tensor_type=return_tensors)

    def encode_row(self, value: Any, longest: int | None, *, is_cut: bool) -> dict[str, Any]:
        """Return the columns of a text or a pair: its ids.

        Args:
            value: the text, or two of them.
            longest: most tokens, GO and EOS included.
            is_cut: whether a longer text is cut.
        """
        (ids, *_), _ = self.read(value, longest, is_cut=is_cut)
        return {"input_ids": ids}

    def read(self, value: Any, longest: int | None, *, is_cut: bool) -> Row:
        """Return the row of a value, as `Reader.row`."""
        settings = dict(self.reading)
        if not is_cut:
            settings |= {"max_length": 10**12, "max_tokens": None}
        elif longest is not None and longest < self.model_max_length:
            room = longest - settings["added"]
            settings["max_tokens"] = min(room, settings["max_tokens"] or room)
        return READERS[settings["kind"]](self.text_tokenizer, settings).row(value)

    @property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return len(self.text_tokenizer.tokens)

    def get_vocab(self) -> dict[str, int]:
        """Return the id of each token."""
        return dict(self.ids)

    def _tokenize(self, text: str, **options: Any) -> list[str]:
        return [self.text_tokenizer.tokens[number] for number in self.text_tokenizer.encode(text)]

    def _convert_token_to_id(self, token: str) -> int:
        return self.ids.get(token, OOV)

    def _convert_id_to_token(self, index: int) -> str:
        return self.text_tokenizer.tokens[index]

    def _decode(self, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        """Return the text of ids; those of padding, GO and EOS are left out."""
        ids: Sequence[int] = [token_ids] if isinstance(token_ids, int) else token_ids
        if not self.reading.get("line_breaks"):
            return self.text_tokenizer.decode(ids)
        lines: list[list[int]] = [[]]
        for number in ids:
            if number == EOS:
                lines.append([])
            else:
                lines[-1].append(number)
        return "\n".join(map(self.text_tokenizer.decode, lines))

    def save_vocabulary(
        self, save_directory: str, filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Copy the files of the tokenizer into a folder."""
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        vocabulary, pieces = Path(self.vocab_file), Path(self.text_tokenizer.file)
        copies = {vocabulary: Path(save_directory) / f"{prefix}vocabulary.json"}
        if pieces.is_file():  # of subwords; it is found by its name
            copies[pieces] = Path(save_directory) / pieces.name
        for source, copy in copies.items():
            if copy != source:
                shutil.copyfile(source, copy)
        return tuple(map(str, copies.values()))
