"""Units of states: where in the data each is highest, and in texts of which class.

As the match view of LSTMVis (Strobelt et al. 2018, "LSTMVis: a tool for visual analysis of hidden
state dynamics in recurrent neural networks"): a unit is understood by the places where it is on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from munjang.data.table import Table
from munjang.errors import ConfigError
from munjang.explain.highest import COUNTED, Highest, find_highest
from munjang.explain.text_tokens import TextTokens, read_tokens
from munjang.explain.token_network import open_network
from munjang.explain.token_rows import TokenRows, encode_rows
from munjang.model import Model
from munjang.tasks.class_answers import Prediction

MOST_ROWS = 100_000
# Units that are shown if none is named, and places of each.
UNITS, PLACES = 8, 10
# Texts that are counted by class: those with the highest tenth of the values.
_TENTH = 10
_AROUND = 6
_DIGITS = 5


@dataclass(frozen=True)
class Place:
    """A place where a unit is high: the highest one of its text.

    Attributes:
        file: name of the file.
        row: number of the row in it; of running text that of the token.
        label: class of the text; None without classes.
        activation: value of the unit.
        before: tokens before the place.
        token: the token.
        after: tokens after it.
    """

    file: str
    row: int
    label: str | None
    activation: float
    before: str
    token: str
    after: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "activation": round(self.activation, _DIGITS)}


@dataclass(frozen=True)
class Unit:
    """One unit of the states of the highest layer.

    Attributes:
        number: from 0; with two directions the first half reads from left to right.
        separation: share of the variance of its highest values in the texts that lies between the
            classes, from 0 to 1; None without classes.
        counts: number of texts of each class among those where it is highest.
        places: where it is highest, one per text.
    """

    number: int
    separation: float | None
    counts: tuple[int, ...]
    places: tuple[Place, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "unit": self.number,
            "separation": None if self.separation is None else round(self.separation, _DIGITS),
            "counts": list(self.counts),
            "places": [place.to_json() for place in self.places],
        }


@dataclass(frozen=True)
class Units:
    """Some units of a model over some texts.

    Attributes:
        labels: names of the classes.
        totals: number of texts of each class.
        texts: number of texts, or of windows of running text.
        counted: number of texts with the highest values that are counted per unit.
        width: number of units of a state.
        units: the units.
    """

    labels: tuple[str, ...]
    totals: tuple[int, ...]
    texts: int
    counted: int
    width: int
    units: tuple[Unit, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "labels": list(self.labels),
            "totals": list(self.totals),
            "texts": self.texts,
            "counted": self.counted,
            "width": self.width,
            "units": [unit.to_json() for unit in self.units],
        }


def compute_units(
    model: Model,
    rows: Any,
    *,
    unit: int | None = None,
    most_units: int = UNITS,
    places: int = PLACES,
    most_rows: int = MOST_ROWS,
    seed: int = 0,
) -> Units:
    """Return where units of a model's states are highest.

    Memory grows with the ids of the texts, and not with their states.

    Args:
        model: a model with one state per token; of several members the first.
        rows: texts, as `munjang.explain.token_rows.read_rows` reads them. Their classes are labels,
            if they were read, else the answers of a classifier.
        unit: number of a unit; None for those that tell the classes apart best, or without classes
            vary most.
        most_units: units at most.
        places: places per unit.
        most_rows: texts at most, drawn by the seed.
        seed: random seed.

    Raises:
        ConfigError: the model has no states, or there is no such unit.
        DataError: no text has a token.
    """
    open_network(model.network)  # a model without states is refused before the texts are encoded
    chosen = encode_rows(model, rows, most=most_rows, seed=seed, window=_WINDOW)
    labels, classes = _classes_of(model, rows, chosen)
    highest = find_highest(chosen.adapt(model.network), chosen, classes, len(labels))
    width = highest.values.shape[1]
    if unit is not None and not 0 <= unit < width:
        raise ConfigError(f"unit: expected a number from 0 to {width - 1}, got {unit}")
    separation = highest.separation()
    order = np.argsort(-(highest.variance() if separation is None else separation), kind="stable")
    numbers = order[:most_units].tolist() if unit is None else [unit]
    context = _Context(model, rows, chosen)
    counted = min(COUNTED, max(1, highest.texts // _TENTH))
    return Units(
        labels,
        tuple(highest.counts.tolist()) if labels else (),
        int(highest.texts),
        counted,
        width,
        tuple(
            Unit(
                number,
                None if separation is None else float(separation[number]),
                _count(highest.rows[:counted, number], classes, len(labels)),
                tuple(_places(highest, number, classes, labels, context, places)),
            )
            for number in numbers
        ),
    )


# Tokens of a window of running text.
_WINDOW = 64


def _classes_of(
    model: Model, rows: Any, chosen: TokenRows
) -> tuple[tuple[str, ...], npt.NDArray[np.int64] | None]:
    """Return the names of the classes, and the class number of each chosen row; or none."""
    labels, targets = model.labels, rows.targets if isinstance(rows, Table) else None
    if targets is not None and len(labels) and isinstance(targets[0], str):
        names = sorted({*map(str, targets.gather(chosen.places).to_list())})
        known = tuple(dict.fromkeys([*(label for label in labels if label in names), *names]))
        numbers = {name: number for number, name in enumerate(known)}
        own = [numbers[name] for name in targets.gather(chosen.places).to_list()]
        return known, np.asarray(own, dtype=np.int64)
    if not labels or not isinstance(rows, Table):
        return (), None
    numbers = {name: number for number, name in enumerate(labels)}
    answers = model.predict(_values(rows, chosen.places))
    own = [numbers[answer.label] for answer in answers if isinstance(answer, Prediction)]
    return (labels, np.asarray(own, dtype=np.int64)) if len(own) == len(answers) else ((), None)


def _values(rows: Table, places: npt.NDArray[np.int64]) -> list[Any]:
    """Return some rows as values of Python: a text, or two."""
    roles = [role for role in rows.columns if role != rows.target_role]
    columns = [rows[role].gather(places).to_list() for role in roles]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def _count(rows: Tensor, classes: npt.NDArray[np.int64] | None, labels: int) -> tuple[int, ...]:
    if classes is None:
        return ()
    counts = np.bincount(classes[rows.numpy()], minlength=labels)
    return tuple(counts.tolist())


def _places(
    highest: Highest,
    unit: int,
    classes: npt.NDArray[np.int64] | None,
    labels: Sequence[str],
    context: "_Context",
    most: int,
) -> list[Place]:
    found = []
    columns = (highest.values, highest.rows, highest.places)
    triples = zip(*(column[:most, unit].tolist() for column in columns), strict=True)
    for value, row, place in triples:
        label = None if classes is None else labels[int(classes[row])]
        file, number = context.origin(row)
        found.append(Place(file, number, label, value, *context.around(row, place)))
    return found


class _Context:
    """The tokens around places of rows.

    Args:
        model: reads the texts.
        rows: the data.
        chosen: the rows of it that were read.
    """

    def __init__(self, model: Model, rows: Any, chosen: TokenRows) -> None:
        self.model = model
        self.rows = rows
        self.chosen = chosen
        self._read: dict[int, TextTokens] = {}

    def origin(self, row: int) -> tuple[str, int]:
        """Return file and number of a row; of running text the number of its first token."""
        index = int(self.chosen.places[row])
        if isinstance(self.rows, Table):
            return self.rows.place(index)
        return str(self.rows.files[0]), index

    def around(self, row: int, place: int) -> tuple[str, str, str]:
        """Return what stands before a token, the token, and what stands after it."""
        low, high = max(0, place - _AROUND), place + 1 + _AROUND
        if not isinstance(self.rows, Table):
            labels = [self.chosen.token(number) for number in self.chosen.row(row).tolist()]
            words = list(range(len(labels)))
        else:
            if row not in self._read:
                (value,) = _values(self.rows, self.chosen.places[row : row + 1])
                self._read[row] = read_tokens(self.model, value)[0]
            labels, words = list(self._read[row].labels), list(self._read[row].words)
        parts = [
            _join(labels[part], words[part])
            for part in (slice(low, place), slice(place, place + 1), slice(place + 1, high))
        ]
        before, token, after = parts
        return before, token, after


def _join(labels: Sequence[str], words: Sequence[int]) -> str:
    """Return tokens as one string, with spaces between words."""
    joined = ""
    for number, (label, word) in enumerate(zip(labels, words, strict=True)):
        joined += (" " if number and word != words[number - 1] else "") + label.strip()
    return joined
