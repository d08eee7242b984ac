"""Every input: values are encoded as a table of them, and its files bring it back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from munjang.data.table import Table
from munjang.errors import DataError
from munjang.folder.manifest import write_manifest
from munjang.folder.sealed import open_sealed
from munjang.inputs.image import ImageInput
from munjang.inputs.input import Input
from munjang.inputs.parallel import ParallelInput
from munjang.inputs.text import TextInput
from munjang.recipe import make_recipe
from tests.tables import make_pair_table, make_table, make_text_table

TEXTS = ["the red house", "a small dog", "the dog runs", "a red dog ran to the small house"]
TARGETS = ["빨간 집", "작은 개", "개가 달린다", "빨간 개"]
PIXELS = np.random.default_rng(0).integers(0, 255, (4, 1, 5, 6), dtype=np.uint8)


def make_image_table() -> Table:
    columns: dict[str, Any] = {"digest": pl.Series(TEXTS), "image": PIXELS}
    return make_table({**columns, "label": pl.Series(["x", "y"] * 2)}, key_role="digest")


def fit_text_input(**tokenizer: Any) -> TextInput:
    rows = make_text_table(TEXTS)
    return TextInput.fit(rows, make_recipe({"tokenizer": tokenizer}, rows))


def fit_pair_input(**tokenizer: Any) -> ParallelInput:
    rows = make_pair_table(TEXTS, TARGETS)
    settings = {"task": "translate", "tokenizer": {"name": "words", **tokenizer}}
    return ParallelInput.fit(rows, make_recipe(settings, rows))


def fit_image_input() -> ImageInput:
    rows = make_image_table()
    return ImageInput.fit(rows, make_recipe({"input": "image"}, rows))


def first_batch(encoded: Any) -> Any:
    return next(encoded.dataset().in_order_of_length())


@pytest.mark.parametrize("settings", [{}, {"max_length": 3}, {"add_go_eos": False}])
def test_encode_values_equals_encode_of_text_table(settings: Any) -> None:
    fitted = fit_text_input(**settings)
    expected = fitted.encode(make_text_table(TEXTS))
    column = fitted.encode_values(pl.Series(TEXTS * 50))  # too many to go one by one
    few = fitted.encode_values(TEXTS)
    for actual in (few, fitted.encode_values(iter(TEXTS))):
        assert actual.truncated.tolist() == expected.truncated.tolist()
        for tensor, target in zip(
            first_batch(actual).inputs, first_batch(expected).inputs, strict=True
        ):
            assert torch.equal(tensor, target)
    assert column.truncated[:4].tolist() == expected.truncated.tolist()
    assert expected.truncated.any() == (settings.get("max_length") == 3)
    assert len(fitted.encode_values("a red dog")) == 1


def test_encode_values_equals_encode_of_pair_table() -> None:
    fitted = fit_pair_input(source={"max_length": 5})
    expected = fitted.encode(make_pair_table(TEXTS, TARGETS))
    actual = fitted.encode_values(TEXTS)
    assert actual.truncated.tolist() == expected.truncated.tolist() == [False, False, False, True]
    assert actual.pairs.source_ids.to_pylist() == expected.pairs.source_ids.to_pylist()
    assert actual.texts.to_list() == TEXTS


def test_encode_values_equals_encode_of_image_table() -> None:
    fitted = fit_image_input()
    expected = fitted.encode(make_image_table())
    actual = fitted.encode_values([pixels[0] for pixels in PIXELS])
    assert np.array_equal(actual.values, expected.values)
    assert not actual.truncated.any()
    assert len(fitted.encode_values(PIXELS[0, 0])) == 1


def test_usable_rows_are_counted(tmp_path: Path) -> None:
    assert fit_text_input().usable(TEXTS) == ([0, 1, 2, 3], {})
    assert fit_pair_input(source={"max_length": 5}).usable(TEXTS) == ([0, 1, 2, 3], {})
    strict = fit_pair_input(source={"max_length": 5}, long_sources="refuse")
    assert strict.usable(TEXTS) == ([0, 1, 2], {"more than 5 tokens": 1})
    with pytest.raises(DataError, match=r"row 4.*tokens"):
        strict.encode_values(TEXTS)
    (tmp_path / "x.png").write_text("no image")
    positions, reasons = fit_image_input().usable([PIXELS[0, 0], tmp_path / "x.png", PIXELS[1, 0]])
    assert positions == [0, 2]
    assert list(reasons.values()) == [1]


@pytest.mark.parametrize(
    "fitted",
    [
        fit_text_input(),
        fit_text_input(name="characters"),
        fit_pair_input(),
        fit_pair_input(shared_vocabulary=False),
        fit_image_input(),
    ],
    ids=["words", "characters", "pairs", "two vocabularies", "images"],
)
def test_input_files_round_trip(fitted: Input, tmp_path: Path) -> None:
    # the tokenizers of a folder are held to the header of its weights, which has as many rows
    from safetensors.numpy import save_file

    files = fitted.files()
    assert tuple(files) == type(fitted).file_names(fitted.recipe)
    for name, values in files.items():
        (tmp_path / name).write_text(json.dumps(values, ensure_ascii=False))
    save_file({"table": np.zeros((1000, 2), np.float32)}, tmp_path / "model.safetensors")
    write_manifest(tmp_path, [*files, "model.safetensors"], "0")
    reloaded = type(fitted).load(open_sealed(tmp_path), fitted.recipe)
    assert reloaded.files() == files
    assert reloaded.size == fitted.size
    values = [PIXELS[0, 0]] if isinstance(fitted, ImageInput) else TEXTS
    pairs = zip(
        first_batch(reloaded.encode_values(values)).inputs,
        first_batch(fitted.encode_values(values)).inputs,
        strict=True,
    )
    assert all(torch.equal(one, other) for one, other in pairs)
