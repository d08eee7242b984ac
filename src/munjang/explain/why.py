"""Why a model gave an answer: its scores divided among the words of a text."""

from typing import Any

import numpy as np

from munjang.errors import DataError
from munjang.explain.attribution import AttributedText, Attribution, Explanation
from munjang.explain.place_shares import PlaceShares, choose_method, compute_shares
from munjang.explain.row import ExplainedRow
from munjang.explain.winners import find_winners


def explain_answer(
    model: Any,
    value: Any,
    *,
    method: str | None = None,
    label: str | None = None,
    baseline: str | None = None,
    target: str | None = None,
) -> Explanation:
    """Divide the scores of an answer among the words of its text.

    Args:
        model: a `munjang.model.Model`.
        value: a text; (first, second) for a model of two texts.
        method: exact, integrated, gradient or leave_one_out; exact where there is one, else
            integrated, if omitted.
        label: class, label or token to explain; that of the answer if omitted.
        baseline: what stands for "no text": zero (vectors) or oov (tokens); for leave_one_out oov
            or deleted. If omitted zero, but oov for leave_one_out and for BERT.
        target: answer to explain, of models that write text; the model's own if omitted.

    Raises:
        ConfigError: an argument that this model does not have.
        DataError: the text has no token, or the weights give no finite score.
    """
    row = ExplainedRow.of(model, value, label, target)
    chosen = choose_method(row, method)
    shares = compute_shares(row, chosen, baseline)
    if not (np.isfinite(shares.shares).all() and np.isfinite(shares.value).all()):
        raise DataError(
            "expected finite scores, got NaN or infinity; the training diverged, train the model "
            "again"
        )
    rows = tuple(attribution_of(row, shares, number) for number in range(row.size))
    if chosen == "exact":
        rows = find_winners(row, rows)
    return Explanation(
        row.scores.answer, chosen, shares.baseline, rows, row.located.truncated, shares.summed
    )


def attribution_of(row: ExplainedRow, shares: PlaceShares, number: int) -> Attribution:
    """Return one score with the shares of tokens summed up to words."""
    own = shares.shares[number]
    return Attribution(
        row.scores.names[number],
        float(shares.value[number]),
        float(shares.base[number]),
        tuple(
            AttributedText.of(text.text, text.starts, text.ends, own[text.places])
            for text in row.located.texts
        ),
        tuple((label, float(own[place])) for place, label in row.located.specials()),
        shares.steps,
    )
