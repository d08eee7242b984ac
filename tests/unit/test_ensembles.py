"""Several networks that learn side by side in one training, and answer together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munjang.api import Trained, evaluate, load, make_loop, train
from munjang.config import collect_settings
from munjang.explain.attention import Attention
from munjang.layers.embedding import TokenEmbedding
from munjang.preparation import prepare
from munjang.reporting import discard
from munjang.tasks.heads import Ensemble, find_encoders
from tests.synthetic import QUICK, make_corpus, train_until

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["the film was great", "awful", "", "never seen before", "okay okay okay"]
SUBWORDS = ("model.subword_ngrams=4", "model.bag_dim=4", "model.bag_min_frequency=1")


def train_arguments(members: int, model: str = "cnn", **more: Any) -> dict[str, Any]:
    overrides = [*QUICK, f"model.ensemble_size={members}", *more.pop("overrides", [])]
    return {"data": make_corpus(), "model": model, "overrides": overrides, **more}


def train_ensemble(members: int, model: str = "cnn", **more: Any) -> Trained:
    return train(**train_arguments(members, model, **more))


def test_logits_are_mean_of_members() -> None:
    model = train_ensemble(3, overrides=SUBWORDS).model
    assert isinstance(model.network, Ensemble)
    each = torch.stack([replace(model, network=n).logits(TEXTS) for n in model.network.networks])
    torch.testing.assert_close(model.logits(TEXTS), each.mean(0))
    # of the same texts in the same order, but not the same
    assert not torch.allclose(each[0], each[1])
    assert not torch.allclose(each[1], each[2])


def test_every_member_learns() -> None:
    model = train_ensemble(3).model
    for network in model.network.networks:
        alone = replace(model, network=network)
        assert evaluate(alone, make_corpus(30, seed=5)).metrics["accuracy"] > 0.8


def test_member_is_trained_as_a_single_network() -> None:
    """Without dropout and without a bound on the joint gradient nothing of one reaches another."""
    bare = ["training.clip_norm=null", "model.dropout=0", "model.embedding_dropout=0"]
    bare += ["training.ensemble_leave_out=0"]
    ensemble, single = (train_ensemble(n, overrides=bare).model for n in (2, 1))
    first = replace(ensemble, network=ensemble.network.networks[0])
    torch.testing.assert_close(first.logits(TEXTS), single.logits(TEXTS), rtol=1e-3, atol=1e-4)


class Counting:
    """A task that notes how many rows each of four members learns from."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.rows: list[int] = []

    def loss(self, logits: Any, targets: Any) -> Any:
        self.rows.append(len(targets))
        return self.task.loss(logits, targets)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)


@pytest.mark.parametrize(("share", "learned"), [(0.25, 45), (0.5, 30), (0, 60), (1e-300, 59)])
def test_each_member_leaves_out_its_share_of_rows(share: float, learned: int) -> None:
    data = make_corpus(60)
    overrides = ["model.name=cnn", "model.ensemble_size=4", f"training.ensemble_leave_out={share}"]
    settings = collect_settings(None, {}, [*QUICK, *overrides])
    loop = make_loop(prepare(data, data, settings, discard))
    loop.task = task = Counting(loop.task)
    for _ in loop:
        pass
    for member in range(4):
        assert sum(task.rows[member::4]) == 6 * learned  # six passes


def test_reported_loss_is_per_member() -> None:
    losses: dict[int, list[float]] = {1: [], 4: []}
    for members, seen in losses.items():
        train_ensemble(members, on_step=lambda step, seen=seen: seen.append(step.loss))
    assert losses[4][0] == pytest.approx(losses[1][0], rel=0.3)


def test_saved_and_loaded_ensemble_gives_same_logits(tmp_path: Path) -> None:
    made = train_ensemble(2, overrides=[*SUBWORDS, "model.linear_weight=0.3"], out=tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert torch.equal(made.model.logits(TEXTS), loaded.logits(TEXTS))
    assert len(find_encoders(loaded.network)) == 2
    plain = train_ensemble(1, overrides=SUBWORDS).metrics["training"]["parameters"]
    linear = sum(p.numel() for p in loaded.network.linear.parameters())
    assert made.metrics["training"]["parameters"] == 2 * plain + linear


def test_resumed_training_gives_same_logits(tmp_path: Path) -> None:
    arguments = train_arguments(2, overrides=["training.checkpoint_steps=10"], out=tmp_path / "m")
    train_until(step=20, **arguments)
    rest = train(**arguments, resume=True)
    assert torch.equal(train_ensemble(2).model.logits(TEXTS), rest.model.logits(TEXTS))


@pytest.mark.parametrize("task", ["regress", "multilabel"])
def test_other_tasks_support_members(task: str) -> None:
    texts, labels = make_corpus()
    numbers = {"bad": -10.0, "so-so": 5.0, "good": 20.0}
    targets = [numbers[n] for n in labels] if task == "regress" else [[n] for n in labels]
    model = train_ensemble(2, data=(texts, targets), task=task).model
    good, bad = model.predict(["a great film", "an awful film"])
    if task == "regress":
        assert good.value > bad.value
    else:
        assert (good.labels, bad.labels) == (("good",), ("bad",))


def test_every_member_starts_from_vectors(tmp_path: Path) -> None:
    words = ["the", "film", "great", "awful"]
    rows = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    lines = (
        f"{word} {' '.join(map(repr, row.tolist()))}\n"
        for word, row in zip(words, rows, strict=True)
    )
    (tmp_path / "w.vec").write_text("4 8\n" + "".join(lines), encoding="utf-8")
    model = train_ensemble(2, vectors=tmp_path / "w.vec", freeze_vectors=True).model
    positions = [model.input.tokenizer.vocabulary.id_of(word) for word in words]
    for encoder in find_encoders(model.network):
        assert isinstance(encoder.embedding, TokenEmbedding)
        assert torch.equal(encoder.embedding.weight[positions], torch.from_numpy(rows))


def test_ensemble_is_reported_and_on_the_card(tmp_path: Path) -> None:
    lines: list[str] = []
    train_ensemble(
        3, overrides=["model.linear_weight=0.25"], out=tmp_path / "m", report=lines.append
    )
    note = "ensemble: 3 networks, each without 10% of the rows + n-gram linear model (weight 0.25)"
    assert note in lines
    assert note in (tmp_path / "m" / "README.md").read_text("utf-8")
    lines.clear()
    train_ensemble(1, out=tmp_path / "one", report=lines.append)
    assert not any("ensemble" in line for line in lines)
    assert "ensemble" not in (tmp_path / "one" / "README.md").read_text("utf-8")


def test_attention_is_that_of_first_member() -> None:
    model = train_ensemble(2, overrides=["model.pooling=attention"]).model
    result = model.attention("the film was great")
    assert isinstance(result, Attention)
    first = replace(model, network=model.network.networks[0]).attention("the film was great")
    assert np.array_equal(result.maps[0].weights, first.maps[0].weights)
