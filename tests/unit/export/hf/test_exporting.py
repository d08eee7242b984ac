"""An export that fails leaves nothing behind."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

import munjang
from munjang.errors import ConfigError, FolderError
from munjang.export.hf import exporting
from munjang.export.hf.exporting import export_model
from munjang.export.hf.loading import loading
from munjang.model import Model
from munjang.tasks.calibration import CalibrationSettings
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS, LABELS = make_corpus(60, korean=True)


@pytest.fixture(scope="module")
def model() -> Model:
    config = {"model": {"dim": 8, "ngram_buckets": 64}, "training": {"epochs": 1}}
    trained = munjang.train((TEXTS, LABELS), model="mean", config=config, progress=False).model
    assert isinstance(trained, Model)
    return trained


def test_an_export_that_differs_is_not_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    as_floats = exporting.as_floats

    def damaged(weights: Any) -> dict[str, Any]:
        return {name: tensor * 1.01 for name, tensor in as_floats(weights).items()}

    monkeypatch.setattr(exporting, "as_floats", damaged)
    with pytest.raises(ConfigError, match="the modelling file does not compute what the network"):
        export_model(model, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    export_model(model, tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    monkeypatch.setattr(exporting, "as_floats", damaged)
    with pytest.raises(ConfigError, match="nothing was written"):
        export_model(model, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_holds_no_bytecode_and_is_overwritten_where_there_is_some(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    export_model(model, tmp_path / "out")
    bytecode = tmp_path / "out" / "__pycache__"
    assert not bytecode.exists()
    bytecode.mkdir()
    export_model(model, tmp_path / "out", overwrite=True)
    assert not bytecode.exists()


def test_a_tokenizer_that_differs_is_not_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr("munjang.export.hf.fast.symbols.normalizers_of", lambda tokenizer: [])
    with pytest.raises(ConfigError, match=r"the tokenizer reads .* the model as"):
        export_model(model, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_temperature_is_part_of_the_logits(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    settings = CalibrationSettings(rows=10, temperature=2.5)
    task: Any = replace(model.task, calibration=settings)  # type: ignore[type-var]
    calibrated = replace(model, task=task)
    exported = export_model(calibrated, tmp_path / "out")
    assert "temperature" in exported.notes[0]
    with loading(exported.folder, exported.model_class, None) as loaded, torch.no_grad():
        found = loaded.model(**loaded.tokenize(TEXTS[:5])).logits.softmax(-1).numpy()
    assert found == pytest.approx(calibrated.predict_proba(TEXTS[:5]), abs=1e-5)


def test_folders_of_others_are_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match="holds other files"):
        export_model(model, tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_missing_package_names_the_extra(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "munjang.export.package.find_spec",
        lambda name: None if name == "transformers" else find_spec(name),
    )
    with pytest.raises(ConfigError, match=r"install it with: pip install \"munjang\[hf\]\""):
        export_model(model, tmp_path / "out")
