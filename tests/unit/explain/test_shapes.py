"""The arithmetic of every model, held against the module, against counted products, and by hand."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import munjang
from munjang.config import to_yaml
from munjang.defaults import make_recipe
from munjang.errors import ConfigError
from munjang.explain.image_layers import image_cnn_layers
from munjang.explain.layers import LayerShape
from munjang.explain.shapes import MOST_NUMBERS, Shapes, check, shapes
from munjang.explain.text_layers import TEXT_LAYERS
from munjang.layers import attention
from munjang.models.image_cnn import ImageCnn, ImageCnnConfig
from munjang.models.registry import ARCHITECTURES, IMAGE_ARCHITECTURES, build_encoder
from tests.contracts.test_encoders import SETTINGS, SMALL

pytestmark = pytest.mark.usefixtures("one_thread")


def bare(filters: int, kernel: int, *more: str) -> tuple[str, ...]:
    first = (f"model.filters={filters}", f"model.kernel={kernel}", "model.padding=valid")
    return (*first, "model.pool=1", *more)


@pytest.mark.parametrize(
    ("size", "overrides", "shape"),
    [
        ("7x7", bare(1, 3), (5, 5, 1)),
        ("7x7", (*bare(1, 3), "model.padding=same"), (7, 7, 1)),
        ("96x96", bare(400, 8), (89, 89, 400)),
        ("5x7x3", bare(2, 3, "model.stride=2"), (2, 3, 2)),
    ],
)
def test_a_convolution_by_hand(size: str, overrides: tuple[str, ...], shape: Any) -> None:
    first = shapes("image_cnn", input=size, overrides=overrides).layers[0]
    assert first.shape == shape
    assert first.activations == shape[0] * shape[1] * shape[2]


@pytest.mark.parametrize(("pool", "shape"), [(2, (44, 44, 400)), (4, (22, 22, 400))])
def test_what_pooling_makes_of_three_million_numbers(pool: int, shape: tuple[int, ...]) -> None:
    found = shapes("image_cnn", input="96x96", overrides=[*bare(400, 8), f"model.pool={pool}"])
    convolution, pooling, vector = found.layers
    assert convolution.activations == 3_168_400
    assert convolution.parameters == found.parameters == 400 * (8 * 8 + 1)
    assert convolution.multiply_adds == 89 * 89 * 400 * 64
    assert pooling.shape == shape
    assert found.activations == convolution.activations + pooling.activations
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
def test_every_image_network_is_as_computed_or_refused(
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
    layers = {"kernel": kernels[:count], "stride": strides[:count], "pool": pools[:count]}
    names = {"padding": padding, "pooling": pooling, "pooled": pooled}
    config = ImageCnnConfig.parse({"filters": filters, **layers, **names})
    try:
        found = Shapes("image_cnn", size, tuple(image_cnn_layers(config, size)))
    except ConfigError:
        assert fails_in_torch(config, size)
        return
    encoder = ImageCnn(config, size)
    image = torch.zeros((1, *size), dtype=torch.uint8)
    check(found, encoder, (image,))
    with FlopCounterMode(display=False) as counted:
        encoder.eval()(image)
    assert counted.get_total_flops() == 2 * found.multiply_adds


def fails_in_torch(config: ImageCnnConfig, size: tuple[int, int, int]) -> bool:
    """Whether PyTorch's own layers, zeros put around by hand, leave nothing or refuse."""
    maps = torch.zeros((1, *size))
    try:
        for layer in config.layers:
            if layer.padding == "same":
                for side in (2, 3):
                    total = maps.shape[side]
                    places = -(-total // layer.stride)
                    more = max(0, (places - 1) * layer.stride + layer.kernel - total)
                    lengths = (0, 0, 0, more) if side == 2 else (0, more, 0, 0)
                    maps = nn.functional.pad(maps, lengths)
            maps = nn.Conv2d(maps.shape[1], layer.filters, layer.kernel, layer.stride)(maps)
            maps = nn.functional.max_pool2d(maps, layer.pool)
    except RuntimeError:
        return True
    return maps.numel() == 0


CASES = [
    pytest.param(name, chosen, id="-".join([name, *(f"{k}={v}" for k, v in chosen.items())]))
    for name in ARCHITECTURES
    for chosen in SETTINGS[name]
]


@pytest.mark.parametrize(("name", "chosen"), CASES)
@pytest.mark.parametrize("tokens", [1, 2, 11])
def test_every_text_encoder_is_as_computed(name: str, chosen: dict[str, Any], tokens: int) -> None:
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    longest = {"tokenizer": {"max_length": 12, "ends": False}} if "longest" in chosen else {}
    config = {"model": {**small, **chosen}, **longest}
    found = shapes(name, input=tokens, vocabulary=30, config=config)
    assert found.parameters > 0
    assert found.layers[-1].shape[-1] > 0


def test_products_of_a_transformer_are_those_that_pytorch_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # the counter does not see into the fused function of a CPU
    def attend(*qkv: Any, causal: bool) -> Any:
        assert not causal
        return attention.attend_with_weights(*qkv)[0]

    monkeypatch.setattr(attention, "attend", attend)
    found = shapes("transformer", input=11, vocabulary=30)
    encoder = build_encoder(make_recipe("transformer", "other", 0, {}).model, 30).eval()
    ids = torch.ones((1, 11), dtype=torch.int64)
    with FlopCounterMode(display=False) as counted:
        encoder(ids, ids > 0)
    assert counted.get_total_flops() == 2 * found.multiply_adds


def test_every_architecture_has_its_formulas() -> None:
    assert set(TEXT_LAYERS) == set(ARCHITECTURES)
    assert set(IMAGE_ARCHITECTURES) == {"image_cnn"}


@pytest.mark.parametrize("wrong", [{"shape": (4, 5, 1)}, {"parameters": 11}])
def test_a_formula_that_disagrees_with_the_module_is_an_error(wrong: dict[str, Any]) -> None:
    config = ImageCnnConfig.parse({"filters": 1, "padding": "valid", "pool": 1})
    right = next(iter(image_cnn_layers(config, (1, 7, 7))))
    found = Shapes("image_cnn", (7, 7, 1), (LayerShape(**{**vars(right), **wrong}),))
    with pytest.raises(RuntimeError, match="convolution 1: the formula for"):
        check(found, ImageCnn(config, (1, 7, 7)), (torch.zeros((1, 1, 7, 7), dtype=torch.uint8),))


def test_a_layer_that_was_forgotten_is_an_error() -> None:
    config = ImageCnnConfig.parse({"filters": [1, 1], "pool": 1})
    first = tuple(image_cnn_layers(config, (1, 7, 7)))[:1]
    image = torch.zeros((1, 1, 7, 7), dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="all layers"):
        check(Shapes("image_cnn", (7, 7, 1), first), ImageCnn(config, (1, 7, 7)), (image,))


def test_what_no_memory_would_hold_is_still_checked() -> None:
    found = shapes("image_cnn", input="4096x4096", overrides=bare(64, 3))
    assert found.activations > MOST_NUMBERS
    assert found.layers[0].shape == (4094, 4094, 64)


def test_random_numbers_stay_as_they_were() -> None:
    before = torch.get_rng_state()
    munjang.shapes("gru", input=3, vocabulary=20)
    munjang.shapes("image_cnn", input="8x8")
    assert torch.equal(torch.get_rng_state(), before)


def test_json_is_plain_and_says_all() -> None:
    told = shapes("image_cnn", input="7x9", overrides=bare(2, 3)).to_json()
    assert to_yaml(told)
    assert told["input"] == [7, 9, 1]
    assert told["layers"][0]["shape"] == (5, 7, 2)
    assert told["layers"][0]["activations"] == 70
    assert told["activations"] == 70


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (
            "image_cnn",
            {"input": "7x7", "overrides": bare(1, 8)},
            "convolution 1 has filters of 8x8",
        ),
        (
            "image_cnn",
            {"input": "7x7", "overrides": ["model.filters=[1,1]", "model.pool=5"]},
            "pooling 2 takes squares of 5x5, and the 1x1 before it fills none",
        ),
        ("image_cnn", {"input": "7x7x2"}, "1 channel (grey) or 3 (colour), got '7x7x2'"),
        ("image_cnn", {"input": "0x7"}, "expected height x width"),
        ("image_cnn", {"overrides": ["model.kernels=3"]}, "did you mean 'kernel'?"),
        (
            "image_cnn",
            {"overrides": ["model.filters=[1,2,3]", "model.pool=[1,2]"]},
            "pool: expected one number, or one for each of the 3 layers of filters, got 2",
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
def test_mistakes_are_one_line(model: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shapes(model, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
