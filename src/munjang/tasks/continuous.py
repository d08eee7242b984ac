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
from munjang.tasks.inference import device_of, evaluating
from munjang.text.plain.growing import GrowingText, Part, add_token


@dataclass(frozen=True)
class Beginning:
    """A text before its first token.

    Attributes:
        state: of the decoder, one row.
        limit: most tokens that are added.
        first_ids: the token that is read first, [1]; None: GO.
        text: turns tokens into text.
    """

    state: Any
    limit: int
    first_ids: Tensor | None
    text: GrowingText


@runtime_checkable
class WritesContinuously(Protocol):
    """A task whose models write texts of several requests together."""

    def open_batch(self, network: nn.Module) -> ContinuousBatch:
        """Return an empty batch.

        Raises:
            ConfigError: the decoding settings ask for beam search.
        """

    def begin(
        self, network: nn.Module, encoded: Any, value: str, *, length: int, stop: Sequence[str]
    ) -> Beginning:
        """Return the beginning of a text.

        Args:
            network: the model.
            encoded: the only row, `value` encoded.
            value: the prompt, or the source text.
            length: most tokens that are added.
            stop: strings at which the text ends.
        """


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
        self._texts: dict[int, GrowingText] = {}

    def __len__(self) -> int:
        return len(self._texts)

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
        with evaluating(self._network), torch.inference_mode():
            begun = self._task.begin(self._network, encoded, value, length=length, stop=stop)
            limit = torch.tensor([begun.limit], device=device_of(self._network))
            [key] = self._batch.join(
                begun.state, limit, first_ids=begun.first_ids, rows=[0], seed=seed
            )
        self._texts[key] = begun.text
        return key

    def cancel(self, keys: Iterable[int]) -> None:
        """Remove texts; unknown keys are ignored."""
        known = [key for key in keys if key in self._texts]
        if known:
            self._batch.cancel(known)
        for key in known:
            del self._texts[key]

    def step(self) -> dict[int, Part]:
        """Add one token to each text, and return what that added, by key.

        Raises:
            MunjangError: the model's logits are NaN or infinite.
        """
        with evaluating(self._network):
            step = self._batch.step()
        parts = {}
        for key, (token,) in step.ids_by_key().items():
            is_last = key in step.finished
            has_ended = is_last and step.finished[key][0].finished
            parts[key] = add_token(self._texts[key], token, is_last=is_last, has_ended=has_ended)
        ended = [key for key, part in parts.items() if part.finish_reason is not None]
        self._batch.cancel(key for key in ended if key not in step.finished)
        for key in ended:
            del self._texts[key]
        return parts
