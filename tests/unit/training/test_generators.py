"""Each training draws from a generator of its own: threads leave each other alone."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import munjang
from munjang.layers.randomness import current_generator, seed_initialization, use_generator
from munjang.training.loop import Step

WORDS = ["good", "bad", "film", "fine", "awful", "great", "boring", "영화", "최고", "별로"]
TEXTS = [" ".join(WORDS[(3 * n + k * k) % len(WORDS)] for k in range(2 + n % 5)) for n in range(48)]
SMALL = ["training.epochs=2", "training.batch_size=8", "training.threads=1", "model.dim=8"]

CLASSIFY: dict[str, Any] = {"data": (TEXTS, ["ab"[n % 2] for n in range(48)])}
PAIRS: dict[str, Any] = {"data": (TEXTS, TEXTS[::-1]), "task": "translate"}
RUNS: dict[str, dict[str, Any]] = {
    "mean": {**CLASSIFY, "model": "mean", "overrides": ["model.token_dropout=0.3"]},
    "cnn": {**CLASSIFY, "model": "cnn", "overrides": ["model.ensemble_size=2", "model.bag_dim=0"]},
    "lstm": {**CLASSIFY, "model": "lstm", "overrides": ["model.hidden_dim=8", "model.bag_dim=0"]},
    "attentive": {
        **PAIRS,
        "model": "attentive",
        "overrides": [
            "model.hidden_dim=8",
            "model.scheduled_sampling=0.4",
            "tokenizer.name=words",
            "training.batch_size=8",
        ],
    },
}


def train_weights(name: str, seed: int, on_step: Callable[[Step], None] | None = None) -> Any:
    run = dict(RUNS[name])
    overrides = [*SMALL, *run.pop("overrides")]
    trained = munjang.train(**run, overrides=overrides, seed=seed, on_step=on_step)
    return {key: value.clone() for key, value in trained.model.network.state_dict().items()}


def assert_equal(actual: Any, expected: Any) -> None:
    assert actual.keys() == expected.keys()
    for key, value in actual.items():
        assert torch.equal(value, expected[key]), key


@pytest.mark.parametrize("name", RUNS)
def test_trainings_in_threads_equal_sequential_trainings(name: str) -> None:
    seeds = (1, 2, 3)
    sequential = [train_weights(name, seed) for seed in seeds]
    # all take their steps in turns, so that each stands between two draws of the others
    barrier = threading.Barrier(len(seeds), timeout=60)
    with ThreadPoolExecutor(len(seeds)) as pool:
        futures = [pool.submit(train_weights, name, s, lambda _: barrier.wait()) for s in seeds]
        for future, expected in zip(futures, sequential, strict=True):
            assert_equal(future.result(), expected)


def test_draws_and_loads_of_another_thread_do_not_change_training(tmp_path: Path) -> None:
    expected = train_weights("cnn", 5)
    run = {key: value for key, value in RUNS["mean"].items() if key != "overrides"}
    munjang.train(**run, overrides=SMALL, out=tmp_path / "m")
    with ThreadPoolExecutor(1) as pool:

        def disturb(_: Step) -> None:
            pool.submit(torch.manual_seed, 7).result()
            pool.submit(torch.rand, 100).result()
            pool.submit(munjang.load, tmp_path / "m").result()

        assert_equal(train_weights("cnn", 5, disturb), expected)


@pytest.mark.parametrize("name", ["cnn", "attentive"])
def test_training_leaves_global_random_state_unchanged(name: str) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state(), random.getstate(), repr(np.random.get_state())

    def look(_: Step) -> None:  # not only put back at the end: never taken from
        assert torch.equal(torch.get_rng_state(), before[0])

    train_weights(name, 1, look)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert repr(np.random.get_state()) == before[2]


def test_threaded_cross_validation_equals_sequential() -> None:
    sklearn = pytest.importorskip("sklearn.model_selection")
    joblib = pytest.importorskip("joblib")
    texts, labels = CLASSIFY["data"]
    settings = {"training": {"epochs": 2, "threads": 1}, "model": {"dim": 8}}
    estimator = munjang.TextClassifier("mean", settings=settings, random_state=0)
    one_by_one = sklearn.cross_val_score(estimator, texts, labels, cv=3)
    with joblib.parallel_backend("threading", n_jobs=3):
        threaded = sklearn.cross_val_score(estimator, texts, labels, cv=3)
    assert threaded.tolist() == one_by_one.tolist()


@pytest.mark.parametrize(
    "build",
    [
        lambda: torch.nn.Linear(5, 4),
        lambda: torch.nn.LSTM(3, 2, bidirectional=True),
        lambda: torch.nn.Embedding(7, 3),
        lambda: torch.nn.Conv2d(1, 2, 3),
    ],
)
def test_modules_are_initialized_as_with_manual_seed(build: Any) -> None:
    torch.manual_seed(3)
    expected = build().state_dict()
    torch.manual_seed(4)
    before = torch.get_rng_state()
    with seed_initialization(3):
        actual = build().state_dict()
    assert_equal(actual, expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_use_generator_restores_previous_generator() -> None:
    own = torch.Generator()
    with use_generator(own):
        with pytest.raises(KeyError), use_generator(torch.Generator()):
            raise KeyError
        assert current_generator() is own
    assert current_generator() is None
