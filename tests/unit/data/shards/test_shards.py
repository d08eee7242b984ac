"""Files of encoded rows: written, read, and refused when they are not what the manifest says."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from munjang import __version__
from munjang.data.shards import manifest as manifests
from munjang.data.shards.manifest import Manifest, ShardEntry
from munjang.data.shards.scan import Counts
from munjang.data.shards.shard import open_shard, write_shard
from munjang.data.shards.store import Store
from munjang.errors import ConfigError, FolderError
from munjang.folder.workspace import Workspace
from tests.synthetic import random_rows
from tests.unit.data.shards.conftest import VOCABULARY, write_part

VALUES = np.array([5, 6, 7, 8, 9], dtype=np.int32)
OFFSETS = np.array([0, 2, 5], dtype=np.int64)
DOCUMENTS = np.array([0, 3], dtype=np.int64)


def write_small_shard(folder: Path) -> tuple[Path, ShardEntry]:
    path = folder / "training-00000.arrow"
    return path, write_shard(path, VALUES, OFFSETS, DOCUMENTS)


def test_shard_round_trip(tmp_path: Path) -> None:
    path, entry = write_small_shard(tmp_path)
    shard = open_shard(tmp_path, entry, VOCABULARY)
    assert np.array_equal(shard.values, VALUES)
    assert np.array_equal(shard.offsets, OFFSETS)
    assert np.array_equal(shard.documents, DOCUMENTS)
    assert (entry.rows, entry.tokens, entry.bytes) == (2, 5, path.stat().st_size)
    assert (entry.lengths, entry.counts) == ((2, 3), (1, 1))


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_shards_do_not_depend_on_write_sizes(tmp_path: Path, piece: int) -> None:
    rows = random_rows(60, vocabulary=VOCABULARY, shortest=1, longest=9)
    part = write_part(tmp_path, rows, 50, piece)
    assert [entry.tokens <= 50 for entry in part.shards] == [True] * len(part.shards)
    sizes, filled = [0], 0
    for row in rows:
        if filled + len(row) > 50:
            sizes.append(0)
            filled = 0
        sizes[-1] += 1
        filled += len(row)
    assert [entry.rows for entry in part.shards] == sizes
    assert (part.rows, part.tokens) == (60, sum(map(len, rows)))


def write_batch(columns: dict[str, Any], path: Path, options: Any = None) -> None:
    batch = pa.record_batch(columns)
    with pa.ipc.new_file(str(path), batch.schema, options=options) as writer:
        writer.write_batch(batch)


def make_ids(values: Any = VALUES) -> Any:
    return pa.LargeListArray.from_arrays(pa.array(OFFSETS), pa.array(values, pa.int32()))


def replace_offsets(data: bytes, *offsets: int) -> bytes:
    """The file with other offsets, which no library would write."""
    assert data.count(OFFSETS.tobytes()) == 1
    return data.replace(OFFSETS.tobytes(), np.array(offsets, dtype=np.int64).tobytes())


def test_hostile_shards_are_refused_in_one_line(tmp_path: Path) -> None:
    path, entry = write_small_shard(tmp_path)
    good = path.read_bytes()
    damages: list[Callable[[], object]] = [
        path.unlink,
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(good[:-1]),
        lambda: path.write_bytes(b"\0" * len(good)),
        lambda: path.write_bytes(good[: len(good) // 2] + b"\xff" * (len(good) - len(good) // 2)),
        lambda: write_batch({"ids": make_ids(), "other": pa.array(DOCUMENTS)}, path),
        lambda: write_batch(
            {"ids": make_ids([5, 6, 7, 8, 10]), "document": pa.array(DOCUMENTS)}, path
        ),
        lambda: path.write_bytes(replace_offsets(good, 0, 1, 5)),
        lambda: path.write_bytes(replace_offsets(good, 0, 9, 5)),
        lambda: path.write_bytes(replace_offsets(good, 0, 2, 50)),
        lambda: path.write_bytes(replace_offsets(good, -8, 2, 5)),
        lambda: path.write_bytes(replace_offsets(good, 0, 2, 2**62)),
        lambda: write_batch({"ids": make_ids(), "document": pa.array([None, 3], pa.int64())}, path),
        lambda: write_batch(
            {"ids": make_ids(), "document": pa.array(DOCUMENTS)},
            path,
            pa.ipc.IpcWriteOptions(compression="zstd"),
        ),
    ]
    for number, damage in enumerate(damages):
        damage()
        # as if the manifest agreed on the size
        size = path.stat().st_size if path.exists() else entry.bytes
        for listed in (entry, entry.model_copy(update={"bytes": size})):
            if number == len(damages) - 1 and listed is not entry:
                break  # packed, but the very rows
            with pytest.raises(FolderError) as error:
                open_shard(tmp_path, listed, VOCABULARY)
            assert "\n" not in str(error.value)
            assert str(path) in str(error.value)
            assert "encodes the text again" in str(error.value)
        path.unlink(missing_ok=True)
        path.write_bytes(good)
    assert len(open_shard(tmp_path, entry, VOCABULARY)) == 2
    with pytest.raises(FolderError, match="out of range"):
        open_shard(tmp_path, entry, 9)


@pytest.mark.parametrize("index", range(0, 700, 3))
def test_changed_byte_never_changes_rows_silently(tmp_path: Path, index: int) -> None:
    path, entry = write_small_shard(tmp_path)
    data = bytearray(path.read_bytes())
    if index >= len(data):
        return
    data[index] ^= 0xFF
    path.write_bytes(bytes(data))
    with suppress(FolderError):
        shard = open_shard(tmp_path, entry, VOCABULARY)
        assert np.array_equal(shard.values, VALUES)
        assert np.array_equal(shard.offsets, OFFSETS)


def make_manifest(folder: Path) -> Manifest:
    part = write_part(folder, random_rows(30, vocabulary=9, shortest=1, longest=5), 40)
    return Manifest(
        format=1,
        made_with=__version__,
        source={"a": 1},
        encoding={},
        counts=Counts(
            lines=30,
            documents=30,
            held_out_lines=0,
            held_out_documents=False,
            bytes=99,
            cut_lines=0,
            script="other",
            is_sampled=False,
            skipped={},
        ),
        vocabulary_size=9,
        parts={"training": part},
        tokenizer={},
        vocabulary={},
    )


def test_manifest_round_trip_and_damage(tmp_path: Path) -> None:
    assert manifests.read(tmp_path) is None
    manifest = make_manifest(tmp_path)
    manifests.write(tmp_path, manifest)
    assert manifests.read(tmp_path) == manifest
    path = tmp_path / manifests.FILE
    good = json.loads(path.read_text())
    shard = good["parts"]["training"]["shards"][0]
    for key, value in (
        ("file", "../../etc/passwd"),
        ("file", "training-00001.arrow"),
        ("rows", -1),
        ("rows", shard["rows"] + 1),
        ("tokens", 2**60),
        ("counts", shard["counts"][:-1]),
        ("lengths", shard["lengths"][::-1]),
        ("lengths", "x"),
        ("extra", 1),
    ):
        bad = json.loads(json.dumps(good))
        bad["parts"]["training"]["shards"][0][key] = value
        path.write_text(json.dumps(bad))
        with pytest.raises(FolderError, match="manifest of encoded text is damaged") as error:
            manifests.read(tmp_path)
        assert "\n" not in str(error.value)
    path.write_text(json.dumps({**good, "made_with": "0.0.1", "new": 1}))
    assert manifests.read(tmp_path) is None, "of another version: encoded again"
    for text in (
        "",
        "[]",
        "{",
        f'{{"format": 1, "made_with": "{__version__}"}}',
        '{"format": NaN}',
    ):
        path.write_text(text)
        with pytest.raises(FolderError) as error:
            manifests.read(tmp_path)
        assert "\n" not in str(error.value)


def test_store_refuses_foreign_files_and_removes_only_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    store = Store.open(str(folder), Workspace())
    store.make()
    manifests.write(folder, make_manifest(folder))
    (folder / "training-00000.arrow.partial").write_text("left")
    (folder / "copy-00000").write_text("x")
    Store.open(str(folder), Workspace())
    store.remove()
    assert not folder.exists()
    folder.mkdir()
    (folder / "thesis.docx").write_text("years of work")
    with pytest.raises(FolderError, match=r"other files \(thesis\.docx\)"):
        Store.open(str(folder), Workspace())
    store.remove()
    assert (folder / "thesis.docx").exists()
    with pytest.raises(FolderError, match="this is a file"):
        Store.open(str(folder / "thesis.docx"), Workspace())


def test_low_disk_space_is_reported_in_advance(tmp_path: Path) -> None:
    store = Store(tmp_path, Workspace())
    with pytest.raises(ConfigError, match=r"takes about .* GB, and .* free; .*--cache"):
        store.check_room(10**18)
    assert store.check_room(12_345_678) == "about 12.3 MB"


def test_temporary_workspace_is_removed(tmp_path: Path) -> None:
    workspace = Workspace()
    store = Store.open(None, workspace)
    store.make()
    manifests.write(store.folder, make_manifest(store.folder))
    workspace.remove()
    assert not store.folder.exists()
    named = Workspace(tmp_path / "run")
    store = Store.open(None, named)
    store.make()
    assert store.folder == tmp_path / "run" / "encoded"
    named.remove()
    assert not (tmp_path / "run").exists()
