"""The tokenizers of sources and targets, which may be one."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from munjang.data.pairs.settings import PairTokenizerSettings, SideSettings
from munjang.text.columns import Int64s
from munjang.text.registry import make_tokenizer
from munjang.text.segmentation.codepoints import Bools
from munjang.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizerPair:
    """Tokenizers of both sides.

    Attributes:
        source: fitted tokenizer of the sources.
        target: fitted tokenizer of the targets; the same object if the vocabulary is shared.
    """

    source: Tokenizer
    target: Tokenizer

    @property
    def shared(self) -> bool:
        """True if both sides have one vocabulary."""
        return self.source is self.target

    @classmethod
    def fit(cls, settings: PairTokenizerSettings, sources: pl.Series, targets: pl.Series) -> Self:
        """Fit both tokenizers, or the shared one, on columns of texts."""
        if settings.shared_vocabulary:
            texts = pl.concat([sources.rename("text"), targets.rename("text")])
            tokenizer = _fit(settings.source, texts)
            return cls(tokenizer, tokenizer)
        return cls(_fit(settings.source, sources), _fit(settings.target, targets))


def _fit(settings: SideSettings, texts: pl.Series) -> Tokenizer:
    return make_tokenizer(settings.name, **settings.settings).fit(
        texts, min_frequency=settings.min_frequency, max_size=settings.max_size
    )


def mask_too_long(lengths: tuple[Int64s, Int64s], settings: PairTokenizerSettings) -> Bools:
    """Return True for each pair with a side longer than its `max_length`, [rows].

    Args:
        lengths: number of tokens of each source [rows] and each target [rows].
        settings: settings of the tokenizers.
    """
    sources, targets = lengths
    return np.asarray(
        (sources > settings.source.max_length) | (targets > settings.target.max_length)
    )
