"""Layer by layer: shapes, parameters, multiply-adds and activations of a model on one input.

All of it is computed by formula, and then held against the real module, which is built and run on
an input of that size: where the two disagree there is an error, and no table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from munjang.config import MOST_IDS, given_settings, merge, shown
from munjang.data.images.settings import parse_size
from munjang.defaults import make_recipe
from munjang.errors import ConfigError
from munjang.explain.image_layers import image_cnn_layers
from munjang.explain.layers import LayerShape
from munjang.explain.text_layers import text_layers
from munjang.image_recipe import make_image_recipe
from munjang.layers.randomness import seed_initialization
from munjang.memory import total_memory
from munjang.models.image_cnn import ImageCnnConfig, ImageShape
from munjang.models.registry import (
    IMAGE_ARCHITECTURES,
    architecture,
    build_encoder,
    build_image_encoder,
)
from munjang.tasks.inference import compute_alone_if_forked
from munjang.text.vocabulary import OOV

TOKENS, IMAGE, VOCABULARY = 32, "28x28", 10_000
# More numbers than this in one layer are not worth their memory: PyTorch then runs the module on
# its device "meta", which has shapes and no numbers.
MOST_NUMBERS = 2**26


@dataclass(frozen=True)
class Shapes:
    """A model's arithmetic on one text or one image.

    Attributes:
        model: name of the architecture.
        input: [time] of a text, [height, width, channels] of an image.
        layers: in their order.
    """

    model: str
    input: tuple[int, ...]
    layers: tuple[LayerShape, ...]

    @property
    def parameters(self) -> int:
        """Trained numbers of the encoder; the head of a task comes on top."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of all layers, for one input."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activations(self) -> int:
        """Numbers that all layers give out, for one input."""
        return sum(layer.activations for layer in self.layers if not layer.again)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = [{**asdict(layer), "activations": layer.activations} for layer in self.layers]
        totals = ("parameters", "multiply_adds", "activations")
        return {
            "model": self.model,
            "input": list(self.input),
            "layers": [{k: v for k, v in row.items() if k not in _INNER} for row in rows],
            **{name: getattr(self, name) for name in totals},
        }


_INNER = ("module", "output")


def shapes(
    model: str,
    *,
    input: str | int | tuple[int, ...] | None = None,
    vocabulary: int = VOCABULARY,
    config: str | Path | Mapping[str, Any] | None = None,
    overrides: Iterable[str] = (),
) -> Shapes:
    """The arithmetic of a model, layer by layer, held against the real module.

    Args:
        model: name of an architecture.
        input: of an image height x width, or height x width x channels: "96x96", "32x32x3"; of a
            text its number of tokens. 28x28 and 32 when left out.
        vocabulary: ids of a text model, PAD included.
        config: a YAML file or a mapping of settings, as in `config.yaml`.
        overrides: `key=value` strings laid on top, such as "model.filters=[400]".

    Raises:
        ConfigError: no such model or setting, or nothing is left of an input of that size.
        RuntimeError: the formulas and the module disagree, which is a fault of ours.
    """
    compute_alone_if_forked()
    asked = given_settings(config, {}, overrides)
    if not isinstance(asked.get("model", {}), Mapping):
        raise ConfigError(
            f"model: expected settings such as 'dim: 64', got {shown(asked['model'])}"
        )
    given = merge(asked, {"model": {"name": model}})
    if model in IMAGE_ARCHITECTURES:
        return _of_images(model, _image_shape(IMAGE if input is None else input), given)
    architecture(model)
    return _of_texts(model, _tokens(TOKENS if input is None else input), vocabulary, given)


def _of_images(model: str, shape: ImageShape, given: Mapping[str, Any]) -> Shapes:
    channels, height, width = shape
    recipe = make_image_recipe(model, 0, given, size=(height, width))
    assert isinstance(recipe.model, ImageCnnConfig)
    found = Shapes(model, (height, width, channels), tuple(image_cnn_layers(recipe.model, shape)))
    numbers = max(max(layer.activations, layer.parameters) for layer in found.layers)
    device = torch.device("cpu" if numbers <= MOST_NUMBERS else "meta")
    with seed_initialization(0), device:
        encoder = build_image_encoder(recipe.model, shape)
        check(found, encoder, (torch.zeros((1, *shape), dtype=torch.uint8),))
    return found


def _of_texts(model: str, time: int, vocabulary: int, given: Mapping[str, Any]) -> Shapes:
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
    found = Shapes(model, (time,), tuple(text_layers(recipe.model, time, vocabulary)))
    memory = total_memory()
    if memory and 4 * found.parameters > memory:
        raise ConfigError(
            f"model: {found.parameters:,} parameters take {4 * found.parameters / 1e9:,.1f} GB, "
            f"and this machine has {memory / 1e9:,.1f} GB; lower model.dim"
        )
    with seed_initialization(0):
        encoder = build_encoder(recipe.model, vocabulary)
    ids = torch.full((1, time), OOV)
    check(found, encoder, (ids, torch.ones_like(ids, dtype=torch.bool)))
    return found


def _tokens(given: object) -> int:
    """A number of tokens."""
    text = str(given)
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 7 and int(text)):
        raise ConfigError(f"input: expected a number of tokens, as in 32, got {given!r}")
    return int(text)


def _image_shape(given: Any) -> ImageShape:
    """`"96x96"` or `"96x96x3"` to channels, height and width."""
    sides = list(given) if isinstance(given, list | tuple) else str(given).lower().split("x")
    channels = str(sides.pop()) if len(sides) == 3 else "1"
    if channels not in ("1", "3"):
        raise ConfigError(f"input: an image has 1 channel (grey) or 3 (colour), got {given!r}")
    height, width = parse_size(sides)
    return int(channels), height, width


def check(found: Shapes, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Hold formulas against a module: run it on `inputs`, a batch of one, and look inside.

    Raises:
        RuntimeError: a shape or a number of parameters is another.
    """
    modules = dict(module.named_modules())
    seen: dict[str, tuple[int, ...]] = {}

    def look(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            seen[name] = _shape_of(output)

        return hook

    looked = {layer.output for layer in found.layers if layer.output is not None}
    hooks = [modules[name].register_forward_hook(look(name)) for name in looked]
    try:
        # as in a training: an answer alone goes through several modules at once
        with torch.enable_grad():
            module.eval()(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    for layer in found.layers:
        if layer.output is not None and seen.get(layer.output) != layer.shape:
            _disagree(found, layer.name, "shape", layer.shape, seen.get(layer.output))
        if layer.module is not None:
            real = _count(modules[layer.module])
            if real != layer.parameters:
                _disagree(found, layer.name, "parameters", layer.parameters, real)
    if found.parameters != _count(module):
        _disagree(found, "all layers", "parameters", found.parameters, _count(module))


def _shape_of(output: Any) -> tuple[int, ...]:
    """Of one row, channels last: of a tensor, of the first of several, or of a pooled vector."""
    tensor = output[0] if isinstance(output, tuple) else getattr(output, "pooled", output)
    shape = tuple(tensor.shape[1:])
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _disagree(found: Shapes, layer: str, what: str, formula: object, real: object) -> None:
    raise RuntimeError(
        f"{found.model}, {layer}: the formula for {what} says {formula}, the module {real}"
    )
