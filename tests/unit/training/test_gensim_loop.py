"""The engine gensim: held against gensim on its own, repeated, resumed, and ended by a budget."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from munjang.data.batches import TextDataset
from munjang.layers.fasttext_embedding import cut_words
from munjang.layers.subword_table import with_oov_words
from munjang.registry import find_architectures
from munjang.tasks.word_vectors import VectorsSettings, VectorsTask
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import RESERVED
from munjang.training.gensim_loop import GensimLoop
from munjang.training.gensim_sentences import LONGEST, SentenceDataset
from munjang.training.gensim_vectors import hash_stably
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state

models = pytest.importorskip("gensim.models")
pytestmark = pytest.mark.usefixtures("one_thread")

FIRST = len(RESERVED)
# Words of one group stand together, and never with those of the other.
GROUPS = (["cat", "dog", "cow", "고양이가"], ["red", "blue", "green", "빨강을"])
every_architecture = pytest.mark.parametrize("name", ["skipgram", "cbow"])
every_kind = pytest.mark.parametrize(
    ("ngrams", "units"), [(0, "letters"), (5, "letters"), (4, "jamo")]
)


def make_texts(rows: int = 600, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(GROUPS[row % 2], 8)) for row in range(rows)]


class Fitted:
    """An input that is only its tokenizer."""

    tokenizer = make_tokenizer("words").fit(pl.Series(make_texts()))


VOCABULARY = Fitted.tokenizer.vocabulary


def make_dataset(texts: list[str]) -> TextDataset:
    return TextDataset(Fitted.tokenizer.encode(pl.Series(texts)))


def make_loop(
    name: str = "skipgram", ngrams: int = 0, units: str = "letters", **training: Any
) -> GensimLoop:
    row = next(row for row in find_architectures("lines", "vectors") if row.name == name)
    model = {
        "dim": 8,
        "subword_ngrams": ngrams,
        "subword_buckets": 500,
        "subword_units": units,
        "subword_scheme": "fasttext",
    }
    task = VectorsTask(VectorsSettings.parse({"sample": 0.1})).with_input(Fitted)
    torch.manual_seed(0)
    network = task.network(row.load()(row.config_class().parse(model), VOCABULARY.size))
    settings = {
        "batch_size": 4,
        "epochs": 4,
        "threads": 1,
        "embedding_learning_rate": 0.2,
        "schedule": "linear",
        "warmup": 0.0,
        "metric": "sampled_loss",
    }
    parsed = TrainingSettings.parse({**settings, **training})
    train, valid = make_dataset(make_texts()), make_dataset(make_texts(60, 1))
    return GensimLoop(make_state(network, parsed), task, train, valid, parsed, 3)


def copy_weights(loop: GensimLoop) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in loop.state.model.state_dict().items()}


@every_architecture
@every_kind
def test_words_of_one_context_become_similar(name: str, ngrams: int, units: str) -> None:
    loop = make_loop(name, ngrams, units)
    before = loop.validate().sampled_loss
    *_, last = loop
    assert last.scores is not None
    assert last.scores.metrics["sampled_loss"] < before - 0.2
    vectors = loop.vectors.vectors
    ids = [VOCABULARY.id_of(word) for group in GROUPS for word in group]
    cosines = torch.nn.functional.cosine_similarity(vectors[ids][:, None], vectors[ids], dim=2)
    assert cosines[:4, :4].mean() > cosines[:4, 4:].mean() + 0.3


@every_architecture
@every_kind
def test_vectors_are_those_of_gensim(name: str, ngrams: int, units: str) -> None:
    loop = make_loop(name, ngrams, units)
    list(loop)
    model = loop.vectors.model
    if ngrams:
        del model.wv.adjust_vectors  # gensim's own again
        model.wv.adjust_vectors()
    embedding = loop.state.model.encoder.embedding.eval()
    np.testing.assert_allclose(embedding.weight[FIRST:].detach(), model.wv.vectors, atol=1e-6)
    np.testing.assert_array_equal(loop.state.model.output[FIRST:].detach(), model.syn1neg)
    if not ngrams:
        return
    unknown = ["cats", "고양이를", "unreasonableness" * 3, "ox"]
    with torch.no_grad():
        ids = VOCABULARY.size + torch.arange(len(unknown))[None]
        found = with_oov_words(embedding, unknown)(ids, torch.ones_like(ids, dtype=torch.bool))[0]
    for word, vector in zip(cut_words(unknown, units), found, strict=True):
        np.testing.assert_allclose(vector, model.wv.get_vector(word), atol=1e-6)


@every_architecture
@pytest.mark.parametrize("ngrams", [0, 5])
def test_a_step_equals_one_of_gensim_alone(name: str, ngrams: int) -> None:
    loop = make_loop(name, ngrams)
    own = loop.vectors
    grams = {"min_n": 3, "max_n": ngrams, "bucket": 500} if ngrams else {}
    kind = models.FastText if ngrams else models.Word2Vec
    alone = kind(**own.settings, **grams)
    alone.build_vocab_from_freq(dict(zip(own.words, own.counts, strict=True)))
    tables = ("vectors_vocab", "vectors_ngrams") if ngrams else ("vectors",)
    for table in tables:
        getattr(alone.wv, table)[:] = getattr(own.model.wv, table)
    batch = next(iter(loop.train.batches(loop.order.groups(0))))
    for rates, seed in (((0.1, 0.05), 5), ((0.05, 0.01), 6)):
        own.train(batch.sentences, *rates, seed)
        alone.random = np.random.RandomState(seed)
        alone.train(
            batch.sentences,
            total_examples=len(batch.sentences),
            epochs=1,
            start_alpha=rates[0],
            end_alpha=rates[1],
        )
    own.join()
    np.testing.assert_array_equal(own.model.syn1neg, alone.syn1neg)
    np.testing.assert_allclose(own.vectors[FIRST:], alone.wv.vectors, atol=1e-6)


@pytest.mark.parametrize("ngrams", [0, 5])
def test_a_seed_repeats_a_run_bit_for_bit(ngrams: int) -> None:
    runs = [make_loop(ngrams=ngrams) for _ in range(2)]
    losses = [[step.loss for step in loop] for loop in runs]
    assert losses[0] == losses[1]
    first, second = map(copy_weights, runs)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.parametrize("ngrams", [0, 5])
def test_a_resumed_run_is_the_same_run(ngrams: int) -> None:
    whole = make_loop(ngrams=ngrams)
    assert len(list(whole)) == whole.total > 4
    stopped = make_loop(ngrams=ngrams)
    for step in stopped:
        if step.number == 4:
            break
    tensors = {name: t.clone() for name, t in stopped.state.tensors().items()}
    resumed = make_loop(ngrams=ngrams)
    resumed.state.restore(tensors, stopped.state.numbers())
    assert [step.number for step in resumed] == list(range(5, whole.total + 1))
    expected, found = copy_weights(whole), copy_weights(resumed)
    assert all(torch.equal(tensor, found[name]) for name, tensor in expected.items())
    assert resumed.state.counters.best_step == whole.state.counters.best_step


def test_several_threads_learn_too() -> None:
    loop = make_loop(ngrams=5, threads=3)
    before = loop.validate().sampled_loss
    *_, last = loop
    assert last.scores.metrics["sampled_loss"] < before - 0.2
    assert "3 threads" in loop.remarks[0]
    assert make_loop().remarks == []


def test_a_budget_of_seconds_ends_a_run() -> None:
    *_, last = make_loop(budget_seconds=0.3)
    assert last.progress == 1
    assert last.scores is not None


def test_unknown_words_are_left_out_and_long_rows_are_cut() -> None:
    words = [None, None, None, None, "a", "b"]
    ids = [4, 1, 5, *([4] * (LONGEST + 1))]
    column = pl.Series([ids, [1, 1], [5]]).cast(pl.List(pl.Int32)).to_arrow()
    data = SentenceDataset(TextDataset(column), words)
    sentences = [words for batch in data.in_order_of_length() for words in batch.sentences]
    assert sorted(map(len, sentences)) == [1, 3, LONGEST]
    assert sum(batch.size for batch in data.in_order_of_length()) == len(ids) + 3


def test_steps_have_all_rows_once_and_tell_their_size() -> None:
    loop = make_loop()
    steps = list(loop.order.groups(1))
    assert len(steps) == loop.order.steps(1) > 1
    assert sorted(row for step in steps for row in step.rows.tolist()) == list(range(600))
    first = loop.order.sample()[0]
    assert (first.time, first.places) == (8, 4 * 8)
    (batch,) = loop.train.batches([first])
    assert len(batch.rows) == len(batch.sentences) == len(first.rows)
    assert batch.size == sum(map(len, batch.sentences))
    again = [step.rows.tolist() for step in loop.order.groups(1, 2)]
    assert again == [step.rows.tolist() for step in steps[2:]]


def test_hash_is_the_same_in_every_process() -> None:
    assert (hash_stably("학교"), hash_stably("\ud800")) == (259928958, 499426600)
