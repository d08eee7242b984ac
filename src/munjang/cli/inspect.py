"""`munjang inspect`: a whole model over data: its memory, its units, its filters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munjang.cli.options import (
    AsJson,
    Encoding,
    FirstColumn,
    LabelColumn,
    Quiet,
    SecondColumn,
    SkipBadRows,
    TextColumn,
    Wide,
)
from munjang.cli.output import note, show_json
from munjang.errors import ConfigError
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.model import Model
    from munjang.report.formats import Formats
    from munjang.reporting import Report


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line.

    Attributes:
        folders: model folders.
        data: file of texts.
        reading: settings of the section `data` that differ from those of the training.
        unlabeled: take the answers of the model as classes.
        unit: number of a unit, or None.
        of: what gradients are taken of.
        distance: largest distance in tokens.
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
        formats: returns the formats of its files.
    """

    name: str
    summary: str
    several: bool
    compute: Callable[[Asked], Any]
    show: Callable[..., None]
    formats: "Callable[[], Formats[Any]]"


def inspect(
    given: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER... DATA",
            help="Model folder, as munjang train saves it, and a file of texts; several folders "
            "for --view memory.",
        ),
    ],
    view: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="View: memory (how far back the model feels its input), units (places where "
            "units of the states are highest) or filters (n-grams of the filters of a cnn).",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the result to FILE: a page (.html), of memory a picture (.svg), or data "
            "(.json).",
        ),
    ] = None,
    unit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Unit of the state, for --view units.  [default: those that tell the classes "
            "apart best]",
        ),
    ] = None,
    unlabeled: Annotated[
        bool,
        typer.Option(
            "--unlabeled", help="Count units by the answers of the model: DATA has no labels."
        ),
    ] = False,
    of: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What the gradients of --view memory are of: state (the last one) or answer.",
        ),
    ] = "state",
    distance: Annotated[
        int,
        typer.Option(
            metavar="N", min=2, max=10_000, help="Largest distance of --view memory in tokens."
        ),
    ] = 100,
    texts: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Texts at most, drawn at random.  [default: 200 for memory, 5,000 for filters, "
            "100,000 for units]",
        ),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: AsJson = False,
    wide: Wide = False,
    quiet: Quiet = False,
) -> None:
    """Look inside whole models, over data.

    \b
    memory   how much the last state changes with a token so many places back, before
             (initial weights drawn anew) and after training, with a half-life in tokens;
             several models in one picture
    units    for units of the state: the places where they are highest, and how many of
             those texts are of each class
    filters  of a cnn: the n-grams of each filter with the share of each token, the
             threshold below which its maximum does not matter, and negative n-grams

    Columns and encoding are those of the training if omitted. Of several networks that are
    averaged, the first is shown.

    \b
    Examples:
      munjang inspect my-rnn my-lstm reviews.tsv --view memory --out memory.svg
      munjang inspect my-lstm reviews.tsv --view units --unit 17
      munjang inspect my-cnn reviews.tsv --view filters --out filters.html
    """
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    # mistakes are reported before a model is loaded
    chosen = _view(view)
    formats = chosen.formats()
    if out is not None:
        formats.writer_for(Path(out))
    folders, data = _split(chosen, given)
    for option, value, owner in (("--unit", unit, "units"), ("--of", of != "state", "memory")):
        if value not in (None, False) and chosen.name != owner:
            raise ConfigError(f"{option}: expected with --view {owner} only")
    reading = {
        "text_column": text_column,
        "label_column": label_column,
        "first_column": first_column,
        "second_column": second_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
    }
    named = {key: value for key, value in reading.items() if value}
    report = notes(quiet=quiet)
    asked = Asked(folders, data, named, unlabeled, unit, of, distance, texts, report)
    with showing_stages(quiet=quiet):
        result = chosen.compute(asked)
    if out is not None:
        note(f"written: {formats.write(result, out)}")
    if as_json:
        show_json(result.to_json())
    elif out is None:
        chosen.show(result, wide=wide)


def _view(name: str) -> DataView:
    from munjang.registry import unknown_name

    views = {row.name: row for row in VIEWS}
    if name not in views:
        raise ConfigError(f"--view: {unknown_name('view', name, views)}")
    return views[name]


def _split(view: DataView, given: Sequence[str]) -> tuple[list[str], str]:
    """Return the model folders and the file of data."""
    *folders, data = given
    if not folders:
        raise ConfigError("expected a model folder and a file of texts: FOLDER DATA")
    if len(folders) > 1 and not view.several:
        raise ConfigError(f"--view {view.name} takes one model folder, got {len(folders):,}")
    return folders, data


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


def _memory_formats() -> "Formats[Any]":
    from munjang.report.memory import MEMORY

    return MEMORY


def _units_formats() -> "Formats[Any]":
    from munjang.report.units import UNITS

    return UNITS


def _filters_formats() -> "Formats[Any]":
    from munjang.report.filters import FILTERS

    return FILTERS


def _show_memory(result: Any, *, wide: bool) -> None:
    from munjang.cli.inspected import show_memory

    show_memory(result, wide=wide)


def _show_units(result: Any, *, wide: bool) -> None:
    from munjang.cli.inspected import show_units

    show_units(result, wide=wide)


def _show_filters(result: Any, *, wide: bool) -> None:
    from munjang.cli.inspected import show_filters

    show_filters(result, wide=wide)


VIEWS: tuple[DataView, ...] = (
    DataView("memory", "how far back the model feels its input", True, _memory, _show_memory,
             _memory_formats),
    DataView("units", "places where units of the states are highest", False, _units, _show_units,
             _units_formats),
    DataView("filters", "n-grams of the filters of a cnn", False, _filters, _show_filters,
             _filters_formats),
)  # fmt: skip
