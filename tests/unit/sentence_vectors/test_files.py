"""Files of vectors: read by NumPy and pyarrow, complete or unchanged, refused if damaged."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError
from munjang.sentence_vectors.files import (
    VectorBlock,
    VectorRecord,
    check_suffix,
    open_vectors,
    open_writer,
)

RECORD = VectorRecord("abc", "mean", True)


def make_blocks(sizes: list[int], dim: int) -> list[VectorBlock]:
    random, blocks, start = np.random.default_rng(0), [], 1
    for size in sizes:
        rows = np.arange(start, start + size) * 3
        vectors = random.normal(size=(size, dim)).astype(np.float32)
        blocks.append(VectorBlock(vectors, rows, [f"글 {row}\0" for row in rows]))
        start += size
    return blocks


def write(path, blocks, dim, *, with_texts=True, record=RECORD):
    with open_writer(path, dim, record, with_texts=with_texts) as writer:
        for block in blocks:
            writer.write(block)


sizes = st.lists(st.integers(1, 300), min_size=1, max_size=4)


@given(sizes=sizes, dim=st.integers(1, 9))
def test_npy_written_in_blocks_is_read_by_numpy(tmp_path_factory, sizes, dim):
    path = tmp_path_factory.mktemp("npy") / "v.npy"
    blocks = make_blocks(sizes, dim)
    write(path, blocks, dim)
    array = np.load(path, allow_pickle=False)
    assert array.dtype == np.float32
    assert np.array_equal(array, np.concatenate([block.vectors for block in blocks]))
    file = open_vectors(path)
    assert (file.dim, file.record) == (dim, None)
    assert [n for block in file.blocks() for n in block.rows] == list(range(1, sum(sizes) + 1))


@given(sizes=sizes, dim=st.integers(1, 9), with_texts=st.booleans())
def test_parquet_holds_rows_texts_and_vectors(tmp_path_factory, sizes, dim, with_texts):
    path = tmp_path_factory.mktemp("parquet") / "v.parquet"
    blocks = make_blocks(sizes, dim)
    write(path, blocks, dim, with_texts=with_texts)
    table = pq.read_table(path)
    assert table.schema.names == (["row", "text", "vector"] if with_texts else ["row", "vector"])
    assert table.schema.field("vector").type == pa.list_(pa.float32(), dim)
    assert table["row"].to_pylist() == [int(row) for block in blocks for row in block.rows]
    file = open_vectors(path)
    assert file.record == RECORD
    read = list(file.blocks())
    joined = np.concatenate([block.vectors for block in read])
    assert np.array_equal(joined, np.concatenate([block.vectors for block in blocks]))
    texts = [text for block in read for text in block.texts or ()]
    assert texts == ([text for block in blocks for text in block.texts] if with_texts else [])


@pytest.mark.parametrize("name", ["v.npy", "v.parquet"])
def test_failed_write_leaves_file_unchanged(tmp_path, name):
    path = tmp_path / name
    write(path, make_blocks([5], 3), 3)
    before = path.read_bytes()

    def broken():
        yield make_blocks([2], 3)[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(path, broken(), 3)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["v", "v.csv", "v.npy.gz", "npy"])
def test_unknown_suffix_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"ends in \.npy or \.parquet"):
        check_suffix(tmp_path / name)


@pytest.mark.parametrize("name", ["v.npy", "v.parquet"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_truncated_file_is_refused(tmp_path, name, share):
    path = tmp_path / name
    write(path, make_blocks([500], 8), 8)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match="not a whole"):
        list(open_vectors(path).blocks())


@pytest.mark.parametrize(
    ("array", "result"),
    [
        (np.zeros(5, np.float32), r"float32 \[5\]"),
        (np.zeros((2, 2), np.int64), r"int64 \[2, 2\]"),
        (np.array([[None]], dtype=object), "Object arrays cannot be loaded|not a whole"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, result):
    path = tmp_path / "v.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError, match=result):
        open_vectors(path)


def test_non_finite_numbers_are_refused(tmp_path):
    path = tmp_path / "v.npy"
    np.save(path, np.array([[1, np.nan]], np.float32))
    with pytest.raises(DataError, match="not finite"):
        list(open_vectors(path).blocks())


def test_damaged_metadata_is_refused(tmp_path):
    vectors = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0], pa.float32()), 2)
    schema = pa.schema(
        [pa.field("vector", pa.list_(pa.float32(), 2))],
        metadata={b"munjang.vectors": b'{"model": 3, "pooling": "mean", "normalized": true}'},
    )
    path = tmp_path / "v.parquet"
    pq.write_table(pa.Table.from_arrays([vectors], schema=schema), path)
    with pytest.raises(DataError, match="damaged"):
        open_vectors(path)


def test_text_files_are_not_vector_files(tmp_path):
    text, table = tmp_path / "t.txt", tmp_path / "t.parquet"
    text.write_text("a\nb\n")
    pq.write_table(pa.table({"text": ["a", "b"]}), table)
    assert open_vectors(text) is None
    assert open_vectors(table) is None
    assert open_vectors(tmp_path / "missing.npy") is None
