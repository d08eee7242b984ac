"""The arithmetic of every model, measured on the module and held against sums made by hand."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import munjang
from munjang.config import merge, to_yaml
from munjang.errors import ConfigError
from munjang.explain.layers import measure_layers
from munjang.explain.shapes import shapes
from munjang.inputs.text import MOST_TOKENS
from munjang.models.encoder import EncoderOutput
from munjang.models.image_cnn import ImageCnn, ImageCnnConfig
from munjang.recipe import make_recipe
from tests.architectures import ARCHITECTURES, build_encoder
from tests.contracts.test_encoders import SETTINGS, SMALL

pytestmark = pytest.mark.usefixtures("one_thread")


def plain_overrides(filters: int, kernel: int, *more: str) -> tuple[str, ...]:
    first = (f"model.filters={filters}", f"model.kernel_size={kernel}", "model.padding=valid")
    return (*first, "model.pool_size=1", *more)


@pytest.mark.parametrize(
    ("size", "overrides", "shape"),
    [
        ("7x7", plain_overrides(1, 3), (5, 5, 1)),
        ("7x7", (*plain_overrides(1, 3), "model.padding=same"), (7, 7, 1)),
        ("96x96", plain_overrides(400, 8), (89, 89, 400)),
        ("5x7x3", plain_overrides(2, 3, "model.stride=2"), (2, 3, 2)),
    ],
)
def test_convolution_shape(size: str, overrides: tuple[str, ...], shape: Any) -> None:
    first = shapes("image_cnn", input=size, overrides=overrides).layers[0]
    assert first.shape == shape
    assert first.activations == shape[0] * shape[1] * shape[2]


@pytest.mark.parametrize(("pool", "shape"), [(2, (44, 44, 400)), (4, (22, 22, 400))])
def test_pooling_shape_of_large_image(pool: int, shape: tuple[int, ...]) -> None:
    result = shapes(
        "image_cnn", input="96x96", overrides=[*plain_overrides(400, 8), f"model.pool_size={pool}"]
    )
    convolution, pooling, vector = result.layers
    assert convolution.activations == 3_168_400
    assert convolution.parameters == result.parameters == 400 * (8 * 8 + 1)
    assert convolution.multiply_adds == 89 * 89 * 400 * 64
    assert pooling.shape == shape
    assert result.activations == convolution.activations + pooling.activations
    assert vector.shape == (pooling.activations,)


sides = st.integers(1, 20)
one_or_more = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@settings(max_examples=150)
@given(
    size=st.tuples(st.sampled_from([1, 3]), sides, sides),
    filters=one_or_more,
    kernels=st.lists(st.integers(1, 6), min_size=3, max_size=3),
    strides=st.lists(st.integers(1, 4), min_size=3, max_size=3),
    pools=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    padding=st.sampled_from(["valid", "same"]),
    pooling=st.sampled_from(["max", "mean"]),
    pooled=st.sampled_from(["flat", "max", "mean"]),
)
def test_every_image_network_is_measured_or_refused(
    size: tuple[int, int, int],
    filters: list[int],
    kernels: list[int],
    strides: list[int],
    pools: list[int],
    padding: str,
    pooling: str,
    pooled: str,
) -> None:
    count = len(filters)
    layers = {"kernel_size": kernels[:count], "stride": strides[:count], "pool_size": pools[:count]}
    names = {"padding": padding, "pooling": pooling, "final_pooling": pooled}
    config = ImageCnnConfig.parse({"filters": filters, **layers, **names})
    try:
        encoder = ImageCnn(config, size)
    except ConfigError:
        assert fails_in_torch(config, size)
        return
    layers = measure_layers(encoder, torch.zeros((1, *size), dtype=torch.uint8))
    channels, multiply_adds, positions = size[0], 0, config.sizes(*size[1:])
    for layer, (convolved, _) in zip(config.layers, positions, strict=True):
        window = layer.kernel**2 * channels
        multiply_adds += convolved[0] * convolved[1] * window * layer.filters
        channels = layer.filters
    assert sum(layer.multiply_adds for layer in layers) == multiply_adds
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in encoder.parameters())
    written = [layer for layer in layers if layer.name.endswith("convolution")]
    for layer, (convolved, _) in zip(written, positions, strict=True):
        results = [int(side.split(" ")[-1]) for side in layer.how.split(" by ")]
        assert layer.shape[:2] == convolved == (results[0], results[-1])


def fails_in_torch(config: ImageCnnConfig, size: tuple[int, int, int]) -> bool:
    """Return whether PyTorch's own layers, explicitly padded, give no output or refuse."""
    maps = torch.zeros((1, *size))
    try:
        for layer in config.layers:
            if layer.padding == "same":
                for side in (2, 3):
                    total = maps.shape[side]
                    positions = -(-total // layer.stride)
                    more = max(0, (positions - 1) * layer.stride + layer.kernel - total)
                    lengths = (0, 0, 0, more) if side == 2 else (0, more, 0, 0)
                    maps = nn.functional.pad(maps, lengths)
            maps = nn.Conv2d(maps.shape[1], layer.filters, layer.kernel, layer.stride)(maps)
            maps = nn.functional.max_pool2d(maps, layer.pool)
    except RuntimeError:
        return True
    return maps.numel() == 0


CASES = [
    pytest.param(
        name, model_settings, id="-".join([name, *(f"{k}={v}" for k, v in model_settings.items())])
    )
    for name in ARCHITECTURES
    for model_settings in SETTINGS[name]
]


def evaluate_formula(how: str) -> int:
    """The value of a sum of products such as "2 x 3 + 4 x 5"."""
    return sum(math.prod(map(int, term.split(" x "))) for term in how.split(" + "))


@pytest.mark.parametrize(("name", "model_settings"), CASES)
@pytest.mark.parametrize("tokens", [1, 2, 11])
def test_text_encoder_layers_sum_to_parameters(
    name: str, model_settings: dict[str, Any], tokens: int
) -> None:
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    limited = "max_positions" in model_settings
    longest = {"tokenizer": {"max_length": 12, "add_go_eos": False}} if limited else {}
    config = {"model": {**small, **model_settings}, **longest}
    result = shapes(name, input=tokens, vocabulary=30, config=config)
    recipe = make_recipe(merge({"model": {"name": name}}, config))
    encoder = build_encoder(recipe.model, 30)
    assert result.parameters == sum(p.numel() for p in encoder.parameters())
    assert result.layers[-1].shape == (encoder.pooled_dim,)
    for layer in result.layers:
        if layer.multiply_adds and "/" not in layer.how and " to " not in layer.how:
            assert layer.multiply_adds == evaluate_formula(layer.how), layer
    assert result.layers[0].name == "embedding"
    assert "rows of" in result.layers[0].how
    assert not any(layer.name == type(encoder).__name__ for layer in result.layers)


SIZES = {"model": {"dim": 8, "bag_dim": 0, "subword_ngrams": 0}}


# 100 tokens take the fused attention, 5 the plain products
@pytest.mark.parametrize("time", [5, 100])
def test_multiply_adds_of_transformer(time: int) -> None:
    overrides = ["model.layers=3", "model.heads=2", "model.feed_forward_dim=24"]
    result = shapes("transformer", input=time, config=SIZES, overrides=overrides)
    attention = 4 * time * 8 * 8 + 2 * time * time * 8
    assert result.multiply_adds == 3 * (attention + 2 * time * 8 * 24)
    (layer,) = (one for one in result.layers if one.name == "blocks.2.attention")
    assert layer.multiply_adds == attention == evaluate_formula(layer.how)
    assert layer.how == (
        f"{time} x 8 x 24 + 2 x {time} x 4 x {time} + 2 x {time} x {time} x 4 + {time} x 8 x 8"
    )


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize("directions", [1, 2])
def test_multiply_adds_of_recurrent_layer(name: str, gates: int, directions: int) -> None:
    overrides = ["model.hidden_dim=6", "model.layers=2", f"model.directions={directions}"]
    result = shapes(name, input=9, config=SIZES, overrides=overrides)
    first, second = (9 * gates * 6 * (below + 6) for below in (8, 6 * directions))
    assert result.multiply_adds == directions * (first + second)


def test_multiply_adds_of_convolution_and_pooling() -> None:
    overrides = ["model.kernel_sizes=[2,5]", "model.filters=7", "model.pooling=max+attention"]
    result = shapes("cnn", input=9, config=SIZES, overrides=overrides)
    embedding, two, five, pooling = result.layers
    assert (two.multiply_adds, five.multiply_adds) == (9 * 2 * 8 * 7, 9 * 5 * 8 * 7)
    assert (two.parameters, five.parameters) == ((2 * 8 + 1) * 7, (5 * 8 + 1) * 7)
    assert pooling.multiply_adds == 9 * (14 * 14 + 2 * 14)
    assert pooling.shape == (2 * 14,)
    assert (two.how, pooling.how) == ("(9 + 1 zeros - 2) / 1 + 1 = 9", "max+attention of 9 to 1")
    assert (embedding.how, embedding.shape) == ("10,000 rows of 8, looked up", (9, 8))


class Unknown(nn.Module):
    """An encoder that nothing in the project has heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(30, 6)
        self.start = nn.Parameter(torch.zeros(1, 1, 6))
        self.layers = nn.ModuleDict(
            {"mix": nn.TransformerEncoderLayer(6, 2, 12, batch_first=True), "up": nn.Linear(6, 10)}
        )
        self.spare = nn.Linear(2, 3)
        self.tied = nn.Embedding(30, 6)
        self.tied.weight = self.rows.weight

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> EncoderOutput:
        states = self.layers["mix"](self.rows(ids) + self.start)
        scores = states @ states.transpose(1, 2)
        return EncoderOutput(self.layers["up"](scores @ states).amax(1), mask)


def test_unknown_encoder_is_measured() -> None:
    ids = torch.ones((1, 4), dtype=torch.int64)
    encoder = Unknown()
    layers = {layer.name: layer for layer in measure_layers(encoder, ids, ids > 0)}
    assert layers["rows"].shape == (4, 6)
    assert layers["layers.up"].multiply_adds == 4 * 6 * 10
    assert layers["layers.mix.linear1"].multiply_adds == 4 * 6 * 12
    assert layers["spare"].parameters == 2 * 3 + 3
    assert layers["Unknown"].multiply_adds == 2 * 4 * 4 * 6, "its own products"
    assert layers["Unknown"].parameters == 6
    assert "tied" not in layers
    total = sum(parameter.numel() for parameter in encoder.parameters())
    assert sum(layer.parameters for layer in layers.values()) == total
    assert layers["Unknown"].shape == (10,)


def test_image_too_large_for_memory_has_shapes() -> None:
    result = shapes("image_cnn", input="4096x4096", overrides=plain_overrides(4096, 3))
    assert result.layers[0].shape == (4094, 4094, 4096)


@pytest.mark.parametrize("tokens", [0, MOST_TOKENS + 1, 100_000, 10**9])
def test_too_long_text_is_refused(tokens: int) -> None:
    with pytest.raises(ConfigError, match="tokens from 1 to 4,096, as in 32, got"):
        shapes("gru", input=tokens)


def test_encoder_decoder_is_refused_with_names_of_encoders() -> None:
    with pytest.raises(ConfigError, match=r"available for mean, cnn, .* seq2seq is an encoder-dec"):
        shapes("seq2seq")
    assert shapes("transformer", input=2, overrides=["model.dim=8", "model.heads=2"]).parameters


def test_shapes_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    munjang.shapes("gru", input=3, vocabulary=20)
    munjang.shapes("image_cnn", input="8x8")
    assert torch.equal(torch.get_rng_state(), before)


def test_json_is_serializable() -> None:
    values = shapes("image_cnn", input="7x9", overrides=plain_overrides(2, 3)).to_json()
    assert to_yaml(values)
    assert values["input"] == [7, 9, 1]
    assert values["layers"][0]["shape"] == (5, 7, 2)
    assert values["layers"][0]["activations"] == 70
    assert values["activations"] == 70


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (
            "image_cnn",
            {"input": "7x7", "overrides": plain_overrides(1, 8)},
            "convolution 1 has filters of 8x8",
        ),
        (
            "image_cnn",
            {"input": "7x7", "overrides": ["model.filters=[1,1]", "model.pool_size=5"]},
            "pooling 2 takes squares of 5x5, and the 1x1 before it fills none",
        ),
        ("image_cnn", {"input": "7x7x2"}, "1 channel (gray) or 3 (color), got '7x7x2'"),
        ("image_cnn", {"input": "0x7"}, "expected height x width"),
        ("image_cnn", {"overrides": ["model.kernels=3"]}, "did you mean 'kernel_size'?"),
        (
            "image_cnn",
            {"overrides": ["model.filters=[1,2,3]", "model.pool_size=[1,2]"]},
            "pool_size: expected one number, or one for each of the 3 layers of filters, got 2",
        ),
        ("cnn", {"input": "7x7"}, "expected a number of tokens"),
        ("cnn", {"overrides": ["model=3"]}, "model: expected settings such as 'dim: 64', got 3"),
        ("cnn", {"vocabulary": 1}, "expected more than PAD and OOV"),
        ("image_cn", {}, "unknown model 'image_cn'"),
        (
            "transformer",
            {"input": 513, "overrides": ["model.positions=learned"]},
            "513 tokens, and the positions of the model end at 512",
        ),
    ],
)
def test_errors_are_one_line(model: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shapes(model, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
