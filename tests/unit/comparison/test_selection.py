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
from tests.unit.comparison.worlds import RECORD


def row(
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


def table(right: dict[str, np.ndarray], sizes: dict[str, int]) -> list[Standing]:
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
def test_few_rows_never_name_the_most_frequent_class(rows: int) -> None:
    """0.60 beside 0.78: with few rows that is no significant difference, and no equality either."""
    random, told = np.random.default_rng(1), 0
    for _ in range(50):
        right = {
            "tfidf-words": random.random(rows) < 0.78,
            "nbsvm": random.random(rows) < 0.76,
            "majority": random.random(rows) < 0.60,
        }
        choice = smallest_good_enough(table(right, SIZES), margin=0.01)
        assert choice is not None
        assert choice.name != "majority"
        told += choice.is_conclusive and choice.name == "nbsvm" and "behind" in choice.why
    assert told == 0, "that the smaller one is as good cannot be told of so few rows"


def test_where_the_most_frequent_class_is_best_the_best_that_reads_is_named() -> None:
    right = {
        "tfidf-words": np.arange(1000) % 10 < 5,
        "nbsvm": np.arange(1000) % 10 < 4,
        "majority": np.arange(1000) % 10 < 9,
    }
    rows = table(right, SIZES)
    assert rows[0].verdict == "constant"
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert choice.name == "tfidf-words"
    assert "the constant majority scores higher" in choice.why
    alone = table({"majority": right["majority"]}, SIZES)
    assert smallest_good_enough(alone, margin=0.01) is None


def test_a_model_that_answers_always_the_same_is_not_named() -> None:
    rows = [row("cnn", 0.9, 8_000), row("mean", 0.9, 1_000, at_most=0.001, is_constant=True)]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert choice.name == "cnn"


def test_a_smaller_model_is_named_once_enough_rows_tell_that_it_is_as_good() -> None:
    random = np.random.default_rng(2)
    for rows, name, told in ((300, "tfidf-words", False), (30_000, "nbsvm", True)):
        best = random.random(rows) < 0.8
        other = best ^ (random.random(rows) < 0.01)
        best[:3] = True
        other[:3] = False  # so that the small one is never the best
        choice = smallest_good_enough(
            table({"tfidf-words": best, "nbsvm": other}, SIZES), margin=0.01
        )
        assert choice is not None
        assert (choice.name, choice.is_conclusive) == (name, told)
        assert ("rows to judge on" in choice.why) != told
        assert ("within the margin of 0.01" in choice.why) == told


def test_the_smallest_within_the_margin_is_chosen_and_the_figures_say_why() -> None:
    rows = [
        row("big", 0.90, 8_000_000),
        row("small", 0.898, 500_000, at_most=0.009),
        row("middle", 0.898, 900_000, at_most=0.005),
        row("tiny", 0.60, 1_000, at_most=0.4, low=0.2),
    ]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert (choice.name, choice.is_conclusive) == ("small", True)
    for wanted in ("500 kB", "0.0020 behind big", "at most 0.0090", "16.0 times"):
        assert wanted in choice.why
    strict = smallest_good_enough(rows, margin=0.006)
    assert strict is not None
    assert strict.name == "middle"
    assert "small (at most 0.0090)" in strict.why, "of the smaller one it cannot be told"


def test_where_a_smaller_one_cannot_be_told_the_best_is_named_and_that_is_said() -> None:
    rows = [row("big", 0.9, 8_000), row("small", 0.89, 1_000, at_most=0.05)]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert (choice.name, choice.is_conclusive) == ("big", False)
    assert "about 8,000 rows to judge on and 5 seeds" in choice.why
    assert "--margin" in choice.why


def test_the_best_is_chosen_where_all_smaller_ones_are_worse() -> None:
    rows = [row("big", 0.9, 8_000_000), row("tiny", 0.6, 1_000, at_most=0.4, low=0.2)]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert (choice.name, choice.is_conclusive) == ("big", True)
    assert "every smaller one is worse" in choice.why


def test_among_equals_in_size_the_quicker_one() -> None:
    rows = [row("slow", 0.9, 1000, p50=3.0), row("quick", 0.9, 1000, at_most=0.004, p50=0.5)]
    choice = smallest_good_enough(rows, margin=0.01)
    assert choice is not None
    assert choice.name == "quick"


@pytest.mark.parametrize("broken", [{"runs": 2}, {"starved": 1}])
def test_a_model_that_lost_a_run_is_chosen_only_if_none_is_whole(broken: dict[str, int]) -> None:
    rows = [row("whole", 0.9, 9000), row("broken", 0.9, 1000, at_most=0.004, **broken)]
    choice = smallest_good_enough(rows, margin=0.01, by_clock=True)
    assert choice is not None
    assert choice.name == "whole"
    alone = smallest_good_enough([row("broken", 0.9, 1000, **broken)], margin=0.01, by_clock=True)
    assert alone is not None
    assert alone.name == "broken"
    assert "failed or were starved" in alone.why


def test_a_busy_machine_is_no_matter_where_tokens_are_counted() -> None:
    rows = [row("whole", 0.9, 9000), row("busy", 0.9, 1000, at_most=0.004, starved=3)]
    choice = smallest_good_enough(rows, margin=0.01, by_clock=False)
    assert choice is not None
    assert choice.name == "busy"


def test_nothing_is_chosen_where_nothing_finished() -> None:
    assert smallest_good_enough([], margin=0.01) is None
    assert smallest_good_enough([row("crashed", None, 0, runs=0)], margin=0.01) is None


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
def test_the_margin_suits_the_scale_of_the_metric(metric: str, margin: float) -> None:
    assert margin_of(metric, None) == pytest.approx(margin)
    assert margin_of(metric, 0.5) == 0.5


@pytest.mark.parametrize("given", [0, -0.1, float("nan"), float("inf"), 1.0, "much"])
def test_a_margin_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"margin: expected a number above 0 and below 1.*0\.01"):
        margin_of("accuracy", given)


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (1210, "1.21 kB"), (3_400_000, "3.4 MB"), (2e9, "2 GB")]
)
def test_sizes(count: float, text: str) -> None:
    assert size_text(count) == text
