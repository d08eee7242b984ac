"""Several workers take the steps of one, for every task and shape of batch."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from tests.synthetic import make_corpus
from tests.unit.training.workers.pool import Pool, train, train_alone, without_dropout

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 50
TINY = {"dim": 8, "ngram_buckets": 200}
RECURRENT = {**TINY, "hidden_dim": 8}
BERT = {"dim": 8, "layers": 1, "heads": 2, "feed_forward_dim": 16}
TEXTS, LABELS = make_corpus(90)
KOREAN, _ = make_corpus(90, korean=True)
# Hangul in both normal forms, emoji, and a text far longer than the others
ODD = ["각 사람", "각 사람", "👩‍👩‍👧 좋아요 👍🏽", "🙂", " ".join(["긴 글"] * 100)]
VARIED = [*KOREAN, *ODD]
NUMBERS = [float(len(text)) for text in TEXTS]
PAIRS = (TEXTS, [" ".join(reversed(text.split())) for text in TEXTS])


def classify(model: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"task": "classify", "model": model, **settings}


@pytest.fixture(scope="module")
def running_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of documents of a few lines."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    lines = [line if number % 5 else f"\n{line}" for number, line in enumerate(VARIED * 3)]
    path.write_text("\n".join(lines), "utf-8")
    return str(path)


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "cnn": ((TEXTS, LABELS), classify({"name": "cnn", "filters": 4, **TINY})),
    "lstm": ((TEXTS, LABELS), classify({"name": "lstm", **RECURRENT})),
    "mean, adagrad": (
        (VARIED, [str(number % 3) for number in range(len(VARIED))]),
        classify({"name": "mean", **TINY}, training={"embedding_optimizer": "adagrad"}),
    ),
    "class weights": (
        (TEXTS[:85], LABELS[:85]),
        classify({"name": "mean", **TINY}, classify={"class_weights": "balanced"}),
    ),
    "a tight clip": (
        (TEXTS, LABELS),
        classify({"name": "gru", **RECURRENT}, training={"clip_norm": 0.01}),
    ),
    "ensemble": (
        (TEXTS, LABELS),
        classify(
            {"name": "cnn", "filters": 4, "ensemble_size": 2, **TINY},
            training={"ensemble_leave_out": 0.0},
        ),
    ),
    "regress": ((TEXTS, NUMBERS), {"task": "regress", "model": {"name": "mean", **TINY}}),
    "multilabel": (
        (TEXTS, [[label, "every"] for label in LABELS]),
        {"task": "multilabel", "model": {"name": "transformer", **BERT}},
    ),
    "masked_lm": (
        pl.DataFrame({"text": VARIED}),
        {"task": "masked_lm", "model": {"name": "bert", **BERT}},
    ),
    "masked_lm, lstm": (
        pl.DataFrame({"text": VARIED}),
        {"task": "masked_lm", "model": {"name": "lstm", **RECURRENT}},
    ),
    "translate": (
        PAIRS,
        {"task": "translate", "model": {"name": "transformer", **BERT}},
    ),
    "seq2seq": (
        PAIRS,
        {"task": "translate", "model": {"name": "attentive", "dim": 8, "hidden_dim": 8}},
    ),
}


def settings_of(name: str, batch: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    data, settings = CASES[name]
    training = {"epochs": 100, "threads": 1, **batch, **settings.get("training", {})}
    return data, without_dropout({**settings, "training": training})


def assert_equal(pool: Pool, data: Any, settings: dict[str, Any], steps: int = STEPS) -> None:
    weights, losses, history = train_alone(data, settings, steps)
    assert len(losses) == steps
    results = pool.run(train, data, settings, steps)
    for rank, (shared, shared_losses, shared_history) in enumerate(results):
        for key, expected in weights.items():
            torch.testing.assert_close(shared[key], expected, rtol=0, atol=1e-5, msg=key)
            assert torch.equal(shared[key], results[0][0][key]), f"{key} of worker {rank}"
        np.testing.assert_allclose(shared_losses, losses, rtol=1e-4)
        assert shared_history == results[0][2]
        assert [record["step"] for record in shared_history] == [r["step"] for r in history]


@pytest.mark.parametrize("name", CASES)
def test_two_workers_take_the_steps_of_one(two: Pool, name: str) -> None:
    assert_equal(two, *settings_of(name, {"batch_size": 8}))


@pytest.mark.parametrize("name", ["lstm", "masked_lm", "translate"])
def test_three_workers_share_batches_of_tokens(three: Pool, name: str) -> None:
    assert_equal(three, *settings_of(name, {"batch_size": None, "batch_tokens": 60}))


@pytest.mark.parametrize("name", ["cnn", "mean, adagrad", "masked_lm"])
def test_workers_without_rows_take_part(three: Pool, name: str) -> None:
    assert_equal(three, *settings_of(name, {"batch_size": 2}))


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_rows_of_running_text_stay_with_their_worker(
    three: Pool, model: str, running_text: str
) -> None:
    sizes = RECURRENT if model == "lstm" else {**BERT, "ngram_buckets": 200}
    training = {"epochs": 100, "threads": 1, "batch_size": 7}
    settings = {
        "task": "language",
        "model": {"name": model, **sizes},
        "data": {"window": 8},
        "training": training,
    }
    assert_equal(three, running_text, without_dropout(settings))


@pytest.mark.parametrize("pairs", ["none", "next_sentence"])
def test_corpus_in_files(two: Pool, pairs: str, running_text: str) -> None:
    settings = {
        "task": "masked_lm",
        "input": "lines",
        "model": {"name": "bert", **BERT},
        "data": {"join_next": True, "shard_tokens": 1000, "window_shards": 2},
        "tokenizer": {"add_go_eos": True},
        "masked_lm": {"pairs": pairs},
        "training": {"epochs": 100, "threads": 1, "batch_size": 8},
    }
    assert_equal(two, running_text, without_dropout(settings))


@pytest.mark.parametrize(
    "ends",
    [
        {"epochs": 6, "patience": 1, "average_best": 2, "validations_per_epoch": 3},
        {"epochs": 4, "average_after": 0.2},
    ],
)
def test_decisions_are_those_of_one_process(two: Pool, ends: dict[str, Any]) -> None:
    data, settings = settings_of("cnn", {"batch_size": 16, **ends})
    _, losses, history = train_alone(data, settings, 0)
    for _, shared_losses, shared_history in two.run(train, data, settings, 0):
        np.testing.assert_allclose(shared_losses, losses, rtol=1e-4)
        for record, expected in zip(shared_history, history, strict=True):
            assert record == pytest.approx(expected, rel=1e-3)


def test_budget_of_seconds_ends_all_workers_at_one_step(two: Pool) -> None:
    data, settings = settings_of("cnn", {"batch_size": 8})
    del settings["training"]["epochs"]
    settings["training"]["budget_seconds"] = 0.5
    (weights, losses, history), (other, other_losses, other_history) = two.run(
        train, data, settings, 0
    )
    assert losses == other_losses
    assert history == other_history
    assert all(torch.equal(other[key], tensor) for key, tensor in weights.items())
