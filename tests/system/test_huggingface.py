"""Models with a Hugging Face tokenizer, from its file to the predictions of a loaded folder."""

import json
from pathlib import Path

import numpy as np
import pytest

import munjang
from munjang.errors import FolderError
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import write_manifest
from tests.huggingface_tokenizers import KINDS, train_and_save_tokenizer
from tests.synthetic import QUICK, make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")


def tokenizer_overrides(path: Path, *, side: str = "") -> list[str]:
    prefix = f"tokenizer.{side}" if side else "tokenizer."
    return [f"{prefix}name=huggingface", f"{prefix}settings.file={path}"]


@pytest.mark.parametrize("kind", KINDS)
def test_trained_model_is_saved_and_loaded_with_same_answers(kind: str, tmp_path: Path) -> None:
    texts, labels = make_corpus(90, korean=True)
    path = train_and_save_tokenizer(tmp_path, kind, texts)
    lines: list[str] = []
    folder = tmp_path / "model"
    trained = munjang.train(
        (texts, labels),
        overrides=[*QUICK, *tokenizer_overrides(path)],
        out=folder,
        report=lines.append,
    )
    assert sum(line.startswith("tokenizer huggingface:") for line in lines) == 1
    path.unlink()
    loaded = munjang.load(folder)
    many = [*texts, "뷁 <pad> [CLS]", ""]
    expected = trained.model.predict_proba(many)
    np.testing.assert_allclose(loaded.predict_proba(many), expected, atol=1e-6)
    assert [answer.label for answer in loaded.predict(many[:3])] == [
        answer.label for answer in trained.model.predict(many[:3])
    ]
    scores = [munjang.evaluate(model, (texts, labels)) for model in (loaded, trained.model)]
    assert scores[0].accuracy == scores[1].accuracy


def test_one_tokenizer_for_both_sides_of_translation(tmp_path: Path) -> None:
    sources, targets = ["the red house", "a small dog"] * 8, ["빨간 집", "작은 개"] * 8
    path = train_and_save_tokenizer(tmp_path, "byte_level", [*sources, *targets])
    small = ["model.dim=16", "training.max_steps=4", "training.batch_tokens=200"]
    small += ["training.threads=1", "decoding.max_length=5"]
    sides = [*tokenizer_overrides(path, side="source."), *tokenizer_overrides(path, side="target.")]
    trained = munjang.train(
        (sources, targets),
        task="translate",
        model="transformer",
        overrides=[*small, *sides],
        out=tmp_path / "model",
    )
    answers = [answer.text for answer in trained.model.predict(sources)]
    loaded = munjang.load(tmp_path / "model")
    assert [answer.text for answer in loaded.predict(sources)] == answers


def test_changed_tokenizer_is_refused_in_one_line(tmp_path: Path) -> None:
    texts, labels = make_corpus(30)
    path = train_and_save_tokenizer(tmp_path, "bert", texts)
    folder = tmp_path / "model"
    munjang.train((texts, labels), overrides=[*QUICK, *tokenizer_overrides(path)], out=folder)
    file = folder / "tokenizer.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    state["tokenizer"]["normalizer"] = {
        "type": "Replace",
        "pattern": {"Regex": "(a+)+$"},
        "content": "",
    }
    file.write_text(json.dumps(state), encoding="utf-8")
    names = list(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"])
    write_manifest(folder, names, munjang.__version__)
    with pytest.raises(FolderError, match=r"tokenizer\.json.*repetition") as raised:
        munjang.load(folder)
    assert "\n" not in str(raised.value)
