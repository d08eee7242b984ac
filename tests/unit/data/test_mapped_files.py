"""Datasets whose rows stand in files mapped into memory: the same batches, the same training."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from munjang.api import Trained, fit
from munjang.config import collect_settings
from munjang.data.arrays import ArrayDataset
from munjang.data.batches import TextDataset
from munjang.data.buckets import Bucketing
from munjang.data.pairs.dataset import PairDataset
from munjang.preparation import Prepared, prepare
from munjang.text.columns import TokenColumn, values_and_offsets
from tests.synthetic import QUICK, make_column, make_corpus, random_rows

pytestmark = pytest.mark.usefixtures("one_thread")


def map_column(column: TokenColumn, path: Path) -> TokenColumn:
    """Write a token column as an Arrow IPC file and map it into memory."""
    table = pa.table({"ids": column})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()["ids"]


def map_array(values: Any, path: Path) -> Any:
    """Write an array to a file and map it into memory, not to be written."""
    np.asarray(values).tofile(path)
    return np.memmap(path, dtype=values.dtype, mode="r", shape=values.shape)


def map_dataset(data: Any, path: Path) -> Any:
    """Return a dataset with its rows in files."""
    if isinstance(data, TextDataset):
        return replace(data, column=map_column(data.column, path))
    if isinstance(data, PairDataset):
        other = path.with_suffix(".targets")
        sources, targets = map_column(data.source_ids, path), map_column(data.target_ids, other)
        return replace(data, source_ids=sources, target_ids=targets)
    assert isinstance(data, ArrayDataset)
    return replace(data, values=map_array(data.values, path))


def assert_same_batches(mapped: Any, data: Any) -> None:
    groups = list(Bucketing(batch_size=7).shuffle(data.lengths, (0, 1)))
    for one, other in zip(mapped.batches(groups), data.batches(groups), strict=True):
        assert torch.equal(one.rows, other.rows)
        assert len(one.inputs) == len(other.inputs)
        for tensor, expected in zip(one.inputs, other.inputs, strict=True):
            assert tensor.dtype == expected.dtype
            assert torch.equal(tensor, expected)
        assert one.size == other.size
        if other.targets is not None:
            assert torch.equal(one.targets, other.targets)


def datasets() -> dict[str, Callable[[], Any]]:
    rows = random_rows(40, vocabulary=50, shortest=0, longest=9)
    column, targets = make_column(rows), np.arange(40)
    pixels = np.random.default_rng(0).integers(0, 255, (40, 1, 4, 5), dtype=np.uint8)
    return {
        "texts": lambda: TextDataset(column, targets),
        "texts without targets": lambda: TextDataset(column),
        "pairs": lambda: PairDataset(column, make_column(rows[::-1])),
        "arrays": lambda: ArrayDataset(pixels, targets, "images"),
    }


@pytest.mark.parametrize("name", datasets())
def test_memory_mapped_dataset_gives_same_batches(name: str, tmp_path: Path) -> None:
    data = datasets()[name]()
    mapped = map_dataset(data, tmp_path / "rows")
    assert len(mapped) == len(data)
    assert np.array_equal(mapped.lengths, data.lengths)
    assert_same_batches(mapped, data)
    positions = np.array([5, 0, 39, 5])
    assert_same_batches(mapped.take(positions), data.take(positions))


def test_several_record_batches_are_one_column(tmp_path: Path) -> None:
    rows = random_rows(30, vocabulary=50, shortest=1, longest=9)
    table = pa.table({"ids": make_column(rows)})
    with pa.OSFile(str(tmp_path / "f"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table, max_chunksize=8)
    with pa.memory_map(str(tmp_path / "f")) as source:
        mapped = pa.ipc.open_file(source).read_all()["ids"]
    assert mapped.num_chunks == 4
    for part, expected in zip(
        values_and_offsets(mapped), values_and_offsets(table["ids"]), strict=True
    ):
        assert np.array_equal(part, expected)
    assert_same_batches(TextDataset(mapped), TextDataset(make_column(rows)))


def prepare_texts() -> Prepared:
    return prepare(make_corpus(60), None, make_settings(QUICK, model="cnn"), print)


def prepare_pairs() -> Prepared:
    texts, _ = make_corpus(60)
    small = ("model.dim=8", "model.hidden_dim=8", "training.epochs=2", "training.threads=1")
    settings = make_settings(small, model="attentive", task="translate")
    return prepare((texts, [text[::-1] for text in texts]), None, settings, print)


def prepare_images() -> Prepared:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8)
    small = ("model.filters=[4]", "model.pool_size=2", "training.epochs=2", "training.threads=1")
    settings = make_settings(small, input="image", model="image_cnn")
    return prepare((list(pixels), ["x", "y"] * 20), None, settings, print)


def make_settings(overrides: tuple[str, ...], model: str, **named: str) -> dict[str, Any]:
    return collect_settings(None, {**named, "model": {"name": model}}, overrides)


@pytest.mark.parametrize("make", [prepare_texts, prepare_pairs, prepare_images])
def test_training_on_memory_mapped_rows_gives_same_weights(
    make: Callable[[], Prepared], tmp_path: Path
) -> None:
    in_memory = make()
    mapped = replace(
        in_memory,
        train=map_dataset(in_memory.train, tmp_path / "train"),
        valid=map_dataset(in_memory.valid, tmp_path / "valid"),
    )
    expected, actual = (fit(prepared) for prepared in (in_memory, mapped))
    assert_same_training(actual, expected)


def assert_same_training(actual: Trained, expected: Trained) -> None:
    weights = actual.model.network.state_dict()
    for name, tensor in expected.model.network.state_dict().items():
        assert torch.equal(weights[name], tensor), name
    histories = [
        [{key: value for key, value in record.items() if key != "seconds"} for record in history]
        for history in (actual.metrics["history"], expected.metrics["history"])
    ]
    assert histories[0] == histories[1]
