"""A training that ends after its last step and before its model is whole: nothing is done twice."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import munjang.api
import munjang.folder.manifest
import munjang.folder.save
import munjang.model
import munjang.tasks.classify
import munjang.training.run
from munjang.api import load, train
from munjang.errors import FolderError
from munjang.training.checkpoints import FILE as CHECKPOINT
from munjang.training.run import Interrupted
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

# Where Ctrl-C comes after the last step: the module, the function, before or after its work.
MOMENTS = [
    (munjang.training.run.RunLog, "close", "after"),
    (munjang.tasks.classify.Classify, "finalize", "before"),
    (munjang.tasks.classify.Classify, "finalize", "after"),
    (munjang.model.Model, "save", "before"),
    (munjang.folder.save, "_save_weights", "before"),
    (munjang.folder.save, "_save_weights", "after"),
    (munjang.model, "model_card", "before"),
    (munjang.folder.save, "write_manifest", "before"),
]


def train_mean(out: Path, **more: Any) -> Any:
    return train(make_corpus(), model="mean", overrides=QUICK, out=out, **more)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file that a training which nobody disturbs ends with."""
    out = tmp_path_factory.mktemp("undisturbed") / "m"
    train_mean(out)
    return (out / "model.safetensors").read_bytes()


def disturb(where: Any, name: str, when: str, act: Callable[[], object], patch: Any) -> None:
    """Let `act` happen once, before or after a function does its work."""
    whole, left = getattr(where, name), [act]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if when == "before" and left:
            left.pop()()
        result = whole(*args, **kwargs)
        if when == "after" and left:
            left.pop()()
        return result

    patch.setattr(where, name, wrapped)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(("where", "name", "when"), MOMENTS, ids=lambda value: str(value)[-20:])
def test_ctrl_c_after_last_step_keeps_it(
    where: Any, name: str, when: str, tmp_path: Path, monkeypatch: Any, weights: bytes
) -> None:
    handler, out = signal.getsignal(signal.SIGINT), tmp_path / "m"
    with monkeypatch.context() as patch:
        disturb(where, name, when, press_ctrl_c, patch)
        with pytest.raises(Interrupted, match=r"after step (\d+) of \1; .*--resume continues from"):
            train_mean(out)
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(FolderError, match="not a finished model folder"):
        load(out)
    steps: list[int] = []
    train_mean(out, resume=True, on_step=lambda step: steps.append(step.number))
    assert steps == [], "no step is taken again"
    assert (out / "model.safetensors").read_bytes() == weights
    assert not (out / CHECKPOINT).exists()
    assert not list(out.glob("*.partial"))


def test_ctrl_c_after_complete_save_reports_the_model(tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "m"
    disturb(munjang.folder.save, "write_manifest", "after", press_ctrl_c, monkeypatch)
    with pytest.raises(Interrupted, match="stopped; the model was complete and is saved in "):
        train_mean(out)
    assert load(out).predict("lovely")
    assert not (out / CHECKPOINT).exists()


def test_second_ctrl_c_does_not_interrupt_the_checkpoint(
    tmp_path: Path, monkeypatch: Any, weights: bytes
) -> None:
    out = tmp_path / "m"
    with monkeypatch.context() as patch:
        disturb(munjang.tasks.classify.Classify, "finalize", "before", press_ctrl_c, patch)
        disturb(munjang.training.run, "save_checkpoint", "before", press_ctrl_c, patch)
        with pytest.raises(Interrupted):
            train_mean(out)
    train_mean(out, resume=True)
    assert (out / "model.safetensors").read_bytes() == weights


def test_ctrl_c_without_folder_reports_the_step(monkeypatch: Any) -> None:
    disturb(munjang.tasks.classify.Classify, "finalize", "before", press_ctrl_c, monkeypatch)
    with pytest.raises(Interrupted, match=r"^stopped after step \d+ of \d+$"):
        train(make_corpus(), model="mean", overrides=QUICK)


def raise_disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")


@pytest.mark.parametrize("name", ["_save_weights", "model_card", "write_manifest"])
def test_disk_full_while_saving_keeps_last_step(
    name: str, tmp_path: Path, monkeypatch: Any, weights: bytes
) -> None:
    out = tmp_path / "m"
    with monkeypatch.context() as patch:
        where = munjang.model if name == "model_card" else munjang.folder.save
        disturb(where, name, "before", raise_disk_full, patch)
        with pytest.raises(OSError, match="No space left"):
            train_mean(out)
    steps: list[int] = []
    train_mean(out, resume=True, on_step=lambda step: steps.append(step.number))
    assert steps == []
    assert (out / "model.safetensors").read_bytes() == weights
