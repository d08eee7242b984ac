"""Several networks that learn side by side in one training, and answer together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munjang.api import Trained, evaluate, load, make_loop, train
from munjang.config import given_settings
from munjang.explain.attention import Attention
from munjang.layers.embedding import TokenEmbedding
from munjang.preparation import prepare
from munjang.reporting import discard
from munjang.tasks.head import Members, encoders_of
from tests.made import QUICK, break_off, made_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["the film was great", "awful", "", "never seen before", "okay okay okay"]
SPELLED = ("model.spelling=4", "model.bag_dim=4", "model.bag_min_frequency=1")


def asked_for(members: int, model: str = "cnn", **more: Any) -> dict[str, Any]:
    overrides = [*QUICK, f"model.members={members}", *more.pop("overrides", [])]
    return {"data": made_corpus(), "model": model, "overrides": overrides, **more}


def trained(members: int, model: str = "cnn", **more: Any) -> Trained:
    return train(**asked_for(members, model, **more))


def test_the_answer_is_the_mean_of_all_members() -> None:
    model = trained(3, overrides=SPELLED).model
    assert isinstance(model.network, Members)
    each = torch.stack([replace(model, network=n).logits(TEXTS) for n in model.network.networks])
    torch.testing.assert_close(model.logits(TEXTS), each.mean(0))
    # of the same texts in the same order, but not the same
    assert not torch.allclose(each[0], each[1])
    assert not torch.allclose(each[1], each[2])


def test_every_member_learns() -> None:
    model = trained(3).model
    for network in model.network.networks:
        alone = replace(model, network=network)
        assert evaluate(alone, made_corpus(30, seed=5)).figures["accuracy"] > 0.8


def test_a_member_learns_as_it_would_alone() -> None:
    """Without dropout and without a bound on the joint gradient nothing of one reaches another."""
    bare = ["training.clip_norm=null", "model.dropout=0", "model.embedding_dropout=0"]
    bare += ["training.ensemble_leave_out=0"]
    together, alone = (trained(n, overrides=bare).model for n in (2, 1))
    first = replace(together, network=together.network.networks[0])
    torch.testing.assert_close(first.logits(TEXTS), alone.logits(TEXTS), rtol=1e-3, atol=1e-4)


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
def test_each_leaves_out_its_share_of_the_rows(share: float, learned: int) -> None:
    data = made_corpus(60)
    given = ["model.name=cnn", "model.members=4", f"training.ensemble_leave_out={share}"]
    settings = given_settings(None, {}, [*QUICK, *given])
    loop = make_loop(prepare(data, data, settings, discard))
    loop.task = task = Counting(loop.task)
    for _ in loop:
        pass
    for member in range(4):
        assert sum(task.rows[member::4]) == 6 * learned  # six passes


def test_the_loss_is_told_of_one_member() -> None:
    losses: dict[int, list[float]] = {1: [], 4: []}
    for members, seen in losses.items():
        trained(members, on_step=lambda step, seen=seen: seen.append(step.loss))
    assert losses[4][0] == pytest.approx(losses[1][0], rel=0.3)


def test_saved_and_loaded_it_answers_the_same(tmp_path: Path) -> None:
    made = trained(2, overrides=[*SPELLED, "model.linear_share=0.3"], out=tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert torch.equal(made.model.logits(TEXTS), loaded.logits(TEXTS))
    assert len(encoders_of(loaded.network)) == 2
    plain = trained(1, overrides=SPELLED).metrics["training"]["parameters"]
    linear = sum(p.numel() for p in loaded.network.other.parameters())
    assert made.metrics["training"]["parameters"] == 2 * plain + linear


def test_resumed_it_ends_where_one_sitting_does(tmp_path: Path) -> None:
    asked = asked_for(2, overrides=["training.checkpoint_steps=10"], out=tmp_path / "m")
    break_off(behind=20, **asked)
    rest = train(**asked, resume=True)
    assert torch.equal(trained(2).model.logits(TEXTS), rest.model.logits(TEXTS))


@pytest.mark.parametrize("task", ["regress", "multilabel"])
def test_other_tasks_have_members_too(task: str) -> None:
    texts, labels = made_corpus()
    numbers = {"bad": -10.0, "so-so": 5.0, "good": 20.0}
    targets = [numbers[n] for n in labels] if task == "regress" else [[n] for n in labels]
    model = trained(2, data=(texts, targets), task=task).model
    good, bad = model.predict(["a great film", "an awful film"])
    if task == "regress":
        assert good.value > bad.value
    else:
        assert (good.labels, bad.labels) == (("good",), ("bad",))


def test_vectors_are_where_every_member_begins(tmp_path: Path) -> None:
    words = ["the", "film", "great", "awful"]
    rows = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    lines = (
        f"{word} {' '.join(map(repr, row.tolist()))}\n"
        for word, row in zip(words, rows, strict=True)
    )
    (tmp_path / "w.vec").write_text("4 8\n" + "".join(lines), encoding="utf-8")
    model = trained(2, vectors=tmp_path / "w.vec", freeze_vectors=True).model
    places = [model.input.tokenizer.vocabulary.id_of(word) for word in words]
    for encoder in encoders_of(model.network):
        assert isinstance(encoder.embedding, TokenEmbedding)
        assert torch.equal(encoder.embedding.weight[places], torch.from_numpy(rows))


def test_it_is_told_and_stands_on_the_card(tmp_path: Path) -> None:
    lines: list[str] = []
    trained(3, overrides=["model.linear_share=0.25"], out=tmp_path / "m", report=lines.append)
    told = "ensemble: 3 networks, each without 10% of the rows + n-gram linear model (weight 0.25)"
    assert told in lines
    assert told in (tmp_path / "m" / "README.md").read_text("utf-8")
    lines.clear()
    trained(1, out=tmp_path / "one", report=lines.append)
    assert not any("ensemble" in line for line in lines)
    assert "ensemble" not in (tmp_path / "one" / "README.md").read_text("utf-8")


def test_the_first_is_looked_at() -> None:
    model = trained(2, overrides=["model.pooling=attention"]).model
    found = model.attention("the film was great")
    assert isinstance(found, Attention)
    first = replace(model, network=model.network.networks[0]).attention("the film was great")
    assert np.array_equal(found.maps[0].weights, first.maps[0].weights)
