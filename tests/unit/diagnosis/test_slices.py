"""Slices: groups that part the rows, and a test that seldom cries wolf."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from munjang.diagnosis.slices import (
    Group,
    correct_by_holm,
    group_by_file,
    group_by_length,
    group_by_oov_rate,
    group_by_script,
    score_slices,
)
from munjang.tasks.row_judgments import RowJudgments
from tests.unit.data.strategies import hostile_text


def judged(right: np.ndarray) -> RowJudgments:
    predicted = np.zeros(len(right), dtype=np.int64)
    return RowJudgments.of_classes(
        ("a", "b"), np.where(right, 0, 1), predicted, np.ones(len(right)), (~right).astype(float)
    )


@given(st.lists(hostile_text(), min_size=1, max_size=8))
def test_lengths_and_scripts_part_the_rows(texts: list[str]) -> None:
    column = pl.Series(texts, dtype=pl.String)
    for groups in (group_by_length(column), group_by_script(column)):
        rows = np.concatenate([group.rows for group in groups])
        assert sorted(rows.tolist()) == list(range(len(texts)))


def test_scripts_are_told_by_most_letters() -> None:
    texts = ["영화 good", "a good 영화", "映画はいい", "кино", "123 !", "שלום", "ᄒᆞᆫ글"]
    found = {group.name: group.rows.tolist() for group in group_by_script(pl.Series(texts))}
    assert found["Latin"] == [0, 1]
    assert found["Hangul"] == [6]
    assert found["Han and kana"] == [2]
    assert found["Cyrillic"] == [3]
    assert found["no letters"] == [4]
    assert found["other letters"] == [5]


def test_oov_rates_part_the_rows() -> None:
    rates = np.array([0.0, 0.05, 0.1, 0.2, 0.5, 1.0])
    groups = {group.name: group.rows.tolist() for group in group_by_oov_rate(rates)}
    assert groups == {"none": [0], "up to 10%": [1, 2], "10% to 30%": [3], "30% to 100%": [4, 5]}
    assert not list(group_by_oov_rate(np.zeros(3)))


def test_files_with_equal_names_keep_their_folders() -> None:
    index = np.repeat(np.arange(2, dtype=np.int32), 20)
    assert [g.name for g in group_by_file(("a/x.csv", "b/x.csv"), index)] == ["a/x.csv", "b/x.csv"]
    assert [g.name for g in group_by_file(("a/x.csv", "b/y.csv"), index)] == ["x.csv", "y.csv"]
    assert not list(group_by_file(("a/x.csv",), index))


def test_a_worse_slice_is_found_and_comes_first() -> None:
    random = np.random.default_rng(0)
    right = random.random(1000) < 0.9
    right[:60] = random.random(60) < 0.5
    groups = [Group("kind", f"{n}", np.arange(n * 60, n * 60 + 60)) for n in range(16)]
    found = score_slices(judged(right), groups)
    assert [part.name for part in found if part.is_worse] == ["0"]
    assert found[0].name == "0"
    assert found[0].low <= found[0].score <= found[0].high
    [rest] = [part for part in found if part.name == "3"]
    assert rest.score == right[180:240].mean()


def test_slices_alike_are_called_worse_in_at_most_5_percent() -> None:
    random = np.random.default_rng(1)
    cries = 0
    for _ in range(200):
        right = random.random(300) < 0.8
        order = random.permutation(300)
        groups = [Group("kind", str(n), order[n * 30 : n * 30 + 30]) for n in range(10)]
        cries += any(part.is_worse for part in score_slices(judged(right), groups))
    assert cries <= 20, "5 % of 200, and three standard deviations"


def test_p_value_of_one_slice_is_fishers() -> None:
    right = np.array([True] * 30 + [False] * 10 + [True] * 15 + [False] * 20)
    group = Group("kind", "second", np.arange(40, 75))
    [part] = score_slices(judged(right), [group])
    table = [[20, 15], [10, 30]]
    assert part.p_value == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_small_slices_are_shown_and_not_tested() -> None:
    [part] = score_slices(
        judged(np.array([False] * 9 + [True] * 91)), [Group("k", "n", np.arange(9))]
    )
    assert math.isnan(part.p_value)
    assert not part.is_worse
    assert part.to_json()["p_value"] is None


def test_numbers_have_mean_absolute_errors() -> None:
    random = np.random.default_rng(0)
    targets = random.normal(size=200)
    errors = np.where(np.arange(200) < 50, 3.0, 1.0) * random.normal(size=200)
    judgments = RowJudgments.of_numbers(targets, targets + errors)
    [part] = score_slices(judgments, [Group("k", "n", np.arange(50))])
    assert part.score == pytest.approx(np.abs(errors[:50]).mean())
    assert part.is_worse


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=12))
def test_holm_equals_its_step_down_procedure(p_values: list[float]) -> None:
    corrected = correct_by_holm(p_values)
    known = sorted(p for p in p_values if not math.isnan(p))
    for level in (0.01, 0.05, 0.5):
        rejected = []
        for rank, p in enumerate(known):
            if p * (len(known) - rank) > level:
                break
            rejected.append(p)
        found = sorted(p for p, c in zip(p_values, corrected, strict=True) if c <= level)
        assert found == rejected
    assert [math.isnan(p) for p in p_values] == [math.isnan(c) for c in corrected]


def test_label_sets_are_judged_label_by_label() -> None:
    targets = np.array([[1, 0], [1, 1], [0, 0]], dtype=bool)
    probabilities = np.array([[0.9, 0.1], [0.4, 0.8], [0.2, 0.7]])
    judgments = RowJudgments.of_sets(("x", "y"), targets, probabilities >= 0.5, probabilities, "|")
    assert judgments.given == ["x", "x|y", ""]
    assert judgments.predicted == ["x", "y", "y"]
    assert judgments.right is not None
    assert judgments.right.tolist() == [True, False, False]
    cells = {(cell.given, cell.predicted): cell.rows.tolist() for cell in judgments.cells}
    assert cells == {("x", ""): [1], ("", "y"): [2]}
    assert judgments.loss[1] == pytest.approx(-(np.log(0.4) + np.log(0.8)) / 2)
    assert judgments.probability is not None
    assert judgments.probability[2] == pytest.approx(0.8 * 0.7)
