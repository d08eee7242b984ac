"""The arithmetic of every text encoder, by formula. `time` is the number of tokens."""

from collections.abc import Callable, Iterator
from typing import Any

from munjang.explain.layers import LayerShape
from munjang.layers.pooling import pooling_names
from munjang.models.cnn import CnnConfig
from munjang.models.encoder import EncoderConfig, WideConfig
from munjang.models.mean import MeanConfig
from munjang.models.recurrent import RecurrentConfig
from munjang.models.transformer import TransformerConfig

# Matrices of one cell: for its gates, and what it would remember.
_GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def mean_layers(config: MeanConfig, time: int, vocabulary: int) -> Iterator[LayerShape]:
    """Averaged embeddings: a table, and sums of its rows."""
    yield LayerShape(
        "embedding, averaged",
        (config.dim,),
        parameters=_table(config, vocabulary),
        how=f"{_rows(config, vocabulary)} of {config.dim}; {time} of them summed, no product",
        module="embedding",
        output="",
    )


def cnn_layers(config: CnnConfig, time: int, vocabulary: int) -> Iterator[LayerShape]:
    """Windows of several widths at every token, zeros around the text."""
    yield _embedding(config, time, vocabulary)
    for number, width in enumerate(config.widths):
        window = width * config.dim
        yield LayerShape(
            f"convolution, width {width}",
            (time, config.filters),
            parameters=(window + 1) * config.filters,
            multiply_adds=time * window * config.filters,
            how=f"({time} + {width - 1} zeros - {width}) / 1 + 1 = {time}",
            module=f"convolutions.{number}",
            output=f"convolutions.{number}",
        )
    width = config.filters * len(config.widths)
    yield from _pooled(config, config.pooling, time, width, vocabulary)


def recurrent_layers(config: RecurrentConfig, time: int, vocabulary: int) -> Iterator[LayerShape]:
    """A step a token: matrices on the token and on the state before it."""
    yield _embedding(config, time, vocabulary)
    cell = str(config.model_dump()["name"])
    gates, hidden, below = _GATES[cell], config.hidden, config.dim
    ways = (("left to right", "forwards"), ("right to left", "backwards"))[: config.directions]
    for number in range(config.layers):
        for way, stack in ways:
            products = gates * hidden * (below + hidden)
            yield LayerShape(
                f"{cell} {number + 1}, {way}",
                (time, hidden),
                parameters=products + 2 * gates * hidden,
                multiply_adds=time * products,
                how=f"{time} steps of {gates} x {hidden} x ({below} + {hidden})",
                module=f"recurrent.{stack}.{number}",
                output=f"recurrent.{stack}.{number}",
            )
        below = hidden * config.directions
    yield from _pooled(config, config.pooling, time, below, vocabulary)


def transformer_layers(
    config: TransformerConfig, time: int, vocabulary: int
) -> Iterator[LayerShape]:
    """Blocks of attention and a feed-forward part, norms before each."""
    dim, inner = config.dim, config.feed_forward or 4 * config.dim
    yield _embedding(config, time, vocabulary)
    if config.positions == "learned":
        yield LayerShape(
            "positions",
            (time, dim),
            parameters=config.longest * dim,
            how=f"{config.longest} places of {dim}",
            module="positions",
            output="positions",
        )
    for number in range(config.layers):
        place, name = f"blocks.{number}", f"block {number + 1}"
        yield _norm(f"{name}: norm", f"{place}.attention_norm", time, dim)
        yield LayerShape(
            f"{name}: attention",
            (time, dim),
            parameters=4 * dim * dim,
            multiply_adds=4 * time * dim * dim + 2 * time * time * dim,
            how=f"4 x {time} x {dim} x {dim}, and 2 x {time} x {time} x {dim}",
            module=f"{place}.attention",
            output=f"{place}.attention",
        )
        yield _norm(f"{name}: norm", f"{place}.feed_forward_norm", time, dim)
        yield _linear(f"{name}: up", f"{place}.up", time, dim, inner)
        yield _linear(f"{name}: down", f"{place}.down", time, inner, dim)
    yield _norm("norm", "norm", time, dim)
    yield from _pooled(config, config.pooling, time, dim, vocabulary)


def _rows(config: EncoderConfig, vocabulary: int) -> str:
    buckets = f" + {config.buckets:,} for n-grams" if config.ngrams > 1 else ""
    letters = f" + {1 + config.spelling_buckets:,} for letters" if config.spelling else ""
    return f"{vocabulary:,}{buckets}{letters} rows"


def _table(config: EncoderConfig, vocabulary: int) -> int:
    buckets = config.buckets if config.ngrams > 1 else 0
    letters = 1 + config.spelling_buckets if config.spelling else 0  # one is PAD
    return (vocabulary + buckets + letters) * config.dim


def _embedding(config: EncoderConfig, time: int, vocabulary: int) -> LayerShape:
    return LayerShape(
        "embedding",
        (time, config.dim),
        parameters=_table(config, vocabulary),
        how=f"{_rows(config, vocabulary)} of {config.dim}, looked up",
        module="embedding",
        output="embedding",
    )


def _norm(name: str, place: str, time: int, dim: int) -> LayerShape:
    return LayerShape(name, (time, dim), parameters=2 * dim, module=place, output=place)


def _linear(name: str, place: str, time: int, below: int, above: int) -> LayerShape:
    return LayerShape(
        name,
        (time, above),
        parameters=(below + 1) * above,
        multiply_adds=time * below * above,
        how=f"{time} x {below} x {above}",
        module=place,
        output=place,
    )


def _pooled(
    config: WideConfig, pooling: str, time: int, dim: int, vocabulary: int
) -> Iterator[LayerShape]:
    """Pooling over time, the bag of n-grams beside it, and the vector of both."""
    names = pooling_names(pooling)
    attends = "attention" in names
    width = dim * len(names)
    yield LayerShape(
        f"pooling, {pooling}",
        (width,),
        parameters=dim * dim + 2 * dim if attends else 0,
        multiply_adds=time * (dim * dim + 2 * dim) if attends else 0,
        how=f"of {time} to 1" + (f", {len(names)} ways" if len(names) > 1 else ""),
        module="pooling" if attends else None,
        output="pooling",
    )
    if config.bag_dim:
        rows = vocabulary + (config.bag_buckets if config.bag_ngrams > 1 else 0)
        yield LayerShape(
            "bag of n-grams",
            (config.bag_dim,),
            parameters=rows * config.bag_dim,
            how=f"{rows:,} rows of {config.bag_dim}, summed",
            module="bag",
        )
        how = f"{width} + {config.bag_dim}"
        yield LayerShape("vector", (width + config.bag_dim,), how=how, output="", again=True)


TEXT_LAYERS: dict[str, Callable[[Any, int, int], Iterator[LayerShape]]] = {
    "mean": mean_layers,
    "cnn": cnn_layers,
    "rnn": recurrent_layers,
    "lstm": recurrent_layers,
    "gru": recurrent_layers,
    "transformer": transformer_layers,
}


def text_layers(config: EncoderConfig, time: int, vocabulary: int) -> list[LayerShape]:
    """Every layer over a text of `time` tokens."""
    name = str(config.model_dump()["name"])
    return list(TEXT_LAYERS[name](config, time, vocabulary))
