"""Base of language models: embedding, output layer, and what training and decoding call.

A language model gives the distribution of the next token after each token (Bengio et al. 2003, "A
neural probabilistic language model"). Its output layer may share the embedding (Press and Wolf
2017, "Using the output embedding to improve language models").
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor, nn

from munjang.config import WIDEST, Settings
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fast.dropout import Dropout
from munjang.layers.fast.linear import Linear
from munjang.layers.hashing import choose_buckets, count_distinct_ngrams
from munjang.layers.projection import Projected
from munjang.models.decoder import StepOutput
from munjang.models.dropout_rate import DropoutRate
from munjang.text.vocabulary import PAD

# Bounds of the default number of rows for n-grams.
_FEWEST_BUCKETS, _MOST_BUCKETS = 2**10, 2**16
# Prompts that are read at a time.
_PROMPTS = 64


class LanguageModelConfig(Settings):
    """Settings that all language models share.

    Attributes:
        not_in_weights: settings that trained weights do not depend on.
        pooled_parts: no module is for a pooled vector only.
        without_encoder: why no encoder can begin with the weights; "" if one can.
    """

    not_in_weights: ClassVar[frozenset[str]] = frozenset({"embedding_dropout", "dropout"})
    pooled_parts: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    without_encoder: ClassVar[str] = ""

    dim: int = Field(128, ge=1, le=WIDEST, description="width of token vectors")
    ngrams: int = Field(
        2, ge=1, le=8, description="longest hashed n-gram that ends at a token; 1 = none"
    )
    ngram_buckets: int | None = Field(
        None,
        ge=1,
        le=2**24,
        description="table rows shared by all n-grams; null: a power of two, at least four times "
        "the number of distinct n-grams of the training text, from 2^10 to 2^16",
    )
    tie_embeddings: bool = Field(
        True, description="the output layer shares its weights with the embedding"
    )
    embedding_dropout: DropoutRate = Field(0.0, description="dropout rate of the token vectors")
    dropout: DropoutRate = Field(
        0.0, description="dropout rate between layers and of the last states"
    )

    @property
    def most_tokens(self) -> int | None:
        """Largest number of tokens of a text; None, since a text may have any length."""
        return None

    @property
    def evaluated_context(self) -> str:
        """Tokens that a token of a text is predicted from in an evaluation, in words."""
        raise NotImplementedError

    @property
    def table_rows(self) -> int:
        """Number of table rows shared by all n-grams, if there are n-grams."""
        return self.ngram_buckets or _MOST_BUCKETS

    def for_tokens(self, ids: npt.NDArray[np.integer]) -> Self:
        """Return the settings with a table of n-grams that fits a text.

        Args:
            ids: its tokens, [tokens].
        """
        if self.ngram_buckets is not None or self.ngrams == 1:
            return self
        count = count_distinct_ngrams(ids, self.ngrams, enough=_MOST_BUCKETS)
        buckets = choose_buckets(count, rows=4, fewest=_FEWEST_BUCKETS, most=_MOST_BUCKETS)
        return self.model_copy(update={"ngram_buckets": buckets})


class LanguageModel(nn.Module):
    """A language model, but for its layers.

    A subclass implements `forward`, `begin`, `read`, `step`, `read_vectors` and
    `negative_log_likelihoods`, and creates `states_dim`.

    Args:
        config: settings.
        vocabulary_size: number of ids.
        states_dim: width of the states of the last layer.
    """

    def __init__(self, config: LanguageModelConfig, vocabulary_size: int, states_dim: int) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.states_dim = states_dim
        self.embedding = TokenEmbedding(
            vocabulary_size, config.dim, ngrams=config.ngrams, buckets=config.table_rows
        )
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.dropout = Dropout(config.dropout)
        self.adapter: nn.Module | None = None
        self.output: nn.Module | None = None
        if not config.tie_embeddings:
            self.output = nn.Linear(states_dim, vocabulary_size)
        elif states_dim != config.dim:
            self.adapter = Linear(states_dim, config.dim)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size)) if config.tie_embeddings else None

    @property
    def before(self) -> int:
        """Number of tokens before the first one that its vector depends on."""
        return self.embedding.ngrams - 1

    def token_vectors(self, ids: Tensor, previous: Tensor) -> Tensor:
        """Return the vectors of tokens, with those of the n-grams that end at them.

        Args:
            ids: [batch, time].
            previous: the tokens before them, [batch, `before`]; PAD where there is none.

        Returns:
            [batch, time, dim].
        """
        embedding = self.embedding
        if ids.shape[1] == 1 and embedding.can_read_next():
            return embedding.next_vectors(ids[:, 0], previous)[:, None]
        # the embedding adds the n-grams that begin at a token: so the order is reversed
        reversed_ids = torch.cat([previous, ids], dim=1).flip(1)
        vectors: Tensor = self.embedding(reversed_ids, reversed_ids != PAD)
        vectors = vectors.flip(1)[:, previous.shape[1] :]
        dropped: Tensor = self.embedding_dropout(vectors)
        return dropped

    def side_vectors(self, *sides: Tensor) -> Tensor:
        """Return the vectors of the tokens of one text, see `munjang.models.given_vectors`."""
        (ids,) = sides
        return self.token_vectors(ids, pad_previous(len(ids), self.before, ids))

    def project(self, states: Tensor) -> Projected:
        """Return states [..., states dim] with the output layer."""
        states = self.dropout(states)
        if self.output is not None:
            return Projected(states, self.output.weight, self.output.bias)  # type: ignore[arg-type]
        if self.adapter is not None:
            states = self.adapter(states)
        assert self.bias is not None
        return Projected(states, self.embedding.tied_weight(), self.bias)

    def remember(self, previous: Tensor, ids: Tensor) -> Tensor:
        """Return the last `before` tokens of `previous` and `ids`, both [batch, time]."""
        joined = torch.cat([previous, ids], dim=1)
        return joined[:, joined.shape[1] - self.before :]

    def begin(self, rows: int) -> Any:
        """Return the `munjang.models.decoder.State` before the first token of `rows` texts.

        Its beam is 1.
        """
        raise NotImplementedError

    def read(self, state: Any, ids: Tensor) -> tuple[Projected, Any]:
        """Read tokens of every row at once.

        Args:
            state: of beam 1.
            ids: [rows, time].

        Returns:
            States of tokens [rows x tokens, dim] with the output layer, that of the last token of
            each row last; and the state after them.
        """
        raise NotImplementedError

    def read_prompts(self, prompts: Sequence[Tensor]) -> Any:
        """Return the state, of beam 1, after the tokens of prompts, [tokens] int64 each.

        Prompts of equal length are read together, some at a time.
        """
        states, places = [], list[int]()
        for length in sorted({len(ids) for ids in prompts}):
            alike = [row for row, ids in enumerate(prompts) if len(ids) == length]
            for start in range(0, len(alike), _PROMPTS):
                rows = alike[start : start + _PROMPTS]
                state = self.begin(len(rows))
                if length:
                    _, state = self.read(state, torch.stack([prompts[row] for row in rows]))
                states.append(state)
                places += rows
        joined = states[0].join(states[1:])
        return joined.keep(torch.tensor(places, device=prompts[0].device).argsort())

    def step(self, state: Any, ids: Tensor) -> StepOutput:
        """Read one token of each hypothesis, `ids` [rows, beam]."""
        raise NotImplementedError

    def read_vectors(self, vectors: Tensor) -> Tensor:
        """Return the states of token vectors that begin a text, for gradients with respect to them.

        Args:
            vectors: [batch, time, dim], of `token_vectors` or any others.

        Returns:
            [batch, time, states dim].
        """
        raise NotImplementedError

    def negative_log_likelihoods(self, ids: Tensor) -> Tensor:
        """Return that of each token but the first, given all tokens before it that it reads.

        Args:
            ids: one text, [tokens] int64.

        Returns:
            Nats, [tokens - 1] float32.
        """
        raise NotImplementedError


def losses_of(projected: Projected, targets: Tensor) -> Tensor:
    """Return the negative log-likelihood of each target, [rows], of states [rows, dim]."""
    losses = []
    for start in range(0, len(targets), _ROWS):
        part = slice(start, start + _ROWS)
        some = Projected(projected.states[part], projected.weight, projected.bias)
        logits = some.logits().float()
        losses.append(torch.nn.functional.cross_entropy(logits, targets[part], reduction="none"))
    return torch.cat(losses) if losses else targets.new_zeros(0, dtype=torch.float32)


# Rows whose logits exist at a time.
_ROWS = 4096


def pad_previous(rows: int, before: int, like: Tensor) -> Tensor:
    """Return `before` PAD for each row: no token comes before the first one."""
    return like.new_full((rows, before), PAD)
