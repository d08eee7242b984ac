"""Loading of metrics, tokenizers and networks from a model folder.

A folder may hold anything. Its settings determine the network, so they are compared with the header
of the weights before memory is allocated: the network is built on the device `meta`, which has
shapes but no numbers, and the weights are then read into it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
from torch import nn

from munjang.config import Settings
from munjang.errors import ConfigError, FolderError
from munjang.folder.layout import CONFIG, METRICS_FILE, WEIGHTS
from munjang.folder.packing import is_packed, unpack, unpacked_header
from munjang.folder.sealed import SealedFolder
from munjang.folder.weights import (
    Entry,
    Numbers,
    compare_header,
    longest_side,
    read_arrays,
    read_header,
    weights_error,
)
from munjang.layers.meta import WithoutNumbers
from munjang.layers.subword_table import SubwordTable, computed_buffers
from munjang.text.registry import tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary

# Most calls of torch while building: per tensor of the header, and in addition. Layers make about
# ten calls per tensor.
_CALLS_PER_TENSOR, _CALLS = 50, 500

_HEADER_TYPES = {
    torch.float32: "F32",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_DTYPES = {kind: dtype for dtype, kind in _HEADER_TYPES.items()}

AnySettings = TypeVar("AnySettings", bound=Settings)


def load_metrics(sealed: SealedFolder) -> dict[str, Any]:
    """Load `metrics.json`.

    Raises:
        FolderError: the file has no such sections.
    """
    metrics = sealed.read_json(METRICS_FILE, nan_is_null=True)
    parts = ("validation", "training")
    if not isinstance(metrics, dict) or not all(
        isinstance(metrics.get(part), dict) for part in parts
    ):
        raise FolderError(f"{sealed.path / METRICS_FILE}: expected the sections {', '.join(parts)}")
    return metrics


@contextmanager
def explain_missing_metrics(sealed: SealedFolder) -> Iterator[None]:
    """Raise `FolderError` if `metrics.json` lacks what the block looks up.

    Raises:
        FolderError: naming the file.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise FolderError(
            f"{sealed.path / METRICS_FILE}: this file lacks metrics of this kind of model; "
            "copy the folder again"
        ) from None


def check_labels(sealed: SealedFolder, labels: tuple[str, ...] | None, *, named: bool) -> None:
    """Refuse labels that no training saves: fewer than two, repeated or empty ones.

    Args:
        sealed: the folder, for messages.
        labels: labels of `config.yaml`, in order.
        named: True if the task has labels.

    Raises:
        FolderError: the label is named.
    """
    path, given = sealed.path / CONFIG, labels or ()
    if not named:
        if given:
            raise FolderError(f"{path}: labels: the task has none")
        return
    if len(given) < 2:
        raise FolderError(f"{path}: labels: expected two or more, got {len(given)}")
    repeated = next((label for label, count in Counter(given).items() if count > 1), None)
    if repeated is not None:
        raise FolderError(f"{path}: labels: {repeated[:80]!r} occurs twice")
    if not all(label.strip() for label in given):
        raise FolderError(f"{path}: labels: one of them is empty")


def load_tokenizer(
    sealed: SealedFolder,
    state: str,
    vocabulary: str,
    *,
    name: str,
    settings: Mapping[str, Any],
) -> Tokenizer:
    """Load a tokenizer of the folder with its vocabulary.

    Args:
        sealed: the folder.
        state: name of the file of the tokenizer.
        vocabulary: name of the file of the vocabulary.
        name: name of the tokenizer in the recipe.
        settings: settings of the tokenizer in the recipe.

    Raises:
        FolderError: the files hold no tokenizer, or another one.
    """
    with sealed.open(WEIGHTS, in_part=True) as file:
        rows = longest_side(unpacked_header(sealed.path / WEIGHTS, read_header(file)))
    tokens = sealed.read_json(vocabulary, most_strings=rows)
    # each piece may be listed with the two pieces that it was merged from
    saved = sealed.read_json(state, most_strings=3 * rows)
    with _naming(sealed.path / vocabulary):
        known = Vocabulary.from_json(tokens)
    with _naming(sealed.path / state):
        tokenizer = tokenizer_from_json(saved, known)
    for key, value in {"name": name, **settings}.items():
        if key in saved and saved[key] != value:
            raise FolderError(
                f"{sealed.path / state}: {key} is {str(saved[key])[:80]!r}, and {CONFIG} says "
                f"{str(value)[:80]!r}"
            )
    return tokenizer


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the name of the file to errors of the block."""
    try:
        yield
    except (FolderError, ConfigError) as error:
        raise FolderError(f"{path}: {error}") from None


def load_network(
    sealed: SealedFolder,
    build: Callable[[], nn.Module],
    index: Callable[[nn.Module], object],
) -> nn.Module:
    """Build a network and load the weights of the folder; it is in evaluation mode.

    No random number is drawn, and nothing is built beyond the header of the weights.

    Args:
        sealed: the folder.
        build: builds the network.
        index: computes what a small folder does not hold, see `Input.index_words`.

    Raises:
        FolderError: the weights belong to another network, or are not finite.
    """
    path = sealed.path / WEIGHTS
    with sealed.open(WEIGHTS) as file:
        header = read_header(file)
        whole = unpacked_header(path, header)
        network = build_on_meta(path, build, len(whole))
        wanted = {name: (_header_type(t), t.shape) for name, t in network.state_dict().items()}
        computed = [name for name in computed_buffers(network) if name not in whole]
        types = {name: wanted.pop(name) for name in computed}
        compare_header(path, whole, wanted)
        weights: dict[str, torch.Tensor] = {}

        def allocate(name: str, entry: Entry) -> Numbers:
            if is_packed(name):
                return np.empty(entry.shape, dtype=np.uint8)
            # memory of torch is aligned for its kernels
            weights[name] = torch.empty(entry.shape, dtype=_DTYPES[entry.kind], device="cpu")
            return weights[name].numpy()

        arrays = read_arrays(file, header, allocate)
    weights |= {name: torch.from_numpy(array) for name, array in unpack(path, arrays).items()}
    for name, (kind, shape) in types.items():
        weights[name] = torch.zeros(shape, dtype=_DTYPES[kind], device="cpu")
    network.load_state_dict(weights, assign=True)
    fill_empty(network)
    if computed:
        index(network)
    for name, module in network.named_modules():
        if isinstance(module, SubwordTable) and not module.has_valid_rows():
            raise weights_error(path, f"{name}.ngram_rows has indices beyond its rows")
    return network.eval()


class _TooMuchError(Exception):
    """More layers are built than the header has tensors for."""


class _LimitedBuild(WithoutNumbers):
    """Context in which weights are not initialized, and calls of torch are limited.

    Settings may ask for a billion layers. Each layer calls torch to make its weights, so that the
    number of calls bounds layers of any kind.
    """

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def __torch_function__(
        self: Self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Count a call of torch, and skip initialization."""
        self.left -= 1
        if self.left < 0:
            raise _TooMuchError
        return super().__torch_function__(func, types, args, kwargs)


def build_on_meta(path: Path, build: Callable[[], nn.Module], tensors: int) -> nn.Module:
    """Build a network on the device `meta`, without numbers.

    Args:
        path: file of its weights, for messages.
        build: builds it.
        tensors: number of tensors in the file, which bounds the number of layers.

    Raises:
        FolderError: there are more layers than tensors, or the settings give no network.
    """
    try:
        with torch.device("meta"), _LimitedBuild(_CALLS + _CALLS_PER_TENSOR * tensors):
            return build()
    except _TooMuchError:
        raise weights_error(
            path, f"the settings have more layers than the {tensors:,} tensors allow"
        ) from None
    except ConfigError:
        raise
    except (RuntimeError, ValueError, TypeError, OverflowError, AssertionError) as error:
        reason = (str(error).splitlines() or ["no network"])[0]
        raise weights_error(path, f"the settings give no valid network: {reason}") from None


def _header_type(tensor: torch.Tensor) -> str:
    """Return the type in the header; floating point is float32, whatever torch's default is."""
    return "F32" if tensor.is_floating_point() else _HEADER_TYPES[tensor.dtype]


def fill_empty(network: nn.Module) -> None:
    """Allocate buffers that are not saved, all of which are empty."""
    for module in network.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_meta:
                assert buffer.numel() == 0, f"{name} is neither saved nor empty"
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu")
