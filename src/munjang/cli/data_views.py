"""The views of whole models over data that `munjang inspect` has: a row each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from munjang.cli.views import ShowView
from munjang.errors import ConfigError
from munjang.registry import import_place, unknown_name

if TYPE_CHECKING:
    from munjang.model import Model
    from munjang.reporting import Report


@dataclass(frozen=True)
class Asked:
    """Folders, data and options on the command line.

    Attributes:
        folders: model folders.
        data: file of texts.
        reading: settings of the section `data` that differ from those of the training.
        unlabeled: take the answers of the model as classes.
        unit: number of a unit, or None.
        of: what gradients are taken of.
        distance: largest distance in tokens.
        projection: name of the projection of a map.
        texts: texts at most; None for the default of the view.
        report: called with lines for people.
    """

    folders: Sequence[str]
    data: str
    reading: dict[str, Any]
    unlabeled: bool
    unit: int | None
    of: str
    distance: int
    projection: str
    texts: int | None
    report: "Report"

    def most(self, default: int) -> int:
        """Return the number of texts at most."""
        return default if self.texts is None else self.texts


@dataclass(frozen=True)
class DataView:
    """A view of whole models over data.

    Attributes:
        name: name that users type.
        summary: one line for help texts.
        several: True if it takes more than one model folder.
        compute: returns the result.
        show: shows it on the terminal.
        formats: place of its `munjang.report.formats.Formats`, as "module:object".
    """

    name: str
    summary: str
    several: bool
    compute: Callable[[Asked], Any]
    show: ShowView
    formats: str

    def writer(self) -> Any:
        """Import and return its formats of files."""
        return import_place(self.formats, self.name)


def _load(folder: str) -> "Model":
    """Load a model.

    Raises:
        ConfigError: it is a baseline, which has no network.
    """
    from munjang.folder.load import load
    from munjang.model import Model

    model = load(folder)
    if not isinstance(model, Model):
        raise ConfigError(
            f"{folder}: {model.name} is a baseline, which has no network to look into"
        )
    return model


def _memory(asked: Asked) -> Any:
    from munjang.explain.memory import MOST_TEXTS, compute_memory, join_memories
    from munjang.explain.token_rows import read_rows

    memories = []
    for name, folder in _named(asked.folders).items():
        model = _load(folder)
        rows = read_rows(model, asked.data, asked.reading, asked.report)
        memories.append(
            compute_memory(
                model,
                rows,
                name=name,
                of=asked.of,  # type: ignore[arg-type]
                most_texts=asked.most(MOST_TEXTS),
                distance=asked.distance,
            )
        )
    return join_memories(memories)


def _named(folders: Sequence[str]) -> dict[str, str]:
    """Return the folders by a short name: their last part, or all of it where that is no name."""
    shorts = [Path(folder).resolve().name for folder in folders]
    are_names = len(set(shorts)) == len(shorts)
    return dict(zip(shorts if are_names else folders, folders, strict=True))


def _units(asked: Asked) -> Any:
    from munjang.explain.token_rows import read_rows
    from munjang.explain.units import MOST_ROWS, compute_units

    model = _load(asked.folders[0])
    labeled = not asked.unlabeled
    rows = read_rows(model, asked.data, asked.reading, asked.report, labeled=labeled)
    return compute_units(model, rows, unit=asked.unit, most_rows=asked.most(MOST_ROWS))


def _filters(asked: Asked) -> Any:
    from munjang.explain.filter_bank import open_filters
    from munjang.explain.filters import MOST_ROWS, compute_filters
    from munjang.explain.token_rows import read_rows

    model = _load(asked.folders[0])
    open_filters(model.network)  # another model is refused before the data is read
    rows = read_rows(model, asked.data, asked.reading, asked.report)
    return compute_filters(model, rows, most_rows=asked.most(MOST_ROWS))


def _texts(asked: Asked) -> Any:
    from munjang.explain.text_map import MOST_TEXTS, make_text_map
    from munjang.explain.token_rows import read_rows

    model = _load(asked.folders[0])
    rows = read_rows(model, asked.data, asked.reading, asked.report, labeled=not asked.unlabeled)
    labels = None if rows.targets is None else [str(label) for label in rows.targets]
    return make_text_map(
        model,
        rows.keys.to_list(),
        labels,
        most=asked.most(MOST_TEXTS),
        projection=asked.projection,  # type: ignore[arg-type]
    )


def _references(asked: Asked) -> Any:
    from munjang.explain.reference_file import read_references
    from munjang.explain.references import score_references

    cases = read_references(asked.data)
    return score_references(_load(asked.folders[0]).attention, cases)


def _moved(asked: Asked) -> Any:
    from munjang.explain.token_rows import read_rows
    from munjang.word_vectors.moved import compute_moved_words

    model = _load(asked.folders[0])
    rows = read_rows(model, asked.data, asked.reading, asked.report)
    return compute_moved_words(model, asked.folders[0], rows.keys.to_list())


def _show_texts(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected_maps import show_text_map

    show_text_map(result)


def _show_references(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected_maps import show_references

    show_references(result, wide=wide)


def _show_moved(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected_maps import show_moved_words

    show_moved_words(result, wide=wide)


def _show_memory(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected import show_memory

    show_memory(result, wide=wide)


def _show_units(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected import show_units

    show_units(result, wide=wide)


def _show_filters(result: Any, /, *, wide: bool) -> None:
    from munjang.cli.inspected import show_filters

    show_filters(result, wide=wide)


DATA_VIEWS: tuple[DataView, ...] = (
    DataView(
        "memory",
        "how far back the model feels its input",
        True,
        _memory,
        _show_memory,
        "munjang.report.memory:MEMORY",
    ),
    DataView(
        "units",
        "the places where units of the states are highest",
        False,
        _units,
        _show_units,
        "munjang.report.units:UNITS",
    ),
    DataView(
        "filters",
        "the n-grams of the filters of a cnn",
        False,
        _filters,
        _show_filters,
        "munjang.report.filters:FILTERS",
    ),
    DataView(
        "texts",
        "a map of the texts by their vectors",
        False,
        _texts,
        _show_texts,
        "munjang.report.maps:TEXT_MAP",
    ),
    DataView(
        "moved",
        "the words whose vectors moved most in training",
        False,
        _moved,
        _show_moved,
        "munjang.report.maps:MOVED_WORDS",
    ),
    DataView(
        "references",
        "how often each head of attention finds what a word refers to",
        False,
        _references,
        _show_references,
        "munjang.report.word_attention:REFERENCES",
    ),
)


def require_data_view(name: str) -> DataView:
    """Return the view of that name.

    Raises:
        ConfigError: there is none; the nearest name is suggested.
    """
    view = next((view for view in DATA_VIEWS if view.name == name), None)
    if view is None:
        raise ConfigError(unknown_name("view", name, [view.name for view in DATA_VIEWS]))
    return view
