"""A run that was stopped anywhere ends in the very weights of one that never was."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from munjang.errors import FolderError
from munjang.training import checkpoints
from munjang.training.checkpoints import FILE, load_checkpoint, save_checkpoint
from munjang.training.loop import Loop
from tests.unit.training.conftest import SmallRun, make_scores

pytestmark = pytest.mark.usefixtures("one_thread")

CNN = {"name": "cnn", "kernel_sizes": [2, 3], "filters": 3, "embedding_dropout": 0.3}
LSTM = {"name": "lstm", "hidden_dim": 3, "layers": 2, "dropout": 0.3}
NGRAMS = {"name": "mean", "ngrams": 3, "ngram_buckets": 40, "token_dropout": 0.2}
# Passes end at 6, 12 and 18; evaluations stand at 3, 6, 9, 12, 15 and 18.
STOPS = [(1,), (3,), (5,), (6,), (7,), (9,), (12,), (17,), (18,), (2, 3, 4), (6, 12, 13)]
RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mean": ({}, {}),
    "ngrams-adagrad": (NGRAMS, {"embedding_optimizer": "adagrad"}),
    "cnn-averaging": (CNN, {"average_after": 0.2, "validations_per_epoch": 2}),
    "cnn-average-best": (CNN, {"average_best": 2, "validations_per_epoch": 2}),
    "lstm-adagrad-averaging": (
        LSTM,
        {"embedding_optimizer": "adagrad", "average_after": 0.0, "validations_per_epoch": 2},
    ),
}


def run_until(loop: Loop, until: int) -> None:
    """Go on until the step of that number."""
    if loop.state.counters.step >= until:
        return
    for step in loop:
        if step.number == until:
            return


def get_state(loop: Loop) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Everything that a run has come to, but for how long it took."""
    numbers = asdict(loop.state.counters)
    del numbers["seconds"], numbers["validation_seconds"]
    numbers["history"] = [{**record, "seconds": 0} for record in numbers["history"]]
    return {name: tensor.clone() for name, tensor in loop.state.tensors().items()}, numbers


def assert_same(loop: Loop, other: Loop) -> None:
    (tensors, numbers), (expected, expected_numbers) = get_state(loop), get_state(other)
    assert numbers == expected_numbers
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, expected[name]), name


def make_other_loop(small: SmallRun, **training: Any) -> Loop:
    """A new process's loop: the same run, other weights until the checkpoint is loaded."""
    loop = small.loop(**training)
    with torch.no_grad():
        for parameter in loop.state.model.parameters():
            parameter.add_(1.0)
    torch.manual_seed(12345)
    return loop


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("stops", STOPS, ids=str)
def test_stopped_and_resumed_run_equals_uninterrupted_run(
    small_run: SmallRun, script_scores, tmp_path: Path, name: str, stops: tuple[int, ...]
) -> None:
    small_run.model, training = RUNS[name]
    values = [make_scores(0.1 * (index * 7 % 10)) for index in range(30)]
    script_scores(values)
    whole = small_run.loop(**training)
    list(whole)

    script_scores(values)
    loop = small_run.loop(**training)
    for stop in stops:
        run_until(loop, stop)
        save_checkpoint(tmp_path, loop.state, "f")
        loop = make_other_loop(small_run, **training)
        assert load_checkpoint(tmp_path, loop.state, "f")
        assert loop.state.counters.step == stop
    list(loop)
    assert_same(loop, whole)


def test_exhausted_patience_is_restored(small_run: SmallRun, script_scores, tmp_path: Path) -> None:
    script_scores([make_scores(value) for value in (0.5, 0.4)])
    loop = small_run.loop(patience=1)
    list(loop)
    save_checkpoint(tmp_path, loop.state, "f")
    resumed = make_other_loop(small_run, patience=1)
    load_checkpoint(tmp_path, resumed.state, "f")
    assert list(resumed) == []
    assert_same(resumed, loop)


def test_restored_tensors_do_not_share_memory_with_file(
    small_run: SmallRun, script_scores, tmp_path: Path
) -> None:
    script_scores([make_scores(0.5)] * 3)
    loop = small_run.loop()
    run_until(loop, 7)
    save_checkpoint(tmp_path, loop.state, "f")
    resumed = make_other_loop(small_run)
    load_checkpoint(tmp_path, resumed.state, "f")
    before = {name: tensor.clone() for name, tensor in resumed.state.best.items()}
    (tmp_path / FILE).write_bytes(b"")
    run_until(resumed, 9)
    for name, tensor in resumed.state.best.items():
        assert torch.equal(tensor, before[name])


def test_load_without_checkpoint_returns_false(small_run: SmallRun, tmp_path: Path) -> None:
    loop = small_run.loop()
    before, _ = get_state(loop)
    assert not load_checkpoint(tmp_path, loop.state, "f")
    assert torch.equal(get_state(loop)[0]["model.head.weight"], before["model.head.weight"])


def save_first_step(small: SmallRun, folder: Path) -> Path:
    loop = small.loop()
    next(iter(loop))
    return save_checkpoint(folder, loop.state, "f")


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.1, 0.5, 0.99])
def test_truncated_checkpoint_is_refused(small_run: SmallRun, tmp_path: Path, kept: float) -> None:
    path = save_first_step(small_run, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(FolderError, match=r"checkpoint\.safetensors: this checkpoint is damaged"):
        load_checkpoint(tmp_path, small_run.loop().state, "f")


def test_other_file_in_place_of_checkpoint_is_refused(small_run: SmallRun, tmp_path: Path) -> None:
    path = save_first_step(small_run, tmp_path)
    tensors = load_file(path)
    state = small_run.loop().state
    path.write_bytes(b"PK\x03\x04 not a checkpoint" * 100)
    with pytest.raises(FolderError, match="damaged"):
        load_checkpoint(tmp_path, state, "f")
    save_file(tensors, path)
    with pytest.raises(FolderError, match="damaged"):
        load_checkpoint(tmp_path, state, "f")
    save_file(tensors, path, metadata={"numbers": "[1, 2", "fingerprint": "f"})
    with pytest.raises(FolderError, match="damaged"):
        load_checkpoint(tmp_path, state, "f")


def test_flipped_bit_is_refused(small_run: SmallRun, tmp_path: Path) -> None:
    path = save_first_step(small_run, tmp_path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(FolderError, match="checksum mismatch"):
        load_checkpoint(tmp_path, small_run.loop().state, "f")


@pytest.mark.parametrize("numbers", ['{"step": 1, "surprise": 2}', "[]", "3"])
def test_counters_of_another_version_are_refused(
    small_run: SmallRun, tmp_path: Path, numbers: str
) -> None:
    path = save_first_step(small_run, tmp_path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata={**metadata, "numbers": numbers})
    with pytest.raises(FolderError, match="does not fit"):
        load_checkpoint(tmp_path, small_run.loop().state, "f")


@pytest.mark.parametrize("model", [{"dim": 5}, CNN])
def test_weights_of_another_shape_are_refused(
    small_run: SmallRun, tmp_path: Path, model: dict[str, Any]
) -> None:
    save_first_step(small_run, tmp_path)
    small_run.model = model
    with pytest.raises(FolderError, match="does not fit"):
        load_checkpoint(tmp_path, small_run.loop().state, "f")


def test_checkpoint_of_another_run_is_refused_and_changes_nothing(
    small_run: SmallRun, tmp_path: Path
) -> None:
    save_first_step(small_run, tmp_path)
    loop = make_other_loop(small_run)
    before, _ = get_state(loop)
    with pytest.raises(FolderError, match="made with other data or settings"):
        load_checkpoint(tmp_path, loop.state, "g")
    for name, tensor in get_state(loop)[0].items():
        assert torch.equal(tensor, before[name])


def test_failed_write_keeps_last_checkpoint(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_first_step(small_run, tmp_path)
    before = path.read_bytes()

    def full(tensors: object, target: Path, metadata: object) -> None:
        Path(target).write_bytes(b"half a ")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tmp_path, small_run.loop().state, "f")
    assert path.read_bytes() == before
