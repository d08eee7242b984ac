"""`munjang inspect`: a whole model over data: its memory, units and filters, maps of its texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

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
    from munjang.cli.data_views import DataView


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
            help="What to show: {data_views}.",
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
    projection: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Projection of --view texts: pca, or tsne, which needs the extra maps.",
        ),
    ] = "pca",
    texts: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Texts at most, drawn at random.  [default: 200 for memory, 2,000 for "
            "texts, 5,000 for filters, 100,000 for units]",
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

    texts    a map of the texts by their vectors, colored by label; its page can be
             searched
    moved    the words of the texts whose vectors moved most in training, with their nearest
             words before and after
    references
             how often each head of self-attention takes more from the word that a pronoun
             means than from another one; DATA has the columns text, word, meant, other

    Columns and encoding are those of the training if omitted. Of several networks that are
    averaged, the first is shown.

    \b
    Examples:
      munjang inspect my-rnn my-lstm reviews.tsv --view memory --out memory.svg
      munjang inspect my-lstm reviews.tsv --view units --unit 17
      munjang inspect my-gru reviews.tsv --view texts --out map.html
      munjang inspect minilm references.csv --view references
      munjang inspect my-cnn reviews.tsv --view filters --out filters.html
    """
    from munjang.cli.data_views import Asked, require_data_view
    from munjang.cli.progress import notes
    from munjang.cli.stages import showing_stages

    raise_on_signals()
    # mistakes are reported before a model is loaded
    chosen = require_data_view(view)
    formats = chosen.writer()
    if out is not None:
        formats.check(out)
    folders, data = _split(chosen, given)
    for option, value, owner in (
        ("--unit", unit, "units"),
        ("--of", of != "state", "memory"),
        ("--projection", projection != "pca", "texts"),
    ):
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
    asked = Asked(folders, data, named, unlabeled, unit, of, distance, projection, texts, report)
    with showing_stages(quiet=quiet):
        result = chosen.compute(asked)
    if out is not None:
        note(f"written: {formats.write(result, out)}")
    if as_json:
        show_json(result.to_json())
    elif out is None:
        chosen.show(result, wide=wide)


def _split(view: "DataView", given: Sequence[str]) -> tuple[list[str], str]:
    """Return the model folders and the file of data."""
    *folders, data = given
    if not folders:
        raise ConfigError("expected a model folder and a file of texts: FOLDER DATA")
    if len(folders) > 1 and not view.several:
        raise ConfigError(f"--view {view.name} takes one model folder, got {len(folders):,}")
    return folders, data
