"""The two tokenizers of pairs, which may be one."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from munjang.data.pairs.settings import PairTokenizerSettings, SideSettings
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizerPair:
    """How sources and targets become ids.

    Attributes:
        source: fitted tokenizer.
        target: fitted tokenizer; the same one where the vocabulary is shared.
    """

    source: Tokenizer
    target: Tokenizer

    @property
    def shared(self) -> bool:
        """Whether an id means the same on both sides."""
        return self.source is self.target

    @classmethod
    def fit(cls, settings: PairTokenizerSettings, sources: pl.Series, targets: pl.Series) -> Self:
        """Fit both tokenizers, or the shared one, on columns of texts."""
        if settings.shared_vocabulary:
            one = _fit(settings.source, pl.concat([sources.rename("text"), targets.rename("text")]))
            return cls(one, one)
        return cls(_fit(settings.source, sources), _fit(settings.target, targets))


def _fit(settings: SideSettings, texts: pl.Series) -> Tokenizer:
    return make_tokenizer(settings.name, **settings.settings).fit(
        texts, min_frequency=settings.min_frequency, max_size=settings.max_size
    )


def mask_too_long(
    lengths: tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...], settings: PairTokenizerSettings
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return True for each pair with a side longer than its `max_length`, [rows]."""
    sources, targets = lengths
    return np.asarray(
        (sources > settings.source.max_length) | (targets > settings.target.max_length)
    )
