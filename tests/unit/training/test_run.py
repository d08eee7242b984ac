"""A run on disk: when it checkpoints, and how it stops when asked."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from munjang.stopping import exit_code
from munjang.training.checkpoints import FILE
from munjang.training.loop import Loop, Step
from munjang.training.run import Interrupted, remove_checkpoint, run
from tests.unit.training.conftest import SmallRun

pytestmark = pytest.mark.usefixtures("one_thread")


class CallbackError(Exception):
    """Something in a callback went wrong."""


def read_checkpoint_step(folder: Path) -> int | None:
    """The step of the checkpoint that stands in a folder."""
    path = folder / FILE
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        numbers: str = file.metadata()["numbers"]
    return int(numbers.split('"step": ')[1].split(",")[0])


def train_loop(small: SmallRun, **training: object) -> Loop:
    loop = small.loop(**training)
    run(loop, loop.settings)
    return loop


def assert_same_weights(loop: Loop, other: Loop) -> None:
    expected = other.state.model.state_dict()
    for name, tensor in loop.state.model.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_run_without_folder_writes_nothing(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    numbers: list[int] = []
    loop = small_run.loop()
    run(loop, loop.settings, on_step=lambda step: numbers.append(step.number))
    assert numbers == list(range(1, 19))
    assert list(tmp_path.iterdir()) == []


def test_checkpoint_every_n_steps(small_run: SmallRun, tmp_path: Path) -> None:
    seen = []
    loop = small_run.loop(checkpoint_steps=4)
    run(
        loop,
        loop.settings,
        folder=tmp_path,
        on_step=lambda _: seen.append(read_checkpoint_step(tmp_path)),
    )
    assert seen == [None] * 4 + [4] * 4 + [8] * 4 + [12] * 4 + [16] * 2
    remove_checkpoint(tmp_path)
    assert read_checkpoint_step(tmp_path) is None
    remove_checkpoint(tmp_path)


@pytest.mark.parametrize(("seconds", "last"), [(0.0, 17), (3600.0, None)])
def test_checkpoint_every_n_seconds(
    small_run: SmallRun, tmp_path: Path, seconds: float, last: int | None
) -> None:
    seen = []
    loop = small_run.loop(checkpoint_seconds=seconds)
    run(
        loop,
        loop.settings,
        folder=tmp_path,
        on_step=lambda _: seen.append(read_checkpoint_step(tmp_path)),
    )
    assert seen[-1] == last


def test_error_in_callback_leaves_resumable_run(small_run: SmallRun, tmp_path: Path) -> None:
    loop = small_run.loop(checkpoint_steps=4)

    def fail(step: Step) -> None:
        if step.number == 11:
            raise CallbackError

    with pytest.raises(CallbackError):
        run(loop, loop.settings, folder=tmp_path, fingerprint="f", on_step=fail)
    assert read_checkpoint_step(tmp_path) == 8
    resumed = small_run.loop(checkpoint_steps=4)
    first: list[int] = []
    run(
        resumed,
        resumed.settings,
        folder=tmp_path,
        fingerprint="f",
        resume=True,
        on_step=lambda step: first.append(step.number),
    )
    assert first == list(range(9, 19))
    assert_same_weights(resumed, train_loop(small_run, checkpoint_steps=4))


def test_checkpoint_is_ignored_without_resume(small_run: SmallRun, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a checkpoint")
    loop = small_run.loop()
    run(loop, loop.settings, folder=tmp_path)
    assert_same_weights(loop, train_loop(small_run))


def interrupt_at(at: int, times: int = 1, number: signal.Signals = signal.SIGINT) -> Any:
    def interrupt(step: Step) -> None:
        if step.number == at:
            for _ in range(times):
                os.kill(os.getpid(), number)

    return interrupt


def test_ctrl_c_stops_after_the_step_with_a_checkpoint(small_run: SmallRun, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    loop = small_run.loop()
    with pytest.raises(Interrupted, match=r"after step 7 of 18; .*--resume continues from "):
        run(loop, loop.settings, folder=tmp_path, fingerprint="f", on_step=interrupt_at(7))
    assert signal.getsignal(signal.SIGINT) is before
    assert read_checkpoint_step(tmp_path) == 7
    resumed = small_run.loop()
    run(resumed, resumed.settings, folder=tmp_path, fingerprint="f", resume=True)
    assert_same_weights(resumed, train_loop(small_run))


def test_ctrl_c_at_last_step_is_resumable(small_run: SmallRun, tmp_path: Path) -> None:
    loop = small_run.loop()
    with pytest.raises(Interrupted):
        run(loop, loop.settings, folder=tmp_path, fingerprint="f", on_step=interrupt_at(18))
    resumed = small_run.loop()
    run(resumed, resumed.settings, folder=tmp_path, fingerprint="f", resume=True)
    assert_same_weights(resumed, train_loop(small_run))


def test_ctrl_c_without_folder_has_no_advice(small_run: SmallRun) -> None:
    loop = small_run.loop()
    with pytest.raises(Interrupted) as caught:
        run(loop, loop.settings, on_step=interrupt_at(2))
    assert str(caught.value) == "stopped after step 2 of 18"
    assert isinstance(caught.value, KeyboardInterrupt)


def test_second_ctrl_c_stops_at_once(small_run: SmallRun, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    loop = small_run.loop()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(loop, loop.settings, folder=tmp_path, on_step=interrupt_at(5, times=2))
    assert not isinstance(caught.value, Interrupted)
    assert signal.getsignal(signal.SIGINT) is before


def test_repeated_sigterm_stops_like_ctrl_c(small_run: SmallRun, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    loop = small_run.loop()
    interrupt = interrupt_at(7, times=3, number=signal.SIGTERM)
    with pytest.raises(
        Interrupted, match=r"after step 7 of 18; .*--resume continues from "
    ) as stop:
        run(loop, loop.settings, folder=tmp_path, fingerprint="f", on_step=interrupt)
    assert exit_code(stop.value) == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert read_checkpoint_step(tmp_path) == 7


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None])
def test_foreign_sigterm_handler_is_kept(handler: Any, small_run: SmallRun) -> None:
    before = signal.signal(signal.SIGTERM, handler)
    try:
        loop = small_run.loop()
        run(loop, loop.settings, on_step=interrupt_at(7, number=signal.SIGTERM))
        assert loop.state.counters.step == 18
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_run_outside_main_thread(small_run: SmallRun, tmp_path: Path) -> None:
    loop = small_run.loop()
    thread = threading.Thread(target=run, args=(loop, loop.settings), kwargs={"folder": tmp_path})
    thread.start()
    thread.join()
    assert loop.state.counters.step == 18


def test_threads_are_set_and_restored(small_run: SmallRun) -> None:
    seen = []
    loop = small_run.loop(threads=2, epochs=1)
    run(loop, loop.settings, on_step=lambda _: seen.append(torch.get_num_threads()))
    assert set(seen) == {2}
    assert torch.get_num_threads() == 1


def test_global_random_state_is_unchanged(small_run: SmallRun) -> None:
    loop = small_run.loop(epochs=1)
    torch.manual_seed(4)
    before = torch.get_rng_state()
    run(loop, loop.settings)
    assert torch.equal(torch.get_rng_state(), before)
