"""The course of a training: read from a whole, a running and a damaged log."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from munjang.diagnosis.run_progress import has_log, read_progress
from munjang.errors import ConfigError, FolderError
from munjang.report.run_progress import draw_progress, progress_formats, summarize_progress
from munjang.report.wording import translator

RECIPE = "task: classify\nmodel:\n  name: gru\ntraining:\n  metric: macro_f1\n"


def write_log(folder: Path, *lines: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(RECIPE)
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text)
    return folder


def records(steps: int) -> list[object]:
    rows: list[object] = []
    for step in range(1, steps + 1):
        rows.append({"step": step, "part": "train", "loss": 1 / step, "tokens_per_second": 900.0})
        score = 0.8 if step == 2 else 0.7
        rows.append({"step": step, "part": "valid", "accuracy": 0.6, "macro_f1": score})
    return rows


def test_curves_and_the_best_step_are_read(tmp_path: Path) -> None:
    progress = read_progress(write_log(tmp_path / "run", *records(6)))
    assert (progress.task, progress.architecture, progress.step) == ("classify", "gru", 6)
    assert progress.metric == "macro_f1"
    assert progress.best == (2, 0.8)
    assert progress.per_second == ("tokens", 900.0)
    assert {(curve.part, curve.name) for curve in progress.curves} == {
        ("train", "loss"),
        ("valid", "accuracy"),
        ("valid", "macro_f1"),
    }
    assert progress.state == "stopped"
    json.dumps(progress.to_json())


def test_state_is_told_by_lock_and_manifest(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "run", *records(2))
    hold = "import sys\nfrom pathlib import Path\nfrom munjang.folder.lock import hold_lock\n"
    hold += f"with hold_lock(Path({str(folder)!r})):\n    print(1, flush=True)\n    input()\n"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert read_progress(folder).state == "running"
        process.communicate(b"\n", timeout=60)
    assert read_progress(folder).state == "stopped"
    (folder / "manifest.json").write_text("{}")
    assert read_progress(folder).state == "finished"


def test_log_of_a_replacement_comes_first(tmp_path: Path) -> None:
    folder = write_log(tmp_path / "run", *records(2))
    write_log(folder / "replacement", *records(5))
    assert read_progress(folder).step == 5


def test_damaged_lines_and_odd_values_are_left_out(tmp_path: Path) -> None:
    odd = [
        {"step": 3, "part": "train", "loss": None},
        {"step": 4, "part": "train", "loss": "high"},
        {"step": "five", "part": "train", "loss": 1},
        {"part": "train", "loss": 1},
        [1, 2],
        '{"step": 6, "part": "tr',
        "",
    ]
    progress = read_progress(write_log(tmp_path / "run", *records(2), *odd))
    assert max(step for curve in progress.curves for step in curve.steps) == 2


def test_long_log_is_thinned(tmp_path: Path) -> None:
    progress = read_progress(write_log(tmp_path / "run", *records(3000)))
    assert all(len(curve.values) <= 1000 for curve in progress.curves)
    assert progress.step == 3000


def test_folder_without_log_is_refused(tmp_path: Path) -> None:
    assert not has_log(tmp_path)
    with pytest.raises(FolderError, match=r"metrics\.jsonl"):
        read_progress(tmp_path)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_page_is_drawn_before_and_after_the_first_validation(tmp_path: Path, language: str) -> None:
    empty = read_progress(write_log(tmp_path / "empty"))
    first = read_progress(write_log(tmp_path / "first", records(1)[0]))
    later = read_progress(write_log(tmp_path / "<b>later", *records(9)))
    for progress in (empty, first, later):
        page = str(draw_progress(progress, language))
        assert f'lang="{language}"' in page
        assert "<b>later" not in page
        assert "src=" not in page
    assert "0.8000" in summarize_progress(later, translator(language))
    progress_formats(language).write(later, tmp_path / "page.html")


def test_unknown_language_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="en or ko"):
        progress_formats("fr")
