"""A small language model with a key-value cache, and the slow way that reads all anew."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from munjang.layers.key_value_cache import KeyValueCache
from munjang.models.decoder import StepOutput
from munjang.text.vocabulary import GO
from tests.unit.decoding.small_models import Prefix

_LONGEST = 64


@dataclass(frozen=True)
class LanguageState:
    """Keys and values of prompt and answer: there is no source."""

    cache: KeyValueCache

    def pick(self, parents: Tensor) -> "LanguageState":
        return LanguageState(self.cache.pick(parents))

    def keep(self, rows: Tensor) -> "LanguageState":
        return LanguageState(self.cache.keep(rows))

    def join(self, others: Sequence["LanguageState"]) -> "LanguageState":
        return LanguageState(self.cache.join([other.cache for other in others]))


class TinyLanguageModel(nn.Module):
    """Two layers of attention with one head, over embeddings of tokens and positions."""

    def __init__(self, words: int, seed: int, dim: int = 8) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.words = words
        self.tokens = nn.Embedding(words, dim)
        self.places = nn.Embedding(_LONGEST, dim)
        self.layers = nn.ModuleList(nn.Linear(dim, 3 * dim) for _ in range(2))
        self.out = nn.Linear(dim, words)
        nn.init.normal_(self.out.weight)

    def logits(self, ids: Sequence[int]) -> Tensor:
        """Logits of the token after `ids`, from all of them anew."""
        states = self.tokens(torch.tensor(ids)) + self.places.weight[: len(ids)]
        for layer in self.layers:
            q, k, v = layer(states).chunk(3, dim=1)
            rows = []
            for index in range(len(ids)):
                weights = (k[: index + 1] @ q[index] / math.sqrt(len(q[index]))).softmax(0)
                rows.append(weights @ v[: index + 1])
            states = states + torch.stack(rows)
        logits: Tensor = self.out(states[-1])
        return logits

    def log_probabilities(self, prompt: Prefix, prefix: Prefix) -> list[float]:
        """As of `TableModel`, so that its references read this model too."""
        with torch.no_grad():
            values: list[float] = self.logits([*prompt, *prefix]).log_softmax(-1).tolist()
        return values

    def nothing(self, rows: int) -> LanguageState:
        """The state of rows that begin with GO."""
        return LanguageState(KeyValueCache(rows))

    def prompted(self, prompts: Sequence[Prefix]) -> LanguageState:
        """The state of rows that have read their prompts but for the last token."""
        states = [self._prefill(prompt[:-1]) for prompt in prompts]
        return states[0].join(states[1:])

    def _prefill(self, ids: Prefix) -> LanguageState:
        """One prompt, all of its tokens at once."""
        states = self.tokens(torch.tensor(ids, dtype=torch.int64)) + self.places.weight[: len(ids)]
        causal = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
        layers = []
        for layer in self.layers:
            q, k, v = layer(states).chunk(3, dim=1)
            scores = (q @ k.T / math.sqrt(q.shape[1])).masked_fill(~causal, -math.inf)
            states = states + scores.softmax(-1) @ v
            layers.append((k[None, None], v[None, None]))
        return LanguageState(KeyValueCache(1, width=len(ids), layers=tuple(layers)))

    def step(self, state: LanguageState, ids: Tensor) -> StepOutput:
        cache = state.cache
        positions, visible = cache.positions(), cache.visible()
        if positions is None:
            positions = torch.full((ids.numel(),), cache.width)
        states = self.tokens(ids.flatten()) + self.places(positions)
        layers = []
        for number, layer in enumerate(self.layers):
            q, k, v = (part[:, None, None] for part in layer(states).chunk(3, dim=1))
            past = cache.past(number)
            if past is not None:
                k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
            scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
            if visible is not None:
                scores = scores.masked_fill(~visible, -math.inf)
            states = states + (scores.softmax(-1) @ v)[:, 0, 0]
            layers.append((k, v))
        return StepOutput(
            self.out(states).view(*ids.shape, -1), LanguageState(cache.append(layers))
        )


PROMPTS: list[Prefix] = [(GO, 5, 6), (GO,), (GO, 7, 8, 9, 4, 6), (9, 9), (4,), (GO, 8, 5, 5)]
