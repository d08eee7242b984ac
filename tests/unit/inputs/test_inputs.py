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
from tests.tables import pair_table, table_of, text_table

TEXTS = ["the red house", "a small dog", "the dog runs", "a red dog ran to the small house"]
TARGETS = ["빨간 집", "작은 개", "개가 달린다", "빨간 개"]
PIXELS = np.random.default_rng(0).integers(0, 255, (4, 1, 5, 6), dtype=np.uint8)


def image_table() -> Table:
    columns: dict[str, Any] = {"digest": pl.Series(TEXTS), "image": PIXELS}
    return table_of({**columns, "label": pl.Series(["x", "y"] * 2)}, key_role="digest")


def text_input(**tokenizer: Any) -> TextInput:
    rows = text_table(TEXTS)
    return TextInput.fit(rows, make_recipe({"tokenizer": tokenizer}, rows))


def pair_input(**tokenizer: Any) -> ParallelInput:
    rows = pair_table(TEXTS, TARGETS)
    given = {"task": "translate", "tokenizer": {"name": "words", **tokenizer}}
    return ParallelInput.fit(rows, make_recipe(given, rows))


def image_input() -> ImageInput:
    rows = image_table()
    return ImageInput.fit(rows, make_recipe({"input": "image"}, rows))


def batch_of(encoded: Any) -> Any:
    return next(encoded.dataset().in_order_of_length())


@pytest.mark.parametrize("settings", [{}, {"max_length": 3}, {"add_go_eos": False}])
def test_texts_alone_in_a_list_and_in_a_table_are_encoded_the_same(settings: Any) -> None:
    fitted = text_input(**settings)
    expected = fitted.encode(text_table(TEXTS))
    column = fitted.encode_values(pl.Series(TEXTS * 50))  # too many to go one by one
    few = fitted.encode_values(TEXTS)
    for found in (few, fitted.encode_values(iter(TEXTS))):
        assert found.truncated.tolist() == expected.truncated.tolist()
        for tensor, wanted in zip(batch_of(found).inputs, batch_of(expected).inputs, strict=True):
            assert torch.equal(tensor, wanted)
    assert column.truncated[:4].tolist() == expected.truncated.tolist()
    assert expected.truncated.any() == (settings.get("max_length") == 3)
    assert len(fitted.encode_values("a red dog")) == 1


def test_sources_are_encoded_as_those_of_a_table() -> None:
    fitted = pair_input(source={"max_length": 5})
    expected = fitted.encode(pair_table(TEXTS, TARGETS))
    found = fitted.encode_values(TEXTS)
    assert found.truncated.tolist() == expected.truncated.tolist() == [False, False, False, True]
    assert found.pairs.source_ids.to_pylist() == expected.pairs.source_ids.to_pylist()
    assert found.texts.to_list() == TEXTS


def test_images_are_encoded_as_those_of_a_table() -> None:
    fitted = image_input()
    expected = fitted.encode(image_table())
    found = fitted.encode_values([pixels[0] for pixels in PIXELS])
    assert np.array_equal(found.values, expected.values)
    assert not found.truncated.any()
    assert len(fitted.encode_values(PIXELS[0, 0])) == 1


def test_what_can_be_answered_is_counted(tmp_path: Path) -> None:
    assert text_input().usable(TEXTS) == ([0, 1, 2, 3], {})
    assert pair_input(source={"max_length": 5}).usable(TEXTS) == ([0, 1, 2, 3], {})
    strict = pair_input(source={"max_length": 5}, long_sources="refuse")
    assert strict.usable(TEXTS) == ([0, 1, 2], {"more than 5 tokens": 1})
    with pytest.raises(DataError, match=r"row 4.*tokens"):
        strict.encode_values(TEXTS)
    (tmp_path / "x.png").write_text("no image")
    places, reasons = image_input().usable([PIXELS[0, 0], tmp_path / "x.png", PIXELS[1, 0]])
    assert places == [0, 2]
    assert list(reasons.values()) == [1]


@pytest.mark.parametrize(
    "fitted",
    [
        text_input(),
        text_input(name="characters"),
        pair_input(),
        pair_input(shared_vocabulary=False),
        image_input(),
    ],
    ids=["words", "characters", "pairs", "two vocabularies", "images"],
)
def test_files_bring_an_input_back(fitted: Input, tmp_path: Path) -> None:
    # the tokenizers of a folder are held to the header of its weights, which has as many rows
    from safetensors.numpy import save_file

    files = fitted.files()
    assert tuple(files) == type(fitted).file_names(fitted.recipe)
    for name, values in files.items():
        (tmp_path / name).write_text(json.dumps(values, ensure_ascii=False))
    save_file({"table": np.zeros((1000, 2), np.float32)}, tmp_path / "model.safetensors")
    write_manifest(tmp_path, [*files, "model.safetensors"], "0")
    again = type(fitted).load(open_sealed(tmp_path), fitted.recipe)
    assert again.files() == files
    assert again.size == fitted.size
    values = [PIXELS[0, 0]] if isinstance(fitted, ImageInput) else TEXTS
    pairs = zip(
        batch_of(again.encode_values(values)).inputs,
        batch_of(fitted.encode_values(values)).inputs,
        strict=True,
    )
    assert all(torch.equal(one, other) for one, other in pairs)
