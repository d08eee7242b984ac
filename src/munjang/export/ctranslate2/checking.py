"""The check of an export: tokens, probabilities and greedy answers are those of the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import nn

from munjang.errors import ConfigError
from munjang.inputs.parallel import EncodedPairs
from munjang.layers.projection import Projected
from munjang.model import Model
from munjang.runners.ctranslate2.translator import Translator
from munjang.tasks.translate import EMPTY, Translate
from munjang.text.columns import values_and_offsets
from munjang.text.vocabulary import EOS, GO

# Largest difference of a log-probability, which is a sum of some hundred products.
TOLERANCE = 1e-3
# Rounding may choose the other one of two tokens that are about as likely.
LEAST_EQUAL = 0.95

Rows = list[list[int]]


@dataclass(frozen=True)
class Reference:
    """Greedy answers of the model itself.

    Attributes:
        texts: the sources.
        sources: ids of each source.
        answers: ids of each answer, without EOS.
        written: each answer as a text.
        log_probabilities: of the tokens of each answer and of EOS after it.
    """

    texts: Sequence[str]
    sources: Rows
    answers: Rows
    written: list[str]
    log_probabilities: list[list[float]]


@dataclass(frozen=True)
class Checked:
    """Result of a check.

    Attributes:
        texts: number of texts.
        equal: number of texts whose answer is the same.
        difference: largest difference of a log-probability.
    """

    texts: int
    equal: int
    difference: float


def answer_greedily(model: Model, texts: Sequence[str]) -> Reference:
    """Return the greedy answers of a model of the task translate to some texts."""
    greedy = model.with_decoding({"method": "greedy", "nbest": 1})
    task = cast(Translate, greedy.task)
    encoded = cast(EncodedPairs, model.input.encode_values(list(texts)))
    values, offsets = values_and_offsets(encoded.pairs.source_ids)
    sources = [values[start:end].tolist() for start, end in pairwise(offsets.tolist())]
    found = [best[0] for best in task.hypotheses(model.network, encoded)]
    found = [best if ids else EMPTY for best, ids in zip(found, sources, strict=True)]
    answers = [list(best.ids) for best in found]
    return Reference(
        texts,
        sources,
        answers,
        task.texts_of(found, list(texts)),
        [_score(model.network, s, a) for s, a in zip(sources, answers, strict=True)],
    )


@torch.inference_mode()
def _score(network: nn.Module, source: list[int], answer: list[int]) -> list[float]:
    """Return the log-probabilities of the tokens of an answer, and of EOS after it."""
    if not source:
        return []
    device = next(network.parameters()).device
    ids = torch.tensor([source], device=device)
    inputs = torch.tensor([[GO, *answer]], device=device)
    outputs: Projected = network(ids, ids >= 0, inputs, inputs >= 0)
    wanted = torch.tensor([*answer, EOS], device=device)
    table = outputs.logits().log_softmax(-1)
    return cast(list[float], table.gather(1, wanted[:, None])[:, 0].tolist())


def check_export(translator: Translator, expected: Reference, *, exact: bool) -> Checked:
    """Compare the script and the model that it runs with the answers of the network.

    Args:
        translator: of the new folder.
        expected: answers of the network.
        exact: whether the weights are those of the network; rounded ones may answer otherwise.

    Raises:
        ConfigError: other tokens, other probabilities, or, with `exact`, other answers.
    """
    for text, ids in zip(expected.texts, expected.sources, strict=True):
        if translator.encode(text) != ids:
            raise _different(f"the script reads other tokens in {text[:60]!r}")
    difference = _largest_difference(translator, expected)
    found = translator.translate(expected.texts, beam=1)
    equal = sum(a == b for a, b in zip(found, expected.written, strict=True))
    if exact and not difference <= TOLERANCE:
        raise _different(f"a log-probability differs by {difference:.2g}")
    if exact and equal < LEAST_EQUAL * len(found):
        raise _different(f"{len(found) - equal} of {len(found)} greedy answers differ")
    return Checked(len(found), equal, difference)


def _largest_difference(translator: Translator, expected: Reference) -> float:
    rows = [i for i, source in enumerate(expected.sources) if source]
    source, target = translator.source.tokens, translator.target.tokens
    scores: list[Any] = translator.model.score_batch(
        [[source[token] for token in expected.sources[i]] for i in rows],
        [[target[token] for token in expected.answers[i]] for i in rows],
        max_batch_size=16,
        max_input_length=0,
    )
    differences: list[float] = [
        abs(theirs - ours)
        for i, score in zip(rows, scores, strict=True)
        for theirs, ours in zip(score.log_probs, expected.log_probabilities[i], strict=True)
    ]
    return max(differences)


def _different(what: str) -> ConfigError:
    return ConfigError(
        f"export ctranslate2: the exported model is not the one that was trained: {what}; nothing "
        "was written"
    )
