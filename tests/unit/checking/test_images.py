"""`check` of images: sizes, modes, classes, files that are no images, and repeats."""

import json
from pathlib import Path

import numpy as np
import pytest

from munjang.checking import check, report_blocks
from munjang.checking.blocks import Line
from munjang.data.images.checks import ImageReport
from munjang.errors import DataError

pytest.importorskip("PIL")
from PIL import Image

QUICK = ["training.threads=1", "training.epochs=1", "model.filters=[4]"]


def save_image(path: Path, size: tuple[int, int], shade: int, mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((*size, 3), (shade, 255 - shade, 10), dtype=np.uint8)
    pixels[0, 0] = 0
    Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for shade in range(8):
        save_image(tmp_path / "in" / "cats" / f"{shade}.png", (10, 12), shade * 30)
        save_image(tmp_path / "in" / "dogs" / f"{shade}.png", (20, 24), shade * 30 + 5)
    return tmp_path / "in"


def run_check(data: object, **options: object) -> ImageReport:
    overrides = [*QUICK, *options.pop("overrides", ())]
    report = check(data, task="images", overrides=overrides, seconds=0.05, **options)
    assert isinstance(report, ImageReport)
    return report


def report_text(report: ImageReport) -> str:
    return "\n".join(block.text for block in report_blocks(report) if isinstance(block, Line))


def test_report_counts_sizes_modes_and_classes(folder: Path) -> None:
    save_image(folder / "dogs" / "gray.png", (10, 12), 200, mode="L")
    report = run_check(folder)
    assert report.rows == 17
    assert report.labels == {"dogs": 9, "cats": 8}
    assert report.majority == pytest.approx(9 / 17)
    assert report.sizes == {"10x12": 9, "20x24": 8}
    assert report.modes == {"RGB": 16, "L": 1}
    assert (report.read_mode, report.read_size) == ("color", (10, 12))
    assert report.unreadable.rows == report.duplicates.rows == report.conflicts.rows == 0
    assert report.estimate is not None
    assert report.estimate["model"] == "image_cnn"
    json.dumps(report.to_json(), allow_nan=False)


def test_report_names_unreadable_files(folder: Path) -> None:
    bad = folder / "cats" / "notes.png"
    bad.write_text("no image")
    report = run_check(folder)
    assert (report.rows, report.unreadable.rows) == (16, 1)
    assert report.unreadable.examples[0].file == str(bad)
    assert report.unreadable.examples[0].reason.startswith("expected an image")
    # a training stops at it, unless bad files are skipped
    assert report.estimate is None
    assert any(note.startswith("a training would refuse this data: ") for note in report.notes)
    assert "notes.png" in report_text(report)
    report = run_check(folder, columns={"skip_bad_rows": True})
    assert report.unreadable.rows == 1
    assert report.estimate is not None


def test_report_finds_duplicates_by_pixels(folder: Path, tmp_path: Path) -> None:
    save_image(folder / "cats" / "again.bmp", (10, 12), 60)
    report = run_check(folder)
    assert (report.duplicates.texts, report.duplicates.rows) == (1, 1)
    files = [index.file for index in report.duplicates.examples[0].places]
    assert files == [str(folder / "cats" / name) for name in ("2.png", "again.bmp")]
    assert "2 x cats/2.png, cats/again.bmp  (cats: 2)" in report_text(report)
    save_image(folder / "dogs" / "torn.png", (10, 12), 60)
    report = run_check(folder)
    assert (report.conflicts.texts, report.conflicts.rows) == (1, 3)
    assert report.conflicts.examples[0].labels == {"cats": 2, "dogs": 1}
    assert report.estimate is None, "a training refuses an image in two classes"


def test_report_compares_test_data(folder: Path, tmp_path: Path) -> None:
    test = tmp_path / "test"
    save_image(test / "cats" / "seen.png", (10, 12), 90)
    save_image(test / "birds" / "new.png", (10, 12), 91)
    (test / "birds" / "broken.png").write_bytes(b"\x89PNG")
    result = run_check(folder, test=test).test
    assert result is not None
    assert (result.rows, result.labels) == (2, {"cats": 1, "birds": 1})
    assert result.unknown_labels == {"birds": 1}
    assert (result.in_train.texts, result.unreadable.rows) == (1, 1)


def test_folder_without_classes_is_refused(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", (4, 4), 1)
    with pytest.raises(DataError, match="one subfolder per class"):
        run_check(tmp_path)
