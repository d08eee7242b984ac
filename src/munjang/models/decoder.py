"""Protocol of models that write a text token by token, whatever they begin from.

Decoding (`munjang.decoding`) knows a model by its `step` function and by the `State` that the
function reads and returns. Who makes the first state decides what is continued: an encoder-decoder
makes it of source texts, a language model of prompts, or of nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from torch import Tensor


class State(Protocol):
    """All that a decoder knows of [rows, beam] hypotheses. Immutable.

    The hypotheses of a row have a dimension of their own, so that what depends on the row alone,
    such as its encoded source, is stored once per row and not once per hypothesis.
    """

    def pick(self, parents: Tensor) -> Self:
        """Return the state of new hypotheses.

        Args:
            parents: [rows, new beam] int64: the hypothesis of its row that each one continues.
        """

    def keep(self, rows: Tensor) -> Self:
        """Return the state of some rows, in the order of `rows` [kept] int64."""

    def join(self, others: Sequence[Self]) -> Self:
        """Return one state of the rows of this state, followed by those of `others`.

        All have the same beam. Rows may have read different numbers of tokens, and sources of
        different lengths: shorter ones are padded, and padding never changes an answer.
        """


@runtime_checkable
class AttendsToSource(Protocol):
    """Capability of a `State` whose steps return attention to the tokens of a source."""

    @property
    def source_mask(self) -> Tensor:
        """Real tokens of each row's source, [rows, source time], True = real token."""


@dataclass(frozen=True)
class StepOutput:
    """Result of one step.

    Attributes:
        logits: of the next token, [rows, beam, vocabulary].
        state: after the token that was read.
        attention: weight of each source token, [rows, beam, source time], which sum to 1 and are
            0 at padding; None where the model attends to no source.
    """

    logits: Tensor
    state: Any
    attention: Tensor | None = None


# Read one token of each hypothesis: (state, ids [rows, beam] int64) -> `StepOutput`.
Step = Callable[[Any, Tensor], StepOutput]
