"""Models small enough to reason about: predictions are a seeded function of source and prefix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from munjang.models.decoder import StepOutput
from munjang.text.vocabulary import GO

Prefix = tuple[int, ...]


@dataclass(frozen=True)
class PrefixState:
    """Each hypothesis as its whole prefix, in plain Python; wrong calls fail.

    Attributes:
        sources: of each row.
        prefixes: of each row's hypotheses, GO included.
        width: padded length of the sources.
        calls: names of the methods called on all states of a model.
    """

    sources: list[Prefix]
    prefixes: list[list[Prefix]]
    width: int
    calls: list[str]

    @property
    def source_mask(self) -> Tensor:
        lengths = torch.tensor([len(source) for source in self.sources])
        return torch.arange(self.width)[None] < lengths[:, None]

    def pick(self, parents: Tensor) -> "PrefixState":
        assert parents.dtype == torch.int64
        assert parents.dim() == 2
        assert len(parents) == len(self.prefixes) > 0
        self.calls.append("pick")
        rows = zip(self.prefixes, parents.tolist(), strict=True)
        assert all(0 <= p < len(row) for row, some in rows for p in some)
        rows = zip(self.prefixes, parents.tolist(), strict=True)
        return replace(self, prefixes=[[row[p] for p in some] for row, some in rows])

    def keep(self, rows: Tensor) -> "PrefixState":
        assert rows.dtype == torch.int64
        assert rows.dim() == 1
        kept = rows.tolist()
        assert kept == sorted(set(kept))
        assert len(kept) < len(self.sources), "no row leaves: a copy would be wasted"
        self.calls.append("keep")
        return replace(
            self,
            sources=[self.sources[row] for row in kept],
            prefixes=[self.prefixes[row] for row in kept],
        )

    def join(self, others: Sequence["PrefixState"]) -> "PrefixState":
        self.calls.append("join")
        states = [self, *others]
        assert len({len(row) for state in states for row in state.prefixes}) == 1
        return replace(
            self,
            sources=[source for state in states for source in state.sources],
            prefixes=[row for state in states for row in state.prefixes],
            width=max(state.width for state in states),
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

    def log_probabilities(self, source: Prefix, prefix: Prefix) -> list[float]:
        """Return the cost of each next token of a hypothesis."""
        values: list[float] = self.logits(source, prefix).log_softmax(-1).tolist()
        return values

    def attention(self, source: Prefix, prefix: Prefix) -> Tensor:
        """[source tokens], 1 in all."""
        drawn = np.random.default_rng([self.seed, 8, *source, 0, *prefix])
        return torch.tensor(drawn.normal(0.0, 2.0, len(source)), dtype=torch.float32).softmax(-1)

    def begin(self, source: Tensor, source_mask: Tensor) -> PrefixState:
        rows = zip(source.tolist(), source_mask.sum(1).tolist(), strict=True)
        sources = [tuple(row[:length]) for row, length in rows]
        return PrefixState(sources, [[()] for _ in sources], source.shape[1], self.calls)

    def step(self, state: PrefixState, ids: Tensor) -> StepOutput:
        beam = len(state.prefixes[0])
        assert ids.shape == (len(state.sources), beam)
        assert ids.dtype == torch.int64
        assert all(len(row) == beam for row in state.prefixes)
        self.steps.append(len(state.sources))
        grown: list[list[Prefix]] = []
        for row, new in zip(state.prefixes, ids.tolist(), strict=True):
            # GO comes first and is no part of the answer
            grown.append([(*p, i) for p, i in zip(row, new, strict=True)])
            assert all(p[0] == GO and GO not in p[1:] for p in grown[-1])
        pairs = list(zip(state.sources, grown, strict=True))
        logits = torch.stack(
            [torch.stack([self.logits(s, p[1:]) for p in row]) for s, row in pairs]
        )
        attention = torch.zeros(*ids.shape, state.width)
        for index, (source, row) in enumerate(pairs):
            for hypothesis, prefix in enumerate(row):
                attention[index, hypothesis, : len(source)] = self.attention(source, prefix[1:])
        return StepOutput(
            logits,
            replace(state, prefixes=grown),
            attention if self.attends else None,
        )

    def __call__(self, *_: Any) -> Any:
        raise AssertionError("decoding calls begin and step alone")

    attention_weights = __call__


@dataclass(frozen=True)
class HiddenState:
    """State of a recurrent decoder, [rows, beam, dim]."""

    hidden: Tensor

    def pick(self, parents: Tensor) -> "HiddenState":
        return HiddenState(torch.take_along_dim(self.hidden, parents[..., None], 1))

    def keep(self, rows: Tensor) -> "HiddenState":
        return HiddenState(self.hidden[rows])

    def join(self, others: Sequence["HiddenState"]) -> "HiddenState":
        return HiddenState(torch.cat([self.hidden, *(other.hidden for other in others)]))


class TinyRecurrent(nn.Module):
    """The sum of the source's vectors, then a GRU: a model whose state is a real tensor."""

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

    def step(self, state: HiddenState, ids: Tensor) -> StepOutput:
        flat = self.cell(self.embedding(ids).flatten(0, 1), state.hidden.flatten(0, 1))
        hidden = flat.view(*ids.shape, -1)
        return StepOutput(self.out(hidden), HiddenState(hidden))

    def attention_weights(self, *_: Any) -> Any:
        raise AssertionError("decoding calls begin and step alone")


def pad_rows(rows: Sequence[Sequence[int]], wider: int = 0) -> tuple[Tensor, Tensor]:
    """Ids [batch, time] and mask; `wider`: columns of padding more than needed."""
    time = max(len(row) for row in rows) + wider
    ids = torch.tensor([[*row, *[0] * (time - len(row))] for row in rows])
    return ids, torch.arange(time)[None] < torch.tensor([[len(row)] for row in rows])
