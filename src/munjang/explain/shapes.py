"""Layer by layer: shapes, parameters, multiply-adds and activations of a model on one input.

The model is built and run once on an input of that size. Hooks record the shapes, and PyTorch's
`FlopCounterMode` counts the products.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from munjang.config import collect_settings, merge
from munjang.errors import ConfigError
from munjang.explain.layers import LayerShape, measure_layers
from munjang.inputs.input import Sample
from munjang.layers.meta import shapes_only
from munjang.layers.parameters import count_parameters
from munjang.layers.randomness import seed_initialization
from munjang.memory import total_memory
from munjang.names import join_names
from munjang.network import build_body
from munjang.recipe import Recipe, make_recipe, named_input, section_of
from munjang.registry import ARCHITECTURES
from munjang.tasks.inference import limit_threads_if_forked

VOCABULARY = 10_000


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
    """Return output shapes, parameters and multiply-adds of every layer of an architecture.

    They are measured on the network, which is built and run once.

    Args:
        model: name of an architecture.
        input: size of the input: height x width or height x width x channels of an image ("96x96",
            "32x32x3"); number of tokens of a text, up to 4,096. 28x28 or 32 if omitted.
        vocabulary: vocabulary size of a text model, PAD included.
        config: settings as in `config.yaml` of a model folder: a YAML file or a mapping.
        overrides: `key=value` strings that win over `config`, such as "model.filters=[400]".

    Returns:
        The layers in the order of their calls, and the totals.

    Raises:
        ConfigError: there is no such architecture or setting, or the input is too small or too
            large for the network.

    Example:
        >>> munjang.shapes("image_cnn", input="28x28").parameters
        18816
    """
    limit_threads_if_forked()
    _refuse_decoders(model)
    given = collect_settings(config, {"model": {"name": model}}, overrides)
    given = merge(given, {"model": {**section_of(given, "model", "dim: 64"), "name": model}})
    kind = named_input(given).load()
    sample = kind.sample(input, vocabulary)
    recipe = make_recipe(merge(given, sample.settings))
    _check_fits(recipe, sample)
    # on the device "meta" tensors have shapes and no numbers, so that no size is too large
    with seed_initialization(0), torch.device("meta" if sample.on_meta else "cpu"):
        encoder = build_body(recipe, sample.size)
        layers = measure_layers(encoder, *sample.tensors())
    return Shapes(model, sample.shape, tuple(layers))


def _refuse_decoders(model: str) -> None:
    """Refuse an architecture that is an encoder-decoder only, whose steps have no fixed shapes."""
    rows = [row for row in ARCHITECTURES.rows if row.name == model]
    if rows and all("decoder" in row.gives for row in rows):
        encoders = [row.name for row in ARCHITECTURES.rows if "decoder" not in row.gives]
        raise ConfigError(
            f"model: shapes are available for {join_names(encoders)}; {model} is an encoder-decoder"
        )


def _check_fits(recipe: Recipe, sample: Sample) -> None:
    """Refuse inputs beyond the positions of a model, and models that memory does not hold."""
    most = getattr(recipe.model, "most_tokens", None)
    if most is not None and sample.shape[0] > most:
        raise ConfigError(
            f"input: {sample.shape[0]} tokens, and the positions of the model end at {most}; raise "
            "model.max_positions, or set model.positions to sinusoidal or rotary"
        )
    if sample.on_meta:
        return
    with shapes_only():
        parameters, memory = count_parameters(build_body(recipe, sample.size)), total_memory()
    if memory and 4 * parameters > memory:
        raise ConfigError(
            f"model: {parameters:,} parameters take {4 * parameters / 1e9:,.1f} GB, "
            f"and this machine has {memory / 1e9:,.1f} GB; lower model.dim"
        )
