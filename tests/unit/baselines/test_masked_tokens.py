"""The baseline of masked language models: fitted, saved, and scored as a network is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

import munjang
from munjang import __version__
from munjang.baselines.baseline import CARD, CONFIG, WEIGHTS
from munjang.baselines.load import load_baseline
from munjang.baselines.masked_tokens import MaskedBaseline, fit_masked_baseline
from munjang.data.shards.settings import LinesTokenizerSettings
from munjang.errors import DataError, FolderError
from munjang.folder.layout import TOKENIZER, VOCABULARY
from munjang.folder.manifest import write_manifest
from munjang.model import Model
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = [*make_corpus(80)[0], "☃ 그리고 <b>", "."]
SETTINGS = LinesTokenizerSettings.parse({"name": "wordpiece", "max_size": 90})


@pytest.fixture(scope="module")
def baseline() -> MaskedBaseline:
    return fit_masked_baseline("token-frequencies", pl.Series(TEXTS), SETTINGS)


def test_saved_baseline_gives_the_same_answers(baseline: MaskedBaseline, tmp_path: Path) -> None:
    baseline.save(tmp_path / "m")
    loaded = munjang.load(tmp_path / "m")
    assert isinstance(loaded, MaskedBaseline)
    assert loaded.settings == baseline.settings
    assert loaded.parameters == baseline.parameters > 4
    texts = ["[MASK]", "a [MASK] of [MASK]", ""]
    assert loaded.predict(texts) == baseline.predict(texts)
    assert [len(answer.masks) for answer in loaded.predict(texts)] == [1, 2, 0]
    assert '"a text with a [MASK]"' in (tmp_path / "m" / CARD).read_text("utf-8")


def test_answer_is_the_most_frequent_token(baseline: MaskedBaseline) -> None:
    (answer,) = baseline.predict("a [MASK]")
    (candidates,) = answer.masks
    vocabulary = baseline.tokenizer.vocabulary
    assert candidates[0].piece == vocabulary.tokens[4 + int(np.argmax(vocabulary.counts[4:]))]
    assert [c.probability for c in candidates] == sorted(
        (c.probability for c in candidates), reverse=True
    )
    with pytest.raises(DataError, match=r"expected \[MASK\]"):
        baseline.predict("without a mask")


def test_scores_are_those_beside_a_network_of_the_same_tokens(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("\n".join(TEXTS), "utf-8")
    trained = munjang.train(
        tmp_path / "train.txt",
        valid=tmp_path / "train.txt",
        task="masked_lm",
        model="cnn",
        config={
            "tokenizer": SETTINGS.model_dump(mode="json"),
            "model": {"dim": 4, "filters": 4, "subword_ngrams": 0},
            "training": {"max_steps": 2, "threads": 1},
        },
    )
    model: Any = trained.model
    assert isinstance(model, Model)
    baseline = MaskedBaseline("token-frequencies", SETTINGS, model.input.tokenizer)
    scores: Any = model.evaluate(tmp_path / "train.txt")
    own = baseline.evaluate(tmp_path / "train.txt")
    assert own.tokens == scores.tokens  # type: ignore[attr-defined]
    for name, value in own.metrics.items():
        assert value == pytest.approx(scores.baseline_metrics[name])
    rows = baseline.score_rows(TEXTS)
    encoded = model.input.encode_values(TEXTS)
    of_network = model.task.score_rows(encoded.adapt(model.network), encoded.dataset())
    assert rows.tokens.tolist() == of_network.tokens.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "none"}, "unknown baseline none"),
        ({"more": 1}, "expected the name of a baseline"),
        ({"tokenizer": {"max_length": 0}}, "tokenizer: max_length"),
        ({"tokenizer": []}, "expected the name of a baseline"),
    ],
)
def test_altered_settings_are_refused(
    change: dict[str, Any], message: str, baseline: MaskedBaseline, tmp_path: Path
) -> None:
    baseline.save(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text("utf-8"))
    (tmp_path / CONFIG).write_text(json.dumps({**config, **change}), "utf-8")
    _seal(tmp_path)
    with pytest.raises(FolderError, match=message):
        load_baseline(tmp_path)


def test_other_counts_are_refused(baseline: MaskedBaseline, tmp_path: Path) -> None:
    baseline.save(tmp_path)
    save_file({"counts": baseline.counts + 1}, tmp_path / WEIGHTS)
    _seal(tmp_path)
    with pytest.raises(FolderError, match="not those of the vocabulary"):
        load_baseline(tmp_path)


def _seal(folder: Path) -> None:
    write_manifest(folder, (CONFIG, TOKENIZER, VOCABULARY, WEIGHTS, CARD), __version__)
