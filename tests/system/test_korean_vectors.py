"""Korean word vectors: typos, particles and frozen vectors, by both engines and small texts."""

import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munjang
from munjang.registry import ENGINES, TASKS
from tests.system.commands import call, invoke, run

ENGINE_NAMES = [
    name for name in TASKS.require("vectors").engines if ENGINES.require(name).is_installed
]
every_engine = pytest.mark.parametrize("engine", ENGINE_NAMES)
SMALL = ("model.dim=32", "training.threads=1", "training.epochs=20")
PRAISE = ("최고", "감동", "명작", "추천", "완벽", "훌륭", "재미", "사랑")
BLAME = ("최악", "실망", "졸작", "지루", "엉망", "유치", "쓰레기", "시간낭비")
ENDINGS = ("이다", "이네요", "입니다", "였어요")


@pytest.fixture(scope="module")
def measure() -> Any:
    """The tests of the benchmark."""
    folder = str(Path(__file__).resolve().parents[2] / "benchmarks")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return import_module("korean_vectors")


def make_lines(rows: int, seed: int = 0) -> list[str]:
    """Lines in which words of praise stand together, and words of blame."""
    random = np.random.default_rng(seed)
    return [
        " ".join(
            word + random.choice(ENDINGS) for word in random.choice((PRAISE, BLAME)[row % 2], 6)
        )
        for row in range(rows)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Train once per engine by the command line, and return the folder."""
    place = tmp_path_factory.mktemp("korean")
    (place / "text.txt").write_text("\n".join(make_lines(1500)) + "\n", "utf-8")

    def train(engine: str) -> Path:
        folder = place / engine
        if not folder.exists():
            settings = (*SMALL, f"training.engine={engine}")
            options = [part for setting in settings for part in ("--set", setting)]
            arguments = ("train", place / "text.txt", "--task", "vectors", "--out", folder)
            result = invoke(*arguments, *options)
            assert result.code == 0, result.err
            assert f"engine: {engine}; training.engine=" in result.err
        return folder

    return train


@every_engine
def test_a_typo_is_near_its_clean_form(
    engine: str, trained: Callable[[str], Path], measure: Any
) -> None:
    words = munjang.load_words(trained(engine))
    pairs = measure.make_typos(words, most=40)
    assert len(pairs) == 40
    assert all(words.find(typo) is None and words.find(clean) is not None for typo, clean in pairs)
    # a sixth by chance; words of praise are near to each other too
    assert measure.score_typos(words, pairs)[1] > 0.3


@every_engine
def test_forms_of_a_noun_are_near_each_other(
    engine: str, trained: Callable[[str], Path], measure: Any
) -> None:
    words = munjang.load_words(trained(engine))
    # none of these forms was ever seen
    same, other, wins = measure.score_particles(words, ("최고", "실망", "학교", "완벽"))
    assert same > other
    assert wins > 0.6


@every_engine
def test_frozen_vectors_tell_words_apart_that_no_label_has_shown(
    engine: str, trained: Callable[[str], Path], measure: Any
) -> None:
    model = munjang.load(trained(engine))
    random = np.random.default_rng(1)

    def rows(count: int, words: slice) -> tuple[list[str], list[str]]:
        texts = [
            " ".join(w + random.choice(ENDINGS) for w in random.choice(group[words], 3))
            for _ in range(count)
            for group in (PRAISE, BLAME)
        ]
        return texts, ["good", "bad"] * count

    learned, unlearned = measure.score_frozen(
        model,
        rows(60, slice(4)),
        rows(60, slice(4, 8)),
        settings=["training.epochs=20", "training.patience=null"],
    )
    assert learned > 0.9
    assert learned > unlearned + 0.1


@every_engine
def test_folders_hold_no_pickle_and_no_other_files(
    engine: str, trained: Callable[[str], Path]
) -> None:
    names = {path.name for path in trained(engine).rglob("*") if path.is_file()}
    assert "model.safetensors" in names
    assert not [name for name in names if re.search(r"\.(pkl|pickle|kv|npy|bin|pt)$", name)]
    metrics = json.loads((trained(engine) / "metrics.json").read_text("utf-8"))
    assert metrics["training"]["engine"] == engine


@every_engine
def test_commands_answer_alike_for_both_engines(
    engine: str, trained: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(engine)
    found = call(capsys, "neighbors", folder, " 감동임니다", "--k", "3")
    assert found.code == 0, found.err
    assert len(found.out.splitlines()) == 3
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("a,b,score\n최고이다,명작이다,9\n최고이다,최악이다,1\n", "utf-8")
    assert "on 2 of 2 pairs" in call(capsys, "similarity", folder, pairs).out
    assert call(capsys, "predict", folder, "감동이네요").code == 0


@every_engine
def test_folders_are_used_without_gensim(
    engine: str, trained: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(engine)
    for name in ("gensim", "gensim.models", "gensim.models.fasttext", "gensim.models.word2vec"):
        monkeypatch.setitem(sys.modules, name, None)
    assert munjang.load_words(folder).vector("감동임니다") is not None


@pytest.mark.skipif("gensim" not in ENGINE_NAMES, reason="gensim is not installed")
def test_one_thread_of_gensim_repeats_a_run_whatever_the_hash_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n".join(make_lines(300)) + "\n", "utf-8")
    settings = ("model.dim=8", "training.engine=gensim", "training.threads=1", "training.epochs=2")
    options = [part for setting in settings for part in ("--set", setting)]
    weights = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        result = run("train", text, "--task", "vectors", "--out", tmp_path / seed, *options)
        assert result.code == 0, result.err
        weights.append((tmp_path / seed / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
