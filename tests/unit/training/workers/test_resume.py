"""A run of several workers goes on from a checkpoint, with the states that rows carry."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from munjang.api import make_loop
from munjang.training.checkpoints import load_checkpoint, save_checkpoint
from munjang.training.workers import ALONE, Workers
from tests.synthetic import make_corpus
from tests.unit.training.workers.pool import Pool, prepared, take_steps, train, without_dropout

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS, STOPPED_AT = 20, 9
SETTINGS = {
    "task": "language",
    "model": {"name": "lstm", "dim": 8, "hidden_dim": 8, "ngram_buckets": 200},
    "data": {"window": 8},
    "training": {"epochs": 100, "threads": 1, "batch_size": 7},
}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(make_corpus(200, korean=True)[0]), "utf-8")
    return str(path)


def stop(workers: Workers, text: str, settings: dict[str, Any], folder: Path) -> int:
    """Take some steps, write a checkpoint, and return how many rows' states the worker carries."""
    loop = make_loop(prepared(text, settings), workers)
    take_steps(workers, loop, STOPPED_AT)
    [(_, carrier)] = loop.state.carriers()
    own = len(carrier.carried["state"])
    workers.gather_carried(loop.state)
    assert len(carrier.carried["state"]) == 7
    if workers.leads:
        save_checkpoint(folder, loop.state, "")
    workers.deal_carried(loop.state)
    assert len(carrier.carried["state"]) == own
    return own


def resume(
    workers: Workers, text: str, settings: dict[str, Any], folder: Path
) -> dict[str, Tensor]:
    """The weights after the rest of the steps."""
    loop = make_loop(prepared(text, settings), workers)
    if workers.leads:
        assert load_checkpoint(folder, loop.state, "")
    return take_steps(workers, loop, STEPS)[0]


def test_resumed_run_is_the_same_run(two: Pool, text: str, tmp_path: Path) -> None:
    assert two.run(stop, text, SETTINGS, tmp_path) == [3, 4]
    resumed = two.run(resume, text, SETTINGS, tmp_path)
    for (expected, _, _), weights in zip(
        two.run(train, text, SETTINGS, STEPS), resumed, strict=True
    ):
        for key, tensor in expected.items():
            assert torch.equal(weights[key], tensor), key


def test_any_number_of_workers_goes_on(two: Pool, text: str, tmp_path: Path) -> None:
    settings = without_dropout(SETTINGS)
    two.run(stop, text, settings, tmp_path)
    expected = train(ALONE, text, settings, STEPS)[0]
    for key, tensor in resume(ALONE, text, settings, tmp_path).items():
        torch.testing.assert_close(tensor, expected[key], rtol=0, atol=1e-5, msg=key)
