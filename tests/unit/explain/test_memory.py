"""Memory over texts and within one: what gradients say about distance."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from munjang.api import make_loop, train
from munjang.errors import ConfigError, DataError, MunjangError
from munjang.explain.connectivity import compute_connectivity
from munjang.explain.jacobian import squared_norms
from munjang.explain.memory import compute_memory, join_memories
from munjang.explain.redraw import redraw_network
from munjang.explain.text_tokens import read_tokens, sum_by_words
from munjang.explain.token_network import open_network
from munjang.explain.token_rows import encode_rows, read_rows
from munjang.preparation import prepare
from munjang.reporting import discard
from munjang.tasks.heads import find_encoders
from tests.unit.explain.models import (
    LABELS,
    TEXTS,
    small_language_model,
    small_model,
    train_on_first_token,
)
from tests.unit.text.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")


def test_gated_networks_remember_longer_where_the_first_token_decides() -> None:
    lives = {}
    for cell in ("rnn", "lstm", "gru"):
        trained, valid = train_on_first_token(cell)
        memory = compute_memory(trained.model, read_rows(trained.model, valid))
        before, after = memory.curves
        assert (before.moment, after.moment) == ("before", "after")
        assert before.half_life.tokens < 2, "with random weights, each soon forgets"
        lives[cell] = after.half_life
        if cell != "rnn":
            assert trained.scores.accuracy == 1.0
    assert lives["rnn"].tokens < lives["lstm"].tokens
    assert lives["rnn"].tokens < lives["gru"].tokens
    assert lives["rnn"].quartiles[2] < min(lives["lstm"].quartiles[0], lives["gru"].quartiles[0])


def test_curve_is_the_mean_norm_of_the_texts_that_are_long_enough() -> None:
    model = small_model("gru")
    rows = read_rows(model, (TEXTS[:7], LABELS[:7]))
    (curve,) = compute_memory(model, rows, moments=("after",), probes=None).curves
    chosen = encode_rows(model, rows, most=7)
    reader = open_network(chosen.adapt(model.network))
    slow: dict[int, list[float]] = {}
    for number in range(len(chosen)):
        ids = torch.from_numpy(chosen.row(number))[None]
        last = torch.tensor([ids.shape[1] - 1])
        squares = squared_norms(reader, ids, torch.ones_like(ids, dtype=torch.bool), last,
                                probes=None)[0]  # fmt: skip
        for place, square in enumerate(squares.tolist()):
            slow.setdefault(int(last) - place, []).append(math.sqrt(square))
    assert curve.texts[0] == 7
    for distance, (norm, texts) in enumerate(zip(curve.norms, curve.texts, strict=True)):
        assert texts == len(slow[distance]) >= 5
        assert norm == pytest.approx(np.mean(slow[distance]), rel=1e-4)


def test_redrawn_network_is_that_of_the_first_step() -> None:
    options = {"model": {"name": "gru", "dim": 8, "ensemble_size": 2, "ngrams": 2},
               "training": {"epochs": 1, "threads": 1}, "seed": 11}  # fmt: skip
    prepared = prepare((TEXTS, LABELS), None, options, discard)
    first = make_loop(prepared).state.model
    trained = train((TEXTS, LABELS), config=options).model
    redrawn = redraw_network(trained)
    for (name, weight), other in zip(
        first.state_dict().items(), redrawn.state_dict().values(), strict=True
    ):
        assert torch.equal(weight, other), name
    assert not redrawn.training
    before = [parameter.clone() for parameter in trained.network.parameters()]
    compute_memory(trained, read_rows(trained, (TEXTS[:9], LABELS[:9])))
    for weight, other in zip(before, trained.network.parameters(), strict=True):
        assert torch.equal(weight, other), "looking changes nothing"


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "transformer"])
def test_language_models_have_memory_too(name: str) -> None:
    model = small_language_model(name)
    rows = read_rows(model, (TEXTS, LABELS))
    memory = compute_memory(model, rows, distance=12, most_texts=6)
    for curve in memory.curves:
        assert len(curve.norms) == 13
        assert set(curve.texts) == {6}
        assert all(math.isfinite(norm) and norm >= 0 for norm in curve.norms)
    connectivity = compute_connectivity(model, "영화 정말\n재미있다")
    assert not np.triu(connectivity.squares, 1).any(), "no state depends on a later token"
    assert (np.diag(connectivity.squares) > 0).all()


def test_answers_have_memory_as_states_do() -> None:
    model = small_model("lstm")
    rows = read_rows(model, (TEXTS, LABELS))
    memory = compute_memory(model, rows, of="answer")
    assert memory.of == "answer"
    assert all(curve.norms[0] > 0 for curve in memory.curves)
    joined = join_memories([memory, compute_memory(model, rows, of="answer", name="other")])
    assert [curve.name for curve in joined.curves] == ["lstm", "lstm", "other", "other"]
    assert joined.to_json()["curves"][0]["half_life"]["tokens"] > 0


def test_unusable_models_and_texts_are_refused() -> None:
    with pytest.raises(ConfigError, match="no state per token"):
        compute_memory(small_model("mean"), read_rows(small_model("mean"), (TEXTS, LABELS)))
    model = small_model("gru")
    with pytest.raises(ConfigError, match="of: expected state or answer"):
        compute_memory(model, read_rows(model, (TEXTS, LABELS)), of="nothing")  # type: ignore[arg-type]
    language = small_language_model("gru")
    with pytest.raises(ConfigError, match="no answer that is computed from one vector"):
        compute_memory(language, read_rows(language, (TEXTS, LABELS)), of="answer")
    bare = small_model("gru", "tokenizer.add_go_eos=false")
    with pytest.raises(DataError, match="three tokens or more"):
        compute_memory(bare, read_rows(bare, (["영화", "음악"], ["bad", "good"])))


def test_words_of_a_text_share_what_their_tokens_draw_on() -> None:
    model = small_model("gru", tokenizer="jamo")
    connectivity = compute_connectivity(model, "영화  정말 재미")
    tokens = connectivity.tokens
    assert [label for label in connectivity.labels if "⟨" not in label] == ["영화", "정말", "재미"]
    slow = np.zeros((len(tokens.word_labels),) * 2)
    for state, row in enumerate(connectivity.squares):
        for token, square in enumerate(row):
            slow[tokens.words[state], tokens.words[token]] += square
    np.testing.assert_allclose(connectivity.norms, np.sqrt(slow))
    np.testing.assert_allclose(connectivity.shares.sum(1), 1, rtol=1e-5)
    assert sum_by_words(tokens, np.ones(len(tokens.ids))).sum() == len(tokens.ids)


@pytest.mark.parametrize("tokenizer", ["words", "jamo"])
@settings(max_examples=15)
@given(text=hostile_text())
def test_any_text_has_connectivity_or_one_error(tokenizer: str, text: str) -> None:
    model = small_model("rnn", tokenizer=tokenizer)
    try:
        connectivity = compute_connectivity(model, text[:60], probes=2)
    except MunjangError:
        return
    tokens = connectivity.tokens
    assert len(tokens.ids) == len(tokens.labels) == len(tokens.words)
    assert sorted(set(tokens.words)) == list(range(len(tokens.word_labels)))
    assert np.isfinite(connectivity.norms).all()
    words = [label for label in tokens.word_labels if label not in ("⟨go⟩", "⟨eos⟩")]
    assert all(word in text for word in words), "words are the person's own characters"


def test_two_texts_in_a_row_are_read_as_one() -> None:
    pairs = list(zip(TEXTS, TEXTS[1:] + TEXTS[:1], strict=True))
    quick = ["model.dim=8", "training.epochs=1", "training.threads=1", "two_texts.reading=joined"]
    model = train(
        (pairs, LABELS), input="two_texts", model="gru", tokenizer="words", overrides=quick
    ).model
    connectivity = compute_connectivity(model, ("영화 정말", "영화 음악"))
    labels = ("⟨go⟩", "영화", "정말", "⟨eos⟩", "영화", "음악", "⟨eos⟩")
    assert connectivity.labels == connectivity.tokens.labels == labels
    assert connectivity.tokens.text == "영화 정말 | 영화 음악"
    rows = read_rows(model, (pairs, LABELS))
    assert compute_memory(model, rows, moments=("after",)).curves[0].texts[0] == len(pairs)


def test_ids_are_those_that_the_model_reads() -> None:
    model = small_model("gru", tokenizer="jamo")
    for text in ("영화", "영화 정말 재미있다", " 영화 "):
        tokens, network = read_tokens(model, text)
        encoded = model.input.encode_values([text])
        (batch,) = encoded.dataset().in_order_of_length()
        assert list(tokens.ids) == batch.inputs[0][0].tolist()
        assert find_encoders(network)
