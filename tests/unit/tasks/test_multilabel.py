"""The task: sets of labels in, thresholds tuned, sets of labels out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_recall_fscore_support
from torch import nn

from munjang.data.readers import read_table
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.recipe import Recipe, check_given
from munjang.tasks.multilabel import Multilabel
from munjang.tasks.set_scores import score_label_sets
from munjang.tasks.thresholds import best_thresholds
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("one_thread")


def make_recipe(**settings: Any) -> Recipe:
    return check_given({"task": "multilabel", "multilabel": settings})


def make_table(labels: Any, separator: str = "|", **reading: Any) -> Table:
    texts = [f"text {index}" for index in range(len(labels))]
    reader = Multilabel.reader(make_recipe(separator=separator))
    return read_table((texts, labels), read_labels=reader, **reading)


def to_sets(table: Table) -> list[list[str]]:
    assert table.targets is not None
    result: list[list[str]] = table.targets.to_list()
    return result


EXPECTED = [["a", "b"], [], ["b"], ["a"], []]


@pytest.mark.parametrize(
    "labels",
    [
        ["a|b", "", "b", " a | a|", None],
        [["a", "b"], [], ["b"], ["a", "a "], None],
        [("a", "b"), "", "b|", {"a"}, float("nan")],
        pl.Series(["a|b", "", "b", "a", None]),
        pl.Series([["a", "b"], [], ["b"], ["a"], None]),
    ],
)
def test_strings_and_lists_give_same_label_sets(labels: Any) -> None:
    assert to_sets(make_table(labels)) == EXPECTED


def test_files_give_same_label_sets(tmp_path: Path) -> None:
    tsv, jsonl = tmp_path / "a.tsv", tmp_path / "a.jsonl"
    tsv.write_text("text\tlabels\nx\ta;b\ny\t\nz\tb\n")
    jsonl.write_text(
        '{"text": "x", "labels": ["a", "b"]}\n{"text": "y", "labels": []}\n'
        '{"text": "z", "labels": "b"}\n'
    )
    reader = Multilabel.reader(make_recipe(separator=";"))
    for path in (tsv, jsonl):
        assert to_sets(read_table(path, read_labels=reader)) == EXPECTED[:3]


def test_numbers_are_labels_and_invalid_values_are_named() -> None:
    assert to_sets(make_table([[1, 2.0], 3])) == [["1", "2"], ["3"]]
    with pytest.raises(DataError, match=r"row 2: expected labels in column 'label', got \[\['b'"):
        make_table([["a"], [["b"]]])
    skipped = make_table([["a"], [["b"]], ["c"]], skip_bad_rows=True)
    assert to_sets(skipped) == [["a"], ["c"]]
    assert sum(skipped.skipped.values()) == 1


def fit_task(labels: Any, **settings: Any) -> Multilabel:
    table = make_table(labels)
    return Multilabel.fit(table, table, make_recipe(**settings))


def test_targets_are_multi_hot() -> None:
    task = fit_task(["b|a", "", "c"])
    assert task.labels == ("a", "b", "c")
    assert task.targets(make_table(["c|a", "", "b"])).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    with pytest.raises(DataError, match=r"row 2: the label 'd' was never seen .*labels are a, b"):
        task.targets(make_table(["a", "a|d"]))


@pytest.mark.parametrize(("labels", "result"), [(["", ""], "got none"), (["a", ""], "only 'a'")])
def test_single_label_is_refused(labels: list[str], result: str) -> None:
    with pytest.raises(DataError, match=result):
        Multilabel.check_rows(make_table(labels), 2)


def test_remarks_describe_labels_and_separator() -> None:
    whole, train = make_table(["a|b", "", "b", "c"]), make_table(["a|b", "", "b"])
    remarks = Multilabel.fit(train, whole, make_recipe()).remarks(train)
    assert remarks == [
        "3 labels, separated by '|' if they are in one string; 1.00 per row, 1 row without any",
        "no training row has the label c",
    ]
    wrong = make_table(["a;b", "b", "c"])
    assert "but some labels contain ';'" in fit_task(["a;b", "b", "c"]).remarks(wrong)[-1]


def test_loss_is_mean_binary_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 3), (torch.rand(6, 3) > 0.5).double()
    expected = log_loss(targets.numpy().ravel(), torch.sigmoid(logits).numpy().ravel())
    assert float(Multilabel(("a", "b", "c")).loss(logits, targets)) == pytest.approx(expected)


def test_best_thresholds_maximize_f1() -> None:
    random = np.random.default_rng(0)
    targets = (random.random((60, 4)) < [0.5, 0.1, 0.03, 0.9]).astype(float)
    probabilities = np.clip(targets * 0.2 + random.random((60, 4)) * 0.6, 0, 1).round(2)
    tuned = best_thresholds(probabilities, targets, fewest_rows=1, least_f1=0)
    for label, threshold in enumerate(tuned):
        rows, confidence = targets[:, label], probabilities[:, label]
        best = max(f1_score(rows, confidence >= t, zero_division=0) for t in np.unique(confidence))
        assert f1_score(rows, confidence >= threshold, zero_division=0) == pytest.approx(best)


def test_threshold_is_in_the_middle_of_the_gap_and_defaults_to_half() -> None:
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.7]])
    targets = np.array([[0, 0], [0, 0], [1, 0]], dtype=float)
    assert best_thresholds(probabilities, targets, fewest_rows=1) == pytest.approx([0.4, 0.5])
    assert best_thresholds(probabilities, np.ones((3, 2)), fewest_rows=3)[0] == pytest.approx(0.05)


def test_threshold_of_rare_label_or_poor_f1_is_half() -> None:
    random = np.random.default_rng(0)
    probabilities = random.random((400, 2)) * 0.1
    targets = np.zeros((400, 2))
    targets[:9, 0] = targets[:20, 1] = 1.0
    probabilities[:9, 0] = 0.9
    assert best_thresholds(probabilities, targets) == [0.5, 0.5]
    targets[9, 0] = probabilities[9, 0] = 1.0
    assert best_thresholds(probabilities, targets)[0] != 0.5
    assert best_thresholds(probabilities, targets, least_f1=0)[1] < 0.1


def test_thresholds_decide_answers_and_are_saved() -> None:
    task = Multilabel(("a", "b"))
    logits = torch.tensor([[2.0, -1.0], [-3.0, -2.0]])
    cut = np.array([False, True])
    assert [answer.labels for answer in task.answers_of(logits, cut)] == [("a",), ()]
    targets = np.array([[1.0, 1.0], [0.0, 0.0]])
    rows = make_dataset(
        [[number] for number in range(20)], targets=np.tile(targets, (10, 1)).tolist()
    )
    tuned = task.finalize(Known(logits.repeat(10, 1)), rows)
    first, second = tuned.answers_of(logits, cut)
    assert (first.labels, second.truncated) == (("a", "b"), True)
    assert first.lines(1, "text") == [["a|b", "text"]]
    assert first.to_json()["probabilities"]["a"] == pytest.approx(torch.tensor(2.0).sigmoid())
    repeated = Multilabel.restore(check_given({"task": "multilabel", **tuned.state()}))
    assert repeated.labels == tuned.labels
    assert repeated.thresholds == tuned.thresholds
    unlike = make_dataset([[0], [1]], targets=np.zeros((2, 2)).tolist())
    assert repeated.finalize(Known(logits), unlike).thresholds == tuned.thresholds
    with pytest.raises(ConfigError, match="'x' is no label; known labels: a, b"):
        fit_task(["a", "b"], thresholds={"x": 0.3})


def test_score_label_sets_of_small_example() -> None:
    probabilities = np.array([[0.9, 0.2], [0.6, 0.7], [0.1, 0.4]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    scores = score_label_sets(probabilities, probabilities >= 0.5, targets, ("a", "b"))
    a, b = scores.classes
    assert (a.precision, a.recall, a.rows) == (0.5, 1.0, 1)
    assert (b.precision, b.recall, b.rows) == (1.0, 0.5, 2)
    assert scores.subset_accuracy == pytest.approx(1 / 3)
    assert scores.micro_f1 == pytest.approx(2 / 3)
    assert scores.macro_f1 == pytest.approx((a.f1 + b.f1) / 2)
    answers = [0.9, 0.8, 0.4, 0.7, 0.9, 0.4]
    assert scores.log_loss == pytest.approx(-np.log(answers).mean())
    unsound = score_label_sets(np.full((3, 2), np.nan), probabilities >= 0.5, targets, ("a", "b"))
    assert not unsound.is_finite


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(2, 30), st.integers(2, 6), st.integers(1, 9))
def test_scores_in_batches_equal_scikit_learn(seed: int, rows: int, labels: int, size: int) -> None:
    random = np.random.default_rng(seed)
    logits = torch.from_numpy(random.integers(-9, 9, (rows, labels)).astype(np.float32) * 5)
    targets = random.random((rows, labels)) < 0.4
    task = Multilabel(tuple(f"l{number}" for number in range(labels)))
    scorer = task.scorer(targets)
    for start in range(0, rows, size):
        positions = np.arange(start, min(start + size, rows))
        scorer.add(positions, logits[positions])
    scores, probabilities = scorer.scores(), task.probabilities(logits)
    predicted = probabilities >= 0.5
    table = precision_recall_fscore_support(targets, predicted, zero_division=0)
    actual = [(one.precision, one.recall, one.f1, one.rows) for one in scores.classes]
    np.testing.assert_allclose(np.array(actual).T, np.array(table), rtol=1e-12)
    for average in ("micro", "macro"):
        expected = f1_score(targets, predicted, average=average, zero_division=0)
        assert getattr(scores, f"{average}_f1") == pytest.approx(expected, rel=1e-12)
    assert scores.subset_accuracy == pytest.approx(accuracy_score(targets, predicted), rel=1e-12)
    loss = log_loss(targets.ravel(), probabilities.ravel(), labels=[False, True])
    assert scores.log_loss == pytest.approx(loss, rel=1e-9)


def test_non_finite_scores_are_null_in_json() -> None:
    scores = score_label_sets(
        np.full((2, 2), np.nan), np.zeros((2, 2), bool), np.eye(2), ("a", "b")
    )
    assert json.loads(json.dumps(scores.to_json(), allow_nan=False))["log_loss"] is None


class Known(nn.Module):
    """Gives the logits of a table, whose row is the first token of a text."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(logits)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.table[ids[:, 0]]


@pytest.mark.parametrize("most", [1, 150, 10**6])
def test_thresholds_do_not_depend_on_block_size(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("munjang.tasks.multilabel.MOST_TUNED", most)
    random = np.random.default_rng(0)
    targets = random.random((60, 4)) < [0.5, 0.4, 0.05, 0.8]
    logits = torch.from_numpy((targets * 2.0 + random.normal(size=(60, 4))).astype(np.float32))
    data = make_dataset([[number] for number in range(60)], targets=targets.tolist())
    task = Multilabel(("a", "b", "c", "d"))
    tuned = task.finalize(Known(logits), data)
    scores = tuned.evaluate(Known(logits), data)
    together = tuple(best_thresholds(task.probabilities(logits), targets))
    assert tuned == replace(task, thresholds=together)
    assert tuned.thresholds[0] != 0.5
    assert scores == tuned.scores(logits, targets)
