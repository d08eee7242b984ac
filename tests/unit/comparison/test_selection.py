"""Which model is named, and why."""

from typing import Any

import numpy as np
import pytest

from munjang.comparison.candidates import Candidate
from munjang.comparison.gaps import Difference
from munjang.comparison.margins import margin_of
from munjang.comparison.selection import size_text, smallest_good_enough
from munjang.comparison.standings import Outcome, Standing, make_standings
from munjang.comparison.statistics import Interval, Tally, score
from munjang.errors import ConfigError
from tests.unit.comparison.simulations import RECORD


def make_row(
    name: str,
    score: float | None,
    size: int,
    *,
    at_most: float | None = None,
    low: float = -0.01,
    **other: Any,
) -> Standing:
    """A row of the table; the best has no `at_most`."""
    gap = None
    if at_most is not None:
        interval = Interval(low, at_most)
        gap = Difference(0.002, interval, 0.3, at_most, 0.02, False, 8000, 5)
    values = {"runs": 3, "seeds": 3, "p50": 1.0, **other}
    return Standing(name, score=score, folder_bytes=size, to_best=gap, **values)


def make_table(right: dict[str, np.ndarray], sizes: dict[str, int]) -> list[Standing]:
    """The table of models without chance that are right on these rows."""
    outcomes = {}
    for name, rows in right.items():
        tally = Tally(
            np.stack([rows.astype(float), np.ones(len(rows))], axis=1),
            lambda sums: sums[:, 0] / sums[:, 1],
        )
        record = {**RECORD, "folder_bytes": sizes[name]}
        outcomes[Candidate(name)] = [Outcome(record, None, tally, {"accuracy": score(tally)})]
    return make_standings(outcomes, {}, 1, metric="accuracy", margin=0.01)


SIZES = {"tfidf-words": 5_000_000, "nbsvm": 200_000, "majority": 1_000}


@pytest.mark.parametrize("rows", [20, 40, 80])
def test_few_rows_never_select_constant_model(rows: int) -> None:
    """0.60 beside 0.78: with few rows that is no significant difference, and no equality either."""
    random, conclusive = np.random.default_rng(1), 0
    for _ in range(50):
        right = {
            "tfidf-words": random.random(rows) < 0.78,
            "nbsvm": random.random(rows) < 0.76,
            "majority": random.random(rows) < 0.60,
        }
        choice = smallest_good_enough(make_table(right, SIZES), margin=0.01)
        assert choice is not None
        assert choice.name != "majority"
        conclusive += choice.is_conclusive and choice.name == "nbsvm" and "behind" in choice.why
    assert conclusive == 0, "that the smaller one is as good cannot be told of so few rows"


def test_constant_model_that_scores_best_yields_best_trained_model() -> None:
    right = {
        "tfidf-words": np.arange(1000) % 10 < 5,
        "nbsvm": np.arange(1000) % 10 < 4,
        "majority": np.arange(1000) % 10 < 9,
    }
    rows = make_table(right, SIZES)
    assert rows[0].verdict == "constant"
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert choice.name == "tfidf-words"
    assert "the constant majority scores higher" in choice.why
    alone = make_table({"majority": right["majority"]}, SIZES)
    assert smallest_good_enough(alone, margin=0.01) is None


def test_constant_model_is_not_selected() -> None:
    rows = [
        make_row("cnn", 0.9, 8_000),
        make_row("mean", 0.9, 1_000, at_most=0.001, is_constant=True),
    ]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert choice.name == "cnn"


def test_smaller_model_is_selected_once_equivalence_is_significant() -> None:
    random = np.random.default_rng(2)
    for rows, name, is_conclusive in ((300, "tfidf-words", False), (30_000, "nbsvm", True)):
        best = random.random(rows) < 0.8
        other = best ^ (random.random(rows) < 0.01)
        best[:3] = True
        other[:3] = False  # so that the small one is never the best
        choice = smallest_good_enough(
            make_table({"tfidf-words": best, "nbsvm": other}, SIZES), margin=0.01
        )
        assert choice is not None
        assert (choice.name, choice.is_conclusive) == (name, is_conclusive)
        assert ("rows to judge on" in choice.why) != is_conclusive
        assert ("within the margin of 0.01" in choice.why) == is_conclusive


def test_smallest_within_margin_is_selected_conclusively() -> None:
    rows = [
        make_row("big", 0.90, 8_000_000),
        make_row("small", 0.898, 500_000, at_most=0.009),
        make_row("middle", 0.898, 900_000, at_most=0.005),
        make_row("tiny", 0.60, 1_000, at_most=0.4, low=0.2),
    ]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert (choice.name, choice.is_conclusive) == ("small", True)
    for expected in ("500 kB", "0.0020 behind big", "at most 0.0090", "16.0 times"):
        assert expected in choice.why
    strict = smallest_good_enough(rows, margin=0.006)
    assert strict is not None
    assert strict.name == "middle"
    assert "small (at most 0.0090)" in strict.why, "of the smaller one it cannot be told"


def test_inconclusive_selection_falls_back_to_best() -> None:
    rows = [make_row("big", 0.9, 8_000), make_row("small", 0.89, 1_000, at_most=0.05)]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert (choice.name, choice.is_conclusive) == ("big", False)
    assert "about 8,000 rows to judge on and 5 seeds" in choice.why
    assert "--margin" in choice.why


def test_best_is_selected_if_smaller_ones_are_worse() -> None:
    rows = [make_row("big", 0.9, 8_000_000), make_row("tiny", 0.6, 1_000, at_most=0.4, low=0.2)]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert (choice.name, choice.is_conclusive) == ("big", True)
    assert "every smaller one is worse" in choice.why


def test_faster_of_equally_sized_models_is_selected() -> None:
    rows = [
        make_row("slow", 0.9, 1000, p50=3.0),
        make_row("quick", 0.9, 1000, at_most=0.004, p50=0.5),
    ]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert choice.name == "quick"


@pytest.mark.parametrize("broken", [{"runs": 2}, {"starved": 1}])
def test_model_with_failed_run_is_selected_only_as_last_resort(broken: dict[str, int]) -> None:
    rows = [make_row("whole", 0.9, 9000), make_row("broken", 0.9, 1000, at_most=0.004, **broken)]
    choice = smallest_good_enough(rows, margin=0.01, by_clock=True)
    assert choice is not None
    assert choice.name == "whole"
    alone = smallest_good_enough(
        [make_row("broken", 0.9, 1000, **broken)], margin=0.01, by_clock=True
    )
    assert alone is not None
    assert alone.name == "broken"
    assert "failed or were starved" in alone.why


def test_cpu_starvation_is_ignored_with_token_budget() -> None:
    rows = [make_row("whole", 0.9, 9000), make_row("busy", 0.9, 1000, at_most=0.004, starved=3)]
    choice = smallest_good_enough(rows, margin=0.01, by_clock=False)
    assert choice is not None
    assert choice.name == "busy"


def test_no_finished_model_selects_nothing() -> None:
    assert smallest_good_enough([], margin=0.01) is None
    assert smallest_good_enough([make_row("crashed", None, 0, runs=0)], margin=0.01) is None


@pytest.mark.parametrize(
    ("metric", "margin"),
    [
        ("accuracy", 0.01),
        ("macro_f1", 0.01),
        ("exact_match", 0.01),
        ("chrf", 1),
        ("log_loss", 0.02),
    ],
)
def test_margin_follows_scale_of_metric(metric: str, margin: float) -> None:
    assert margin_of(metric, None) == pytest.approx(margin)
    assert margin_of(metric, 0.5) == 0.5


@pytest.mark.parametrize("margin", [0, -0.1, float("nan"), float("inf"), 1.0, "much"])
def test_invalid_margin_is_refused(margin: Any) -> None:
    with pytest.raises(ConfigError, match=r"margin: expected a number above 0 and below 1.*0\.01"):
        margin_of("accuracy", margin)


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (1210, "1.21 kB"), (3_400_000, "3.4 MB"), (2e9, "2 GB")]
)
def test_size_text(count: float, text: str) -> None:
    assert size_text(count) == text
