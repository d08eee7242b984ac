"""Pieces of the package tokenizers: BPE, unigram and WordPiece."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tokenizers

from munjang.runners.tokenizer import TOKENIZERS, Tokenizer
from munjang.text.plain.ids import EOS, GO, OOV, PAD
from munjang.text.plain.nfc import normalize_text
from munjang.text.plain.pretokens import SPACE_SIGN, pretokens_of


class SubwordTokenizer(Tokenizer):
    """A model that munjang trained, on pre-tokens of its own."""

    def __init__(self, settings: dict[str, Any], tokens: Sequence[str], file: Path) -> None:
        super().__init__(settings, tokens, file)
        self.library = tokenizers.Tokenizer.from_file(str(file))

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        pieces = pretokens_of(normalize_text(text))
        found = self.library.encode(pieces, is_pretokenized=True, add_special_tokens=False)
        return list(found.ids)

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Join pieces; the sign of a space becomes one."""
        mark = self.settings["continuation"]
        pieces = (name.removeprefix(mark).replace(SPACE_SIGN, " ") for name in self.names(ids))
        text = "".join(pieces)
        return text if goes_on else text.removeprefix(" ")


class LibraryTokenizer(SubwordTokenizer):
    """A tokenizer of the package as it is; its ids are translated."""

    writing = "any"

    def __init__(self, settings: dict[str, Any], tokens: Sequence[str], file: Path) -> None:
        super().__init__(settings, tokens, file)
        self.library.encode_special_tokens = True  # those that a text spells are text

    def encode(self, text: str) -> list[Any]:
        """Return ids."""
        adds = self.settings["post_process"]
        found = self.library.encode(text, add_special_tokens=adds)
        ours, ids = self.settings["ids"], []
        for number, is_added in zip(found.ids, found.special_tokens_mask, strict=True):
            known = ours[number]
            # a special token that is spelled in a text is none
            is_spelled = known in (PAD, GO, EOS) and not (adds and is_added)
            ids.append(OOV if is_spelled else known)
        return ids

    def join_tokens(self, ids: Sequence[int], *, goes_on: bool) -> str:
        """Decode as the package does, without special tokens."""
        hidden = self.settings["hidden"]
        tokens = self.names(number for number in ids if number not in hidden)
        decoder = self.library.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))

    def name_of(self, number: int) -> str:
        """Return one token as people read it."""
        if number == EOS or not self.settings["decodes"]:
            return super().name_of(number)
        text = self.join_tokens([number], goes_on=False).removeprefix("##")
        return text.strip() or self.tokens[number]


TOKENIZERS["subwords"] = SubwordTokenizer
TOKENIZERS["library"] = LibraryTokenizer
