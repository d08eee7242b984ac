"""Layer by layer: shapes, parameters, multiply-adds and activations of a model on one input.

The model is built and run once on an input of that size. Hooks record the shapes, and PyTorch's
`FlopCounterMode` counts the products.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from munjang.config import MOST_IDS, given_settings, merge, shown
from munjang.data.images.settings import parse_size
from munjang.defaults import make_recipe
from munjang.errors import ConfigError
from munjang.explain.layers import LayerShape, measure_layers
from munjang.image_recipe import make_image_recipe
from munjang.layers.randomness import initialising_from
from munjang.memory import total_memory
from munjang.models.image_cnn import ImageShape
from munjang.models.registry import (
    IMAGE_ARCHITECTURES,
    architecture,
    build_encoder,
    build_image_encoder,
)
from munjang.tasks.inference import compute_alone_if_forked
from munjang.text.vocabulary import OOV

TOKENS, IMAGE, VOCABULARY = 32, "28x28", 10_000
# The model is run on so many tokens, which takes a recurrent one some seconds.
MOST_TOKENS = 4096


@dataclass(frozen=True)
class Shapes:
    """A model's arithmetic for one text or one image.

    Attributes:
        model: name of the architecture.
        input: [time] of a text, [height, width, channels] of an image.
        layers: in the order of their calls.
    """

    model: str
    input: tuple[int, ...]
    layers: tuple[LayerShape, ...]

    @property
    def parameters(self) -> int:
        """Trained numbers of the encoder, without the head of a task."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with their additions in all layers, for one input."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activations(self) -> int:
        """Numbers in the outputs of all layers, for one input."""
        return sum(layer.activations for layer in self.layers if not layer.is_rearranged)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        rows = [{**asdict(layer), "activations": layer.activations} for layer in self.layers]
        totals = ("parameters", "multiply_adds", "activations")
        return {
            "model": self.model,
            "input": list(self.input),
            "layers": rows,
            **{name: getattr(self, name) for name in totals},
        }


def shapes(
    model: str,
    *,
    input: str | int | tuple[int, ...] | None = None,
    vocabulary: int = VOCABULARY,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
) -> Shapes:
    """Return the arithmetic of a model, layer by layer, measured on the model itself.

    Args:
        model: name of an architecture.
        input: of an image, height x width or height x width x channels ("96x96", "32x32x3"); of a
            text, the number of tokens, up to 4,096. 28x28 and 32 when left out.
        vocabulary: size of the vocabulary of a text model, PAD included.
        config: a YAML file or a mapping of settings, as in `config.yaml`.
        overrides: `key=value` strings laid on top, such as "model.filters=[400]".

    Raises:
        ConfigError: there is no such model or setting, or an input of that size is too small or
            too large for the model.
    """
    compute_alone_if_forked()
    settings = given_settings(config, {}, overrides)
    if not isinstance(settings.get("model", {}), Mapping):
        raise ConfigError(
            f"model: expected settings such as 'dim: 64', got {shown(settings['model'])}"
        )
    given = merge(settings, {"model": {"name": model}})
    if model in IMAGE_ARCHITECTURES:
        return _image_shapes(model, _image_shape(IMAGE if input is None else input), given)
    architecture(model)
    return _text_shapes(model, _tokens(TOKENS if input is None else input), vocabulary, given)


def _image_shapes(model: str, shape: ImageShape, given: Mapping[str, Any]) -> Shapes:
    channels, height, width = shape
    recipe = make_image_recipe(model, 0, given, size=(height, width))
    # on the device "meta" tensors have shapes and no numbers, so that no size is too large
    with initialising_from(0), torch.device("meta"):
        encoder = build_image_encoder(recipe.model, shape)
        layers = measure_layers(encoder, torch.zeros((1, *shape), dtype=torch.uint8))
    return Shapes(model, (height, width, channels), tuple(layers))


def _text_shapes(model: str, time: int, vocabulary: int, given: Mapping[str, Any]) -> Shapes:
    recipe = make_recipe(model, "other", 0, given)
    if vocabulary <= OOV:
        raise ConfigError(f"vocabulary: expected more than PAD and OOV, got {vocabulary}")
    most = recipe.model.most_tokens
    if most is not None and time > most:
        raise ConfigError(
            f"input: {time} tokens, and the positions of the model end at {most}; raise "
            "model.longest, or set model.positions to sinusoidal or rotary"
        )
    if vocabulary > MOST_IDS:
        raise ConfigError(f"vocabulary: expected at most {MOST_IDS:,}, got {shown(vocabulary)}")
    with initialising_from(0), torch.device("meta"):
        parameters, memory = _count(build_encoder(recipe.model, vocabulary)), total_memory()
    if memory and 4 * parameters > memory:
        raise ConfigError(
            f"model: {parameters:,} parameters take {4 * parameters / 1e9:,.1f} GB, "
            f"and this machine has {memory / 1e9:,.1f} GB; lower model.dim"
        )
    with initialising_from(0):
        encoder = build_encoder(recipe.model, vocabulary)
    ids = torch.full((1, time), OOV)
    layers = measure_layers(encoder, ids, torch.ones_like(ids, dtype=torch.bool))
    return Shapes(model, (time,), tuple(layers))


def _tokens(given: object) -> int:
    """Parse a number of tokens."""
    text = str(given)
    if not (
        text.isascii() and text.isdecimal() and len(text) < 7 and 1 <= int(text) <= MOST_TOKENS
    ):
        raise ConfigError(
            f"input: expected a number of tokens from 1 to {MOST_TOKENS:,}, as in 32, got {given!r}"
        )
    return int(text)


def _image_shape(given: Any) -> ImageShape:
    """Parse "96x96" or "96x96x3" to channels, height and width."""
    sides = list(given) if isinstance(given, list | tuple) else str(given).lower().split("x")
    channels = str(sides.pop()) if len(sides) == 3 else "1"
    if channels not in ("1", "3"):
        raise ConfigError(f"input: expected 1 channel (gray) or 3 (color), got {given!r}")
    height, width = parse_size(sides)
    return int(channels), height, width


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
