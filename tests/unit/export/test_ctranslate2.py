"""Exports to CTranslate2: every variant of the network, the script alone, and what is refused."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import munjang
from munjang.errors import ConfigError, FolderError
from munjang.export.ctranslate2 import specification
from munjang.export.ctranslate2.exporting import FILES, export_ctranslate2
from munjang.export.ctranslate2.samples import sample_texts
from munjang.export.tokenizers import describe_tokenizer
from munjang.model import Model
from munjang.network import build_network
from munjang.runners import tokenizer as base
from munjang.runners.classes import TOKENIZERS, import_classes
from munjang.runners.ctranslate2.translator import Translator
from munjang.tasks.answer_stream import write_answers
from munjang.tasks.translate import column_of
from munjang.text.plain.blank import is_blank
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer
from tests.system.commands import invoke

pytest.importorskip("ctranslate2")
pytestmark = pytest.mark.usefixtures("one_thread")

SOURCES = ["a red dog runs", "two blue cats sleep", "재미있는 영화였다!", "one dog sleeps 👍🏽"] * 8
TARGETS = ["ein roter Hund rennt", "zwei blaue Katzen", "a film", "ein Hund schläft"] * 8
TEXTS = [
    "two red dogs run",
    "",
    "\u200b",
    "재미있는 개",
    "\u1112\u1161\u11ab 영화",
    "👨‍👩‍👧‍👦 cats",
    "dog " * 300,
    "<go> <eos>",
]
# without a trained EOS nearly all answers are cut, so they are short
SMALL = ("model.dim=16", "model.layers=2", "training.max_steps=2", "training.threads=1")
SMALL += ("decoding.max_length=12", "tokenizer.max_size=120")


def train_pairs(*settings: str, model: str = "transformer") -> Model:
    pairs = (SOURCES, TARGETS)
    overrides = [*SMALL, *settings]
    return munjang.train(pairs, task="translate", model=model, overrides=overrides).model


@pytest.fixture(scope="module")
def trained() -> Model:
    return train_pairs("tokenizer.shared_vocabulary=true")


@pytest.fixture(scope="module")
def two_vocabularies() -> Model:
    return train_pairs("tokenizer.shared_vocabulary=false")


def with_network(model: Model, **settings: Any) -> Model:
    """The model with another network, whose weights are all random, norms and biases too."""
    config = model.recipe.model.model_copy(update=settings)
    recipe = model.recipe.model_copy(update={"model": config})
    torch.manual_seed(1)
    network = build_network(recipe, model.task, model.input.size).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.2 * torch.randn_like(weight)
    return replace(model, recipe=recipe, network=network)


def greedy_answers(model: Model, texts: list[str]) -> list[str]:
    answers = model.with_decoding({"method": "greedy"}).predict(texts)
    return [answer.text for answer in answers]


@pytest.mark.parametrize(
    "settings",
    [
        {"positions": "sinusoidal", "norm": "pre"},
        {"positions": "sinusoidal", "norm": "post", "tie_embeddings": False},
        {"positions": "learned", "norm": "pre", "share_embeddings": False},
        {"positions": "learned", "norm": "post", "activation": "gelu"},
        {"positions": "rotary", "norm": "pre", "decoder_layers": 1, "activation": "silu"},
        {"positions": "rotary", "norm": "post", "heads": 2, "feed_forward_dim": 24},
    ],
    ids=str,
)
def test_greedy_answers_are_those_of_the_model(
    trained: Model, tmp_path: Path, settings: dict[str, Any]
) -> None:
    model = with_network(trained, **settings)
    exported = export_ctranslate2(model, tmp_path / "out")
    assert exported.equal == exported.texts
    found = Translator(tmp_path / "out").translate(TEXTS, beam=1)
    assert found == greedy_answers(model, TEXTS)
    assert found[1:3] == ["", ""]
    assert len(set(found)) > 2  # answers depend on their source


def test_sides_with_a_vocabulary_each(two_vocabularies: Model, tmp_path: Path) -> None:
    model = with_network(two_vocabularies)
    export_ctranslate2(model, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == set(FILES) - {"shared_vocabulary.json"}
    found = Translator(tmp_path / "out").translate(TEXTS, beam=1)
    assert found == greedy_answers(model, TEXTS)


def test_int8_is_smaller_and_answers(trained: Model, tmp_path: Path) -> None:
    model = with_network(trained, dim=64)
    whole = export_ctranslate2(model, tmp_path / "whole")
    small = export_ctranslate2(model, tmp_path / "small", quantization="int8")
    sizes = [(each.folder / "model.bin").stat().st_size for each in (whole, small)]
    assert sizes[1] < 0.4 * sizes[0]
    assert small.equal > 0


def test_command_and_script_without_torch(trained: Model, tmp_path: Path) -> None:
    model = with_network(trained)
    folder, out = model.save(tmp_path / "model"), tmp_path / "out"
    result = invoke("export", "ctranslate2", folder, out)
    assert result.code == 0, result.err
    assert "checked float32: " in result.err
    assert f"exported to {out}" in result.out
    alone = (
        "import runpy, sys; sys.modules.update(torch=None, munjang=None); sys.argv = sys.argv[1:];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    texts = ["two red dogs run", "", "재미있는 개"]
    done = subprocess.run(
        [sys.executable, "-c", alone, str(out / "munjang_ctranslate2.py"), "--beam", "1"],
        input="\n".join(texts).encode(),
        capture_output=True,
        check=True,
        timeout=600,
    )
    assert done.stdout.decode().split("\n") == [*greedy_answers(model, texts), ""]

    again = invoke("export", "ctranslate2", folder, out)
    assert again.code == 2
    assert "--overwrite" in again.err
    assert invoke("export", "ctranslate2", folder, out, "--overwrite").code == 0
    wrong = invoke("export", "ctranslate2", folder, out, "--quantization", "int5")
    assert wrong.code == 2


def test_a_folder_with_other_files_stays_as_it_is(trained: Model, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match=r"other files \(notes.txt\)"):
        export_ctranslate2(trained, tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_export_that_answers_otherwise_is_not_written(
    trained: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = specification._fill_linear
    monkeypatch.setattr(
        specification,
        "_fill_linear",
        lambda spec, linear: (fill(spec, linear), setattr(spec, "weight", spec.weight * 1.1)),
    )
    with pytest.raises(ConfigError, match=r"log-probability differs .*nothing was written"):
        export_ctranslate2(with_network(trained), tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "decoding", "message"),
    [
        ({"activation": "elu"}, {}, "model.activation: CTranslate2 has no elu; train with one of"),
        ({}, {"method": "sample"}, "decoding.method: .*does not sample"),
        ({}, {"coverage_penalty": 0.5}, "decoding.coverage_penalty: "),
    ],
)
def test_refused_settings(
    trained: Model, tmp_path: Path, settings: Any, decoding: Any, message: str
) -> None:
    model = with_network(trained, **settings).with_decoding(decoding)
    with pytest.raises(ConfigError, match=message):
        export_ctranslate2(model, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "model", "message"),
    [
        ((), "attentive", "and this is attentive of the task translate; train with "),
        (("translate.copy_unknown=true",), "transformer", "translate.copy_unknown: "),
    ],
)
def test_refused_models(
    tmp_path: Path, settings: tuple[str, ...], model: str, message: str
) -> None:
    kept = [each for each in SMALL if model == "transformer" or "layers" not in each]
    trained = munjang.train(
        (SOURCES, TARGETS), task="translate", model=model, overrides=[*kept, *settings]
    ).model
    with pytest.raises(ConfigError, match=message):
        export_ctranslate2(trained, tmp_path / "out")


@pytest.fixture(scope="module", params=["bpe", "unigram", "wordpiece", "words", "jamo"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    texts = pl.Series("text", [*SOURCES, *TARGETS, "Hier, (dort) ▁ und #1 ##x 👍🏽!"] * 2)
    return make_tokenizer(request.param).fit(texts, max_size=90)


@pytest.fixture(scope="module")
def twin(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> base.Tokenizer:
    described = describe_tokenizer(tokenizer)
    folder = tmp_path_factory.mktemp("tokenizer")
    for name, content in described.files().items():
        (folder / name).write_text(content, "utf-8")
    import_classes(TOKENIZERS.values())
    kind = base.TOKENIZERS[described.settings["name"]]
    return kind(described.settings, described.tokens, folder / "tokenizer.json")


def test_tokenizers_read_and_write_as_ours(tokenizer: Tokenizer, twin: base.Tokenizer) -> None:
    for text in [text for text in (*sample_texts(tokenizer), *TEXTS) if not is_blank(text)]:
        ids = tokenizer.encode_text(text).tolist()
        assert twin.encode(text) == ids
        assert twin.write(ids) == write_answers(tokenizer, column_of([ids]))[0]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_tokenizers_read_any_text_as_ours(
    tokenizer: Tokenizer, twin: base.Tokenizer, text: str
) -> None:
    assert twin.encode(text) == tokenizer.encode_text(text).tolist()


@pytest.fixture(scope="module")
def translator(trained: Model, tmp_path_factory: pytest.TempPathFactory) -> Translator:
    folder = tmp_path_factory.mktemp("export") / "out"
    export_ctranslate2(with_network(trained), folder)
    return Translator(folder)


def test_hypotheses_are_ranked_as_ours_and_cut_ones_last(translator: Translator) -> None:
    a, b, end = (
        translator.target.tokens[4],
        translator.target.tokens[5],
        translator.target.tokens[3],
    )

    def best(*found: tuple[list[str], float]) -> list[int]:
        tokens, scores = zip(*found, strict=True)
        return translator._best(SimpleNamespace(hypotheses=tokens, scores=scores), limit=3)

    # per token the longer one is more likely: -3.0 / (7 / 6) and -3.1 / (8 / 6)
    assert best(([a, end], -3.0), ([b, b, end], -3.1)) == [5, 5]
    assert best(([a, end], -9.0), ([b, b, b, b, end], -0.1)) == [4]
    assert best(([b, b, b, b], -0.1)) == [5, 5, 5]


def test_long_sources_are_cut_or_refused(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(translator.encode("dog " * 1000)) == 256
    monkeypatch.setitem(translator.settings, "long_sources", "refuse")
    with pytest.raises(ValueError, match="this model takes up to 256"):
        translator.translate(["dog " * 1000])
