"""Tables of character n-grams: what all kinds share, and out-of-vocabulary words in a network."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from munjang.layers.subword_units import SubwordUnits
from munjang.text.vocabulary import PAD


class SubwordTable(nn.Module):
    """Rows that the character n-grams of all tokens share by hashing.

    Args:
        vocabulary_size: number of ids, PAD included.
        dim: width of a vector.
        max_n: the largest n of the n-grams, at least 3.
        buckets: number of rows.
        std: standard deviation of a row's initial values.
        units: letters, or jamo: a Hangul syllable is three units, initial consonant, vowel and
            final consonant or none (Park et al. 2018, "Subword-level word vector
            representations for Korean"), so that 가다 and 간다 share n-grams.
    """

    embedding_tables: ClassVar = ("weight",)
    # buffers that `index` computes, so that a small folder need not hold them
    computed_buffers: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        *,
        max_n: int,
        buckets: int,
        std: float,
        units: SubwordUnits = "letters",
    ) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.max_n = max_n
        self.std = std
        self.units = units
        # row 0 is PAD and stays zero: unused places of tables of row numbers name it
        self.weight = nn.Parameter(torch.empty(1 + buckets, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw rows from a normal distribution; PAD is zero."""
        nn.init.normal_(self.weight, std=self.std)
        with torch.no_grad():
            self.weight[PAD] = 0.0

    @classmethod
    def count_ngrams(cls, tokens: Sequence[str], max_n: int, units: SubwordUnits) -> int:
        """Return the number of distinct n-grams that have a row.

        Args:
            tokens: the vocabulary, [size] strings in the order of their ids.
            max_n: the largest n.
            units: letters or jamo.
        """
        raise NotImplementedError

    def fit(self, tokens: Sequence[str]) -> None:
        """Choose the n-grams that have a row, and `index` every token.

        Args:
            tokens: the vocabulary, [size] strings in the order of their ids.
        """
        raise NotImplementedError

    def index(self, tokens: Sequence[str]) -> None:
        """Compute `computed_buffers`: the rows of the n-grams of every token.

        Args:
            tokens: the vocabulary, [size] strings in the order of their ids.
        """
        raise NotImplementedError

    def has_valid_rows(self) -> bool:
        """Return whether all row numbers, which come from a file, are rows of the weights."""
        raise NotImplementedError

    def set_oov_words(self, words: Sequence[str]) -> None:
        """Set the out-of-vocabulary words, whose ids follow those of the vocabulary.

        Words set before are replaced.
        """
        raise NotImplementedError

    def forward(self, ids: Tensor) -> Tensor:
        """Return the vectors [batch, time, dim] of `ids` [batch, time]; zeros for reserved ids."""
        raise NotImplementedError


def computed_buffers(network: nn.Module) -> list[str]:
    """Return the names of all buffers that `SubwordTable.index` computes from the vocabulary."""
    return [
        f"{name}.{buffer}"
        for name, module in network.named_modules(remove_duplicate=False)
        if isinstance(module, SubwordTable)
        for buffer in module.computed_buffers
    ]


def index_subwords(network: nn.Module, tokens: Sequence[str]) -> None:
    """Compute the rows of the n-grams of every token in all subword embeddings of a network."""
    for module in network.modules():
        if isinstance(module, SubwordTable):
            module.index(tokens)


def with_oov_words(network: nn.Module, words: Sequence[str]) -> nn.Module:
    """Return `network` with some out-of-vocabulary words set in its subword embeddings.

    Args:
        network: any module.
        words: words of the ids from the size of the vocabulary up, in order.

    Returns:
        A copy that shares all weights, so that other threads can use the same network; the network
        itself without any words.
    """
    return _copy_with_words(network, words) if words else network


def _copy_with_words(module: nn.Module, words: Sequence[str]) -> nn.Module:
    """Copy the modules that contain a `SubwordTable`; return others unchanged."""
    children = dict(module._modules)
    for name, child in module._modules.items():
        if child is not None and (child._modules or isinstance(child, SubwordTable)):
            children[name] = _copy_with_words(child, words)
    has_changed = any(child is not module._modules[name] for name, child in children.items())
    if not has_changed and not isinstance(module, SubwordTable):
        return module
    # shallow: weights and the dictionaries of them are shared; `copy.copy` is slower
    copied = object.__new__(type(module))
    copied.__dict__ = {**module.__dict__, "_modules": children}
    if isinstance(copied, SubwordTable):
        copied.__dict__["_buffers"] = dict(module._buffers)
        copied.set_oov_words(words)
    return copied
