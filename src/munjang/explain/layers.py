"""One row of a model's arithmetic: what a layer gives out, and what that takes."""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class LayerShape:
    """A layer, of one text or one image.

    Attributes:
        name: for people.
        shape: of what it gives: [time, width], [height, width, filters] or [width].
        parameters: trained numbers of its own.
        multiply_adds: a multiplication with its addition counts one; sums, maxima, norms and
            activations count nothing.
        how: the arithmetic, written out.
        module: where its parameters stand in the real module; None where it has none of its own.
        output: the module whose output has this shape; "" is the whole model's vector, None nobody.
        again: these are numbers of the rows above, only put together; in all they count once.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int = 0
    multiply_adds: int = 0
    how: str = ""
    module: str | None = None
    output: str | None = None
    again: bool = False

    @property
    def activations(self) -> int:
        """Numbers that it gives out."""
        return prod(self.shape)
