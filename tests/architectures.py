"""Architectures by what they read and give, and networks of them, as tests ask for them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from munjang.config import Settings
from munjang.models.encoder import EncoderConfig
from munjang.registry import ArchitectureRow, find_architectures


def _rows(input_name: str, needs: Any) -> dict[str, ArchitectureRow]:
    return {row.name: row for row in find_architectures(input_name, needs)}


ARCHITECTURES = _rows("text", "pooled")
WORD_VECTOR_ARCHITECTURES = _rows("lines", "vectors")
IMAGE_ARCHITECTURES = _rows("image", "pooled")
PAIR_ARCHITECTURES = _rows("parallel", "decoder")


def _config(settings: Mapping[str, Any], rows: Mapping[str, ArchitectureRow]) -> Any:
    return rows[str(settings.get("name"))].config_class().parse(settings, where="model")


def model_config(settings: Mapping[str, Any]) -> EncoderConfig:
    """Validate the section `model` of a text encoder."""
    config: EncoderConfig = _config(settings, ARCHITECTURES)
    return config


def image_config(settings: Mapping[str, Any]) -> Settings:
    """Validate the section `model` of an image encoder."""
    config: Settings = _config(settings, IMAGE_ARCHITECTURES)
    return config


def pair_config(settings: Mapping[str, Any]) -> Any:
    """Validate the section `model` of an encoder-decoder."""
    return _config(settings, PAIR_ARCHITECTURES)


def _build(config: Any, size: Any, rows: Mapping[str, ArchitectureRow]) -> nn.Module:
    network: nn.Module = rows[config.name].load()(config, size)
    return network


def build_encoder(config: Any, vocabulary_size: int) -> nn.Module:
    """Build a fresh text encoder from torch's generator."""
    return _build(config, vocabulary_size, ARCHITECTURES)


def build_image_encoder(config: Any, shape: tuple[int, int, int]) -> nn.Module:
    """Build a fresh image encoder for (channels, height, width)."""
    return _build(config, shape, IMAGE_ARCHITECTURES)


def build_encoder_decoder(config: Any, vocabularies: Any) -> nn.Module:
    """Build a fresh encoder-decoder."""
    return _build(config, vocabularies, PAIR_ARCHITECTURES)
