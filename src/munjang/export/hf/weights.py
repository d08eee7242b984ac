"""Weights of a network by the names of the modelling file.

Modules have the same names there; those that are PyTorch's own classes have their weights in other
shapes, and are in the table `CONVERTED`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from munjang.layers.carried_recurrent import CarriedRecurrent
from munjang.layers.embedding import TokenEmbedding
from munjang.layers.fast.convolution import Convolutions
from munjang.layers.pair_embedding import PairEmbedding
from munjang.layers.recurrent import StackedRecurrent
from munjang.layers.recurrent_decoder import Bridge, RecurrentDecoder
from munjang.layers.subword_embedding import SubwordEmbedding

Named = Iterator[tuple[str, Tensor]]


def name_weights(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """Return copies of all weights of a module, with `prefix` before their names."""
    return {f"{prefix}{name}": tensor.detach().clone() for name, tensor in _walk(module)}


def _walk(module: nn.Module) -> Named:
    convert = CONVERTED.get(type(module))
    if convert is not None:
        yield from convert(module)
        return
    kept = module.state_dict(keep_vars=True)
    own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    yield from ((name, tensor) for name, tensor in own if name in kept)
    for name, child in module.named_children():
        yield from _inside(name, child)


def _inside(name: str, child: nn.Module) -> Named:
    yield from ((f"{name}.{inner}", tensor) for inner, tensor in _walk(child))


def _convert_embedding(module: TokenEmbedding) -> Named:
    yield "table.weight", module.weight
    if module.rows.min_frequency > 1:
        yield "frequent", module.rows.kept
    if module.subwords is not None:
        yield from _inside("subwords", module.subwords)


def _convert_subwords(module: SubwordEmbedding) -> Named:
    yield "table.weight", module.weight
    yield "rows", module.ngram_rows
    yield "shared", module.shared


def _convert_convolutions(module: Convolutions) -> Named:
    for number, layer in enumerate(module.layers()):
        # [width, dim, filters] to that of nn.Conv1d, [filters, dim, width]
        yield f"{number}.weight", layer.weight.permute(2, 1, 0).contiguous()
        yield f"{number}.bias", layer.bias


def _convert_stacked(module: StackedRecurrent) -> Named:
    yield from _layers(module.forwards, "")
    yield from _layers(module.backwards, "_reverse")


def _convert_carried(module: CarriedRecurrent) -> Named:
    return _layers(module.forwards, "")


def _convert_decoder(module: RecurrentDecoder) -> Named:
    return _layers(module.layers, "")


def _layers(layers: nn.ModuleList, suffix: str) -> Named:
    """Yield the weights of layers of one each as those of one module of several layers."""
    for number, layer in enumerate(layers):
        for name, tensor in layer.named_parameters():
            yield f"{name.removesuffix('0')}{number}{suffix}", tensor


def _convert_bridge(module: Bridge) -> Named:
    return _walk(module.projections)


def _convert_tables(module: PairEmbedding) -> Named:
    tables = {
        "target": module.target_table,
        "source": module.source_table,
        "output": module.output_table,
    }
    yield from ((f"{name}.weight", table) for name, table in tables.items() if table is not None)
    yield "bias", module.bias


CONVERTED: Mapping[type[nn.Module], Callable[[Any], Named]] = {
    TokenEmbedding: _convert_embedding,
    SubwordEmbedding: _convert_subwords,
    Convolutions: _convert_convolutions,
    StackedRecurrent: _convert_stacked,
    CarriedRecurrent: _convert_carried,
    RecurrentDecoder: _convert_decoder,
    Bridge: _convert_bridge,
    PairEmbedding: _convert_tables,
}


def as_floats(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in float32 that own their memory, as safetensors wants them."""
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in weights.items()
    }


def rename(weights: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """Return weights whose names begin with other prefixes, the first one that fits."""
    renamed = {}
    for name, tensor in weights.items():
        old = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        renamed[name if old is None else prefixes[old] + name.removeprefix(old)] = tensor
    return renamed
