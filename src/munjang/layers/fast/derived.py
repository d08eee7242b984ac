"""Weights laid out for a fast kernel: computed once, and again when a parameter has changed."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

Layout = TypeVar("Layout")


class DerivedWeights(Generic[Layout]):
    """A cache of what one function makes of some parameters.

    It is no state of a module: a copy, a pickle and a `state_dict` leave it behind. The entry is
    read and replaced as a whole, so threads may share it.
    """

    def __init__(self) -> None:
        self._entry: tuple[tuple[Tensor, ...], tuple[int, ...], Layout] | None = None

    def get(self, sources: tuple[Tensor, ...], derive: Callable[..., Layout]) -> Layout:
        """Return `derive(*sources)`, from the cache while no source was replaced or changed.

        Args:
            sources: parameters. A change that PyTorch does not count, such as one through
                `.data`, is seen only after `clear`.
            derive: computes the layout without gradients.
        """
        entry = self._entry
        if entry is not None and _are_unchanged(sources, entry[0], entry[1]):
            return entry[2]
        # made in inference mode, tensors could take no part in a training
        with torch.inference_mode(False), torch.no_grad():
            layout = derive(*sources)
        if not any(source.is_inference() for source in sources):  # those count no changes
            versions = tuple(source._version for source in sources)
            self._entry = sources, versions, layout
        return layout

    def clear(self) -> None:
        """Forget the layout."""
        self._entry = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy as an empty cache: the copy's weights may become others."""
        return DerivedWeights, ()


def _are_unchanged(
    sources: tuple[Tensor, ...], before: tuple[Tensor, ...], versions: tuple[int, ...]
) -> bool:
    for source, earlier, version in zip(sources, before, versions, strict=True):
        if source is not earlier or source._version != version:
            return False
    return True
