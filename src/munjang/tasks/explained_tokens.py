"""Scores of tokens that a model predicts: those of masks, the next one, and those of an answer."""

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from munjang.config import suggest_nearest
from munjang.errors import ConfigError, DataError
from munjang.layers.projection import Projected
from munjang.models.language.model import LanguageModel
from munjang.tasks.explained import ExplainedScores, arguments_of
from munjang.tasks.inference import evaluating
from munjang.text.masks import MASKED, TokenTexts, find_predictable
from munjang.text.vocabulary import EOS, GO, OOV, PAD


class ProjectSides(Protocol):
    """Computes logits [batch, scores, vocabulary]; see `munjang.tasks.explained.ScoreSides`."""

    def __call__(
        self, network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]
    ) -> Tensor:
        """Return the logits."""


def token_scores(
    answer: str, names: Sequence[str], tokens: Tensor, project: ProjectSides, **more: Any
) -> ExplainedScores:
    """Return the logits of tokens, each among the vocabulary at its place.

    Args:
        answer: the answer in words.
        names: of the scores, one per token.
        tokens: their ids, [scores].
        project: computes all logits.
        more: further attributes of `ExplainedScores`.
    """
    columns = tokens[None, :, None]

    def take(logits: Tensor) -> Tensor:
        return logits.gather(2, columns.to(logits.device).expand(len(logits), -1, 1))[..., 0]

    def compute(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        return take(project(network, ids, places).float())

    def measure(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        return take(project(network, ids, places).float().softmax(2))

    return ExplainedScores(answer, tuple(names), compute, probabilities=measure, **more)


def explain_masks(
    network: nn.Module, ids: Tensor, wanted: str | None, *, mask_id: int, texts: TokenTexts
) -> ExplainedScores:
    """Return the logit of a token at each [MASK] of a text: of the likeliest one, or of `wanted`.

    Args:
        network: a masked language model.
        ids: one text, [1, time], with `MASKED` at masked places.
        wanted: the token, by its text or its name in the vocabulary; None for the likeliest ones.
        mask_id: id of [MASK].
        texts: texts of tokens.

    Raises:
        DataError: nothing is masked.
        ConfigError: there is no such token, or it is never predicted.
    """
    masked = (ids[0] == MASKED).nonzero()[:, 0] + 1
    if not len(masked):
        raise DataError("expected [MASK] in the text, got none that the model reads")
    is_excluded = torch.from_numpy(~find_predictable(texts.tokenizer.vocabulary))

    def project(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        rows, mask = places[0], places[0] != PAD
        first = torch.arange(len(rows), device=rows.device)[:, None] * rows.shape[1]
        columns = [(rows == place).int().argmax(1) for place in masked.tolist()]
        visible = ids[0].masked_fill(ids[0] == MASKED, mask_id)
        outputs = network(visible, mask, (first + torch.stack(columns, dim=1)).flatten())
        logits: Tensor = outputs.tokens.logits()
        logits = logits.masked_fill(is_excluded.to(rows.device), -torch.inf)
        return logits.view(len(rows), len(columns), -1)

    places = torch.arange(1, ids.shape[1] + 1, device=ids.device)[None]
    with evaluating(network), torch.no_grad():
        best = project(network, [ids], [places])[0].argmax(1).cpu()
    tokens = best
    if wanted is not None:
        number = _find_token(wanted, texts, ~is_excluded)
        tokens = torch.full_like(best, number)
    several = len(tokens) > 1
    return token_scores(
        ", ".join(texts[number] for number in best.tolist()),
        [
            f"logit of {texts[number]}" + (f" at [MASK] {place}" if several else "")
            for place, number in enumerate(tokens.tolist(), start=1)
        ],
        tokens,
        project,
        visible=lambda ids: ids.masked_fill(ids == MASKED, mask_id),
        kept=frozenset((masked - 1).tolist()),
    )


def explain_next(
    network: nn.Module, ids: Tensor, wanted: str | None, *, texts: TokenTexts
) -> ExplainedScores:
    """Return the logit of the next token of a text: of the likeliest one, or of `wanted`.

    Args:
        network: a language model.
        ids: one text, [1, time].
        wanted: the token, by its text or its name in the vocabulary; None for the likeliest one.
        texts: texts of tokens.

    Raises:
        ConfigError: there is no such token.
    """
    never = [PAD, GO, OOV]

    def project(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        model = cast(LanguageModel, network)
        projected, _ = model.read(model.begin(len(ids[0])), ids[0])
        states = projected.states.view(len(ids[0]), -1, projected.states.shape[1])[:, -1]
        logits = Projected(states, projected.weight, projected.bias).logits()
        excluded = torch.zeros(logits.shape[1], dtype=torch.bool, device=logits.device)
        excluded[never] = True
        return logits.masked_fill(excluded, -torch.inf)[:, None]

    with evaluating(network), torch.no_grad():
        best = int(project(network, [ids], [ids])[0, 0].argmax())
    size = texts.tokenizer.vocabulary.size
    can_follow = torch.ones(size, dtype=torch.bool)
    can_follow[never] = False
    token = best if wanted is None else _find_token(wanted, texts, can_follow)
    shown = {EOS: "the end of the line"}
    return token_scores(
        shown.get(best, texts[best]),
        [f"logit of {shown.get(token, texts[token])}"],
        torch.tensor([token]),
        project,
        kept=frozenset({0}),  # the line break before the text
    )


def explain_answer(
    answer: str, words: Sequence[str], word_of: Sequence[int], tokens: Tensor, source_time: int
) -> ExplainedScores:
    """Return the logit of each word of a written answer: the sum over its tokens.

    Args:
        answer: the text.
        words: its words.
        word_of: number of the word of each token, [tokens].
        tokens: the ids of the answer without EOS, [tokens].
        source_time: number of tokens of the source; places after them are never left out.
    """
    count = len(tokens)
    sums = torch.zeros(count, len(words))
    sums[torch.arange(count), torch.as_tensor(list(word_of), dtype=torch.int64)] = 1.0

    def project(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        projected: Projected = network(*arguments_of(ids))
        return projected.logits().view(*ids[1].shape, -1)[:, :count]

    single = token_scores(answer, [""] * count, tokens, project)

    def compute(network: nn.Module, ids: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        logits = single.compute(network, ids, places)
        return logits @ sums.to(logits.device)

    kept = frozenset(range(source_time, source_time + count + 1))
    return ExplainedScores(answer, tuple(f"logit of {word}" for word in words), compute, kept=kept)


def _find_token(wanted: str, texts: TokenTexts, is_known: Tensor) -> int:
    """Return the id of a token by its name in the vocabulary, or else by its text.

    Args:
        wanted: the name or the text.
        texts: texts of tokens.
        is_known: True for each id that may be asked for, [vocabulary].

    Raises:
        ConfigError: no token has that name or text.
    """
    tokens = texts.tokenizer.vocabulary.tokens
    numbers: list[int] = np.flatnonzero(is_known.numpy()).tolist()
    for read in (tokens.__getitem__, texts.__getitem__):
        found = next((number for number in numbers if read(number) == wanted), None)
        if found is not None:
            return found
    known = [tokens[number] for number in numbers]
    raise ConfigError(
        f"class: '{wanted[:80]}' is no token that this model predicts"
        f"{suggest_nearest(wanted, known)}"
    )
