"""Models small enough to reason about: what they say is a seeded function of source and prefix."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from munjang.models.encoder_decoder import Stepped
from munjang.text.vocabulary import GO

Prefix = tuple[int, ...]


@dataclass(frozen=True)
class PrefixState:
    """Every hypothesis is its whole prefix, in plain Python. Whoever asks wrongly is told."""

    sources: list[Prefix]
    prefixes: list[list[Prefix]]
    calls: list[str]

    def pick(self, parents: Tensor) -> "PrefixState":
        assert parents.dtype == torch.int64
        assert parents.dim() == 2
        assert len(parents) == len(self.prefixes) > 0
        self.calls.append("pick")
        rows = zip(self.prefixes, parents.tolist(), strict=True)
        assert all(0 <= p < len(row) for row, some in rows for p in some)
        rows = zip(self.prefixes, parents.tolist(), strict=True)
        return PrefixState(self.sources, [[row[p] for p in some] for row, some in rows], self.calls)

    def keep(self, sentences: Tensor) -> "PrefixState":
        assert sentences.dtype == torch.int64
        assert sentences.dim() == 1
        kept = sentences.tolist()
        assert kept == sorted(set(kept))
        assert len(kept) < len(self.sources), "nothing leaves: nobody should pay for a copy"
        self.calls.append("keep")
        return PrefixState(
            [self.sources[s] for s in kept], [self.prefixes[s] for s in kept], self.calls
        )


class TableModel:
    """Logits and attention by (seed, source, prefix).

    Args:
        words: size of the vocabulary.
        seed: another seed, another model.
        ending: added to the logit of EOS (id 3).
        tied: logits are small whole numbers, so that many are equal.
        attends: give attention.
    """

    def __init__(
        self,
        words: int,
        seed: int = 0,
        *,
        ending: float = 0.0,
        tied: bool = False,
        attends: bool = True,
    ) -> None:
        self.words, self.seed, self.ending, self.tied = words, seed, ending, tied
        self.attends = attends
        self.steps: list[int] = []
        self.calls: list[str] = []
        self.logits = cache(self._logits)

    def _logits(self, source: Prefix, prefix: Prefix) -> Tensor:
        drawn = np.random.default_rng([self.seed, 7, *source, 0, *prefix])
        logits = drawn.normal(0.0, 1.5, self.words)
        if self.tied:
            logits = logits.round()
        logits[3] += self.ending
        return torch.tensor(logits, dtype=torch.float32)

    def log_chances(self, source: Prefix, prefix: Prefix) -> list[float]:
        """What a hypothesis pays for each next token."""
        chances: list[float] = self.logits(source, prefix).log_softmax(-1).tolist()
        return chances

    def attention(self, source: Prefix, prefix: Prefix) -> Tensor:
        """[source tokens], 1 in all."""
        drawn = np.random.default_rng([self.seed, 8, *source, 0, *prefix])
        return torch.tensor(drawn.normal(0.0, 2.0, len(source)), dtype=torch.float32).softmax(-1)

    def begin(self, source: Tensor, source_mask: Tensor) -> PrefixState:
        rows = zip(source.tolist(), source_mask.sum(1).tolist(), strict=True)
        sources = [tuple(row[:length]) for row, length in rows]
        self.width = source.shape[1]
        return PrefixState(sources, [[()] for _ in sources], self.calls)

    def step(self, state: PrefixState, ids: Tensor) -> Stepped:
        beam = len(state.prefixes[0])
        assert ids.shape == (len(state.sources), beam)
        assert ids.dtype == torch.int64
        assert all(len(row) == beam for row in state.prefixes)
        self.steps.append(len(state.sources))
        grown: list[list[Prefix]] = []
        for row, said in zip(state.prefixes, ids.tolist(), strict=True):
            # GO comes first and is no part of the answer
            grown.append([(*p, i) for p, i in zip(row, said, strict=True)])
            assert all(p[0] == GO and GO not in p[1:] for p in grown[-1])
        pairs = list(zip(state.sources, grown, strict=True))
        logits = torch.stack(
            [torch.stack([self.logits(s, p[1:]) for p in row]) for s, row in pairs]
        )
        attention = torch.zeros(*ids.shape, self.width)
        for place, (source, row) in enumerate(pairs):
            for hypothesis, prefix in enumerate(row):
                attention[place, hypothesis, : len(source)] = self.attention(source, prefix[1:])
        return Stepped(
            logits,
            PrefixState(state.sources, grown, state.calls),
            attention if self.attends else None,
        )

    def __call__(self, *_: Any) -> Any:
        raise AssertionError("decoding asks for begin and step alone")

    looks = __call__


@dataclass(frozen=True)
class HiddenState:
    """[sentences, beam, dim] of a recurrent decoder."""

    hidden: Tensor

    def pick(self, parents: Tensor) -> "HiddenState":
        return HiddenState(torch.take_along_dim(self.hidden, parents[..., None], 1))

    def keep(self, sentences: Tensor) -> "HiddenState":
        return HiddenState(self.hidden[sentences])


class TinyRecurrent(nn.Module):
    """The sum of the source's vectors, then a GRU that says words: a real state of tensors."""

    def __init__(self, words: int, seed: int, dim: int = 12) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.embedding = nn.Embedding(words, dim)
        self.cell = nn.GRUCell(dim, dim)
        self.out = nn.Linear(dim, words)
        nn.init.normal_(self.out.weight)

    def begin(self, source: Tensor, source_mask: Tensor) -> HiddenState:
        vectors = self.embedding(source).masked_fill(~source_mask[..., None], 0.0)
        return HiddenState(vectors.sum(1, keepdim=True).tanh())

    def step(self, state: HiddenState, ids: Tensor) -> Stepped:
        flat = self.cell(self.embedding(ids).flatten(0, 1), state.hidden.flatten(0, 1))
        hidden = flat.view(*ids.shape, -1)
        return Stepped(self.out(hidden), HiddenState(hidden))

    def looks(self, *_: Any) -> Any:
        raise AssertionError("decoding asks for begin and step alone")


def padded(rows: Sequence[Sequence[int]], wider: int = 0) -> tuple[Tensor, Tensor]:
    """Ids [batch, time] and mask; `wider`: columns of padding more than needed."""
    time = max(len(row) for row in rows) + wider
    ids = torch.tensor([[*row, *[0] * (time - len(row))] for row in rows])
    return ids, torch.arange(time)[None] < torch.tensor([[len(row)] for row in rows])
