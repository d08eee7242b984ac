"""Made comparisons whose truth is known: how often a verdict is false, and how often it comes.

The tables are those of the program itself. Few are made here, so that a method that is wrong in a
third of them is found at once; the slow tests make enough to tell 5% from 8%.
"""

import numpy as np
import pytest

from munjang.comparison.selection import smallest_good_enough
from munjang.comparison.standings import GOOD, WORSE
from munjang.tasks.metric_table import METRICS
from tests.unit.comparison.simulations import JUDGES, World, has_worse, verdict_of

EQUAL_WORLDS = [World(deviation=deviation) for deviation in (0.0, 0.01, 0.02)]


def count_false_alarms(world: World, tables: int, metric: str = "accuracy") -> int:
    """Tables of equal models in which one is called worse."""
    random = np.random.default_rng(3)
    return sum(has_worse(world.table(random, metric)) for _ in range(tables))


@pytest.mark.parametrize("world", EQUAL_WORLDS, ids=lambda world: f"{world.deviation:g}")
def test_equal_models_rarely_called_worse(world: World) -> None:
    assert count_false_alarms(world, 25) <= 3  # at 5%, 4 of 25 come in 4 of 100 such tests


def test_worse_model_is_usually_called_worse() -> None:
    world, random = World(deviation=0.005, gap=0.05), np.random.default_rng(4)
    result = [verdict_of(world, "transformer", random) for _ in range(20)]
    assert result.count(WORSE) >= 13


def test_single_seed_gives_verdicts_of_trained_models_only() -> None:
    world, random = World(seeds=1, deviation=0.05, baselines=1), np.random.default_rng(5)
    rows = [row for _ in range(5) for row in world.table(random) if row.to_best is not None]
    worse = [row for row in rows if row.to_best is not None and row.to_best.is_worse]
    assert worse
    assert all(row.verdict.endswith("as trained") for row in worse)


@pytest.mark.parametrize("metric", JUDGES)
def test_every_metric_gives_complete_table(metric: str) -> None:
    world = World(networks=3, baselines=2, rows=150, deviation=0.01)
    table = world.table(np.random.default_rng(6), metric)
    assert [row.verdict == "the best" for row in table] == [True] + [False] * 4
    scores = [row.score for row in table]
    assert scores == sorted(scores, reverse=METRICS[metric].larger_is_better)


def choose_models(
    world: World, random: np.random.Generator, tables: int, margin: float
) -> list[str]:
    """Which models the tables name, those that tell."""
    result = []
    for _ in range(tables):
        choice = smallest_good_enough(world.table(random, margin=margin), margin=margin)
        if choice is not None and choice.is_conclusive:
            result.append(choice.name)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("metric", JUDGES)
@pytest.mark.parametrize("world", EQUAL_WORLDS, ids=lambda world: f"{world.deviation:g}")
def test_false_alarm_rate_is_at_most_5_percent(world: World, metric: str) -> None:
    tables = 400 if metric == "accuracy" else 120
    # what comes at 5% in 95 of 100 such tests or more often
    assert count_false_alarms(world, tables, metric) <= tables * 0.05 + (5 if tables == 400 else 4)


@pytest.mark.slow
@pytest.mark.parametrize("deviation", [0.0, 0.01, 0.02])
@pytest.mark.parametrize(
    ("rows", "seeds", "networks", "baselines"),
    [
        (200, 2, 6, 0),
        (200, 3, 6, 3),
        (1000, 2, 2, 0),
        (1000, 3, 1, 1),
        (1000, 10, 6, 0),
        (5000, 3, 6, 0),
    ],
)
def test_false_alarm_rate_with_other_rows_seeds_and_models(
    rows: int, seeds: int, networks: int, baselines: int, deviation: float
) -> None:
    world = World(networks, baselines, rows, seeds, deviation)
    assert count_false_alarms(world, 100) <= 9  # at 5%, 10 of 100 come in 3 of 100 such tests


@pytest.mark.slow
@pytest.mark.parametrize("unlike", [(0.03,), (0.03, 0.03), (0.03, 0.01, 0.01, 0.005, 0.005, 0.005)])
def test_false_alarm_rate_with_unequal_seed_variance(unlike: tuple[float, ...]) -> None:
    assert count_false_alarms(World(unlike=unlike), 150) <= 12  # at 5%, 13 of 150 come in 4 of 100


@pytest.mark.slow
@pytest.mark.parametrize("deviation", [0.0, 0.01])
def test_model_beyond_margin_rarely_called_good_enough(deviation: float) -> None:
    """The last network is worse by just the margin: it must not be let through."""
    world, random = World(networks=3, deviation=deviation, gap=0.03), np.random.default_rng(7)
    good = [verdict_of(world, "rnn", random, margin=0.03) == GOOD for _ in range(200)]
    assert sum(good) <= 16  # at 5%, 17 of 200 come in 1 of 100 such tests


@pytest.mark.slow
def test_equal_models_called_good_enough_with_many_rows() -> None:
    world, random = World(networks=3, rows=20_000, deviation=0.001), np.random.default_rng(8)
    result = [verdict_of(world, "cnn", random) for _ in range(20)]
    assert result.count("the best") + result.count(GOOD) >= 16
