"""Preparation of trainings: the input is inferred and reported, and parts fit together."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from munjang import AlignedFiles
from munjang.errors import ConfigError, DataError
from munjang.inputs.image import ImageInput
from munjang.inputs.parallel import ParallelInput
from munjang.inputs.text import TextInput
from munjang.preparation import choose_input, prepare
from munjang.reporting import discard

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["a b", "b c", "c d", "d e"] * 5
LABELS = ["x", "y"] * 10


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    for number in range(12):
        folder = tmp_path / ("dark", "light")[number % 2]
        folder.mkdir(exist_ok=True)
        pixels = np.full((6, 5), 100 * (number % 2) + number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path


@pytest.fixture
def aligned_files(tmp_path: Path) -> AlignedFiles:
    for name, texts in (("a", TEXTS), ("b", TEXTS[::-1])):
        (tmp_path / name).write_text("".join(f"{t} {n}\n" for n, t in enumerate(texts)))
    return AlignedFiles(tmp_path / "a", tmp_path / "b")


def test_image_input_is_inferred_from_folder(image_folder: Path) -> None:
    lines: list[str] = []
    prepared = prepare(image_folder, None, {}, lines.append)
    assert lines[0] == "input: image (inferred from the data)"
    assert isinstance(prepared.input, ImageInput)
    assert (prepared.recipe.input, prepared.recipe.model_name) == ("image", "image_cnn")
    assert prepared.input.size == (1, 6, 5)
    assert prepared.train.unit == "images"


def test_named_input_is_not_reported_as_inferred(image_folder: Path) -> None:
    for settings in ({"input": "image"}, {"task": "images"}, {"model": {"name": "image_cnn"}}):
        lines: list[str] = []
        prepared = prepare(image_folder, None, settings, lines.append)
        assert prepared.recipe.input == "image"
        assert not any("inferred from the data" in line for line in lines)


def test_data_does_not_override_named_input(
    image_folder: Path, aligned_files: AlignedFiles
) -> None:
    assert choose_input({"input": "text"}, image_folder, discard)["input"] == "text"
    # the task regress does not work on images, nor classify on pairs
    assert choose_input({"task": "regress"}, image_folder, discard)["input"] == "text"
    assert choose_input({}, aligned_files, discard)["input"] == "text"
    with pytest.raises(ConfigError, match=r"task translate \(--task translate\), not for classify"):
        prepare(aligned_files, None, {}, discard)


def test_input_follows_task(aligned_files: AlignedFiles) -> None:
    texts = prepare((TEXTS, LABELS), None, {}, discard)
    assert isinstance(texts.input, TextInput)
    pairs = prepare(aligned_files, None, {"task": "translate"}, discard)
    assert isinstance(pairs.input, ParallelInput)
    assert pairs.recipe.model_name == "transformer"


def test_validation_split_or_valid_data() -> None:
    settings: dict[str, Any] = {"data": {"validation_split": 0.2}}
    texts = [f"{text} {row}" for row, text in enumerate(TEXTS)]
    part = prepare((texts, LABELS), None, settings, discard)
    assert (len(part.train), len(part.valid)) == (16, 4)
    assert (part.facts["rows"], part.facts["valid_rows"]) == (16, 4)
    whole = prepare((texts, LABELS), (["a", "z"], ["x", "y"]), settings, discard)
    assert (len(whole.train), len(whole.valid)) == (20, 2)
    assert whole.valid.targets is not None
    assert whole.valid.targets.tolist() == [0, 1]
    with pytest.raises(DataError, match="row 2: the label 'z' was never seen"):
        prepare((texts, LABELS), (["a", "b"], ["x", "z"]), settings, discard)


def test_inferred_columns_are_written_to_recipe(tmp_path: Path) -> None:
    lines = (
        f"{text} {row}\t{label}\n"
        for row, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
    )
    (tmp_path / "a.tsv").write_text("review\tsentiment\n" + "".join(lines))
    notes: list[str] = []
    data = prepare(tmp_path / "a.tsv", None, {}, notes.append).recipe.section("data")
    assert (data.text_column, data.label_column) == ("review", "sentiment")
    assert notes[0].startswith("read 20 rows of ")


def test_invalid_encoding_is_refused_before_reading(tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    path = tmp_path / "some.csv"
    path.write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    for encoding in (deep, {"a": 1}, 10**5000):
        with pytest.raises(ConfigError) as error:
            prepare(path, None, {"data": {"encoding": encoding}}, discard)
        assert "\n" not in str(error.value)
