"""The log of a training that grows while it is read."""

import json
from pathlib import Path

import pytest

from munjang.diagnosis.run_log import RunLog


def line(step: int, **values: object) -> str:
    return json.dumps({"step": step, "part": "train", **values}) + "\n"


def points(log: RunLog, name: str = "loss", part: str = "train") -> list[tuple[int, float]]:
    return log.curves[part, name].thinned()


def test_only_what_was_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=4) + line(2, loss=3))
    log = RunLog(path)
    log.read()
    assert points(log) == [(1, 4.0), (2, 3.0)]
    text = path.read_text()
    # the same length: read again, the first lines would give other values
    path.write_bytes(b"x" * len(text) + line(3, loss=2).encode() + b'{"step": 4, "part": "tr')
    log.read()
    assert points(log) == [(1, 4.0), (2, 3.0), (3, 2.0)]
    assert log.step == 3
    with path.open("a") as file:
        file.write('ain", "loss": 1.5}\n')
    log.read()
    assert points(log)[-1] == (4, 1.5)


@pytest.mark.parametrize("is_new_file", [True, False])
def test_log_that_begins_anew_is_read_from_its_begin(tmp_path: Path, is_new_file: bool) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=4) + line(2, loss=3))
    log = RunLog(path)
    log.read()
    if is_new_file:
        (tmp_path / "new").write_text("".join(line(step, loss=9) for step in (5, 6, 7)))
        (tmp_path / "new").replace(path)
    else:
        path.write_text(line(5, loss=9))
    log.read()
    assert points(log)[0] == (5, 9.0)


def test_million_of_steps_becomes_some_hundred_points_and_exact_extremes(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    values = dict.fromkeys(range(1, 20001), 1.0)
    values |= {777: -5.0, 12_345: 8.0, 15_000: 8.0}
    path.write_text("".join(line(step, loss=value) for step, value in values.items()))
    log = RunLog(path)
    log.read()
    found = points(log)
    assert 300 <= len(found) <= 601
    assert found[0][0] == 1
    assert found[-1][0] == 20_000
    assert [step for step, _ in found] == sorted({step for step, _ in found})
    assert log.curves["train", "loss"].lowest == (777, -5.0)
    assert log.curves["train", "loss"].highest == (12_345, 8.0)


def test_odd_records_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    odd = [
        '{"step": 3, "part": "train", "loss": NaN}\n',
        '{"step": 3, "part": "train", "loss": 1e999}\n',
        f'{{"step": 3, "part": "train", "loss": {"9" * 400}}}\n',
        f'{{"step": {"9" * 40}, "part": "train", "loss": 1}}\n',
        line(-3, loss=1),
        line(3, loss=True),
        line(3, **{"<img src=x>": 1, "손실": 1, "x" * 100: 1, "<b>_per_second": 1}),
        "[" * 100_000 + "\n",
        "x" * 3_000_000 + "\n",
        '{"step": 3, "part": ["train"], "loss": 1}\n',
        "\n",
    ]
    path.write_text(line(2, loss=1, rows_per_second=7) + "".join(odd) + line(4, loss=0.5))
    log = RunLog(path)
    log.read()
    assert points(log) == [(2, 1.0), (4, 0.5)]
    assert list(log.curves) == [("train", "loss")]
    assert log.rate == ("rows", 7.0)


def test_number_of_curves_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, **{f"metric_{number}": 1 for number in range(10_000)}))
    log = RunLog(path)
    log.read()
    assert len(log.curves) == 64
