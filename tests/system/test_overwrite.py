"""A new model in the place of an old one: killed anywhere, one of the two is whole and answers."""

import multiprocessing
import os
import pkgutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import munjang
from munjang.errors import ConfigError, FolderError
from munjang.folder.replacement import CHECKPOINT, FOLDER
from tests.synthetic import QUICK, make_corpus
from tests.system.commands import TIMEOUT

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="killed in a forked process"),
]
OLD, NEW = 1, 2
SETTINGS = (*QUICK, "training.epochs=2", "training.checkpoint_steps=10")


def train_mean(out: Path, seed: int, **more: Any) -> Any:
    return munjang.train(
        make_corpus(), model="mean", overrides=SETTINGS, out=out, seed=seed, **more
    )


models: dict[int, Any] = {}


@pytest.fixture(scope="module", autouse=True)
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, bytes]:
    """The weights that trainings end with which nobody disturbs."""
    weights = {}
    for seed in (OLD, NEW):
        out = tmp_path_factory.mktemp("undisturbed") / "m"
        models[seed] = train_mean(out, seed).model
        weights[seed] = (out / "model.safetensors").read_bytes()
    return weights


def kill_at(moment: tuple[str, str, int, str], act: str, out: Path, new: Path) -> None:
    """Write a new model, and be killed before or after the n-th call of a function."""
    where, name, call, when = moment
    owner = pkgutil.resolve_name(where)
    whole, calls = getattr(owner, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(*args, **kwargs)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    model = munjang.load(new)
    setattr(owner, name, dying)
    if act == "train":
        train_mean(out, NEW, overwrite=True, resume=True)
    else:
        model.save(out)


WRITING = [
    ("munjang.folder.save", "_save_weights", 1, "before"),
    ("munjang.folder.save", "write_manifest", 1, "after"),
    ("munjang.folder.replacement", "_link", 1, "after"),
    ("munjang.folder.replacement", "_link", 5, "before"),
    ("munjang.folder.replacement", "_link", 7, "after"),
    ("munjang.folder.replacement:shutil", "rmtree", 1, "before"),
]
TRAINING = [
    ("munjang.training.run", "load_checkpoint", 1, "before"),
    ("munjang.training.loop:Loop", "_step", 15, "after"),
    ("munjang.training.run", "save_checkpoint", 2, "before"),
    ("munjang.api:Model", "save", 1, "before"),
]
MOMENTS = [("train", moment) for moment in (*TRAINING, *WRITING)]
MOMENTS += [("save", moment) for moment in WRITING[::2]]


@pytest.mark.parametrize(("act", "moment"), MOMENTS, ids=str)
def test_kill_at_any_moment_leaves_a_complete_model(
    act: str, moment: tuple[str, str, int, str], tmp_path: Path, trained: Any
) -> None:
    out, new = tmp_path / "m", tmp_path / "new"
    models[OLD].save(out)
    models[NEW].save(new)
    (out / "notes.txt").write_text("mine")
    # a server forks each, so that torch is imported once; this process has threads, and may not
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch._dynamo", "munjang.api", __name__])
    process = context.Process(target=kill_at, args=(moment, act, out, new))
    process.start()
    process.join(TIMEOUT)
    assert process.exitcode == -signal.SIGKILL, "the moment came"
    assert_complete(out, trained)
    train_mean(out, NEW, overwrite=True, resume=True)
    assert (out / "model.safetensors").read_bytes() == trained[NEW]
    assert munjang.load(out).recipe.seed == NEW
    assert (out / "notes.txt").read_text() == "mine"
    assert not (out / FOLDER).exists()
    assert not (out / CHECKPOINT).exists()
    assert not list(out.glob("*.partial"))


def assert_complete(out: Path, trained: Any) -> None:
    """The model that is loaded is the old one or the new one, in every part."""
    model = munjang.load(out)
    expected = models[model.recipe.seed]
    texts = make_corpus()[0][:9]
    assert model.predict_proba(texts).tolist() == expected.predict_proba(texts).tolist()


def test_old_model_is_usable_during_new_training(tmp_path: Path, trained: Any) -> None:
    out = tmp_path / "m"
    models[OLD].save(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def look(_: Any) -> None:
        assert munjang.load(out).recipe.seed == OLD
        assert {name: (out / name).read_bytes() for name in before} == before

    train_mean(out, NEW, overwrite=True, on_step=look)
    assert munjang.load(out).recipe.seed == NEW
    assert (out / "metrics.jsonl").exists()
    assert (out / "tensorboard").is_dir()
    assert not (out / FOLDER).exists()


class CallbackError(Exception):
    """The training breaks off."""


def interrupt_training(out: Path, at: int, **more: Any) -> None:
    def fail(step: Any) -> None:
        if step.number == at:
            raise CallbackError

    with pytest.raises(CallbackError):
        train_mean(out, NEW, on_step=fail, **more)


def test_failed_new_training_leaves_no_trace(tmp_path: Path, trained: Any) -> None:
    out = tmp_path / "m"
    models[OLD].save(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    interrupt_training(out, 1, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    overrides = [*SETTINGS, "training.learning_rate=1e30"]
    with pytest.raises(ConfigError, match="learning_rate"):
        munjang.train(make_corpus(), model="cnn", overrides=overrides, out=out, overwrite=True)
    assert munjang.load(out).recipe.seed == OLD


def test_stopped_new_training_is_resumed(tmp_path: Path, trained: Any) -> None:
    out = tmp_path / "m"
    models[OLD].save(out)
    interrupt_training(out, 25, overwrite=True)
    assert munjang.load(out).recipe.seed == OLD
    with pytest.raises(FolderError, match=r"a finished model is here already, and an unfinished"):
        train_mean(out, NEW)
    with pytest.raises(FolderError, match="an unfinished training that is to replace this model"):
        models[OLD].save(out)
    steps: list[int] = []
    train_mean(out, NEW, resume=True, on_step=lambda step: steps.append(step.number))
    assert steps[0] == 21
    assert (out / "model.safetensors").read_bytes() == trained[NEW]
    records = (out / "metrics.jsonl").read_text(encoding="utf-8")
    assert records.count('"part": "valid"') == 2, "the log is that of all sittings"


def test_overwrite_without_resume_starts_anew(tmp_path: Path, trained: Any) -> None:
    out = tmp_path / "m"
    models[OLD].save(out)
    interrupt_training(out, 25, overwrite=True)
    steps: list[int] = []
    train_mean(out, NEW, overwrite=True, on_step=lambda step: steps.append(step.number))
    assert steps[0] == 1
    assert (out / "model.safetensors").read_bytes() == trained[NEW]


def test_concurrent_loads_get_one_complete_model(tmp_path: Path, trained: Any) -> None:
    out = tmp_path / "m"
    models[OLD].save(out)
    failed: list[BaseException] = []

    def take_turns() -> None:
        try:
            for round_ in range(12):
                models[(NEW, OLD)[round_ % 2]].save(out)
        except BaseException as error:
            failed.append(error)

    writer = threading.Thread(target=take_turns)
    writer.start()
    loads = 0
    while writer.is_alive() or not loads:
        assert_complete(out, trained)
        loads += 1
    writer.join()
    assert not failed
