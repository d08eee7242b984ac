"""Logs of a run, and how a resumed run drops entries of steps that it takes again."""

import json
from pathlib import Path
from typing import Any

import pytest

from munjang.training.logs import FILE, RunLog
from munjang.training.loop import Step
from tests.unit.training.conftest import make_scores


def make_step(number: int, *, validated: bool = False, loss: float = 0.5) -> Step:
    scores = make_scores(0.75, macro_f1=0.5, log_loss=0.25) if validated else None
    return Step(number, 100, 1, loss, 1.0, 10, scores)


def read_records(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def write_log(folder: Path, numbers: range, *, resumed_at: int = 0) -> None:
    log = RunLog(folder, resumed_at=resumed_at, every=2)
    for number in numbers:
        log.record(make_step(number, validated=number % 5 == 0))
    log.close()


def test_records_every_n_steps_and_at_validation(tmp_path: Path) -> None:
    write_log(tmp_path, range(1, 6))
    result = read_records(tmp_path)
    assert [(record["step"], record["part"]) for record in result] == [
        (2, "train"),
        (4, "train"),
        (5, "train"),
        (5, "valid"),
    ]
    assert result[0]["loss"] == 0.5
    assert result[0]["tokens_per_second"] > 0
    assert result[3] == {
        "step": 5,
        "part": "valid",
        "accuracy": 0.75,
        "macro_f1": 0.5,
        "log_loss": 0.25,
        "calibration_error": 0.0,
    }
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1


def test_records_have_the_learning_rate_of_their_step(tmp_path: Path) -> None:
    log = RunLog(tmp_path, every=1, learning_rate=0.01)
    log.record(Step(1, 100, 1, 0.5, 0.25, 10))
    log.close()
    assert read_records(tmp_path)[0]["learning_rate"] == 0.0025


def test_records_are_flushed_immediately(tmp_path: Path) -> None:
    log = RunLog(tmp_path, every=1)
    log.record(make_step(1))
    assert len(read_records(tmp_path)) == 1
    log.close()


@pytest.mark.parametrize("resumed_at", [1, 4, 5, 9])
def test_records_after_the_checkpoint_are_dropped(tmp_path: Path, resumed_at: int) -> None:
    write_log(tmp_path, range(1, 10))
    write_log(tmp_path, range(resumed_at + 1, 13), resumed_at=resumed_at)
    steps = [record["step"] for record in read_records(tmp_path) if record["part"] == "train"]
    assert steps == [2, 4, 5, 6, 8, 10, 12]


@pytest.mark.parametrize("torn", ['{"step": 4, "pa', "\x00\x00\x00", "7", '{"part": "train"}', ""])
def test_torn_line_is_dropped(tmp_path: Path, torn: str) -> None:
    write_log(tmp_path, range(1, 4))
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write(torn)
    write_log(tmp_path, range(4, 7), resumed_at=3)
    assert [record["step"] for record in read_records(tmp_path)] == [2, 4, 5, 5, 6]


def test_new_run_drops_earlier_records(tmp_path: Path) -> None:
    write_log(tmp_path, range(1, 10))
    earlier = tmp_path / "tensorboard" / "events.out.tfevents.1.host"
    earlier.write_bytes(b"an earlier curve")
    log = RunLog(tmp_path)
    assert read_records(tmp_path) == []
    log.close()
    assert not earlier.exists()


def test_resumed_run_keeps_earlier_curve(tmp_path: Path) -> None:
    write_log(tmp_path, range(1, 10))
    earlier = tmp_path / "tensorboard" / "events.out.tfevents.1.host"
    earlier.write_bytes(b"an earlier curve")
    write_log(tmp_path, range(10, 12), resumed_at=9)
    assert earlier.exists()


def test_non_finite_numbers_are_null(tmp_path: Path) -> None:
    log = RunLog(tmp_path, every=1)
    log.record(make_step(1, loss=float("nan")))
    log.record(make_step(2, loss=float("inf")))
    log.close()
    assert [record["loss"] for record in read_records(tmp_path)] == [None, None]
