"""Scores of an answer that an explanation divides among the words of the text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from munjang.config import suggest_nearest
from munjang.errors import ConfigError
from munjang.names import KnownLabels
from munjang.text.vocabulary import PAD

# From a network, ids of each side [batch, time], and places of each side, which count from 1 over
# all sides with 0 as padding, to scores [batch, scores]. Where a network reads vectors
# (`munjang.models.given_vectors`) the ids are the places.
ScoreSides = Callable[[nn.Module, Sequence[Tensor], Sequence[Tensor]], Tensor]


@dataclass(frozen=True, eq=False)
class ExplainedScores:
    """The scores of one row that are explained.

    Attributes:
        answer: the answer of the model, in words.
        names: what each score is, such as "logit of good minus logit of bad".
        compute: computes them.
        coefficients: [scores, outputs] if they are linear in the logits of a row; else None.
        offsets: what is added to that, [scores].
        probabilities: computes the probability of what each score is of, [batch, scores]; None if
            there is none.
        visible: ids as the network reads them, from the ids of a side; the places do not change.
        kept: places, from 0 over all sides, that are never left out, such as a [MASK].
    """

    answer: str
    names: tuple[str, ...]
    compute: ScoreSides
    coefficients: Tensor | None = None
    offsets: Tensor | None = None
    probabilities: ScoreSides | None = None
    visible: Callable[[Tensor], Tensor] = lambda ids: ids
    kept: frozenset[int] = frozenset()


@runtime_checkable
class ExplainsScores(Protocol):
    """A task that says which scores its answer to a row comes from."""

    def explain_scores(
        self, network: nn.Module, sides: Sequence[Tensor], wanted: str | None
    ) -> ExplainedScores:
        """Return the scores that explain the answer to one row.

        Args:
            network: in evaluation mode.
            sides: the ids of each text that the network reads apart, [1, time] each.
            wanted: a class, a label or a token to explain; None for the model's own answer.

        Raises:
            ConfigError: there is no such class, label or token.
        """


def arguments_of(ids: Sequence[Tensor]) -> list[Tensor]:
    """Return ids and mask of each side in turn, the arguments of a network."""
    return [tensor for side in ids for tensor in (side, side != PAD)]


def linear_scores(
    answer: str,
    names: Sequence[str],
    coefficients: Any,
    offsets: Any,
    probabilities: Callable[[Tensor], Tensor] | None = None,
) -> ExplainedScores:
    """Return scores that are linear in the logits of a row: C logits + c.

    Args:
        answer: the answer in words.
        names: of the scores.
        coefficients: C, [scores, outputs].
        offsets: c, [scores].
        probabilities: from logits [batch, outputs] to `ExplainedScores.probabilities`, or None.
    """
    weights = torch.as_tensor(coefficients, dtype=torch.float32)
    added = torch.as_tensor(offsets, dtype=torch.float32)

    def compute(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        logits: Tensor = network(*arguments_of(ids)).float()
        return logits @ weights.T.to(logits.device) + added.to(logits.device)

    def measure(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        assert probabilities is not None
        return probabilities(network(*arguments_of(ids)).float())

    return ExplainedScores(
        answer,
        tuple(names),
        compute,
        weights,
        added,
        None if probabilities is None else measure,
    )


def explain_classes(labels: Sequence[str], logits: Tensor, wanted: str | None) -> ExplainedScores:
    """Return the margin of one class: its logit minus that of the best other class.

    A probability near 1 hardly changes with any word, and a logit does.

    Args:
        labels: names of the classes.
        logits: of the row, [classes], or [1] for the log odds of the second of two classes.
        wanted: name of the class; None for the predicted one.

    Raises:
        ConfigError: there is no such class.
    """
    scores = torch.cat([torch.zeros(1), logits.cpu()]) if len(logits) == 1 else logits.cpu()
    answer = labels[int(scores.argmax())]
    chosen = int(scores.argmax()) if wanted is None else find_label(wanted, labels)
    if len(logits) == 1:
        sign = 2.0 * chosen - 1

        def probability(found: Tensor) -> Tensor:
            return torch.sigmoid(sign * found)

        return linear_scores(
            answer, [f"log odds of {labels[chosen]}"], [[sign]], [0.0], probability
        )
    others = scores.clone()
    others[chosen] = -torch.inf
    second = int(others.argmax())
    weights = torch.zeros(1, len(labels))
    weights[0, chosen], weights[0, second] = 1.0, -1.0
    name = f"logit of {labels[chosen]} minus logit of {labels[second]}"
    return linear_scores(
        answer, [name], weights, [0.0], lambda found: found.softmax(1)[:, chosen : chosen + 1]
    )


def explain_labels(
    labels: Sequence[str], answered: Sequence[str], logits: Tensor, wanted: str | None
) -> ExplainedScores:
    """Return the logit of each label of an answer; of the likeliest one if the answer has none.

    Args:
        labels: names of all labels.
        answered: those of the answer.
        logits: of the row, [labels].
        wanted: name of the only label to explain, or None.

    Raises:
        ConfigError: there is no such label.
    """
    if wanted is not None:
        chosen = [find_label(wanted, labels)]
    else:
        numbers = {name: number for number, name in enumerate(labels)}
        chosen = [numbers[name] for name in answered] or [int(logits.argmax())]
    weights = torch.eye(len(labels))[chosen]
    return linear_scores(
        ", ".join(answered) or "no label",
        [f"logit of {labels[number]}" for number in chosen],
        weights,
        torch.zeros(len(chosen)),
        lambda found: torch.sigmoid(found[:, chosen]),
    )


def find_label(wanted: str, labels: Sequence[str]) -> int:
    """Return the number of a class or label.

    Raises:
        ConfigError: there is none of that name; the nearest is suggested.
    """
    name = KnownLabels(labels).find(wanted)
    if name is None:
        raise ConfigError(
            f"unknown class '{wanted[:80]}'{suggest_nearest(wanted, labels)}; this model has "
            f"{', '.join(labels[:20])}{' ...' if len(labels) > 20 else ''}"
        )
    return list(labels).index(name)
