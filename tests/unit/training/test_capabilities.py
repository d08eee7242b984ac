"""Capabilities of networks and tasks in a training: carried state, drawn targets, row tables."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import munjang
from munjang.data.batches import Batch
from munjang.tasks.classify import Classify
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.loop import Loop
from munjang.training.members import MemberLosses
from munjang.training.optimizers import RowAdagrad
from munjang.training.state import make_state
from tests.synthetic import train_until
from tests.unit.training.conftest import SmallRun
from tests.unit.training.test_checkpoints import assert_same, make_other_loop, run_until

pytestmark = pytest.mark.usefixtures("one_thread")


class StatefulNetwork(nn.Module):
    """A head whose logits depend on a decaying sum of all batches before."""

    def __init__(self, encoder: nn.Module, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(4, classes)
        self.carried: dict[str, Tensor] = {}

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        pooled: Tensor = self.encoder(ids, mask).pooled
        before = self.carried.get("sum", torch.zeros(4))
        if self.training:
            self.carried = {"sum": 0.5 * before + pooled.mean(0).detach()}
        logits: Tensor = self.head(pooled + before)
        return logits


@dataclass(frozen=True)
class StatefulTask(Classify):
    """Classification by a network that carries a state; nested one level, as a head would be."""

    def network(self, encoder: nn.Module) -> Any:
        return StatefulNetwork(encoder, self.outputs)


def make_stateful_run() -> SmallRun:
    return SmallRun(task=StatefulTask(("a", "b", "c")))


@pytest.mark.parametrize("stop", [1, 5, 6, 13])
def test_carried_state_is_saved_in_checkpoint(stop: int, tmp_path: Path) -> None:
    small = make_stateful_run()
    whole = small.loop(average_after=0.3)
    list(whole)
    assert [name for name in whole.state.tensors() if "carried" in name] == ["carried./sum"]
    assert not any("sum" in name for name in whole.state.best)

    loop = small.loop(average_after=0.3)
    run_until(loop, stop)
    save_checkpoint(tmp_path, loop.state, "f")
    resumed = make_other_loop(small, average_after=0.3)
    assert load_checkpoint(tmp_path, resumed.state, "f")
    list(resumed)
    assert_same(resumed, whole)


def test_run_without_carried_state_differs() -> None:
    small = make_stateful_run()
    whole, forgetful = small.loop(), small.loop()
    list(whole)
    run_until(forgetful, 5)
    forgetful.state.model.carried = {}
    list(forgetful)
    weights = forgetful.state.model.state_dict()
    assert any(
        not torch.equal(tensor, weights[name])
        for name, tensor in whole.state.model.state_dict().items()
    )


@dataclass(frozen=True)
class DrawingTask(Classify):
    """Classification of a class that is drawn in every step; what was drawn is noted."""

    drawn: list[list[int]] = field(default_factory=list)

    def draw_targets(self, batch: Batch, generator: torch.Generator, progress: float) -> Batch:
        targets = torch.randint(0, 3, (len(batch.rows),), generator=generator)
        self.drawn.append(targets.tolist())
        return replace(batch, targets=targets)


def get_drawn_targets(loop: Loop) -> list[list[int]]:
    assert isinstance(loop.task, DrawingTask)
    return loop.task.drawn


def make_drawing_run(seed: int = 0) -> SmallRun:
    return SmallRun(rows=64, seed=seed, task=DrawingTask(("a", "b", "c")))


def test_targets_are_drawn_from_seed_and_step() -> None:
    loops = [make_drawing_run(seed).loop(epochs=2) for seed in (0, 0, 1)]
    for loop in loops:
        torch.manual_seed(7)
        list(loop)
    first, repeated, other = (get_drawn_targets(loop) for loop in loops)
    assert len(first) == 32
    assert first == repeated != other
    assert len({tuple(targets) for targets in first}) > 20


def test_resumed_run_draws_same_targets(tmp_path: Path) -> None:
    whole = make_drawing_run().loop()
    list(whole)
    loop = make_drawing_run().loop()
    run_until(loop, 7)
    save_checkpoint(tmp_path, loop.state, "f")
    resumed = make_other_loop(make_drawing_run())
    load_checkpoint(tmp_path, resumed.state, "f")
    list(resumed)
    assert get_drawn_targets(loop) + get_drawn_targets(resumed) == get_drawn_targets(whole)
    assert_same(resumed, whole)


class PluginEmbedding(nn.Module):
    """A table whose gradient is dense."""

    embedding_tables: ClassVar = ("table",)

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.ones(5, 3))

    def forward(self, ids: Tensor) -> Tensor:
        return self.table[ids]


def test_plugin_embedding_uses_embedding_optimizer() -> None:
    settings = SmallRun().loop(embedding_optimizer="adagrad", embedding_learning_rate=0.5).settings
    network = nn.Sequential(PluginEmbedding(), nn.Linear(3, 1))
    state = make_state(network, settings)
    network(torch.tensor([1, 1, 4])).sum().backward()
    for optimizer in state.optimizers:
        optimizer.step()
    changed = (network[0].table != 1).any(1).nonzero().flatten().tolist()
    assert changed == [1, 4]
    assert isinstance(state.optimizers[1], RowAdagrad)
    # the first step of Adagrad is lr * g / rms(g), however large g is
    steps = (1 - network[0].table.detach()[[1, 4]]).square().mean(1).sqrt()
    torch.testing.assert_close(steps, torch.full((2,), 0.5))


@pytest.mark.parametrize("tie", ["true", "false"])
def test_pair_embedding_uses_embedding_optimizer(tie: str, tmp_path: Path) -> None:
    texts = [f"a b c {n % 7}" for n in range(40)]
    arguments: dict[str, Any] = {
        "data": (texts, [text[::-1] for text in texts]),
        "task": "translate",
        "model": "seq2seq",
        "overrides": [
            "model.dim=8",
            f"model.tie_embeddings={tie}",
            "training.epochs=2",
            "training.batch_size=8",
            "training.threads=1", "training.checkpoint_steps=3",
        ],
    }  # fmt: skip

    def weights(*more: str, **options: Any) -> dict[str, Tensor]:
        overrides = [*arguments["overrides"], *more]
        network = munjang.train(**{**arguments, "overrides": overrides}, **options).model.network
        return {name: tensor.clone() for name, tensor in network.state_dict().items()}

    adagrad = ("training.embedding_optimizer=adagrad", "training.embedding_learning_rate=0.1")
    plain, rows = weights(), weights(*adagrad)
    table = next(name for name in plain if name.endswith("target_table"))
    assert not torch.allclose(plain[table], rows[table], atol=1e-2)

    stopped = {**arguments, "overrides": [*arguments["overrides"], *adagrad]}
    train_until(step=5, **stopped, out=tmp_path / "m")
    resumed = weights(*adagrad, out=tmp_path / "m", resume=True)
    for name, tensor in rows.items():
        assert torch.equal(resumed[name], tensor), name


class Wrapped:
    """Outputs that are no tensor, of which rows can be taken."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def __getitem__(self, rows: Tensor) -> "Wrapped":
        return Wrapped(self.logits[rows])


def test_members_may_give_non_tensor_outputs() -> None:
    class Task(Classify):
        def loss(self, outputs: Any, targets: Tensor) -> Tensor:
            logits = outputs.logits if isinstance(outputs, Wrapped) else outputs
            return super().loss(logits, targets)

    small = SmallRun()
    batch = next(iter(small.loop().train.in_order_of_length(8)))
    members = [torch.randn(len(batch.rows), 3) for _ in range(2)]
    losses = MemberLosses(small.rows, 0.5, seed=1)
    task: Any = Task(("a", "b", "c"))
    plain = losses(task, members, batch)
    assert plain == losses(task, [Wrapped(logits) for logits in members], batch)
