"""Which model is named, and why."""

from typing import Any

import pytest

from munjang.comparison.selection import size_text, smallest_good_enough
from munjang.comparison.standings import Standing
from munjang.comparison.statistics import Difference, Interval


def row(
    name: str, score: float | None, size: int, *, p: float | None = None, **other: Any
) -> Standing:
    gap = None if p is None else Difference(0.01, Interval(-0.01, 0.03), p)
    values = {"runs": 3, "seeds": 3, "p50": 1.0, **other}
    return Standing(name, score=score, folder_bytes=size, to_best=gap, **values)


def test_the_smallest_within_noise_is_chosen_and_the_figures_say_why() -> None:
    choice = smallest_good_enough(
        [
            row("big", 0.90, 8_000_000),
            row("small", 0.89, 500_000, p=0.3),
            row("middle", 0.88, 900_000, p=0.06),
            row("tiny", 0.60, 1_000, p=0.001),
        ]
    )
    assert choice is not None
    assert choice.name == "small"
    for wanted in ("500 kB", "behind big", "p = 0.30", "16.0 times"):
        assert wanted in choice.why


def test_the_best_is_chosen_where_all_others_are_worse() -> None:
    choice = smallest_good_enough([row("big", 0.9, 8_000_000), row("tiny", 0.6, 1_000, p=0.001)])
    assert choice is not None
    assert choice.name == "big"
    assert "every other one is worse" in choice.why


def test_among_equals_in_size_the_quicker_one() -> None:
    rows = [row("slow", 0.9, 1000, p50=3.0), row("quick", 0.9, 1000, p=0.9, p50=0.5)]
    choice = smallest_good_enough(rows)
    assert choice is not None
    assert choice.name == "quick"


def test_a_model_that_lost_a_run_is_chosen_only_if_none_is_whole() -> None:
    broken = row("broken", 0.9, 1000, p=0.9, runs=2)
    choice = smallest_good_enough([row("whole", 0.9, 9000), broken])
    assert choice is not None
    assert choice.name == "whole"
    alone = smallest_good_enough([row("broken", 0.9, 1000, runs=2)])
    assert alone is not None
    assert alone.name == "broken"


def test_nothing_is_chosen_where_nothing_finished() -> None:
    assert smallest_good_enough([]) is None
    assert smallest_good_enough([row("crashed", None, 0, runs=0)]) is None


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (1210, "1.21 kB"), (3_400_000, "3.4 MB"), (2e9, "2 GB")]
)
def test_sizes(count: float, text: str) -> None:
    assert size_text(count) == text
