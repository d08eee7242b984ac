"""The task `vectors`: what is drawn, what it learns, and scores beside word frequencies."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.batches import Batch, TextDataset
from munjang.errors import DataError
from munjang.registry import find_architectures
from munjang.tasks.word_scores import frequency_scores
from munjang.tasks.word_vectors import VectorsSettings, VectorsTask
from munjang.tasks.word_windows import Sampling, keep_probabilities, noise_probabilities
from munjang.text.columns import token_column
from munjang.text.registry import make_tokenizer
from munjang.text.vocabulary import OOV, PAD, RESERVED
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = [row.name for row in find_architectures("lines", "vectors")]
every_architecture = pytest.mark.parametrize("name", NAMES)
# Words of one group stand together, and never with those of the other.
GROUPS = (["cat", "dog", "cow", "hen"], ["red", "blue", "green", "pink"])


def make_texts(rows: int = 400, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(GROUPS[row % 2], 6)) for row in range(rows)]


class Fitted:
    """An input that is only its tokenizer."""

    tokenizer = make_tokenizer("words").fit(pl.Series(make_texts()))


VOCABULARY = Fitted.tokenizer.vocabulary


def make_dataset(texts: list[str]) -> TextDataset:
    return TextDataset(Fitted.tokenizer.encode(pl.Series(texts)))


def make_task(**settings: Any) -> VectorsTask:
    return VectorsTask(VectorsSettings.parse({"sample": 0, **settings})).with_input(Fitted)


def make_loop(name: str, *, seed: int = 0, model: dict[str, Any] | None = None) -> Loop:
    row = next(row for row in find_architectures("lines", "vectors") if row.name == name)
    small = {"dim": 8, "subword_buckets": 64, **(model or {})}
    config = row.config_class().parse(small, where="model")
    task = make_task()
    torch.manual_seed(seed)
    network = task.network(row.load()(config, VOCABULARY.size))
    if network.encoder.embedding.subwords is not None:
        network.encoder.embedding.subwords.fit(VOCABULARY.tokens)
    training = TrainingSettings.parse(
        {
            "batch_size": 16,
            "epochs": 4,
            "embedding_optimizer": "adagrad",
            "embedding_learning_rate": 0.2,
            "clip_norm": None,
            "metric": "sampled_loss",
        }
    )
    state = make_state(network, training)
    train, valid = make_dataset(make_texts()), make_dataset(make_texts(60, 1))
    return Loop(state, task, train, valid, training, seed)


def cosine_gap(network: torch.nn.Module) -> float:
    """How much nearer words of one group are to each other than to those of the other."""
    ids = torch.tensor([[VOCABULARY.id_of(word) for group in GROUPS for word in group]])
    vectors = network.encoder.states(ids, torch.ones_like(ids, dtype=torch.bool))[0].detach()
    cosines = torch.nn.functional.cosine_similarity(vectors[:, None], vectors[None], dim=2)
    within = cosines[:4, :4].mean() + cosines[4:, 4:].mean()
    return float(within / 2 - cosines[:4, 4:].mean())


@every_architecture
@pytest.mark.parametrize("ngrams", [0, 4])
def test_words_of_one_context_become_similar(name: str, ngrams: int) -> None:
    loop = make_loop(name, model={"subword_ngrams": ngrams})
    before = loop.validate()
    assert before.sampled_loss > before.baseline_sampled_loss - 0.01
    *_, last = loop
    assert last.scores is not None
    assert last.scores.metrics["sampled_loss"] < last.scores.baseline_sampled_loss - 0.1
    assert cosine_gap(loop.state.model) > 0.5


@every_architecture
def test_a_seed_repeats_a_run_bit_for_bit(name: str) -> None:
    runs = []
    for _ in range(2):
        loop = make_loop(name, seed=3)
        losses = [step.loss for step in loop]
        runs.append((losses, loop.state.model.state_dict()))
    assert runs[0][0] == runs[1][0]
    assert all(torch.equal(tensor, runs[1][1][key]) for key, tensor in runs[0][1].items())


@every_architecture
def test_gradient_reaches_words_and_ngrams_and_not_padding(name: str) -> None:
    loop = make_loop(name, model={"subword_ngrams": 4})
    network, task = loop.state.model, loop.task
    (batch,) = loop.train.take(np.arange(40)).in_order_of_length(40)
    drawn = task.draw_targets(batch, torch.Generator().manual_seed(0), 0.0)
    with torch.no_grad():
        network.output.normal_()
        network.output[PAD] = 0
    task.loss(network(*drawn.inputs), drawn.targets).backward()
    for parameter in network.parameters():
        gradient = parameter.grad.to_dense()
        assert gradient.abs().sum() > 0
        assert not gradient[PAD].any()


def make_batch(rows: list[list[int]]) -> Batch:
    width = max(map(len, rows))
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    return Batch(ids, lengths, ids != PAD, torch.arange(len(rows)))


def test_tokens_without_count_are_left_out_before_windows() -> None:
    counts = np.array([0, 0, 0, 0, 5, 5, 5])
    sampling = Sampling.of(counts, sample=0, window=3, shared=50)
    batch = make_batch([[2, 4, OOV, 5, 3], [6, 9, 4]])
    drawn = sampling.draw(batch, torch.Generator().manual_seed(0))
    assert drawn.ids.tolist() == [4, 5, 6, 4]
    assert drawn.lines.tolist() == [0, 0, 1, 1]
    assert drawn.size == 8
    assert set(drawn.noise.flatten().tolist()) == {4, 5, 6}
    assert all(1 <= window <= 3 for window in drawn.windows.tolist())


def test_a_batch_without_words_has_no_predictions() -> None:
    sampling = Sampling.of(np.array([0, 0, 0, 0, 5]), sample=0, window=3, shared=2)
    drawn = sampling.draw(make_batch([[OOV, OOV], [OOV]]), torch.Generator())
    assert drawn.ids.tolist() == [OOV]
    network = make_loop("skipgram").state.model
    outputs = network(*drawn.inputs)
    assert outputs.predicted.tolist() == [0]
    loss = make_task().loss(outputs, drawn.targets)
    loss.backward()
    assert float(loss.detach()) == 0


@given(counts=st.lists(st.integers(0, 10**9), min_size=1), sample=st.floats(0, 1))
def test_probabilities_are_those_of_the_paper(counts: list[int], sample: float) -> None:
    keep, noise = (
        keep_probabilities(np.array(counts), sample),
        noise_probabilities(np.array(counts)),
    )
    total, powers = max(1, sum(counts)), max(1.0, sum(count**0.75 for count in counts))
    for count, kept, drawn in zip(counts, keep, noise, strict=True):
        ratio = sample * total / count if sample and count else 1.0
        assert kept == pytest.approx(min(1.0, ratio**0.5 + ratio) if count else 0.0)
        assert drawn == pytest.approx(count**0.75 / powers)


def test_negatives_follow_their_distribution() -> None:
    counts = np.array([0, 0, 0, 0, 1000, 100, 10])
    sampling = Sampling.of(counts, sample=0, window=1, shared=4096)
    drawn = sampling.draw(make_batch([[4]]), torch.Generator().manual_seed(1))
    shares = np.bincount(drawn.noise.flatten().numpy(), minlength=len(counts)) / 4096
    assert np.abs(shares - noise_probabilities(counts)).max() < 0.05


def test_frequency_scores_have_the_lowest_loss() -> None:
    counts = np.array([0, 0, 0, 0, 50, 20, 5, 2])
    predicted = counts / counts.sum()
    noise, best = noise_probabilities(counts), frequency_scores(counts, sample=0, negatives=5)

    def loss(scores: np.ndarray) -> float:
        return float(predicted @ np.logaddexp(0, -scores) + 5 * noise @ np.logaddexp(0, scores))

    for number in range(4, 8):
        for change in (-0.01, 0.01):
            other = best.copy()
            other[number] += change
            assert loss(other) > loss(best)


def test_scores_do_not_depend_on_when_they_are_asked() -> None:
    loop = make_loop("skipgram")
    assert loop.validate() == loop.validate()


def test_rows_without_neighbors_are_refused() -> None:
    loop = make_loop("skipgram")
    single = make_dataset(["cat", "dog"])
    with pytest.raises(DataError, match="no two words of the validation rows are neighbors"):
        loop.task.evaluate(loop.state.model, single)


def test_vocabulary_without_words_is_refused() -> None:
    class Empty:
        tokenizer = make_tokenizer("words").fit(pl.Series(["a"]), min_frequency=2)

    assert Empty.tokenizer.vocabulary.tokens == RESERVED
    with pytest.raises(DataError, match="the vocabulary has no token to predict"):
        VectorsTask(VectorsSettings()).with_input(Empty)


def test_dataset_is_the_token_column() -> None:
    assert len(make_dataset(["cat dog"])) == 1
    assert len(TextDataset(token_column(np.zeros(0, np.int32), np.zeros(1, np.int64)))) == 0


@every_architecture
@pytest.mark.parametrize("scheme", ["sum", "fasttext"])
def test_the_table_of_ngrams_follows_the_vocabulary(name: str, scheme: str) -> None:
    row = next(row for row in find_architectures("lines", "vectors") if row.name == name)
    config = row.config_class().parse({"subword_scheme": scheme, "subword_ngrams": 4})
    few = config.for_vocabulary(VOCABULARY.tokens)
    many = config.for_vocabulary([*RESERVED, *(f"{n * 7919:b}x{n}" for n in range(2000))])
    assert few.subword_buckets == 2**10 < many.subword_buckets
    given = row.config_class().parse({"subword_scheme": scheme, "subword_buckets": 77})
    assert given.for_vocabulary(VOCABULARY.tokens).subword_buckets == 77
    without = row.config_class().parse({"subword_ngrams": 0})
    assert without.for_vocabulary(VOCABULARY.tokens).subword_buckets is None
