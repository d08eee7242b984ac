"""Similarity: losses, scores and answers against slow, obvious references."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from munjang.data.readers.targets import clean_numbers
from munjang.data.two_texts.read import read_two_texts
from munjang.errors import ConfigError, DataError
from munjang.recipe import check_given, make_recipe
from munjang.tasks import similarity
from munjang.tasks.heads import Towers, hash_rows
from munjang.tasks.similarity import Similarity, SimilaritySettings, in_batch_negatives_loss
from munjang.tasks.similarity_scores import score_cosines, score_partners

pytestmark = pytest.mark.usefixtures("one_thread")


def make_table(numbers):
    firsts = [f"one {index}" for index in range(len(numbers))]
    seconds = [f"two {index}" for index in range(len(numbers))]
    return read_two_texts(((firsts, seconds), numbers), read_labels=clean_numbers)


def fit_task(numbers, **settings):
    table = make_table(numbers)
    recipe = check_given({"task": "similarity", "similarity": settings})
    Similarity.check_rows(table, 1)
    return Similarity.fit(table, table, recipe)


def make_towers(first, second, first_keys=None, second_keys=None):
    sides = [torch.nn.functional.normalize(torch.tensor(side), dim=1) for side in (first, second)]
    numbers = torch.arange(len(first))
    keys = [numbers if k is None else torch.tensor(k) for k in (first_keys, second_keys)]
    return Towers(sides[0], sides[1], keys[0], keys[1])


def random_towers(rows, dim=4, seed=0, **keys):
    random = np.random.default_rng(seed)
    sides = random.normal(size=(2, rows, dim)).astype(np.float32)
    return make_towers(sides[0], sides[1], **keys)


def test_range_is_that_of_training_rows_unless_set():
    assert (fit_task([1, 5, 3]).lowest, fit_task([1, 5, 3]).highest) == (1, 5)
    task = fit_task([1, 5, 3], lowest=0)
    assert task.state() == {"similarity": {"lowest": 0.0, "highest": 5.0}}
    reverse = fit_task([0, 1, 0], lowest=1, highest=0)
    assert reverse._answers(np.array([1.0, 0.0])).tolist() == [0.0, 1.0]


def test_number_outside_range_is_named():
    with pytest.raises(DataError, match=r"row 3.*from 0 to 4 .*got 5"):
        fit_task([1, 4, 5], lowest=0, highest=4)


def test_equal_numbers_are_refused():
    with pytest.raises(DataError, match="expected numbers that differ"):
        fit_task([2, 2, 2])


def test_cosine_loss_is_mean_squared_error_of_scaled_numbers():
    task = fit_task([1, 5, 3, 2])
    outputs, numbers = random_towers(4), [1.0, 5.0, 3.0, 2.0]
    cosines = [float(a @ b) for a, b in zip(outputs.first, outputs.second, strict=True)]
    expected = np.mean([(c - (n - 1) / 4) ** 2 for c, n in zip(cosines, numbers, strict=True)])
    loss = task.loss(outputs, torch.tensor(numbers, dtype=torch.float64))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def reference_negatives(outputs, same, scale):
    """Cross-entropy of each partner by plain loops; equal texts are no candidates."""
    losses = []
    sides = (
        (outputs.first, outputs.second, outputs.second_keys.tolist()),
        (outputs.second, outputs.first, outputs.first_keys.tolist()),
    )
    for queries, candidates, keys in sides:
        for i, query in enumerate(queries):
            if not same[i]:
                continue
            scores = {
                j: scale * float(query @ candidate)
                for j, candidate in enumerate(candidates)
                if j == i or keys[j] != keys[i]
            }
            top = max(scores.values())
            total = top + math.log(sum(math.exp(score - top) for score in scores.values()))
            losses.append(total - scores[i])
    return np.mean(losses)


@given(
    rows=st.integers(1, 7),
    seed=st.integers(0, 99),
    keys=st.lists(st.integers(0, 2), min_size=14, max_size=14),
    same=st.lists(st.booleans(), min_size=7, max_size=7),
)
def test_in_batch_negatives_loss_equals_plain_loops(rows, seed, keys, same):
    outputs = random_towers(rows, seed=seed, first_keys=keys[:rows], second_keys=keys[7 : 7 + rows])
    positives = torch.tensor(same[:rows])
    loss = float(in_batch_negatives_loss(outputs, positives, 20.0))
    if not positives.any():
        assert loss == 0
    else:
        assert loss == pytest.approx(
            reference_negatives(outputs, same[:rows], 20.0), rel=1e-4, abs=1e-5
        )


def test_pairs_below_threshold_are_negatives_only():
    task = fit_task([0, 5, 3], loss="in_batch_negatives", threshold=3)
    outputs = random_towers(3)
    loss = task.loss(outputs, torch.tensor([0.0, 5.0, 3.0]))
    assert float(loss) == pytest.approx(
        reference_negatives(outputs, [False, True, True], 20), rel=1e-5
    )
    assert task._answers(np.ones(3)) is None, "cosines of this loss stand for no number"


def test_batch_without_positives_has_zero_loss_and_gradient():
    first = torch.randn(3, 4, requires_grad=True)
    keys = torch.arange(3)
    loss = in_batch_negatives_loss(
        Towers(first, torch.randn(3, 4), keys, keys), torch.zeros(3, dtype=torch.bool), 20.0
    )
    loss.backward()
    assert loss.item() == 0
    assert not first.grad.any()


@given(
    rows=st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=8),
    extra=st.integers(0, 3),
)
def test_row_keys_are_equal_for_equal_rows_only(rows, extra):
    rows = [[token + 1 for token in row] for row in rows]
    time = max(len(row) for row in rows) + extra
    ids = torch.tensor([row + [0] * (time - len(row)) for row in rows], dtype=torch.int64)
    keys = hash_rows(ids).tolist()
    for i, row in enumerate(rows):
        alone = hash_rows(torch.tensor([row], dtype=torch.int64))
        assert keys[i] == int(alone) if row else keys[i] == 0
        for j, other in enumerate(rows):
            assert (keys[i] == keys[j]) == (row == other)


def test_scores_equal_scipy():
    random = np.random.default_rng(0)
    cosines = random.uniform(-1, 1, 50)
    numbers = cosines * 5 + random.normal(size=50)
    scores = score_cosines(cosines, numbers / 5, 5.0)
    assert scores.spearman == pytest.approx(stats.spearmanr(cosines, numbers).statistic)
    assert scores.pearson == pytest.approx(stats.pearsonr(cosines, numbers).statistic)
    assert scores.rmse == pytest.approx(math.sqrt(np.mean((cosines * 5 - numbers) ** 2)))
    assert set(scores.to_json()) == {"rows", "spearman", "pearson", "rmse"}
    assert "rmse" not in score_cosines(cosines, numbers, None).metrics


@pytest.mark.parametrize(
    ("cosines", "numbers"), [([0.1, 0.1], [1, 2]), ([0.1, 0.2], [2, 2]), ([0.3], [1])]
)
def test_undefined_correlations_are_nan_and_null(cosines, numbers):
    scores = score_cosines(np.array(cosines), np.array(numbers, float), 1.0)
    assert math.isnan(scores.spearman)
    assert scores.is_finite
    assert scores.to_json()["pearson"] is None


def test_non_finite_vectors_are_detected():
    cosines = np.array([math.nan, 1.0])
    assert not score_cosines(cosines, np.array([1.0, 2.0]), 1.0).is_finite
    broken = np.full((2, 3), math.nan, np.float32)
    assert not score_partners(broken, broken).is_finite


def test_inverted_scale_gives_same_scores(monkeypatch):
    cosines = np.array([0.9, 0.1, 0.5, 0.2])
    monkeypatch.setattr(similarity, "compute_cosines", lambda network, data: cosines)
    rising, falling = Similarity(0, 4), Similarity(4, 0)
    numbers = np.array([4.0, 0.0, 3.0, 1.0])
    scores = rising.evaluate(None, SimpleNamespace(targets=numbers))
    assert scores.spearman > 0.9
    reverse = falling.evaluate(None, SimpleNamespace(targets=4 - numbers))
    assert reverse.metrics == pytest.approx(scores.metrics)


def reference_ranks(first, second):
    ranks = []
    for queries, candidates in ((first, second), (second, first)):
        for i, query in enumerate(queries):
            right = float(query @ candidates[i])
            others = [float(query @ c) for j, c in enumerate(candidates) if j != i]
            nearer = sum(score > right + 1e-6 for score in others)
            tied = sum(abs(score - right) <= 1e-6 for score in others)
            ranks.append(1 + nearer + tied / 2)
    return np.array(ranks)


@given(rows=st.integers(1, 20), seed=st.integers(0, 50))
def test_partner_ranks_equal_plain_loops(rows, seed):
    random = np.random.default_rng(seed)
    first, second = random.integers(-1, 2, (2, rows, 3)).astype(np.float32)
    ranks, scores = reference_ranks(first, second), score_partners(first, second)
    assert scores.mrr == pytest.approx((1 / ranks).mean())
    assert scores.accuracy == pytest.approx((ranks == 1).mean())


def test_constant_vectors_have_low_mrr():
    same = np.ones((100, 4), np.float32) / 2
    assert score_partners(same, same).mrr < 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"similarity": {"threshold": 3}}, "threshold: is for the loss in_batch_negatives"),
        ({"similarity": {"lowest": 2, "highest": 2}}, "another number than lowest"),
        ({"similarity": {"loss": "cosin"}}, "cosine"),
        ({"model": {"name": "cnn", "ensemble_size": 2}}, "trains one network"),
        ({"training": {"metric": "mrr"}}, "should be spearman or pearson or rmse"),
        (
            {"similarity": {"loss": "in_batch_negatives"}, "training": {"metric": "rmse"}},
            "should be mrr or accuracy",
        ),
        ({"input": "text"}, "works on two_texts"),
    ],
)
def test_incompatible_settings_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        check_given({"task": "similarity", **settings})


def test_in_batch_negatives_select_by_mrr():
    settings = {"task": "similarity", "similarity": {"loss": "in_batch_negatives"}}
    assert make_recipe(settings).training.metric == "mrr"
    assert check_given(settings).training.metric == "mrr"
    assert Similarity.reader(check_given(settings)) is None
    with_numbers = {**settings, "similarity": {"loss": "in_batch_negatives", "threshold": 1}}
    assert make_recipe(with_numbers).training.metric == "spearman"


def test_loss_decides_whether_numbers_are_read():
    assert SimilaritySettings().reads_numbers
    assert not SimilaritySettings(loss="in_batch_negatives").reads_numbers
