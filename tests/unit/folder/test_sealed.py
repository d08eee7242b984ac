"""A finished folder, file by file: nothing but regular files, each as the manifest says it is."""

import json
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munjang.api import train
from munjang.errors import FolderError
from munjang.folder.checked_file import CheckedFile
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, TOKENIZER, VOCABULARY, WEIGHTS
from munjang.folder.load import load
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import write_manifest
from munjang.folder.sealed import SealedFolder, as_folder_errors, open_sealed
from munjang.model import Model
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, METRICS_FILE, CARD)
TEXTS = ["the film was great", "awful", "", "영화"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed folder of one file."""
    (tmp_path / "a.json").write_text('{"a": 1}')
    write_manifest(tmp_path, ["a.json"], "0")
    return tmp_path


def edit(folder: Path, **changed: Any) -> None:
    """Change what the manifest says of the one file."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["a.json"].update(changed)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_sealed_file_is_read(folder: Path) -> None:
    sealed = open_sealed(folder)
    sealed.expect(["a.json"])
    assert sealed.read_json("a.json") == {"a": 1}
    assert sealed.read_yaml("a.json") == {"a": 1}
    assert open_sealed(sealed) is sealed


@pytest.mark.parametrize(
    "changed",
    [{"bytes": 9}, {"bytes": -1}, {"bytes": 8.0}, {"sha256": "0" * 64}, {"sha256": ""}, {"x": 1}],
)
def test_file_that_differs_from_manifest_is_refused(folder: Path, changed: dict[str, Any]) -> None:
    edit(folder, **changed)
    with pytest.raises(FolderError):
        open_sealed(folder).read_json("a.json")


def test_manifest_size_is_limited(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] |= {f"{n}.json": manifest["files"]["a.json"] for n in range(2_000)}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(FolderError, match="damaged"):
        open_sealed(folder)


def test_unexpected_and_missing_files_are_refused(folder: Path) -> None:
    sealed = open_sealed(folder)
    with pytest.raises(FolderError, match=r"b\.json is not listed"):
        sealed.expect(["a.json", "b.json"])
    with pytest.raises(FolderError, match=r"a\.json is listed, which such a model does not have"):
        sealed.expect([])
    sealed.expect([], or_also=["a.json"])


@pytest.mark.parametrize("name", ["a.json", MANIFEST])
@pytest.mark.parametrize("what", ["pipe", "loop", "device", "folder"])
def test_only_regular_files_are_opened(folder: Path, name: str, what: str) -> None:
    path = folder / name
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)  # nobody ever writes into it
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name if what == "loop" else "/dev/zero")
    with pytest.raises(FolderError, match=rf"{name}: (expected a regular file|cannot be read)"):
        open_sealed(folder).read_json("a.json")


def test_symbolic_link_to_file_is_followed(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    (folder / "a.json").rename(elsewhere)
    (folder / "a.json").symlink_to(elsewhere)
    assert open_sealed(folder).read_json("a.json") == {"a": 1}


def test_file_larger_than_sealed_is_refused(folder: Path) -> None:
    sealed = open_sealed(folder)
    os.truncate(folder / "a.json", 2**40)
    with pytest.raises(FolderError, match="is not the one that was saved"):
        sealed.read_json("a.json")
    edit(folder, bytes=2**40)
    with pytest.raises(FolderError, match="bytes, where up to"):
        open_sealed(folder).read_json("a.json")


def test_errors_are_one_line_with_the_folder(folder: Path) -> None:
    with (
        pytest.raises(FolderError, match="cannot be read: Permission denied"),
        as_folder_errors("x"),
    ):
        raise PermissionError(13, "Permission denied", "x/y")
    with pytest.raises(FolderError) as caught, as_folder_errors(folder):
        raise FolderError("two\nlines \x1b[31m" + "x" * 10_000)
    assert str(caught.value).startswith(f"{folder}: two\\nlines \\x1b[31mxxx")
    assert len(str(caught.value)) < 600


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of two models of the same shapes, which differ in weights and in what a label is."""
    texts, labels = make_corpus(60)
    other = [{"bad": "good", "good": "bad"}.get(label, label) for label in labels]
    room = tmp_path_factory.mktemp("two")
    return tuple(  # type: ignore[return-value]
        train((texts, names), model="cnn", overrides=[*QUICK, f"seed={seed}"]).model.save(
            room / name
        )
        for seed, (name, names) in enumerate([("one", labels), ("other", other)])
    )


@pytest.mark.parametrize("moment", FILES)
@pytest.mark.parametrize("when", ["before", "within"])
def test_concurrent_replacement_never_mixes_two_models(
    moment: str,
    when: str,
    two_models: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(shutil.copytree(two_models[0], tmp_path / "model"))
    opened, read_into = SealedFolder.open, CheckedFile.read_into

    def replace() -> None:
        """As a copy does: the same files, other bytes."""
        for path in two_models[1].iterdir():
            (folder / path.name).write_bytes(path.read_bytes())

    @contextmanager
    def replaced_before(sealed: SealedFolder, name: str, **how: Any) -> Iterator[CheckedFile]:
        if name == moment:
            replace()
        with opened(sealed, name, **how) as file:
            yield file

    def replaced_within(file: CheckedFile, memory: memoryview) -> None:
        read_into(file, memory)
        if file.path.name == moment:
            replace()

    if when == "before":
        monkeypatch.setattr(SealedFolder, "open", replaced_before)
    else:
        monkeypatch.setattr(CheckedFile, "read_into", replaced_within)
    try:
        result: Model | None = load(folder)
    except FolderError:
        result = None
    monkeypatch.undo()
    if result is not None:
        whole = [load(one).predict_proba(TEXTS) for one in two_models]
        assert any(np.array_equal(result.predict_proba(TEXTS), one) for one in whole)
        assert result.labels == load(two_models[0]).labels


def test_loading_draws_no_random_numbers(two_models: tuple[Path, Path]) -> None:
    def lots() -> tuple[Any, ...]:
        return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()

    before = lots()
    load(two_models[0])
    assert lots() == before
