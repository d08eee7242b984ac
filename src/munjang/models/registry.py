"""All architectures by name: where the config and the module stand, and what each can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from torch import Tensor, nn

from munjang.config import Settings, nearest
from munjang.errors import ConfigError
from munjang.models.encoder import Encoded, EncoderConfig
from munjang.models.sequence_to_sequence.model import EncoderDecoderConfig, Vocabularies


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

    def config_class(self) -> type[Settings]:
        """The settings class; that of a text encoder is an `EncoderConfig`."""
        return cast(type[Settings], getattr(self._load(), self.config))

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


# Encoders of images: made with (config, shape of an image), and called with images.
IMAGE_ARCHITECTURES: dict[str, Architecture] = {
    "image_cnn": Architecture(
        "image_cnn", "ImageCnnConfig", "ImageCnn", "filters over images of one thing each"
    ),
}

# From text to text: made with (config, `munjang.models.sequence_to_sequence.model.Vocabularies`).
PAIR_ARCHITECTURES: dict[str, Architecture] = {
    "seq2seq": Architecture(
        "sequence_to_sequence.seq2seq",
        "Seq2SeqConfig",
        "Seq2Seq",
        "all of the source in one vector; short texts",
    ),
    "attentive": Architecture(
        "sequence_to_sequence.attentive",
        "AttentiveConfig",
        "Attentive",
        "a state that looks back at the source",
    ),
    "transformer": Architecture(
        "sequence_to_sequence.transformer",
        "TransformerEncoderDecoderConfig",
        "TransformerEncoderDecoder",
        "every word looks at every other; from some thousands of pairs on",
    ),
}


def architecture(name: str) -> Architecture:
    """The text encoder of that name; `ConfigError` names the nearest when there is none."""
    if name in IMAGE_ARCHITECTURES:
        raise ConfigError(f"{name} reads images, not texts; it goes with --task images")
    if name in PAIR_ARCHITECTURES and name not in ARCHITECTURES:
        raise ConfigError(f"{name} answers with a text; it goes with --task translate")
    return _row(name, ARCHITECTURES)


def image_architecture(name: str) -> Architecture:
    """Likewise the image encoder."""
    if name in ARCHITECTURES:
        known = ", ".join(IMAGE_ARCHITECTURES)
        raise ConfigError(f"{name} reads texts; with --task images goes {known}")
    return _row(name, IMAGE_ARCHITECTURES)


def pair_architecture(name: str) -> Architecture:
    """Likewise from text to text."""
    if name not in PAIR_ARCHITECTURES and name in ARCHITECTURES | IMAGE_ARCHITECTURES:
        known = ", ".join(PAIR_ARCHITECTURES)
        raise ConfigError(f"{name} writes no text; with --task translate go {known}")
    return _row(name, PAIR_ARCHITECTURES)


def _row(name: str, rows: Mapping[str, Architecture]) -> Architecture:
    if name not in rows:
        raise ConfigError(f"unknown model '{name}'{nearest(name, rows)}; known: {', '.join(rows)}")
    return rows[name]


def model_config(settings: Mapping[str, Any]) -> EncoderConfig:
    """Validate a `model:` section; its `name` picks the architecture."""
    row = architecture(str(settings.get("name")))
    return cast(EncoderConfig, row.config_class().parse(settings, where="model"))


def image_config(settings: Mapping[str, Any]) -> Settings:
    """Validate a `model:` section for images."""
    row = image_architecture(str(settings.get("name")))
    return row.config_class().parse(settings, where="model")


def pair_config(settings: Mapping[str, Any]) -> EncoderDecoderConfig:
    """Validate a `model:` section from text to text."""
    row = pair_architecture(str(settings.get("name")))
    return cast(EncoderDecoderConfig, row.config_class().parse(settings, where="model"))


def build_encoder_decoder(config: Settings, vocabularies: Vocabularies) -> nn.Module:
    """The encoder-decoder that `config` describes, freshly initialised."""
    row = pair_architecture(str(getattr(config, "name", None)))
    return cast(nn.Module, row.module_class()(config, vocabularies))


def build_image_encoder(config: Settings, shape: tuple[int, int, int]) -> nn.Module:
    """The encoder for images of `shape` (channels, height, width), freshly initialised."""
    row = image_architecture(str(getattr(config, "name", None)))
    return cast(nn.Module, row.module_class()(config, shape))


def build_encoder(config: EncoderConfig, vocabulary_size: int) -> nn.Module:
    """The encoder that `config` describes, freshly initialised from torch's generator."""
    name = str(getattr(config, "name", None))
    return cast(nn.Module, architecture(name).module_class()(config, vocabulary_size))
