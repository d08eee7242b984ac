"""Contracts of every encoder of the registry, one row per setting.

A new architecture is tested with its defaults as soon as it stands in the registry; give it rows of
its own in `SETTINGS` for what only it can do.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from munjang.layers.embedding import TokenEmbedding
from munjang.models.vectors import GivesStates
from munjang.tasks.classify import Classify
from munjang.text.vocabulary import PAD, RESERVED
from munjang.training.loop import Loop
from munjang.training.settings import TrainingSettings
from munjang.training.state import make_state
from tests.architectures import ARCHITECTURES, build_encoder, model_config
from tests.synthetic import Rows, make_dataset, pad_rows, random_rows

pytestmark = pytest.mark.usefixtures("one_thread")

VOCABULARY = 30
TOKENS = [f"word{number * 7 % 13}{number}" for number in range(VOCABULARY - len(RESERVED))]
# Sizes that keep the suite quick, laid on every architecture that knows the key.
SMALL = {"dim": 8, "hidden_dim": 6, "filters": 5, "heads": 2,
    "ngram_buckets": 64, "bag_buckets": 64,
         "subword_buckets": 20}  # fmt: skip
RECURRENT: list[dict[str, Any]] = [
    {},
    {"ngrams": 3},
    {"directions": 1},
    {"directions": 1, "pooling": "last", "layers": 2},
    {"pooling": "last"},
    {"pooling": "max+mean", "layers": 2},
    {"pooling": "mean", "layers": 3},
    {"bag_dim": 4, "ngrams": 2},
    {"pooling": "attention"},
    {"pooling": "max+mean+attention", "directions": 1},
]
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "mean": [
        {},
        {"ngrams": 3},
        {"combiner": "sqrtn"},
        {"ngrams": 4, "ngram_min_frequency": 2},
        {"subword_ngrams": 4},
    ],
    "cnn": [
        {},
        {"ngrams": 3},
        {"kernel_sizes": [1]},
        {"kernel_sizes": [2, 4, 9]},
        {"activation": "gelu", "pooling": "mean"},
        {"activation": "softmax", "pooling": "max+mean"},
        {"activation": "sigmoid", "pooling": "last"},
        {"bag_dim": 4},
        {"bag_dim": 4, "subword_ngrams": 5},
        {"pooling": "attention"},
        {"pooling": "max+attention", "kernel_sizes": [1, 2]},
    ],
    "rnn": RECURRENT,
    "gru": [*RECURRENT, {"layers": 2, "variational_dropout": False}],
    "lstm": [*RECURRENT, {"layers": 2, "variational_dropout": True}],
    "transformer": [
        {},
        {"ngrams": 3, "layers": 1},
        {"positions": "sinusoidal"},
        {"positions": "learned"},
        {"positions": "learned", "max_positions": 12},
        {"layers": 3},
        {"heads": 1, "pooling": "last"},
        {"heads": 4, "pooling": "mean", "activation": "relu"},
        {"pooling": "max+mean", "activation": "softmax", "feed_forward_dim": 5},
        {"bag_dim": 4, "ngrams": 2},
    ],
    "bert": [
        {},
        {"layers": 1, "pooling": "first", "pooler": True},
        {"max_positions": 12, "pooling": "max+mean", "segments": 1},
        {"heads": 4, "pooling": "attention", "activation": "relu", "feed_forward_dim": 5},
        {"bag_dim": 4, "ngrams": 2, "norm_eps": 1e-5},
    ],
}
# Norms after each sublayer need a lower rate.
LEARNING_RATES = {"bert": 0.01}
CASES = [
    pytest.param(
        name, model_settings, id="-".join([name, *(f"{k}={v}" for k, v in model_settings.items())])
    )
    for name in ARCHITECTURES
    for model_settings in SETTINGS.get(name, [{}])
]
every_encoder = pytest.mark.parametrize(("name", "model_settings"), CASES)
ROWS = [[], [5], *random_rows(7, vocabulary=VOCABULARY, shortest=2, longest=12)]


def make_encoder(
    name: str, model_settings: dict[str, Any], *, dropout: float = 0.0, seed: int = 3
) -> nn.Module:
    """A small encoder in training mode, every dropout at the share given."""
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    dropouts = {
        key: dropout
        for key in fields
        if key.endswith("dropout") and fields[key].annotation is not bool
    }
    config = model_config({"name": name, **small, **dropouts, **model_settings})
    torch.manual_seed(seed)
    encoder = build_encoder(config, VOCABULARY)
    for embedding in find_embeddings(encoder):
        embedding.count_ngrams([(ids, mask.sum(1)) for ids, mask in [pad_rows(ROWS * 2)]])
        if embedding.subwords is not None:
            embedding.subwords.fit([*RESERVED, *TOKENS])
    return encoder


def find_embeddings(encoder: nn.Module) -> list[TokenEmbedding]:
    """Every table of token rows in an encoder."""
    return [module for module in encoder.modules() if isinstance(module, TokenEmbedding)]


def make_loop(
    name: str, model_settings: dict[str, Any], train: Rows, *, dropout: float = 0.0, **training: Any
) -> tuple[Loop, nn.Module]:
    """A training of three classes, rows and their copies in turn; judged on the first eight."""
    task = Classify(("a", "b", "c"))
    network = task.network(make_encoder(name, model_settings, dropout=dropout))
    tuned = TrainingSettings.parse(training)
    targets = [number % 8 % 3 for number in range(len(train))]
    parts = make_dataset(train, targets), make_dataset(train[:8], targets[:8])
    return Loop(make_state(network, tuned), task, *parts, tuned, seed=7), network


def encode(encoder: nn.Module, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`pooled`, and `states` (of no width where the model builds none)."""
    with torch.inference_mode():
        pooled = encoder(ids, mask).pooled
        has_states = isinstance(encoder, GivesStates)
        states = encoder.states(ids, mask) if has_states else torch.zeros(*ids.shape, 0)
    return pooled, states


def test_every_architecture_has_a_case() -> None:
    assert {case.values[0] for case in CASES} == set(ARCHITECTURES)
    assert set(SETTINGS) <= set(ARCHITECTURES)


@every_encoder
def test_output_shapes(name: str, model_settings: dict[str, Any]) -> None:
    encoder = make_encoder(name, model_settings)
    ids, mask = pad_rows(ROWS)
    encoded = encoder(ids, mask)
    assert encoded.pooled.shape == (len(ROWS), encoder.pooled_dim)
    assert encoded.pooled.isfinite().all()
    assert torch.equal(encoded.mask, mask)
    if encoded.states is not None:
        assert encoded.states.shape[:2] == ids.shape
        assert encoded.states.ndim == 3
    if encoded.attention is not None:
        batch, heads, queries, keys = encoded.attention.shape
        assert (batch, keys) == ids.shape
        # every token looks, or one query of one head does for the whole row
        assert queries == ids.shape[1] or (heads, queries) == (1, 1)
        assert not encoded.attention.masked_select(~mask[:, None, None]).any()
        sums = encoded.attention[mask.any(1)].sum(-1)
        torch.testing.assert_close(sums, torch.ones_like(sums))
    assert (encoded.attention is not None) == ("attention" in model_settings.get("pooling", ""))


rows_of_ids = st.lists(st.lists(st.integers(1, VOCABULARY - 1), max_size=12), min_size=1)


@every_encoder
@settings(max_examples=12)
@given(rows=rows_of_ids, extra=st.integers(0, 9), filler=st.integers(0, VOCABULARY - 1))
def test_pooled_does_not_depend_on_padding_or_batch(
    name: str, model_settings: dict[str, Any], rows: list[list[int]], extra: int, filler: int
) -> None:
    encoder = make_encoder(name, model_settings).eval()
    rows = [*rows, [], [5], ROWS[2]]
    batched, states = encode(encoder, *pad_rows(rows, extra=extra, filler=filler))
    for index, row in enumerate(rows):
        single, own_states = encode(encoder, *pad_rows([row]))
        torch.testing.assert_close(batched[index], single[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            states[index, : len(row)], own_states[0, : len(row)], atol=1e-5, rtol=1e-4
        )


@every_encoder
@pytest.mark.parametrize("batch", [1, 2, 64, 257])
def test_pooled_does_not_depend_on_batch_size(
    name: str, model_settings: dict[str, Any], batch: int
) -> None:
    encoder = make_encoder(name, model_settings).eval()
    row = ROWS[3]
    single, _ = encode(encoder, *pad_rows([row]))
    batched, _ = encode(encoder, *pad_rows([row] * batch))
    torch.testing.assert_close(batched, single.expand_as(batched), atol=1e-5, rtol=1e-4)


@every_encoder
def test_pooled_does_not_depend_on_row_order(name: str, model_settings: dict[str, Any]) -> None:
    encoder = make_encoder(name, model_settings).eval()
    straight, _ = encode(encoder, *pad_rows(ROWS))
    backwards, _ = encode(encoder, *pad_rows(ROWS[::-1]))
    torch.testing.assert_close(backwards.flip(0), straight, atol=1e-5, rtol=1e-4)


@every_encoder
def test_empty_rows_give_finite_outputs_and_gradients(
    name: str, model_settings: dict[str, Any]
) -> None:
    encoder = make_encoder(name, model_settings)
    pooled = encoder(*pad_rows([[], []])).pooled
    assert pooled.isfinite().all()
    pooled.square().sum().backward()
    for parameter in encoder.parameters():
        if parameter.grad is not None:
            assert parameter.grad.to_dense().isfinite().all()


@every_encoder
def test_gradient_reaches_every_parameter(name: str, model_settings: dict[str, Any]) -> None:
    encoder = make_encoder(name, model_settings)
    ids, mask = pad_rows(ROWS)
    pooled = encoder(ids, mask).pooled
    (pooled * torch.randn_like(pooled)).sum().backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.to_dense().abs().max() > 0, key
        assert parameter.grad.to_dense().isfinite().all(), key


@every_encoder
def test_embedding_gradient_is_nonzero_exactly_for_used_rows(
    name: str, model_settings: dict[str, Any]
) -> None:
    # pooling by the maximum may pass over a token; the mean passes over none
    pooling = {"pooling": "mean", "activation": "tanh"}
    fields = ARCHITECTURES[name].config_class().model_fields
    encoder = make_encoder(
        name, {**model_settings, **{k: v for k, v in pooling.items() if k in fields}}
    )
    ids, mask = pad_rows(ROWS)
    encoder(ids, mask).pooled.square().sum().backward()
    for embedding in find_embeddings(encoder):
        assert embedding.weight.grad is not None
        gradient = embedding.weight.grad.to_dense()
        used = set(embedding.rows(ids, mask).unique().tolist()) - {PAD}
        assert set(gradient.abs().sum(1).nonzero()[:, 0].tolist()) == used


@every_encoder
@pytest.mark.parametrize("rows", [ROWS, [ROWS[-1]]], ids=["batch", "one row"])
def test_encode_of_embed_equals_forward(
    name: str, model_settings: dict[str, Any], rows: Rows
) -> None:
    encoder = make_encoder(name, model_settings).eval()
    ids, mask = pad_rows(rows)
    with torch.no_grad():
        whole = encoder(ids, mask)
        parts = encoder.encode(encoder.embed(ids, mask), mask)
    torch.testing.assert_close(parts.pooled, whole.pooled, rtol=1e-4, atol=1e-5)


@every_encoder
def test_encode_depends_on_ids_through_vectors_only(
    name: str, model_settings: dict[str, Any]
) -> None:
    encoder = make_encoder(name, model_settings).eval()
    ids, mask = pad_rows(ROWS)
    others = torch.where(mask, (ids + 7) % (VOCABULARY - 2) + 2, ids)
    zeroed = []
    for batch in (ids, others):
        vectors = encoder.embed(batch, mask)
        assert vectors.tokens.shape[:2] == mask.shape
        none = {f: t if t is None else torch.zeros_like(t) for f, t in vars(vectors).items()}
        zeroed.append(encoder.encode(type(vectors)(**none), mask).pooled)
    assert torch.equal(*zeroed)
    assert not torch.equal(encoder(ids, mask).pooled, encoder(others, mask).pooled)


@every_encoder
def test_gradient_reaches_token_vectors(name: str, model_settings: dict[str, Any]) -> None:
    encoder = make_encoder(name, model_settings).eval()
    ids, mask = pad_rows(ROWS)
    vectors = encoder.embed(ids, mask)
    leaves = {f: t if t is None else t.detach().requires_grad_() for f, t in vars(vectors).items()}
    encoder.encode(type(vectors)(**leaves), mask).pooled.square().sum().backward()
    for tensor in leaves.values():
        if tensor is not None:
            assert tensor.grad[mask].abs().sum() > 0
            assert not tensor.grad[~mask].any()


@every_encoder
def test_saved_and_loaded_encoder_gives_same_outputs(
    name: str, model_settings: dict[str, Any], tmp_path: Path
) -> None:
    first, second = (make_encoder(name, model_settings, seed=seed).eval() for seed in (1, 2))
    for embedding in find_embeddings(second):
        embedding.count_ngrams([])  # what the first one counted must come with its weights
    batch = pad_rows(ROWS)
    before, _ = encode(first, *batch)
    assert not torch.equal(before, encode(second, *batch)[0])
    save_file(first.state_dict(), tmp_path / "weights.safetensors")
    second.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(encode(second, *batch)[0], before)


@every_encoder
def test_same_seed_gives_bitwise_equal_training(name: str, model_settings: dict[str, Any]) -> None:
    runs = []
    for noise in (1, 2):
        loop, network = make_loop(name, model_settings, ROWS, dropout=0.3, epochs=1, batch_size=2)
        torch.manual_seed(noise)  # whatever else draws random numbers must not matter
        losses = [step.loss for step in loop]
        runs.append((losses, network.state_dict()))
    assert runs[0][0] == runs[1][0]
    for key, value in runs[0][1].items():
        assert torch.equal(value, runs[1][1][key]), key


@every_encoder
def test_overfits_small_batch(name: str, model_settings: dict[str, Any]) -> None:
    # of one length, or batches would hold copies of a single row
    rows = random_rows(8, vocabulary=VOCABULARY, shortest=7, longest=7)
    rate = LEARNING_RATES.get(name, 0.08)
    fast = {"learning_rate": rate, "weight_decay": 0.0, "schedule": "linear", "batch_size": 8}
    loop, network = make_loop(name, model_settings, rows * 120, epochs=1, **fast)
    *_, last = loop
    assert last.scores is not None
    assert last.scores.accuracy == 1.0
    assert last.scores.log_loss < 0.02
    for embedding in find_embeddings(network):
        assert not embedding.weight[PAD].any(), "the PAD row moved"
