"""Files of a comparison that were damaged: one line that names them and says what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.comparison.class_answers import ClassAnswers
from munjang.comparison.records import read_run
from munjang.comparison.set_answers import SetAnswers
from munjang.comparison.stored import read_answers, read_numbers, write_answers, write_numbers
from munjang.errors import FolderError
from munjang.folder.manifest import write_atomically
from munjang.json_files import read_object

FINISHED_RUN: dict[str, Any] = {
    "status": "done",
    "parameters": 10,
    "folder_bytes": 1000,
    "memory_bytes": 1000,
    "seconds": 1.5,
    "tokens_per_second": 10.0,
    "steps": 3,
    "planned_steps": 3,
    "epochs": 0.5,
    "processor_share": 0.9,
    "latency": {"p50": 1.0, "p99": 2.0, "texts": 5},
    "history": [{"step": 3, "seconds": 1.0, "accuracy": 0.5, "log_loss": None, "best": True}],
    "judged": {"cross_entropy": 1.0},
}

DAMAGED: dict[str, bytes] = {
    "truncated": b'{"status": "done", "para',
    "empty": b"",
    "no object": b"[1, 2]",
    "no JSON": b"\x00\x01PK",
    "not UTF-8": b'{"status": "\xff"}',
    "NaN": b'{"status": "done", "seconds": NaN}',
    "endless brackets": b"[" * 200_000,
    "a number of ten thousand digits": b'{"seconds": ' + b"9" * 10_000 + b"}",
}


def test_read_run_returns_record(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for record in (
        FINISHED_RUN,
        {"status": "failed", "reason": "out of memory", "full": [28, "x"]},
    ):
        path.write_text(json.dumps(record), "utf-8")
        assert read_run(path) == record
    earlier = {
        key: value
        for key, value in FINISHED_RUN.items()
        if key not in ("epochs", "processor_share")
    }
    path.write_text(json.dumps(earlier), "utf-8")
    assert read_run(path) == earlier


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_record_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(DAMAGED[case])
    with pytest.raises(FolderError) as caught:
        read_run(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "--resume runs it again" in line
    assert "\n" not in line
    assert len(line) < len(str(path)) + 300


INVALID: dict[str, Any] = {
    "status": "finished",
    "parameters": "many",
    "folder_bytes": -1,
    "memory_bytes": True,
    "seconds": 1e999,
    "tokens_per_second": [],
    "steps": 2.5,
    "epochs": -1,
    "processor_share": "half",
    "latency": {"p50": 1.0},
    "history": [{"seconds": "soon"}],
    "judged": None,
}


@pytest.mark.parametrize("key", INVALID)
def test_invalid_value_is_refused_by_key(key: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(
        json.dumps({**FINISHED_RUN, key: INVALID[key]}).replace("Infinity", "1e999"), "utf-8"
    )
    with pytest.raises(FolderError, match=f"no record of a run: {key} is"):
        read_run(path)
    if key not in ("epochs", "processor_share"):
        path.write_text(json.dumps({k: v for k, v in FINISHED_RUN.items() if k != key}), "utf-8")
        # of baselines these two are None, and a record without them says as much
        if key not in ("tokens_per_second", "steps"):
            with pytest.raises(FolderError, match=f"{key} is None"):
                read_run(path)


def test_directory_in_place_of_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="no ordinary file"):
        read_object(tmp_path, "plan", "begin anew")


def test_answers_of_other_test_data_are_refused(tmp_path: Path) -> None:
    write_answers(tmp_path, ["a", "b"])
    assert read_answers(tmp_path, 2) == ["a", "b"]
    for content in ('["a"]', '["a", 3]', '{"a": 1}', '["a", "b'):
        write_atomically(tmp_path / "answers.json", content)
        with pytest.raises(FolderError, match=r"answers\.json: .*--resume runs it again"):
            read_answers(tmp_path, 2)


@pytest.fixture
def stored_answers() -> dict[str, tuple[Callable[[Path], Any], Callable[[Path, int, int], Any]]]:
    """Answers of each task, written and read back with their rows and labels."""
    targets = np.array([0, 1, 0])
    classes = ClassAnswers.of(np.array([[0.7, 0.3]] * 3), targets)
    sets = SetAnswers.of(np.full((3, 2), 0.5), np.eye(3, 2, dtype=bool), np.eye(3, 2, dtype=bool))
    return {
        "classes": (classes.write, ClassAnswers.read),
        "sets": (sets.write, SetAnswers.read),
        "numbers": (
            lambda run: write_numbers(run, np.arange(3.0)),
            lambda run, rows, labels: read_numbers(run, rows),
        ),
    }


@pytest.mark.parametrize("kind", ["classes", "sets", "numbers"])
def test_damaged_answers_are_refused(
    kind: str, stored_answers: dict[str, Any], tmp_path: Path
) -> None:
    write, read = stored_answers[kind]
    write(tmp_path)
    (path,) = tmp_path.iterdir()
    read(tmp_path, 3, 2)
    for rows, labels in ((4, 2), (2, 2), *([(3, 1)] if kind != "numbers" else [])):
        with pytest.raises(FolderError, match="--resume runs it again"):
            read(tmp_path, rows, labels)
    whole = path.read_bytes()
    for content in (whole[:20], whole[:-1], b"", b"{}" * 50):
        path.write_bytes(content)
        with pytest.raises(FolderError, match=rf"{path.name}: "):
            read(tmp_path, 3, 2)
    path.unlink()
    with pytest.raises(FolderError, match="--resume runs it again"):
        read(tmp_path, 3, 2)


def test_answers_round_trip(stored_answers: dict[str, Any], tmp_path: Path) -> None:
    for kind, (write, read) in stored_answers.items():
        run = tmp_path / kind
        run.mkdir()
        write(run)
        answers = read(run, 3, 2)
        if kind == "classes":
            assert answers.likeliest.tolist() == [0, 0, 0]
            assert answers.truth.tolist() == [0.7, 0.3, 0.7]
            assert answers.probability_of(1).tolist() == [0.7, 0.3]
        elif kind == "sets":
            assert [answers.row(row).tolist() for row in range(3)] == [[0], [1], []]
            np.testing.assert_allclose(answers.loss, np.log(2))
        else:
            assert answers.tolist() == [0.0, 1.0, 2.0]


def test_non_finite_answers_are_refused(tmp_path: Path) -> None:
    wrong = np.array([[np.nan, 0.5]])
    with pytest.raises(ValueError, match="not finite numbers"):
        ClassAnswers.of(wrong, np.array([0]))
    with pytest.raises(ValueError, match="not finite numbers"):
        SetAnswers.of(wrong, wrong > 0, wrong > 0)
    with pytest.raises(ValueError, match="not finite"):
        write_numbers(tmp_path, wrong[0])


def test_answers_of_many_classes_take_memory_linear_in_rows() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(500), 40)
    targets = random.integers(0, 500, 40)
    answers = ClassAnswers.of(probabilities, targets)
    assert answers.classes.shape == (40, 10)
    assert answers.likeliest.tolist() == probabilities.argmax(1).tolist()
    assert answers.truth.tolist() == probabilities[np.arange(40), targets].tolist()
    parts = ClassAnswers.predicted(
        lambda rows: probabilities[rows], list(range(40)), targets, [str(n) for n in range(500)]
    )
    np.testing.assert_array_equal(parts.classes, answers.classes)
    np.testing.assert_array_equal(parts.probabilities, answers.probabilities)
