"""What every folder of a network is loaded with: recipe, tokenizer, weights.

A folder may hold anything. Its settings say what to build, so they are held to the header of the
weights before a number of it takes memory: the network is built on the device `meta`, which has
shapes and no numbers, and so draws none; the weights are then read into their places.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from munjang.config import Settings
from munjang.errors import ConfigError, FolderError
from munjang.folder.layout import CONFIG, METRICS_FILE, WEIGHTS
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
from munjang.layers.spelling import Spelling
from munjang.text.registry import tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import Vocabulary

# Calls of torch that building may take, for each tensor of the header and at all. Layers take about
# ten for each of theirs.
_CALLS_PER_TENSOR, _CALLS = 50, 500

_KINDS = {
    torch.float32: "F32",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_SAME_SHAPE = {torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.mul}
_WITHOUT_LOTS: dict[Any, Any] = {torch.randn: torch.empty, torch.rand: torch.empty}
_DTYPES = {kind: dtype for dtype, kind in _KINDS.items()}

AnySettings = TypeVar("AnySettings", bound=Settings)


def load_metrics(sealed: SealedFolder) -> dict[str, Any]:
    """Load `metrics.json`.

    Raises:
        FolderError: it is none.
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
            f"{sealed.path / METRICS_FILE}: these are no scores of such a model; copy the folder again"
        ) from None


def check_labels(sealed: SealedFolder, labels: tuple[str, ...] | None, *, named: bool) -> None:
    """Refuse labels that no training leaves: none, one alone, one twice, one that is no text.

    Args:
        sealed: whose `config.yaml` has them.
        labels: in order.
        named: whether the task has labels.

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
    twice = next((label for label, count in Counter(given).items() if count > 1), None)
    if twice is not None:
        raise FolderError(f"{path}: labels: {twice[:80]!r} stands there twice")
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
        vocabulary: likewise of the vocabulary.
        name: of the tokenizer that the recipe asks for.
        settings: likewise of it alone.

    Raises:
        FolderError: the files hold no tokenizer, or not that one.
    """
    with sealed.open(WEIGHTS, in_part=True) as file:
        rows = longest_side(read_header(file))
    tokens = sealed.read_json(vocabulary, most_strings=rows)
    # a piece, and the two pieces that it was merged from
    described = sealed.read_json(state, most_strings=3 * rows)
    with _naming(sealed.path / vocabulary):
        known = Vocabulary.from_json(tokens)
    with _naming(sealed.path / state):
        tokenizer = tokenizer_from_json(described, known)
    asked = {"name": name, **settings}
    for key, value in asked.items():
        if key in described and described[key] != value:
            raise FolderError(
                f"{sealed.path / state}: {key} is {str(described[key])[:80]!r}, and {CONFIG} says "
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


def load_network(sealed: SealedFolder, build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network and load the weights of the folder; it is in evaluation mode.

    No random number is drawn, and nothing is built that the header of the weights does not have.

    Raises:
        FolderError: the weights are of another network, or no finite numbers.
    """
    path = sealed.path / WEIGHTS
    with sealed.open(WEIGHTS) as file:
        header = read_header(file)
        network = _outline(path, build, len(header))
        wanted = {name: (_kind(t), t.shape) for name, t in network.state_dict().items()}
        compare_header(path, header, wanted)
        weights: dict[str, torch.Tensor] = {}

        def room(name: str, entry: Entry) -> Numbers:
            # torch's own memory begins where its kernels like it to
            weights[name] = torch.empty(entry.shape, dtype=_DTYPES[entry.kind], device="cpu")
            return weights[name].numpy()

        read_arrays(file, header, room)
    network.load_state_dict(weights, assign=True)
    _fill_empty(network)
    for name, module in network.named_modules():
        if isinstance(module, Spelling) and not module.names_own_rows():
            raise weights_error(path, f"{name}.grams names rows that there are not")
    return network.eval()


class _TooMuchError(Exception):
    """More is being built than the header has."""


class _Outlines(TorchFunctionMode):
    """Within, nothing is drawn by lot, and torch is called so many times and no more.

    Settings may ask for a thousand million layers. Each layer calls torch to make its weights, so
    that the number of calls bounds layers of any kind. What has no numbers needs no first ones; and
    torch would import SymPy before it drew or scaled what is not there, which takes seconds.
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
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        if func in _SAME_SHAPE and not any(isinstance(other, torch.Tensor) for other in args[1:]):
            return args[0]
        return _WITHOUT_LOTS.get(func, func)(*args, **(kwargs or {}))


def _outline(path: Path, build: Callable[[], nn.Module], tensors: int) -> nn.Module:
    """Build the network on the device `meta`, without numbers."""
    try:
        with torch.device("meta"), _Outlines(_CALLS + _CALLS_PER_TENSOR * tensors):
            return build()
    except _TooMuchError:
        raise weights_error(
            path, f"the settings want more layers than the {tensors:,} tensors are for"
        ) from None
    except ConfigError:
        raise
    except (RuntimeError, ValueError, TypeError, OverflowError, AssertionError) as error:
        reason = (str(error).splitlines() or ["no network"])[0]
        raise weights_error(path, f"no network can be built by the settings: {reason}") from None


def _kind(tensor: torch.Tensor) -> str:
    """Return the type in the header; floating point is float32, whatever torch's default is."""
    return "F32" if tensor.is_floating_point() else _KINDS[tensor.dtype]


def _fill_empty(network: nn.Module) -> None:
    """Give room to buffers that are not kept, all of which begin empty."""
    for module in network.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_meta:
                assert buffer.numel() == 0, f"{name} is neither kept nor empty"
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu")
