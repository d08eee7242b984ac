"""All architectures by name: where the config and the module stand, and what each can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from torch import Tensor, nn

from munjang.config import nearest
from munjang.errors import ConfigError
from munjang.models.encoder import Encoded, EncoderConfig


class Encoder(Protocol):
    """What a task needs of an encoder, beside being an `nn.Module`."""

    pooled_dim: int

    def __call__(self, ids: Tensor, mask: Tensor) -> Encoded:
        """`ids`, `mask` [batch, time] to `Encoded`."""
        ...


@dataclass(frozen=True)
class Architecture:
    """One row of the registry.

    Attributes:
        place: the module under `munjang.models`.
        config: name of its settings there.
        module: name of its `nn.Module` there.
        summary: one line on when to use it.
    """

    place: str
    config: str
    module: str
    summary: str

    def config_class(self) -> type[EncoderConfig]:
        """The settings class."""
        return cast(type[EncoderConfig], getattr(self._load(), self.config))

    def module_class(self) -> Any:
        """The `nn.Module` class, made with (config, vocabulary size)."""
        return getattr(self._load(), self.module)

    def _load(self) -> Any:
        return import_module(f"munjang.models.{self.place}")


ARCHITECTURES: dict[str, Architecture] = {
    "mean": Architecture("mean", "MeanConfig", "Mean", "averaged embeddings; the fastest"),
    "cnn": Architecture("cnn", "CnnConfig", "Cnn", "convolutions; short patterns decide"),
    "rnn": Architecture("rnn", "RnnConfig", "Rnn", "a state along the text; very short texts"),
    "lstm": Architecture("lstm", "LstmConfig", "Lstm", "memory along the text; order matters"),
    "gru": Architecture("gru", "GruConfig", "Gru", "as lstm, with fewer weights"),
    "transformer": Architecture(
        "transformer",
        "TransformerConfig",
        "Transformer",
        "every token looks at every other; distance is no matter",
    ),
}


def architecture(name: str) -> Architecture:
    """The row of that name; `ConfigError` names the nearest when there is none."""
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise ConfigError(f"unknown model '{name}'{nearest(name, ARCHITECTURES)}; known: {known}")
    return ARCHITECTURES[name]


def model_config(settings: Mapping[str, Any]) -> EncoderConfig:
    """Validate a `model:` section; its `name` picks the architecture."""
    row = architecture(str(settings.get("name")))
    return row.config_class().parse(settings, where="model")


def build_encoder(config: EncoderConfig, vocabulary_size: int) -> nn.Module:
    """The encoder that `config` describes, freshly initialised from torch's generator."""
    name = str(getattr(config, "name", None))
    return cast(nn.Module, architecture(name).module_class()(config, vocabulary_size))
