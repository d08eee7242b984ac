"""Kernels for one row, held to the layers that read batches and train."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from munjang.layers.activations import Activation
from munjang.layers.attention import SelfAttention
from munjang.layers.blocks import Block, Norm
from munjang.layers.embedding import TokenEmbedding, hash_batch
from munjang.layers.fast.convolution import Convolutions
from munjang.layers.fast.derived import DerivedWeights
from munjang.layers.fast.packed_lstm import pack_lstm
from munjang.layers.pooling import Pooling
from munjang.layers.position import rotary_tables
from munjang.layers.recurrent import Cell, StackedRecurrent
from munjang.models.encoder import WideConfig, bag_embedding, token_embedding

pytestmark = pytest.mark.usefixtures("one_thread")
quick = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 999)


def _forward_with_gradient(layer: nn.Module, states: Tensor, *others: Tensor) -> Tensor:
    """Return the output of the layer with gradients enabled."""
    return layer(states.clone().requires_grad_(), *others)


def _full_mask(states: Tensor) -> Tensor:
    return torch.ones(states.shape[:2], dtype=torch.bool)


@quick
@given(
    cell=st.sampled_from(["lstm", "gru", "rnn"]),
    time=st.integers(1, 40),
    dim=st.integers(1, 20),
    hidden=st.integers(1, 40),
    layers=st.integers(1, 2),
    scale=st.sampled_from([1.0, 300.0]),
    seed=seeds,
)
def test_recurrent_row_equals_batch(
    cell: Cell, time: int, dim: int, hidden: int, layers: int, scale: float, seed: int
) -> None:
    torch.manual_seed(seed)
    stacked = StackedRecurrent(cell, dim, hidden, layers=layers, directions=2).eval()
    states = torch.randn(1, time, dim) * scale
    with torch.inference_mode():
        actual = stacked(states, _full_mask(states))
    assert actual.shape == (1, time, 2 * hidden)
    expected = _forward_with_gradient(stacked, states, _full_mask(states))
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


def test_lstm_without_packed_weights_gives_same_output(monkeypatch: pytest.MonkeyPatch) -> None:
    stacked = StackedRecurrent("lstm", 6, 8, directions=2).eval()
    states = torch.randn(1, 5, 6)
    with torch.inference_mode():
        packed = stacked(states, _full_mask(states))
        other = copy.deepcopy(stacked)
        monkeypatch.setattr("munjang.layers.fast.packed_lstm.torch.ops", object())
        weights = [p for layer in (other.forwards, other.backwards) for p in layer.parameters()]
        assert pack_lstm(*weights) is None
        torch.testing.assert_close(other(states, _full_mask(states)), packed)


@quick
@given(
    time=st.integers(1, 80),
    heads=st.integers(1, 4),
    pairs=st.integers(1, 8),
    rotary=st.booleans(),
    seed=seeds,
)
def test_attention_row_equals_batch(
    time: int, heads: int, pairs: int, rotary: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    attention = SelfAttention(2 * pairs * heads, heads).eval()
    states = torch.randn(1, time, 2 * pairs * heads)
    rotary = rotary_tables(time, 2 * pairs, states) if rotary else None
    with torch.inference_mode():
        actual = attention(states, None, rotary)
    expected = _forward_with_gradient(attention, states, None, rotary)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@quick
@given(
    time=st.integers(1, 80),
    activation=st.sampled_from(["gelu", "relu", "softmax"]),
    norm=st.sampled_from(["pre", "post"]),
    rotary=st.booleans(),
    seed=seeds,
)
def test_transformer_layer_row_equals_batch(
    time: int, activation: Activation, norm: Norm, rotary: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    block = Block(8, 2, hidden_dim=12, activation=activation, dropout=0.1, norm=norm).eval()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    states = torch.randn(1, time, 8)
    tables = rotary_tables(time, 4, states) if rotary else None
    with torch.inference_mode():
        actual = block(states, None, tables)
    expected = _forward_with_gradient(block, states, None, tables)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@quick
@given(
    time=st.integers(1, 300),
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    seed=seeds,
)
def test_convolutions_row_equals_batch(time: int, widths: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    convolutions = Convolutions(5, 3, widths).eval()
    states = torch.randn(1, time, 5)
    with torch.inference_mode():
        actual = convolutions.concatenate_maps(states)
    expected = torch.cat([layer(states) for layer in convolutions.layers()], dim=-1)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@quick
@given(pooling=st.sampled_from(["max", "mean", "max+mean", "mean+max+last"]), seed=seeds)
def test_pooling_row_equals_batch(pooling: str, seed: int) -> None:
    torch.manual_seed(seed)
    layer = Pooling(pooling, 6, directions=2)
    states = torch.randn(2, 5, 6)
    with torch.inference_mode():
        actual, _ = layer(states, _full_mask(states))
    expected, _ = layer(states.clone().requires_grad_(), _full_mask(states))
    torch.testing.assert_close(actual, expected)


def _make_embeddings(**settings_: int) -> tuple[TokenEmbedding, TokenEmbedding | None]:
    config = WideConfig(dim=4, bag_dim=3, **settings_)
    embeddings = token_embedding(config, 50), bag_embedding(config, 50)
    for embedding in embeddings:
        assert embedding is not None
        if embedding.rows.min_frequency > 1:
            embedding.rows.kept.copy_(torch.randint(0, 256, embedding.rows.kept.shape))
    return embeddings


@pytest.mark.parametrize("buckets", [7, 64])
@pytest.mark.parametrize("frequency", [1, 2])
@pytest.mark.parametrize("subword_ngrams", [0, 3])
@quick
@given(ids=st.lists(st.integers(1, 60), min_size=1, max_size=12), ngrams=st.integers(1, 5))
def test_embedding_and_bag_row_equals_batch(
    buckets: int, frequency: int, subword_ngrams: int, ids: list[int], ngrams: int
) -> None:
    embedding, bag = _make_embeddings(
        ngrams=ngrams,
        ngram_buckets=buckets,
        ngram_min_frequency=frequency,
        subword_ngrams=subword_ngrams,
        bag_ngrams=3,
        bag_buckets=buckets,
        bag_min_frequency=frequency,
    )
    assert bag is not None
    batch = torch.tensor([ids])
    if subword_ngrams:  # without a word for it, an id behind the vocabulary has no subwords
        batch = batch.clamp(max=49)
    mask = torch.ones_like(batch, dtype=torch.bool)
    embedding.eval()
    bag.eval()
    with torch.inference_mode():
        row = hash_batch(batch, mask, embedding, bag)
        assert row is not None
        vectors = embedding(batch, mask, row)
        bags = [bag.bag(batch, mask, combiner, row) for combiner in ("mean", "sqrtn")]
    torch.testing.assert_close(vectors, embedding(batch, mask))
    for result, combiner in zip(bags, ("mean", "sqrtn"), strict=True):
        torch.testing.assert_close(result, bag.bag(batch, mask, combiner))


def test_hash_batch_skips_padded_empty_and_training_rows() -> None:
    embedding = TokenEmbedding(50, 4, ngrams=2).eval()
    ids = torch.tensor([[3, 4]])
    whole = torch.ones_like(ids, dtype=torch.bool)
    assert hash_batch(ids, whole, embedding) is None
    with torch.no_grad():
        assert hash_batch(ids, whole, embedding) is not None
        assert hash_batch(ids, torch.tensor([[True, False]]), embedding) is None
        assert hash_batch(ids[:, :0], whole[:, :0], embedding) is None
        assert hash_batch(ids.repeat(2, 1), whole.repeat(2, 1), embedding) is None
        assert hash_batch(ids, whole, embedding.train()) is None


def _make_layers() -> list[tuple[nn.Module, str, Tensor]]:
    """Layers that keep what they derive from weights, the name of one, and states to read."""
    return [
        (
            StackedRecurrent("lstm", 6, 8, directions=2),
            "backwards.0.bias_hh_l0",
            torch.randn(1, 5, 6),
        ),
        (
            StackedRecurrent("gru", 6, 8, directions=2),
            "backwards.0.bias_hh_l0",
            torch.randn(1, 5, 6),
        ),
        (Convolutions(6, 4, (1, 2)), "1.bias", torch.randn(1, 5, 6)),
    ]


def _run(layer: nn.Module, states: Tensor) -> Tensor:
    with torch.inference_mode():
        if isinstance(layer, Convolutions):
            return layer.concatenate_maps(states)
        return layer(states, _full_mask(states))


def _run_reference(layer: nn.Module, states: Tensor) -> Tensor:
    if isinstance(layer, Convolutions):
        return torch.cat([convolve(states) for convolve in layer.layers()], dim=-1)
    return _forward_with_gradient(layer, states, _full_mask(states))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    "how", ["in place", "by an optimizer", "loaded", "assigned", "copied", "pickled", "replaced"]
)
def test_derived_weights_follow_changed_weights(number: int, how: str) -> None:
    layer, name, states = _make_layers()[number]
    other = _make_layers()[number][0]
    layer.eval()
    before = _run(layer, states)
    if how == "in place":
        with torch.no_grad():
            layer.get_parameter(name).add_(1.0)
    elif how == "by an optimizer":
        layer.train()
        layer.get_parameter(name).data.add_(2.0)
        layer.eval()
    elif how == "loaded":
        layer.load_state_dict(other.state_dict())
    elif how == "assigned":
        layer.load_state_dict(other.state_dict(), assign=True)
    elif how == "copied":
        layer = copy.deepcopy(layer)
        layer.load_state_dict(other.state_dict())
    elif how == "pickled":
        layer = pickle.loads(pickle.dumps(layer))
        layer.load_state_dict(other.state_dict())
    else:
        module, _, attribute = name.rpartition(".")
        changed = nn.Parameter(layer.get_parameter(name) + 1)
        setattr(layer.get_submodule(module), attribute, changed)
    result = _run(layer, states)
    torch.testing.assert_close(result, _run_reference(layer, states), rtol=1e-5, atol=2e-6)
    assert not torch.allclose(result, before, atol=1e-3)


@pytest.mark.parametrize("number", range(3))
def test_derived_weights_are_not_in_state_dict(number: int) -> None:
    layer, _, states = _make_layers()[number]
    names = list(layer.eval().state_dict())
    _run(layer, states)
    assert list(layer.state_dict()) == names
    assert sum(p.numel() for p in copy.deepcopy(layer).parameters()) > 0


@pytest.mark.parametrize("number", range(3))
def test_layer_built_in_inference_mode(number: int) -> None:
    with torch.inference_mode():
        layer, _, states = _make_layers()[number]
    layer.eval()
    first = _run(layer, states)
    assert torch.equal(_run(layer, states), first)


@pytest.mark.parametrize("number", range(3))
def test_derived_weights_are_thread_safe(number: int) -> None:
    layer, _, states = _make_layers()[number]
    layer.eval()
    expected = _run_reference(layer, states)
    with ThreadPoolExecutor(4) as pool:
        for actual in pool.map(lambda _: _run(layer, states), range(40)):
            torch.testing.assert_close(actual, expected, rtol=1e-5, atol=2e-6)


def test_derived_weights_are_computed_once() -> None:
    calls = []

    def derive(weight: Tensor) -> Tensor:
        calls.append(weight)
        return weight * 2

    derived: DerivedWeights[Tensor] = DerivedWeights()
    weight = nn.Parameter(torch.ones(2))
    assert derived.get((weight,), derive) is derived.get((weight,), derive)
    assert len(calls) == 1
    derived.clear()
    derived.get((weight,), derive)
    assert len(calls) == 2
