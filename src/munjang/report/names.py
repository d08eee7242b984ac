"""Placement of the names of points: none covers another, and near ones share a column."""

from collections.abc import Sequence
from dataclasses import dataclass

# Text of 12 px: the height of a line, and an upper guess at the width of a character.
LINE, CHARACTER = 14.0, 6.8
_AWAY, _REACH = 10.0, 6.0
_EDGE = 66.0  # left of it are the tick labels of the axis


@dataclass(frozen=True)
class Named:
    """A name and its point, in pixels from the top left."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Placed:
    """The place of a name.

    Attributes:
        name: the text.
        x: its left end; its right end if it `ends` there.
        y: the middle of its line.
        ends: True if the name is left of its point.
        moved: True if the name is in a column; a line should join it to its point.
    """

    name: str
    x: float
    y: float
    ends: bool = False
    moved: bool = False

    @property
    def reach(self) -> tuple[float, float]:
        """The left and the right end."""
        width = CHARACTER * len(self.name)
        return (self.x - width, self.x) if self.ends else (self.x, self.x + width)


@dataclass
class _Group:
    """The numbers of some points, and the places of their names."""

    members: list[int]
    places: list[Placed]


def place_names(points: Sequence[Named], top: float, bottom: float) -> list[Placed]:
    """Place each name right of its point, else left, else in a column right of all around.

    Args:
        points: in any order; the places are remirrored in the same order.
        top: upper limit of a column, in pixels.
        bottom: lower limit of a column that is short enough.
    """
    groups = [_Group([n], [_beside(point, ends=False)]) for n, point in enumerate(points)]
    mirrored: set[int] = set()
    while (pair := _meeting(points, groups)) is not None:
        alone = next(
            (g for g in pair if len(g.members) == 1 and g.members[0] not in mirrored), None
        )
        if alone is not None:
            mirrored.add(alone.members[0])
            _mirror(alone, points, groups)
            continue
        first, second = pair
        groups.remove(second)
        first.members += second.members
        first.places = _column([points[n] for n in first.members], top, bottom)
    places: dict[int, Placed] = {}
    for group in groups:
        places |= zip(group.members, group.places, strict=True)
    return [places[number] for number in range(len(points))]


def _beside(point: Named, *, ends: bool) -> Placed:
    return Placed(point.name, point.x + (-_AWAY if ends else _AWAY), point.y, ends=ends)


def _mirror(group: _Group, points: Sequence[Named], groups: Sequence[_Group]) -> None:
    """Move a single name to the left of its point, if it covers nothing there."""
    before, group.places = group.places, [_beside(points[group.members[0]], ends=True)]
    mine = _extent(points, group)
    others = (other for other in groups if other is not group)
    if mine[0] < _EDGE or any(_meet(mine, _extent(points, other)) for other in others):
        group.places = before


def _meeting(points: Sequence[Named], groups: Sequence[_Group]) -> tuple[_Group, _Group] | None:
    """Two groups of which one covers the other."""
    extents = [_extent(points, group) for group in groups]
    for i, extent in enumerate(extents):
        for j in range(i):
            if _meet(extent, extents[j]):
                return groups[j], groups[i]
    return None


def _column(points: Sequence[Named], top: float, bottom: float) -> list[Placed]:
    """Place the names of a group one below the other in the order of their points."""
    left = max(point.x for point in points) + 2 * _AWAY
    height = LINE * (len(points) - 1)
    middle = sum(point.y for point in points) / len(points)
    first = max(top, min(middle - height / 2, bottom - height))
    order = sorted(range(len(points)), key=lambda n: points[n].y)
    ranks = {n: rank for rank, n in enumerate(order)}
    return [
        Placed(point.name, left, first + LINE * ranks[n], moved=True)
        for n, point in enumerate(points)
    ]


Extent = tuple[float, float, float, float]


def _extent(points: Sequence[Named], group: _Group) -> Extent:
    """Left, right, top and bottom of a group's points and names."""
    mine = [points[n] for n in group.members]
    ys = [point.y for point in mine] + [place.y for place in group.places]
    xs = [x for place in group.places for x in place.reach]
    xs += [point.x + side for point in mine for side in (-_REACH, _REACH)]
    return min(xs), max(xs), min(ys) - LINE / 2, max(ys) + LINE / 2


def _meet(a: Extent, b: Extent) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
