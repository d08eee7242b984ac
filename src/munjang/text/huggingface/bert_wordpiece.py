"""BERT's WordPiece, learned from the texts: a tokenizer that Hugging Face transformers can load.

    NFC, spaces around Chinese characters, (lower case) -> words and punctuation -> WordPiece

    "재미있다!! 2번"  ->  재미 ##있다 ! ! 2 ##번

Use when: a model is to be pretrained as BERT is, or exported. It has [MASK], and unlike `wordpiece`
it drops white space and control characters, and a word that it cannot spell is one OOV as a whole.
The pieces are learned here, the same ones for the same texts; the library encodes.
"""

import re
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from tokenizers import Tokenizer as Library

from munjang.errors import ConfigError, FolderError
from munjang.text.columns import Int32s, Int64s
from munjang.text.huggingface.bounds import check_bounds
from munjang.text.huggingface.files import LONGEST_BERT_WORD, bert_state
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.huggingface.loaded import LoadedTokenizer, load_state
from munjang.text.huggingface.words import split_words
from munjang.text.segmentation.utf32 import require_texts
from munjang.text.subwords.tokenizers import ids_of_pretokens
from munjang.text.subwords.training import train_wordpiece
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import RESERVED, Vocabulary

DEFAULT_SIZE = 16_000
SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
# Those that stand for the reserved tokens, in their order.
_RESERVED = list(SPECIAL.values())[: len(RESERVED)]


class BertWordPieceTokenizer(LibraryTokenizer):
    """WordPiece with BERT's words and special tokens (Devlin et al. 2018).

    Args:
        lowercase: whether texts are lower-cased. Accents stay, and so does Hangul.
    """

    name: ClassVar[str] = "bert_wordpiece"
    # no word crosses a space
    split_points: ClassVar[re.Pattern[str] | None] = re.compile(" ")

    def __init__(self, *, lowercase: bool = False) -> None:
        super().__init__()
        self.lowercase = lowercase

    @property
    def notes(self) -> tuple[str, ...]:
        """No lines: the special tokens are always the same."""
        return ()

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Train on a column of texts; the same texts give the same ids.

        Words longer than 100 characters are not learned from, as they are unknown anyway.

        Args:
            texts: column of strings.
            min_frequency: characters and merges seen less often get no id of their own.
            max_size: upper bound of the vocabulary, special tokens included; 16,000 if None.

        Raises:
            DataError: the column holds a null, or values that are not strings.
            ConfigError: `max_size` leaves no room beside the special tokens.
        """
        size = DEFAULT_SIZE if max_size is None else max_size
        if size <= len(SPECIAL):
            raise ConfigError(
                f"max_size counts the {len(SPECIAL)} special tokens, so it must be larger than "
                f"{len(SPECIAL)}; it is {size}"
            )
        words = split_words(require_texts(texts), lowercase=self.lowercase)
        trained = train_wordpiece(
            words.without_longer(LONGEST_BERT_WORD),
            min_frequency=min_frequency,
            max_size=size,
            special=list(SPECIAL.values()),
            unknown=SPECIAL["unk_token"],
        )
        ids = trained.get_vocab()
        loaded = load_state(self._state(ids))
        self._count(loaded, texts)
        return self

    def _encode(self, loaded: LoadedTokenizer, texts: pl.Series) -> tuple[Int32s, Int64s]:
        if self.lowercase:  # lower case of single characters may differ between Unicode versions
            return super()._encode(loaded, texts)
        # the model encodes each distinct word once
        model = Library(loaded.library.model)
        ids, offsets = ids_of_pretokens(model, split_words(texts, lowercase=False))
        return loaded.map.of_text(ids.astype(np.int64)), offsets

    def _state(self, ids: dict[str, int]) -> dict[str, Any]:
        return bert_state(ids, SPECIAL, nfc=True, strip_accents=False, lowercase=self.lowercase)

    def to_json(self) -> dict[str, Any]:
        """Return the name and the settings; all else follows from the vocabulary."""
        require_fitted(self._loaded, self.name)
        return {"name": self.name, "lowercase": self.lowercase}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described.

        Raises:
            FolderError: it is no such tokenizer, or the vocabulary is not one of it.
        """
        settings = read_settings(state, {"lowercase": bool})
        tokenizer = cls(lowercase=settings["lowercase"])
        tokens = [*_RESERVED, *vocabulary.tokens[len(RESERVED) :]]
        ids = {token: number for number, token in enumerate(tokens)}
        if tokens[: len(SPECIAL)] != list(SPECIAL.values()) or len(ids) < len(tokens):
            raise FolderError(
                f"vocabulary.json is not one of {cls.name}: expected {SPECIAL['mask_token']} after "
                "the reserved tokens; take both files from one folder"
            )
        built = tokenizer._state(ids)
        try:
            check_bounds(built)
            loaded = load_state(built)
        except ConfigError as error:
            raise FolderError(f"vocabulary.json: {error}") from None
        tokenizer._take(loaded, vocabulary)
        return tokenizer
