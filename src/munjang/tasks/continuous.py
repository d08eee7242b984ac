"""Texts that a model writes together, each returned as it grows.

    texts = ContinuousTexts(model)
    key = texts.join("ROMEO:", length=100)
    while len(texts):
        for key, part in texts.step().items():
            print(part.text, end="")

A text is the same whatever else is written at the same time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from munjang.decoding.continuous import ContinuousBatch
from munjang.errors import ConfigError
from munjang.tasks.inference import evaluating
from munjang.text.plain.growing import GrowingText, Part, add_token


@dataclass(frozen=True)
class Opening:
    """A request to continue or translate a text.

    Attributes:
        encoded: the only row, `value` encoded.
        value: the prompt, or the source text.
        length: most tokens that are added.
        seed: random seed of sampling.
        stop: strings at which the text ends.
    """

    encoded: Any
    value: str
    length: int
    seed: int
    stop: Sequence[str]


@dataclass(frozen=True)
class Beginnings:
    """Texts before their first tokens.

    Attributes:
        state: of the decoder, of all rows, of beam 1.
        limits: most tokens that are added, [rows] int64.
        first_ids: the token that is read first, [rows] int64; None: GO.
        texts: turn tokens into text.
    """

    state: Any
    limits: Tensor
    first_ids: Tensor | None
    texts: Sequence[GrowingText]


@runtime_checkable
class WritesContinuously(Protocol):
    """A task whose models write texts of several requests together."""

    def open_batch(self, network: nn.Module) -> ContinuousBatch:
        """Return an empty batch.

        Raises:
            ConfigError: the decoding settings ask for beam search.
        """

    def begin(self, network: nn.Module, openings: Sequence[Opening]) -> Beginnings:
        """Read prompts or source texts, and return the beginnings of the texts that follow."""


class WritingModel(Protocol):
    """The parts of a `munjang.model.Model` that are used."""

    @property
    def input(self) -> Any:
        """The fitted input."""

    @property
    def task(self) -> Any:
        """The fitted task."""

    @property
    def network(self) -> nn.Module:
        """The network."""


class ContinuousTexts:
    """Texts that are written together.

    Args:
        model: a model whose task is `WritesContinuously`.

    Raises:
        ConfigError: the model writes no texts token by token, or searches a beam.
    """

    def __init__(self, model: WritingModel) -> None:
        task = model.task
        if not isinstance(task, WritesContinuously):
            raise ConfigError(
                "this model writes no text token by token; expected one of the task language or "
                "translate"
            )
        self._task = task
        self._input = model.input
        self._network = model.network
        self._batch = task.open_batch(model.network)
        self._next_key = 0
        self._openings: dict[int, Opening] = {}
        self._texts: dict[int, GrowingText] = {}
        # keys of texts by those of rows of the batch, and the other way round
        self._key_of: dict[int, int] = {}
        self._row_of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._openings) + len(self._texts)

    def join(self, value: str, *, length: int, seed: int = 0, stop: Sequence[str] = ()) -> int:
        """Begin a text, whose first token comes with the next step, and return its key.

        Args:
            value: the prompt, or the source text.
            length: most tokens that are added.
            seed: random seed of sampling.
            stop: strings at which the text ends; they are not part of it.

        Raises:
            DataError: the value cannot be used.
        """
        encoded = self._input.encode_values(value)
        key, self._next_key = self._next_key, self._next_key + 1
        self._openings[key] = Opening(encoded, value, length, seed, stop)
        return key

    def cancel(self, keys: Iterable[int]) -> None:
        """Remove texts; unknown keys are ignored."""
        keys = list(keys)
        rows = [self._row_of[key] for key in keys if key in self._row_of]
        if rows:
            self._batch.cancel(rows)
        for key in keys:
            self._openings.pop(key, None)
            self._forget(key)

    def step(self) -> dict[int, Part]:
        """Add one token to each text, and return what that added, by key.

        Raises:
            MunjangError: the model's logits are NaN or infinite.
        """
        with evaluating(self._network), torch.inference_mode():
            if self._openings:
                self._begin()
            step = self._batch.step()
        parts, stopped = {}, []
        for row, (token,) in step.ids_by_key().items():
            key, is_last = self._key_of[row], row in step.finished
            has_ended = is_last and step.finished[row][0].finished
            part = add_token(self._texts[key], token, is_last=is_last, has_ended=has_ended)
            parts[key] = part
            if part.finish_reason is not None:
                self._forget(key)
                stopped += [] if is_last else [row]
        self._batch.cancel(stopped)
        return parts

    def _begin(self) -> None:
        """Add rows for the texts that have joined; their prompts are read together."""
        openings, self._openings = self._openings, {}
        asked = list(openings.values())
        begun = self._task.begin(self._network, asked)
        rows = self._batch.join(
            begun.state,
            begun.limits,
            first_ids=begun.first_ids,
            rows=[0] * len(asked),
            seed=[opening.seed for opening in asked],
        )
        for key, row, text in zip(openings, rows, begun.texts, strict=True):
            self._texts[key], self._row_of[key], self._key_of[row] = text, row, key

    def _forget(self, key: int) -> None:
        if key in self._texts:
            del self._texts[key], self._key_of[self._row_of.pop(key)]
