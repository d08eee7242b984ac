"""Small folders: their size, their answers, and that they stay small."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import munjang
from munjang.api import train
from munjang.errors import ConfigError, FolderError
from munjang.folder.manifest import list_manifest_files
from munjang.model import Model
from munjang.shrinking.importance import measure_importance
from munjang.units import parse_bytes
from tests.synthetic import make_corpus
from tests.system.commands import invoke

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = ("model.dim=16", "training.threads=1", "training.epochs=6", "training.learning_rate=0.02")
LARGE = (*QUICK, "model.ngram_buckets=65536", "training.embedding_learning_rate=0.05")


def size_of(folder: Path) -> int:
    names = (*list_manifest_files(folder), "manifest.json")
    return sum((folder / name).stat().st_size for name in names)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("large") / "m"
    rows = make_corpus(400, korean=True)
    more = ("model.bag_dim=4", "model.bag_buckets=65536")
    train(rows, model="gru", overrides=(*LARGE, *more), out=out)
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return munjang.load(folder)


@pytest.mark.parametrize("size", ["1MB", "200kB", "160kB"])
def test_folder_has_the_size_and_nearly_the_same_answers(
    folder: Path, model: Model, size: str, tmp_path: Path
) -> None:
    shrunk = munjang.shrink(folder, size, out=tmp_path / "s")
    assert size_of(tmp_path / "s") <= parse_bytes(size)
    loaded = munjang.load(tmp_path / "s")
    texts, _ = make_corpus(300, korean=True, seed=1)
    answers = [answer.label for answer in loaded.predict(texts)]
    before = [answer.label for answer in model.predict(texts)]
    assert np.mean([a == b for a, b in zip(answers, before, strict=True)]) > 0.9
    assert loaded.predict(texts) == shrunk.model.predict(texts)
    assert "shrunk" in (tmp_path / "s" / "README.md").read_text("utf-8")


def test_saved_again_it_is_the_same_folder(folder: Path, tmp_path: Path) -> None:
    munjang.shrink(folder, "160kB", out=tmp_path / "s")
    munjang.load(tmp_path / "s").save(tmp_path / "again")
    for name in (*list_manifest_files(tmp_path / "s"), "manifest.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "s" / name).read_bytes()


def test_rows_that_no_text_touched_are_dropped_first(model: Model, folder: Path) -> None:
    importance = measure_importance(model)
    untouched = {name: int((values < 1e-7).sum()) for name, values in importance.items()}
    shrunk = munjang.shrink(folder, "100MB")
    assert shrunk.bits == 8
    total = sum(map(len, importance.values()))
    assert shrunk.rows <= total - sum(untouched.values())
    assert sum(untouched.values()) > total // 2


@pytest.mark.parametrize("name", ["mean", "cnn", "lstm", "transformer"])
def test_every_architecture_stays_itself(name: str, tmp_path: Path) -> None:
    texts, labels = make_corpus(150)
    large = train((texts, labels), model=name, overrides=LARGE).model
    size = 1_000_000
    small = munjang.shrink(large, size, out=tmp_path / "s").model
    assert size_of(tmp_path / "s") <= size
    one, other = large.predict_proba(texts), small.predict_proba(texts)
    assert np.abs(one - other).mean() < 0.1
    assert (one.argmax(1) == other.argmax(1)).mean() > 0.9


@pytest.fixture(scope="module")
def of_subwords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose embedding sums the character n-grams of words."""
    out = tmp_path_factory.mktemp("subwords") / "m"
    more = ("model.subword_ngrams=4", "model.subword_buckets=20000", "model.ngrams=1")
    settings = (*QUICK, *more, "model.subword_units=jamo")
    train(make_corpus(400, korean=True), model="mean", overrides=settings, out=out)
    return out


@pytest.mark.parametrize("size", ["1MB", "100kB"])
def test_ngrams_of_words_are_packed(of_subwords: Path, size: str, tmp_path: Path) -> None:
    model = munjang.load(of_subwords)
    small = munjang.shrink(model, size, out=tmp_path / "s").model
    assert size_of(tmp_path / "s") <= parse_bytes(size)
    header = (tmp_path / "s" / "model.safetensors").read_bytes()[:20_000]
    assert b"ngram_rows" not in header  # they follow from the vocabulary
    assert b"shared@1:" in header
    loaded = munjang.load(tmp_path / "s")
    texts = [
        *make_corpus(200, korean=True, seed=1)[0],
        "",
        "처음보는낱말 👩‍👩‍👧",
        "\u1112\u1161\u11ab",
        "좋" * 3000,
    ]
    assert loaded.predict(texts) == small.predict(texts)
    assert np.abs(loaded.predict_proba(texts) - model.predict_proba(texts)).mean() < 0.1
    loaded.save(tmp_path / "again")
    weights = [tmp_path / name / "model.safetensors" for name in ("s", "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_original_model_is_not_changed(folder: Path) -> None:
    model = munjang.load(folder)
    before = {name: value.clone() for name, value in model.network.state_dict().items()}
    munjang.shrink(model, "160kB")
    after = model.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_too_small_and_wrong_sizes_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without any row"):
        munjang.shrink(folder, "5kB", out=tmp_path / "s")
    for wrong in ("", "2 MiB", "-1", "0", 0, True, 1.5):
        with pytest.raises(ConfigError, match="size:"):
            munjang.shrink(folder, wrong, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_altered_packed_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    munjang.shrink(folder, "160kB", out=tmp_path / "s")
    weights = tmp_path / "s" / "model.safetensors"
    content = weights.read_bytes()
    assert b"@8:" in content
    weights.write_bytes(content.replace(b"@8:", b"@4:", 1))
    (tmp_path / "s" / "manifest.json").unlink()
    with pytest.raises(FolderError):
        munjang.load(tmp_path / "s")


def test_command_says_scores_and_sizes(folder: Path, tmp_path: Path) -> None:
    texts, labels = make_corpus(60, korean=True, seed=2)
    data = tmp_path / "data.jsonl"
    rows = ({"text": text, "label": label} for text, label in zip(texts, labels, strict=True))
    data.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    result = invoke("shrink", folder, "--size", "160kB", "--out", tmp_path / "s", "--data", data)
    assert result.code == 0, result.err
    assert "accuracy: " in result.out
    assert " -> " in result.out.splitlines()[-1]
    again = invoke("shrink", folder, "--size", "160kB", "--out", tmp_path / "s")
    assert again.code == 2
    assert "--overwrite" in again.err
