"""Characters of a text that join the one before them; see `munjang.text.plain.joining`."""

from munjang.text.plain.joining import joins
from munjang.text.segmentation.codepoints import Bools, ClassTable
from munjang.text.segmentation.utf32 import points_of

_table = ClassTable(lambda character: int(joins(character)))


def find_joined(text: str) -> Bools:
    """Return for each character of a text whether it joins the one before it [characters].

    The first character joins none.
    """
    joined: Bools = _table[points_of(text)] == 1
    joined[:1] = False
    return joined
