"""Training with pretrained vectors: they are where the embedding begins, and frozen ones stay."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from munjang.api import Trained, evaluate, load, make_loop, train
from munjang.config import merge
from munjang.errors import ConfigError, DataError, FolderError, MunjangError
from munjang.layers.embedding import STD, TokenEmbedding
from munjang.preparation import Prepared, prepare
from munjang.text.vocabulary import OOV, PAD
from tests.architectures import ARCHITECTURES
from tests.synthetic import QUICK, make_corpus, train_until

pytestmark = pytest.mark.usefixtures("one_thread")

DIM = 16
WORDS = ["the", "film", "awful", "great", "okay", "average", "music", "unheard"]
SHORT = [
    *(setting for setting in QUICK if not setting.startswith(("model.dim", "training.epochs"))),
    "training.epochs=2",
]


def random_vectors(words: list[str], *, seed: int = 0, scale: float = 0.7) -> np.ndarray[Any, Any]:
    numbers = np.random.default_rng(seed).normal(0.2, scale, (len(words), DIM))
    return numbers.astype(np.float32)


def write_vectors(path: Path, words: list[str] = WORDS, **how: Any) -> Path:
    rows = zip(words, random_vectors(words, **how), strict=True)
    lines = (f"{word} {' '.join(map(repr, row.tolist()))}\n" for word, row in rows)
    path.write_text(f"{len(words)} {DIM}\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_vectors(tmp_path / "words.vec")


def embedding_table(trained: Trained) -> Tensor:
    weights = trained.model.network.state_dict()
    (name,) = (name for name in weights if name.endswith("encoder.embedding.weight"))
    return weights[name]


def embedding_rows(trained: Trained, words: list[str]) -> Tensor:
    vocabulary = trained.model.input.tokenizer.vocabulary
    return embedding_table(trained)[[vocabulary.id_of(word) for word in words]]


def prepare_with(
    vectors: Any, *, model: str = "mean", settings: dict[str, Any] | None = None
) -> Prepared:
    named = merge({"model": {"name": model}}, settings or {})
    return prepare(make_corpus(), None, named, lambda line: None, vectors=vectors)


def find_embedding(prepared: Prepared) -> TokenEmbedding:
    result = (m for m in make_loop(prepared).state.model.modules() if isinstance(m, TokenEmbedding))
    return next(result)


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("optimizer", ["adamw", "adagrad"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_frozen_rows_are_unchanged_and_others_are_trained(
    name: str, optimizer: str, averaged: bool, file: Path
) -> None:
    more = [f"training.embedding_optimizer={optimizer}", "training.validations_per_epoch=3"]
    more += ["training.average_after=0.0"] if averaged else []
    settings: dict[str, Any] = {"model": name, "vectors": file, "overrides": [*SHORT, *more]}
    frozen = train(make_corpus(), freeze_vectors=True, **settings)
    known = WORDS[:-1]
    assert torch.equal(embedding_rows(frozen, known), torch.from_numpy(random_vectors(WORDS)[:-1]))
    trained_all = train(make_corpus(), **settings)
    assert (
        (embedding_rows(trained_all, known) != torch.from_numpy(random_vectors(WORDS)[:-1]))
        .any(1)
        .all()
    )
    initial = find_embedding(prepare_with(file, model=name)).weight
    for trained in (frozen, trained_all):
        token_id = trained.model.input.tokenizer.vocabulary.id_of("boring")
        assert not torch.equal(embedding_table(trained)[token_id], initial[token_id])
        assert not embedding_table(trained)[PAD].any()


@pytest.mark.parametrize("ngrams", [1, 3])
def test_rows_start_as_vectors_or_random_with_their_deviation(file: Path, ngrams: int) -> None:
    model = {"ngrams": ngrams, "ngram_buckets": 3000}
    prepared = prepare_with(file, settings={"model": model})
    weight = find_embedding(prepared).weight.detach()
    assert prepared.pretrained is not None
    result = prepared.pretrained.found
    size = prepared.input.tokenizer.vocabulary.size
    assert torch.equal(weight[result.ids], torch.from_numpy(result.vectors))
    others = np.setdiff1d(np.arange(1, size), result.ids)
    assert {1, 2, 3} <= set(others.tolist())
    spread = float(result.vectors.std())
    assert float(weight[others].std()) == pytest.approx(spread, rel=0.1)
    assert not weight[PAD].any()
    if ngrams > 1:
        assert float(weight[size:].std()) == pytest.approx(STD, rel=0.05)
    # all that is random, in the embedding and elsewhere, is as it would be without vectors
    plain = make_loop(
        prepare_with(
            None,
            settings={
                "model": {**model, "dim": DIM, "subword_ngrams": 0},
                "tokenizer": {"name": "words"},
            },
        )
    ).state.model
    with_them = make_loop(prepared).state.model.state_dict()
    for name, tensor in plain.state_dict().items():
        if not name.endswith("embedding.weight"):
            assert torch.equal(tensor, with_them[name])
        else:
            assert torch.equal(tensor[size:], with_them[name][size:])
            torch.testing.assert_close(tensor[others] * (spread / STD), with_them[name][others])


def test_zero_vectors_keep_random_initialization_of_the_rest() -> None:
    embedding = TokenEmbedding(50, 4)
    before = embedding.weight.detach().clone()
    embedding.load_vectors(torch.tensor([7, 9]), torch.zeros(2, 4), frozen=False)
    before[[7, 9]] = 0.0
    assert torch.equal(embedding.weight, before)


def test_batch_of_frozen_rows_changes_nothing() -> None:
    embedding = TokenEmbedding(6, 4)
    embedding.load_vectors(torch.tensor([4, 5]), torch.ones(2, 4), frozen=True)
    ids = torch.tensor([[4, 5, 4]])
    embedding(ids, torch.ones_like(ids, dtype=torch.bool)).sum().backward()
    assert embedding.weight.grad is not None
    assert embedding.weight.grad._indices().shape == (1, 0)


def test_vectors_set_dim_and_word_tokenizer(file: Path) -> None:
    korean = make_corpus(korean=True)
    write_vectors(file, ["영화", "최고"])
    prepared = prepare(korean, None, {"model": {"name": "cnn"}}, lambda line: None, vectors=file)
    assert prepared.recipe.model.dim == DIM
    assert prepared.recipe.tokenizer.name == "words"
    named = {"tokenizer": {"name": "characters"}, "model": {"name": "cnn"}}
    write_vectors(file, ["영", "화"])
    prepared = prepare(korean, None, named, lambda line: None, vectors=file)
    assert prepared.recipe.tokenizer.name == "characters"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"overrides": ["model.dim=64"]},
            ConfigError,
            "have 16 numbers and model.dim is 64; leave",
        ),
        ({"overrides": ["model=3"]}, ConfigError, "model: expected settings"),
        ({"overrides": ["pretrained.frozen=true"]}, ConfigError, "did you mean 'freeze'"),
        ({"vectors": None, "freeze_vectors": True}, ConfigError, "there are no vectors to freeze"),
        ({"vectors": "none.vec"}, DataError, "none.vec: there is no such file"),
        ({"vectors": {"a": [1.0]}}, DataError, "a path or gensim's KeyedVectors"),
        (
            {"vectors": None, "overrides": ["pretrained.vectors=(given from Python)"]},
            ConfigError,
            "vectors that are in no file; give them again",
        ),
        ({"overrides": ["model.name=transformer", "model.heads=5"]}, ConfigError, "dim \\(16\\)"),
    ],
)
def test_errors_are_one_line_and_leave_no_folder(
    options: dict[str, Any], error: type[MunjangError], message: str, file: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message) as caught:
        train(make_corpus(), out=tmp_path / "out", **{"vectors": file, **options})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_rare_word_with_vector_is_kept(file: Path) -> None:
    texts, labels = make_corpus(1200)
    data = (["unheard", *texts], ["bad", *labels])
    prepared = prepare(data, (texts, labels), {"model": {"name": "cnn"}}, print, vectors=file)
    assert prepared.input.tokenizer.vocabulary.id_of("unheard") != OOV


def test_coverage_is_reported_and_saved(file: Path, tmp_path: Path) -> None:
    file.write_text(file.read_text().replace("8 16", "9 16") + "film" + " 1" * DIM + "\n\nx y z\n")
    lines: list[str] = []
    common: dict[str, Any] = {"model": "mean", "report": lines.append}
    settings = [*SHORT, "pretrained.skip_bad_lines=true", "tokenizer.min_frequency=1"]
    trained = train(make_corpus(), vectors=file, overrides=settings, out=tmp_path / "out", **common)
    saved = json.loads((tmp_path / "out" / "metrics.json").read_text())["training"]["vectors"]
    vocabulary = trained.model.input.tokenizer.vocabulary
    counts = dict(zip(vocabulary.tokens, vocabulary.counts.tolist(), strict=True))
    known = sum(counts[word] for word in WORDS[:-1])
    assert saved["types"] == vocabulary.size - 4
    assert saved["types_found"] == 7
    assert saved["tokens_found"] == pytest.approx(known / sum(counts.values()))
    assert 0 < saved["valid_tokens_found"] < 1
    assert (saved["words"], saved["header_count"], saved["repeated"], saved["skipped"]) == (
        11,
        9,
        1,
        2,
    )
    assert saved["source"] == "words.vec"
    notes = [line for line in lines if line.startswith("vectors: ")]
    assert notes[0] == f"vectors: 11 words of 16 numbers in {file} (word2vec text)"
    assert f"7 of {saved['types']} types found one" in notes[1]
    assert notes[2] == "vectors: the header promises 9 words, 11 were there"
    assert notes[3] == "vectors: 1 words stood there again; the first of each counts"
    assert notes[4] == "vectors: 2 lines could not be read and were skipped"


def test_trained_model_does_not_need_the_vectors(file: Path, tmp_path: Path) -> None:
    corpus = make_corpus()
    trained = train(
        corpus, model="cnn", vectors=file, freeze_vectors=True, overrides=SHORT, out=tmp_path / "a"
    )
    file.unlink()
    shutil.move(tmp_path / "a", tmp_path / "b")
    loaded = load(tmp_path / "b")
    np.testing.assert_array_equal(
        loaded.predict_proba(corpus[0]), trained.model.predict_proba(corpus[0])
    )
    assert evaluate(tmp_path / "b", corpus).rows == len(corpus[0])
    assert loaded.recipe.pretrained.vectors == str(file)
    with pytest.raises(DataError, match="no such file"):
        train(corpus, config=tmp_path / "b" / "config.yaml")


def interrupt_training(out: Path, vectors: Any, **more: Any) -> dict[str, Any]:
    """A training that broke off behind its fifth step, and how it was asked for."""
    settings = [*SHORT, "training.checkpoint_steps=2"]
    same: dict[str, Any] = {"data": make_corpus(), "model": "cnn", "overrides": settings, **more}
    train_until(step=5, **same, out=out, vectors=vectors)
    return same


@pytest.mark.parametrize("freeze", [False, True])
def test_interrupted_training_resumes_to_same_weights(
    freeze: bool, file: Path, tmp_path: Path
) -> None:
    same = interrupt_training(tmp_path / "a", file, freeze_vectors=freeze)
    moved = file.rename(tmp_path / "moved.vec")  # the same vectors, wherever they lie
    resumed = train(**same, out=tmp_path / "a", vectors=moved, resume=True)
    whole = train(**same, out=tmp_path / "b", vectors=moved)
    assert resumed.metrics["training"]["steps"] == whole.metrics["training"]["steps"]
    for name, tensor in whole.model.network.state_dict().items():
        assert torch.equal(tensor, resumed.model.network.state_dict()[name])


def test_resume_with_other_vectors_is_refused(file: Path, tmp_path: Path) -> None:
    same = interrupt_training(tmp_path / "a", file)
    other = write_vectors(tmp_path / "other.vec", seed=1)
    for changed in (
        {"vectors": other},
        {"vectors": file, "freeze_vectors": True},
        {"overrides": [*same["overrides"], f"model.dim={DIM}"]},
    ):
        with pytest.raises(FolderError, match="made with other data or settings"):
            train(**{**same, **changed}, out=tmp_path / "a", resume=True)


def test_objects_in_memory_train_same_model_as_their_file(file: Path, tmp_path: Path) -> None:
    keyed = SimpleNamespace(
        index_to_key=WORDS,
        key_to_index={word: index for index, word in enumerate(WORDS)},
        vectors=random_vectors(WORDS),
    )
    common: dict[str, Any] = {"model": "mean", "overrides": SHORT}
    from_object = train(make_corpus(), vectors=keyed, out=tmp_path / "out", **common)
    read = train(make_corpus(), vectors=file, **common)
    assert torch.equal(embedding_table(from_object), embedding_table(read))
    with pytest.raises(ConfigError, match="vectors that are in no file"):
        train(make_corpus(), config=tmp_path / "out" / "config.yaml")


def test_recipe_without_vectors_has_no_vectors_section(tmp_path: Path) -> None:
    train(make_corpus(), model="mean", overrides=SHORT, out=tmp_path)
    assert "vectors" not in (tmp_path / "config.yaml").read_text()
