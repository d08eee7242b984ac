"""A model of a given size: rows of embedding tables are pruned, weights quantized."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from munjang.config import to_yaml
from munjang.errors import ConfigError
from munjang.folder.packing import SHRUNK, Packing, unpack
from munjang.folder.save import to_json
from munjang.folder.weights import Numbers
from munjang.layers.subword_table import computed_buffers
from munjang.model import Model, model_card
from munjang.reporting import Report, discard, stage
from munjang.shrinking.importance import Floats, Rows, find_tables, mark_ngrams, measure_importance

# Bytes of the manifest, and of the header of the weights per tensor, at most.
_MANIFEST, _HEADER = 2048, 640
_TRIES = 24


@dataclass(frozen=True)
class Shrunk:
    """A smaller model.

    Attributes:
        model: the model, with the weights that its folder will hold.
        bits: bits per number of its embedding tables.
        rows: rows of these tables that are kept.
        all_rows: rows that there were.
    """

    model: Model
    bits: int
    rows: int
    all_rows: int


def shrink_model(model: Model, size: int, report: Report = discard) -> Shrunk:
    """Return a model whose folder has at most `size` bytes.

    All weights are quantized: matrices to 8 bits, embedding tables to 8 bits if all rows fit, else
    to 4 bits, each row with a scale. Rows of embedding tables are pruned from the least important
    one on, see `munjang.shrinking.importance`.

    Args:
        model: a trained model.
        size: bytes.
        report: called with lines for people.

    Raises:
        ConfigError: the rest of the model alone is larger.
    """
    with stage("measuring which rows have learned"):
        importance = measure_importance(model)
    with stage("choosing rows"):
        kept, bits = _choose(model, importance, size)
    smaller = replace(model, network=copy.deepcopy(model.network))
    marks = mark_ngrams(model, kept)
    state = smaller.network.state_dict()
    for name, rows in kept.items():
        state[name][torch.from_numpy(~rows)] = 0.0
    for name, flags in marks.items():
        state[name].copy_(torch.from_numpy(np.packbits(flags)))
    model.input.index_words(smaller.network)
    packing = replace(_packing(model, bits), bitmaps=tuple(marks))
    _load_packed(smaller, packing)
    rows_kept = sum(int(rows.sum()) for rows in kept.values())
    total = sum(map(len, kept.values()))
    facts = {**packing.to_json(), "size": size, "rows": rows_kept, "all_rows": total}
    report(
        f"{rows_kept:,} of {total:,} rows of embedding tables are kept, in {bits} bits per number"
    )
    smaller = replace(smaller, metrics={**model.metrics, SHRUNK: facts})
    return Shrunk(smaller, bits, rows_kept, total)


def _size_around(model: Model) -> int:
    """Return the bytes of all files of the folder but the numbers of the weights, at most."""
    texts = [to_json(content) for content in model.input.files().values()]
    texts += [to_json(model.metrics, indent=2), model_card(model)]
    texts.append(to_yaml({**model.recipe.to_dict(), **model.task.state()}))
    tensors = len(model.network.state_dict())
    return sum(len(text.encode()) for text in texts) + _MANIFEST + _HEADER * tensors


def _packing(model: Model, bits: int) -> Packing:
    """Return the bits of every matrix of a model; vectors such as biases stay as they are."""
    tables = find_tables(model)
    state = model.network.state_dict()
    matrices = [
        name for name, value in state.items() if value.is_floating_point() and value.ndim > 1
    ]
    return Packing({name: bits if name in tables else 8 for name in matrices})


def _choose(
    model: Model, importance: Mapping[str, Floats], size: int
) -> tuple[dict[str, Rows], int]:
    """Return the rows that stay, by table, and the bits of the tables.

    Args:
        model: the model.
        importance: of each row, by table.
        size: bytes for the folder.
    """
    room = size - _size_around(model)
    learned = {name: values > 1e-6 * values.max(initial=0.0) for name, values in importance.items()}
    if _packed_size(model, learned, 8) <= room:
        return learned, 8
    none = {name: np.zeros_like(rows) for name, rows in learned.items()}
    least = _packed_size(model, none, 4)
    if least > room:
        raise ConfigError(
            f"size: without any row of its embedding tables this model has {size - room + least:,} "
            f"bytes, more than {size:,}; choose a larger size, or train a smaller model"
        )
    values = {name: importance[name] / np.sqrt(_row_bytes(model, name)) for name in importance}
    ranked = np.sort(np.concatenate([v[learned[name]] for name, v in values.items()]))[::-1]
    low, high, best = 0, len(ranked), none
    for _ in range(_TRIES):
        if low >= high:
            break
        count = (low + high + 1) // 2
        kept = {name: learned[name] & (v >= ranked[count - 1]) for name, v in values.items()}
        if _packed_size(model, kept, 4) <= room:
            low, best = count, kept
        else:
            high = count - 1
    return best, 4


def _row_bytes(model: Model, name: str) -> float:
    """Return about how many bytes a row of a table takes in 4 bits, with scale and place."""
    return find_tables(model)[name].shape[1] / 2 + 2.5


def _packed_size(model: Model, kept: Mapping[str, Rows], bits: int) -> int:
    """Return the bytes of the weights with the rows that stay."""
    packing, marks = _packing(model, bits), mark_ngrams(model, kept)
    computed = computed_buffers(model.network)
    total = 0
    for name, value in model.network.state_dict().items():
        if name in computed:
            continue
        if name in kept:
            places, dim = np.flatnonzero(kept[name]), value.shape[1]
            total += len(places) * (1 + (dim * bits + 7) // 8) + _bytes_of_gaps(places)
        elif name in marks:
            total += min(value.numel(), _bytes_of_gaps(np.flatnonzero(marks[name])))
        elif name in packing.bits:
            total += value.numel() + 2 * value.shape[0]
        else:
            total += value.numel() * value.element_size()
    return total


def _bytes_of_gaps(places: npt.NDArray[np.integer]) -> int:
    gaps = np.diff(places, prepend=-1) - 1
    return int(len(gaps) + (gaps >= 128).sum() + (gaps >= 16384).sum())


def _load_packed(model: Model, packing: Packing) -> None:
    """Give a model the weights that its folder will hold, in place."""
    state = model.network.state_dict()
    arrays: dict[str, Numbers] = {name: value.numpy() for name, value in state.items()}
    packed = packing.apply(arrays)
    for name, array in unpack(Path("weights"), packed).items():
        state[name].copy_(torch.from_numpy(array))
