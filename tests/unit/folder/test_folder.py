"""The model folder: whole or refused; what was saved is loaded."""

import json
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from munjang.api import train
from munjang.errors import FolderError
from munjang.folder import save
from munjang.folder.layout import CARD, CONFIG, METRICS_FILE, TOKENIZER, VOCABULARY, WEIGHTS
from munjang.folder.load import load
from munjang.folder.manifest import FILE as MANIFEST
from munjang.model import Model, model_card
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

# The files of a model of texts, but for the manifest.
FILES = (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, METRICS_FILE, CARD)
CLEAR_TEXT = "the film was great and lovely"
TEXTS = [CLEAR_TEXT, "awful", "", "never seen before", "영화", "okay okay okay", CLEAR_TEXT + " 7"]


@pytest.fixture(scope="module")
def model() -> Model:
    """A small model that tells three classes apart."""
    overrides = [*QUICK, "tokenizer.max_length=12"]
    return train(make_corpus(), model="cnn", overrides=overrides).model


@pytest.fixture(scope="module")
def saved(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder; copy it before you spoil it."""
    return model.save(tmp_path_factory.mktemp("saved") / "모델 folder")


@pytest.fixture
def damaged_copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may spoil."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_saved_model_is_loaded(model: Model, saved: Path) -> None:
    reloaded = load(saved)
    assert np.array_equal(reloaded.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert reloaded.labels == model.labels == ("bad", "good", "so-so")
    assert reloaded.metrics == json.loads(json.dumps(model.metrics))
    assert reloaded.recipe.model_copy(update={"labels": None}) == model.recipe
    assert reloaded.input.tokenizer.vocabulary.tokens == model.input.tokenizer.vocabulary.tokens
    assert not reloaded.network.training
    assert reloaded.predict(CLEAR_TEXT)[0].label == "good"


def test_loaded_model_saves_same_files(saved: Path, tmp_path: Path) -> None:
    twin = load(saved).save(tmp_path / "deep" / "twin")
    assert sorted(path.name for path in twin.iterdir()) == sorted([*FILES, MANIFEST])
    for path in saved.iterdir():
        assert (twin / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    "name", ["words", "characters", "jamo", "bpe", "unigram", "wordpiece", "morphemes"]
)
def test_every_tokenizer_is_saved_and_loaded(name: str, tmp_path: Path) -> None:
    if name == "morphemes":
        pytest.importorskip("kiwipiepy")
    overrides = [*QUICK, "training.epochs=1", f"tokenizer.name={name}", "tokenizer.max_size=60"]
    trained = train(make_corpus(60, korean=True), model="mean", overrides=overrides)
    reloaded = load(trained.model.save(tmp_path / "model"))
    assert np.array_equal(reloaded.predict_proba(TEXTS), trained.model.predict_proba(TEXTS))


def test_folder_can_be_moved_and_read_only(damaged_copy: Path) -> None:
    moved = damaged_copy.rename(damaged_copy.with_name("moved"))
    for path in [*moved.iterdir(), moved]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert load(moved).predict(CLEAR_TEXT)[0].label == "good"
    finally:
        moved.chmod(0o755)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(damaged_copy: Path, name: str) -> None:
    (damaged_copy / name).unlink()
    with pytest.raises(FolderError, match=f"{name}: this file of the model is missing"):
        load(damaged_copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", ["none", "half", "all but one"])
def test_truncated_file_is_named(damaged_copy: Path, name: str, kept: str) -> None:
    path = damaged_copy / name
    whole = path.read_bytes()
    path.write_bytes(whole[: {"none": 0, "half": len(whole) // 2}.get(kept, len(whole) - 1)])
    with pytest.raises(FolderError, match=f"{name}: this file is not the one that was saved"):
        load(damaged_copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", [0.0, 0.1, 0.5, 0.99])
def test_changed_byte_is_detected(damaged_copy: Path, name: str, where: float) -> None:
    path = damaged_copy / name
    content = bytearray(path.read_bytes())
    content[int(where * (len(content) - 1))] ^= 1
    path.write_bytes(content)
    with pytest.raises(FolderError, match=f"{name}: this file is not the one that was saved"):
        load(damaged_copy)


def test_changed_manifest_is_refused_or_equivalent(model: Model, damaged_copy: Path) -> None:
    path = damaged_copy / MANIFEST
    whole = path.read_bytes()
    expected = model.predict_proba(TEXTS)
    random = np.random.default_rng(0)
    for index in random.choice(len(whole), 60, replace=False):
        altered = bytearray(whole)
        altered[index] = random.integers(256)
        path.write_bytes(altered)
        try:
            loaded = load(damaged_copy)
        except FolderError:
            continue
        assert np.array_equal(loaded.predict_proba(TEXTS), expected)


@pytest.mark.parametrize("length", [0, 1, 40, -2])
def test_truncated_manifest_is_named(damaged_copy: Path, length: int) -> None:
    path = damaged_copy / MANIFEST
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FolderError, match=r"manifest\.json: this file is damaged"):
        load(damaged_copy)


def edit_manifest(spoiled: Path, **changes: Any) -> None:
    path = spoiled / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(("other", "advice"), [(2, "train it again"), (4, "upgrade munjang")])
def test_other_format_error_says_what_to_do(damaged_copy: Path, other: int, advice: str) -> None:
    edit_manifest(damaged_copy, format=other)
    expected = f"format {other}, this version of munjang reads 3; {advice}$"
    with pytest.raises(FolderError, match=expected):
        load(damaged_copy)


@pytest.mark.parametrize("files", [[], 3, None, {"../../etc/passwd": {}}, {"/etc/passwd": {}}])
def test_manifest_of_wrong_structure_is_damaged(damaged_copy: Path, files: Any) -> None:
    edit_manifest(damaged_copy, files=files)
    with pytest.raises(FolderError, match=r"manifest\.json: this file is damaged"):
        load(damaged_copy)


def test_manifest_without_a_file_is_refused(damaged_copy: Path) -> None:
    files = json.loads((damaged_copy / MANIFEST).read_text())["files"]
    del files[WEIGHTS]
    edit_manifest(damaged_copy, files=files)
    with pytest.raises(FolderError, match=r"manifest\.json: model\.safetensors is not listed"):
        load(damaged_copy)


def test_folder_without_manifest_is_not_finished(damaged_copy: Path) -> None:
    (damaged_copy / MANIFEST).unlink()
    with pytest.raises(FolderError, match="not a finished model folder"):
        load(damaged_copy)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="there is no such model folder"):
        load(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="expected a model folder, but this is a file"):
        load(tmp_path / "file")


def raise_disk_full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_failed_save_leaves_no_loadable_folder(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save, "save_file", raise_disk_full)
    with pytest.raises(OSError, match="No space left"):
        model.save(tmp_path / "new")
    with pytest.raises(FolderError, match="not a finished model folder"):
        load(tmp_path / "new")


def test_failed_save_leaves_previous_model(
    model: Model, damaged_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in damaged_copy.iterdir()}
    monkeypatch.setattr(save, "save_file", raise_disk_full)
    with pytest.raises(OSError, match="No space left"):
        model.save(damaged_copy)
    assert {path.name: path.read_bytes() for path in damaged_copy.iterdir()} == before
    assert np.array_equal(load(damaged_copy).predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_overwriting_files_does_not_change_a_loaded_model(model: Model, damaged_copy: Path) -> None:
    loaded = load(damaged_copy)
    with (damaged_copy / WEIGHTS).open("r+b") as file:  # as `cp` does: the same file, other bytes
        file.truncate(0)
    assert np.array_equal(loaded.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_loading_does_not_use_pickle(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in saved.iterdir():
        content = path.read_bytes()
        assert not content.startswith((b"PK", b"\x80")), path.name
        if path.name != WEIGHTS:
            content.decode("utf-8")
        with pytest.raises(Exception, match=r"."):
            pickle.loads(content)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    assert load(saved).predict(CLEAR_TEXT)


def test_json_files_are_strict_and_card_lists_labels(saved: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    for path in saved.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    card = (saved / "README.md").read_text(encoding="utf-8")
    assert "bad, good, so-so" in card
    assert "Texts longer than 12 tokens are" in card


HOSTILE_LABELS = (
    "a | b\nc",
    "<script>alert(1)</script>",
    "`x` *y* [z](http://w)",
    "\u202e나쁨" * 90,
)


def lines_without_digits(card: str) -> list[str]:
    """The lines of a model card, whatever its numbers are."""
    return [re.sub(r"[\d.,]+", "0", line) for line in card.splitlines()]


@pytest.mark.parametrize("task", ["classify", "multilabel"])
def test_labels_are_escaped_in_the_card(task: str) -> None:
    texts, plain = make_corpus(60)
    names = dict(zip(("bad", "good", "so-so"), HOSTILE_LABELS, strict=False))
    cards = []
    for labels in (plain, [names[label] for label in plain]):
        settings = [*QUICK, "training.epochs=1", f"task={task}"]
        settings += ["multilabel.separator=;"] if task == "multilabel" else []
        cards.append(model_card(train((texts, labels), model="mean", overrides=settings).model))
    calm, ugly = cards
    assert len(lines_without_digits(ugly)) == len(lines_without_digits(calm))
    for line, other in zip(lines_without_digits(ugly), lines_without_digits(calm), strict=True):
        bare = re.sub(r"\\.|&[a-z]+;", "", line)
        assert bare.count("|") == other.count("|")
        assert not set(bare) & set("<>*[]\u202e") - set(other)
        assert bare.count("`") == other.count("`")


def test_non_finite_metric_is_null(model: Model, tmp_path: Path) -> None:
    history = [{"step": 1, "loss": float("nan"), "others": (float("inf"), 1.5)}]
    saved = replace(model, metrics={**model.metrics, "history": history}).save(tmp_path / "model")
    assert load(saved).metrics["history"] == [{"step": 1, "loss": None, "others": [None, 1.5]}]
