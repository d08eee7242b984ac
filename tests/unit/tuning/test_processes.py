"""Trials in processes of their own read the data as the search did, whatever it is made of.

The processes are made up: their work is done in this one, at once. Real ones are in tests/cluster.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from munjang.data.pairs.aligned import AlignedFiles
from munjang.errors import ConfigError
from munjang.tuning import runners, worker
from munjang.tuning.results import Tuned
from munjang.tuning.run import tune
from tests.synthetic import make_corpus
from tests.system.commands import write_table

pytest.importorskip("optuna", reason="optuna (extra tune)")
pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {"training.threads": 1, "training.epochs": 1, "training.learning_rate": 0.01}


class HereProcess:
    """Does the work of a trial's process when it is started."""

    def __init__(self, command: Sequence[str], log: Any, **options: Any) -> None:
        folder, *limit = command[3:]
        self.code = worker.main(Path(folder), float(limit[0]) if limit else None)

    def wait(self) -> int:
        return self.code

    def kill(self) -> None:
        pass


@pytest.fixture(autouse=True)
def made_up_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "OwnProcess", HereProcess)


def texts(folder: Path) -> dict[str, Any]:
    rows = zip(*make_corpus(60), strict=True)
    vectors = folder / "words.vec"
    vectors.write_text("film 1 2 3 4\ngreat 0 1 0 1\nawful -1 0 1 0\n")
    return {"data": write_table(folder / "자료.csv", rows), "model": "mean", "vectors": vectors}


def aligned(folder: Path) -> dict[str, Any]:
    words = ["one", "two", "three", "four", "다섯"]
    rows = [" ".join([str(k), *(words[(k + n) % 5] for n in range(3))]) for k in range(40)]
    sides = [folder / "source.txt", folder / "target.txt"]
    for side, lines in zip(sides, (rows, [row[::-1] for row in rows]), strict=True):
        side.write_text("\n".join(lines) + "\n", encoding="utf-8")
    small = {"model.dim": 8, "model.hidden_dim": 8, "decoding.max_length": 4}
    return {
        **{"data": AlignedFiles(*sides), "task": "translate", "model": "seq2seq"},
        "overrides": {**QUICK, **small},
    }


def images(folder: Path) -> dict[str, Any]:
    image = pytest.importorskip("PIL.Image", reason="Pillow (extra images)")
    for name, shade in (("dark", 20), ("light", 200)):
        (folder / "pictures" / name).mkdir(parents=True)
        for row in range(15):
            picture = image.new("L", (8, 8), shade + row)
            picture.save(folder / "pictures" / name / f"{row}.png")
    overrides = {**QUICK, "model.filters": [4], "model.pool_size": 2}
    return {"data": folder / "pictures", "task": "images", "overrides": overrides}


def search(out: Path, given: dict[str, Any], **more: Any) -> Tuned:
    overrides = [
        f"{key}={json.dumps(value)}" for key, value in given.get("overrides", QUICK).items()
    ]
    return tune(out=out, trials=2, seed=2, **{**given, "overrides": overrides, **more})


@pytest.mark.parametrize("make", [texts, aligned, images])
def test_trials_equal_those_of_one_process(make: Any, tmp_path: Path) -> None:
    given, rows = make(tmp_path), {}
    for name, parallel in (("one", 1), ("two", 2)):
        trials = search(tmp_path / name, given, parallel=parallel).trials
        rows[name] = [(row.ended, row.value, row.settings, row.steps) for row in trials]
    # the second trial of each is random: neither knows another one that finished
    assert rows["one"] == rows["two"]
    assert [row[0] for row in rows["two"]] == ["done", "done"]
    weights = [tmp_path / name / "best" / "model.safetensors" for name in rows]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_rows_that_changed_end_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = texts(tmp_path)
    lay_out = runners.TrialJobs.lay_out

    def change(self: Any, trial: Any) -> Path:
        write_table(given["data"], zip(*make_corpus(61), strict=True))
        return lay_out(self, trial)

    monkeypatch.setattr(runners.TrialJobs, "lay_out", change)
    with pytest.raises(ConfigError, match="trial 1: the rows to train on are not those that"):
        search(tmp_path / "out", given, parallel=2)


def test_data_in_memory_is_refused(tmp_path: Path) -> None:
    given = texts(tmp_path)
    vectors = SimpleNamespace(index_to_key=["film"], vectors=np.ones((1, 4), np.float32))
    for changed in ({"vectors": vectors}, {"valid": make_corpus(20)}):
        with pytest.raises(ConfigError, match="write the rows to a file, or leave out parallel"):
            search(tmp_path / "out", {**given, **changed}, parallel=2)
    assert not (tmp_path / "out").exists()


def test_crashed_process_is_a_failed_trial_with_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crashing(HereProcess):
        def __init__(self, command: Sequence[str], log: Any, **options: Any) -> None:
            self.code = -9
            if command[3].endswith("/1"):
                log.write(b"oh\n")
            else:
                super().__init__(command, log, **options)

    monkeypatch.setattr(runners, "OwnProcess", Crashing)
    tuned = search(tmp_path / "out", texts(tmp_path), parallel=2)
    assert [row.ended for row in tuned.trials] == ["failed", "done"]
    log = tmp_path / "out" / "trials" / "1" / "log.txt"
    assert "ended by SIGKILL" in tuned.trials[0].note
    assert str(log) in tuned.trials[0].note
    assert log.read_text() == "oh\n"
