"""The task masked_lm: losses, scores and answers, against plain computations."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import munjang
from munjang.data.batches import Batch, TextDataset
from munjang.errors import ConfigError, DataError
from munjang.recipe import make_recipe
from munjang.tasks import masked_scores
from munjang.tasks.masked_lm import MaskedLm, MaskedLmSettings
from munjang.tasks.masked_scores import unigram_log_probabilities
from munjang.tasks.sentence_pairs import NO_PAIR
from munjang.text.capitals import sign_ids
from munjang.text.plain.capitals import SIGNS
from munjang.text.registry import make_tokenizer, tokenizer_from_json
from munjang.text.vocabulary import EOS, GO, OOV, RESERVED
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state
from tests.architectures import build_encoder, model_config
from tests.synthetic import make_column, make_corpus, random_rows

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS, _ = make_corpus(60)
TABLE = pl.DataFrame({"text": TEXTS})


class Fitted:
    """An input that is only its tokenizer."""

    tokenizer = make_tokenizer("wordpiece").fit(pl.Series(TEXTS))


SIZE = Fitted.tokenizer.vocabulary.size
BERT = {"name": "bert", "dim": 8, "layers": 1, "heads": 2, "max_positions": 40}


def make_task(**settings: Any) -> MaskedLm:
    return MaskedLm(MaskedLmSettings.parse(settings)).with_input(Fitted)


def make_network(task: MaskedLm) -> torch.nn.Module:
    torch.manual_seed(0)
    return task.network(build_encoder(model_config(BERT), SIZE)).eval()


def make_pair_rows(count: int) -> TextDataset:
    rows = random_rows(2 * count, vocabulary=SIZE, shortest=1, longest=8)
    rows = [[max(n, 4) for n in row] for row in rows]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return TextDataset(make_column([[GO, *a, EOS, *b, EOS] for a, b in pairs]))


def make_text_rows(count: int) -> TextDataset:
    rows = random_rows(count, vocabulary=SIZE, shortest=1, longest=12)
    return TextDataset(make_column([[GO, *row, EOS] for row in rows]))


def make_generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reference_logits(network: Any, batch: Any) -> Tensor:
    """Logits of every token of every row, [batch, time, vocabulary], by the head's own layers."""
    states = network.encoder.states(batch.ids, batch.mask)
    states = network.norm(F.gelu(network.transform(states)))
    return states @ network.encoder.embedding.weight[:SIZE].T + network.bias


def test_scores_equal_plain_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masked_scores, "_CHUNK", 3 * SIZE)  # three places at a time
    task = make_task()
    network, data = make_network(task), make_text_rows(700)
    scores = task.evaluate(network, data)
    losses, right, base_losses, base_right = [], [], [], []
    frequencies = unigram_log_probabilities(Fitted.tokenizer.vocabulary)
    for batch in task.masked_batches(data):
        with torch.no_grad():
            logits = reference_logits(network, batch).flatten(0, 1)[batch.places]
        for row, target in zip(logits, batch.targets.tolist(), strict=True):
            losses.append(-float(row.log_softmax(0)[target]))
            right.append(int(row.argmax()) == target)
            base_losses.append(-frequencies[target])
            base_right.append(int(np.argmax(frequencies)) == target)
    assert scores.tokens == len(losses)
    assert scores.rows == 700
    assert scores.cross_entropy == pytest.approx(np.mean(losses), rel=1e-5)
    assert scores.perplexity == pytest.approx(math.exp(np.mean(losses)), rel=1e-4)
    assert scores.accuracy == pytest.approx(np.mean(right))
    assert scores.baseline_cross_entropy == pytest.approx(np.mean(base_losses))
    assert scores.baseline_accuracy == pytest.approx(np.mean(base_right))
    assert task.evaluate(network, data) == scores
    assert task.evaluate(network.train(), data) == scores
    other = replace(task, settings=task.settings.model_copy(update={"validation_seed": 2}))
    assert other.evaluate(network, data) != scores


def test_validation_does_not_depend_on_training_masks() -> None:
    network, data = make_network(make_task()), make_text_rows(50)
    usual = make_task().evaluate(network, data)
    other = make_task(mask_rate=0.6, whole_words=True, masked_share=1.0, random_share=0.0)
    assert other.evaluate(network, data) == usual


def test_baseline_equals_token_frequencies() -> None:
    task = make_task()
    network = task.network(build_encoder(model_config({**BERT, "dropout": 0.0}), SIZE))
    with torch.no_grad():
        network.encoder.embedding.weight.zero_()
    scores = task.evaluate(network, make_text_rows(80))
    assert scores.cross_entropy == pytest.approx(scores.baseline_cross_entropy, abs=0.1)
    assert scores.accuracy == scores.baseline_accuracy


def test_mask_rate_changes_linearly() -> None:
    task = make_task(mask_rate=0.4, mask_rate_end=0.1)
    rates = [task.settings.rate_at(progress) for progress in (-1, 0, 0.5, 1, 2)]
    assert rates == pytest.approx([0.4, 0.4, 0.25, 0.1, 0.1])
    (batch,) = make_text_rows(200).in_order_of_length(256)
    counts = [len(task.draw_targets(batch, make_generator(), p).places) for p in (0.0, 0.5, 1.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 2.5 * counts[2]


def test_targets_follow_from_generator() -> None:
    (batch,) = make_text_rows(20).in_order_of_length(256)
    task = make_task(whole_words=True)
    first, repeated, other = (task.draw_targets(batch, make_generator(n), 0.0) for n in (0, 0, 1))
    assert torch.equal(first.ids, repeated.ids)
    assert not torch.equal(first.ids, other.ids)


@pytest.mark.parametrize("pairs", ["next_sentence", "sentence_order"])
def test_pair_loss_is_added(pairs: str) -> None:
    task = make_task(pairs=pairs)
    network, data = make_network(task), make_pair_rows(30)
    (batch,) = data.in_order_of_length(256)
    masked = task.draw_targets(batch, make_generator(), 0.0)
    with torch.no_grad():
        outputs = network(*masked.inputs)
        loss = float(task.loss(outputs, masked.targets))
        logits = reference_logits(network, masked).flatten(0, 1)[masked.places]
    labels = masked.targets[len(masked.places) :]
    assert len(labels) == 30
    tokens = F.cross_entropy(logits, masked.targets[: len(masked.places)])
    assert loss == pytest.approx(float(tokens + F.cross_entropy(outputs.pairs, labels)), rel=1e-5)
    scores = task.evaluate(network, data)
    assert scores.pair_accuracy is not None
    assert scores.metrics["pair_accuracy"] == scores.pair_accuracy
    assert 0 <= scores.pair_accuracy <= 1


def test_rows_of_one_text_have_no_pair_loss() -> None:
    task = make_task(pairs="next_sentence")
    network = make_network(task)
    (batch,) = make_text_rows(9).in_order_of_length(256)
    masked = task.draw_targets(batch, make_generator(), 0.0)
    assert masked.targets[-9:].tolist() == [NO_PAIR] * 9
    loss = task.loss(network(*masked.inputs), masked.targets)
    assert loss.isfinite()
    loss.backward()
    assert not network.pair_output.weight.grad.any()
    assert task.evaluate(network, make_text_rows(9)).pair_accuracy is None


def test_sentence_order_is_learned() -> None:
    rows = [[GO, *[4 + n % 2] * 5, EOS, *[20 + n % 2] * 5, EOS] for n in range(64)]
    data = TextDataset(make_column(rows))
    task = make_task(pairs="sentence_order")
    torch.manual_seed(0)
    config = model_config({"name": "gru", "dim": 16, "hidden_dim": 16, "dropout": 0.0})
    network = task.network(build_encoder(config, SIZE)).train()
    settings = TrainingSettings.parse({"epochs": 100, "learning_rate": 0.01, "batch_size": 32})
    *_, last = Loop(make_state(network, settings), task, data, data, settings, seed=0)
    assert last.scores is not None
    assert last.scores.metrics["pair_accuracy"] > 0.95


@pytest.mark.parametrize("rows", [[[]], [[GO, EOS]], [[GO, OOV, EOS]] * 3])
def test_rows_without_maskable_tokens_are_refused(rows: list[list[int]]) -> None:
    task = make_task()
    with pytest.raises(DataError, match="no token of the validation rows can be masked"):
        task.evaluate(make_network(task), TextDataset(make_column(rows)))
    loss = task.loss(
        make_network(task)(*task.draw_targets(make_batch(rows), make_generator(), 0.0).inputs),
        torch.empty(0, dtype=torch.int64),
    )
    assert loss.item() == 0


def make_batch(rows: list[list[int]]) -> Batch:
    (batch,) = TextDataset(make_column(rows)).in_order_of_length(256)
    return batch


@pytest.fixture(scope="module")
def model() -> Any:
    config = {
        "training": {"epochs": 30, "threads": 1, "batch_tokens": 256, "learning_rate": 0.01},
        "model": {key: value for key, value in BERT.items() if key != "name"},
        "tokenizer": {"max_length": 30, "min_frequency": 1},
    }
    return munjang.train(TABLE, task="masked_lm", config=config).model


def test_answer_is_softmax_at_mask(model: Any) -> None:
    text = "the [MASK] was great [MASK] 7"
    answer = model.predict(text, top=3)[0]
    ids = [GO, *model.task.for_prediction(model.input).tokenizer.encode_text(text), EOS]
    mask_id = model.task.masking.mask_id
    positions = [index for index, n in enumerate(ids) if n == -1]
    batch = torch.tensor([[mask_id if n == -1 else int(n) for n in ids]])
    size = model.input.size
    with torch.no_grad():
        network = model.network
        states = network.encoder.states(batch, torch.ones_like(batch, dtype=torch.bool))
        states = network.norm(F.gelu(network.transform(states)))
        logits = states @ network.encoder.embedding.weight[:size].T + network.bias
    logits[..., : len(RESERVED)] = -torch.inf
    logits[..., mask_id] = -torch.inf
    assert len(answer.masks) == len(positions) == 2
    for index, candidates in zip(positions, answer.masks, strict=True):
        best = logits[0, index].softmax(0).topk(3)
        assert [c.probability for c in candidates] == pytest.approx(best.values.tolist(), rel=1e-4)
        tokens = model.input.tokenizer.vocabulary.tokens
        assert [c.piece for c in candidates] == [tokens[n] for n in best.indices.tolist()]


def test_answers_do_not_depend_on_batch(model: Any) -> None:
    texts = [f"{a} [MASK] {b}" for a in ("the", "a great film", "") for b in ("was", "okay 3")]
    many = model.predict(texts * 60)
    for index, text in enumerate(texts):
        alone = model.predict(text)[0]
        for copy in range(0, 360, 6):
            for mine, theirs in zip(alone.masks, many[index + copy].masks, strict=True):
                assert [c.piece for c in mine] == [c.piece for c in theirs]
                assert [c.probability for c in mine] == pytest.approx(
                    [c.probability for c in theirs], rel=1e-4
                )


def test_answers_as_lines_and_json(model: Any) -> None:
    answer = model.predict("the [MASK] [MASK]", top=2)[0]
    lines = answer.lines(7, "")
    assert [line[:2] for line in lines] == [["7", "1"], ["7", "1"], ["7", "2"], ["7", "2"]]
    values = answer.to_json()
    assert set(values) == {"masks", "truncated"}
    assert [len(mask) for mask in values["masks"]] == [2, 2]
    assert set(values["masks"][0][0]) == {"token", "piece", "probability"}
    blank = model.predict("  ")[0]
    assert blank.lines(1, "") == [["1"]]
    assert blank.to_json() == {"masks": [], "truncated": False}


def test_top_beyond_vocabulary_gives_all_tokens(model: Any) -> None:
    (candidates,) = model.predict("[MASK]", top=1000)[0].masks
    assert len(candidates) == model.input.size - len(RESERVED) - 1  # [MASK]
    assert "[MASK]" not in [candidate.piece for candidate in candidates]
    assert sum(c.probability for c in candidates) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("top", [0, -1, 1001, 1.5, "3", True])
def test_invalid_top_is_refused(model: Any, top: Any) -> None:
    with pytest.raises(ConfigError, match="top: expected a number of tokens from 1 to 1000"):
        model.predict("[MASK]", top=top)


def test_unsupported_options_are_refused(model: Any) -> None:
    with pytest.raises(ConfigError, match="alignment"):
        model.predict("[MASK]", alignment=True)
    with pytest.raises(ConfigError, match="has no probabilities"):
        model.predict_proba("[MASK]")


def test_mask_beyond_max_length_is_truncated(model: Any) -> None:
    answer = model.predict(f"{'the ' * 40}[MASK]")[0]
    assert answer.truncated
    assert answer.masks == ()


def test_card_shows_scores_and_baseline(model: Any) -> None:
    scores = model.metrics["validation"]
    card = model.task.card(scores, "text")
    assert f"{scores['baseline_cross_entropy']:.4f}" in card.details
    assert f"{scores['cross_entropy']:.4f}" in card.details


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"masked_lm": {"masked_share": 0.9, "random_share": 0.2}}, "a sum of at most 1, got 1.1"),
    ({"masked_lm": {"mask_rate": 1.0}}, "mask_rate"),
    ({"masked_lm": {"pairs": "next_sentence"}}, "masked_lm.pairs: next_sentence needs rows of two"),
    ({"masked_lm": {"pairs": "both"}}, "pairs"),
    ({"labels": ["a", "b"]}, "labels"),
    ({"model": {"ensemble_size": 3}}, "model.ensemble_size"),
    ({"model": {"name": "mean"}}, "mean"),
]


@pytest.mark.parametrize(("changed", "message"), INVALID)
def test_invalid_settings_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        munjang.train(TABLE, task="masked_lm", config=changed)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_vocabulary_without_tokens_is_refused() -> None:
    with pytest.raises(DataError, match="the vocabulary has no token to predict"):
        munjang.train(
            pl.DataFrame({"text": ["a b", "c d"]}),
            task="masked_lm",
            config={"tokenizer": {"name": "words", "min_frequency": 9}},
        )


def test_whole_words_with_word_tokenizer_is_reported() -> None:
    lines: list[str] = []
    config = {
        "tokenizer": {"name": "words"},
        "training": {"max_steps": 1, "epochs": 1},
        "masked_lm": {"whole_words": True},
        "model": {"dim": 4, "layers": 1, "heads": 1},
    }
    munjang.train(TABLE, task="masked_lm", config=config, report=lines.append)
    assert any("each token is masked as a word of its own" in line for line in lines)
    lines.clear()
    config["tokenizer"] = {"name": "wordpiece", "min_frequency": 1}
    munjang.train(TABLE, task="masked_lm", config=config, report=lines.append)
    assert not any("whole_words" in line for line in lines)


def test_capital_markers_are_neither_masked_nor_predicted() -> None:
    texts = [f"the Great FILM {number % 5} and Actors" for number in range(60)]
    config = {
        "tokenizer": {"name": "words", "settings": {"capitals": True}},
        "training": {"max_steps": 3, "threads": 1},
        "model": {"dim": 4, "layers": 1, "heads": 1},
    }
    model: Any = munjang.train(pl.DataFrame({"text": texts}), task="masked_lm", config=config).model
    vocabulary = model.input.tokenizer.vocabulary
    signs = set(sign_ids(vocabulary))
    assert len(signs) == 2
    data = model.input.encode_values(texts).dataset()
    (batch,) = data.in_order_of_length(256)
    assert signs <= set(batch.ids.flatten().tolist())
    masked = model.task.masking.mask(batch, make_generator(), 0.9)
    assert not signs & set(masked.targets.tolist())
    for validation in model.task.masked_batches(data):
        assert not signs & set(validation.targets.tolist())
    frequencies = unigram_log_probabilities(vocabulary)
    assert np.isneginf(frequencies[list(signs)]).all()
    assert np.exp(frequencies).sum() == pytest.approx(1.0)
    (candidates,) = model.predict("[MASK] film", top=1000)[0].masks
    assert len(candidates) == vocabulary.size - len(RESERVED) - len(signs)
    assert not set(SIGNS) & {candidate.piece for candidate in candidates}


def test_masked_lm_has_its_own_defaults() -> None:
    recipe: Any = make_recipe({"task": "masked_lm"})
    assert recipe.model_name == "bert"
    assert (recipe.model.dropout, recipe.model.embedding_dropout) == (0, 0)
    training = recipe.training
    assert (training.learning_rate, training.beta2, training.schedule) == (1e-3, 0.98, "linear")
    assert (training.weight_decay, training.decay_embeddings) == (0.01, False)
    assert (recipe.masked_lm.mask_rate, recipe.masked_lm.mask_rate_end) == (0.3, 0.15)
    tuned: Any = make_recipe({"task": "classify", "model": {"name": "bert"}})
    assert tuned.model.dropout > 0
    wide: Any = make_recipe({"task": "masked_lm", "model": {"name": "cnn"}})
    assert (wide.model.bag_dim, wide.model.token_dropout, wide.model.dropout) == (0, 0, 0)
    assert wide.training.embedding_optimizer == "adamw"


def test_scores_of_rows_add_up_to_those_of_all_masked_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(masked_scores, "_CHUNK", 3 * SIZE)
    task = make_task()
    network, data = make_network(task), make_text_rows(300)
    scores, rows = task.evaluate(network, data), task.score_rows(network, data)
    assert int(rows.tokens.sum()) == scores.tokens
    assert rows.nats.sum() / scores.tokens == pytest.approx(scores.cross_entropy, rel=1e-5)
    assert rows.right.sum() / scores.tokens == pytest.approx(scores.accuracy)
    # of one row, token by token
    own: list[float] = []
    for batch in task.masked_batches(data):
        with torch.no_grad():
            logits = reference_logits(network, batch).flatten(0, 1)[batch.places]
        for place, row, target in zip(batch.places, logits, batch.targets, strict=True):
            if int(batch.rows[int(place) // batch.ids.shape[1]]) == 7:
                own.append(-float(row.log_softmax(0)[target]))
    assert rows.tokens[7] == len(own)
    assert rows.nats[7] == pytest.approx(sum(own), rel=1e-5)


def test_baseline_of_a_vocabulary_without_counts_is_not_called_frequencies() -> None:
    network, data = make_network(make_task()), make_text_rows(40)
    assert make_task().evaluate(network, data).baseline_name == "token frequencies"
    known = Fitted.tokenizer.vocabulary
    without = replace(known, counts=np.zeros(known.size, dtype=np.int64))

    class Imported:
        tokenizer = tokenizer_from_json(Fitted.tokenizer.to_json(), without)

    task = MaskedLm(MaskedLmSettings()).with_input(Imported)
    scores = task.evaluate(network, data)
    assert scores.baseline_name == scores.to_json()["baseline"] == "equal frequencies"
    assert scores.baseline_cross_entropy == pytest.approx(math.log(SIZE - len(RESERVED) - 1), abs=1)
