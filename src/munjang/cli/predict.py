"""`munjang predict`: one answer a text, as the texts come."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munjang.cli.options import Encoding, SkipBadRows, TextColumn
from munjang.cli.outcome import begin
from munjang.cli.output import json_text, note, show, shown
from munjang.errors import ConfigError

if TYPE_CHECKING:
    from munjang.media import AnyModel
    from munjang.tasks.task import Answer

STDIN = "-"


def predict(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A trained model.")],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts to answer, or image files.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="Read texts from a file, or from - as they come."
        ),
    ] = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with all probabilities.")
    ] = False,
) -> None:
    """Answer texts, one line each, as they come.

    Prints one line a text, in order: label, probability and text, with tabs between them; a model
    of the task regress prints the number, one of multilabel all labels in one column. An empty
    line gets an answer too, so that line n of the output belongs to line n of plain text. Without
    TEXT and --input, texts are read from standard input.

    \b
    Examples:
      munjang predict my-model "정말 재미있다" "시간이 아깝다"
      munjang predict my-model --input reviews.csv --text-column document --json
      munjang predict my-image-model scans/*.png --skip-bad-rows
      tail -f reviews.log | munjang predict my-model --input -
    """
    from munjang.media import load

    begin()
    if texts and source is not None:
        raise ConfigError("give texts or --input, not both")
    model = load(folder)
    answer = _json_line if as_json else _line
    skipped: Counter[str] | None = Counter() if skip_bad_rows else None
    if texts:
        rows, usable = model.usable(texts, skipped)
        pairs = zip(rows, _pairs(model, usable), strict=True)
        _write(answer(row, *pair) for row, pair in pairs)
        _tell(skipped)
        return
    for rows, batch in _arriving(source or STDIN, text_column, encoding or "utf-8", skipped):
        places, usable = model.usable(batch, skipped)
        answered = zip(places, _pairs(model, usable), strict=True)
        _write(answer(int(rows[place - 1]), *pair) for place, pair in answered)
    _tell(skipped)


def _tell(skipped: Counter[str] | None) -> None:
    for reason, count in (skipped or {}).items():
        note(f"skipped {count:,} rows: {reason}")


def _pairs(model: "AnyModel", texts: Iterable[str]) -> Iterator[tuple[str, "Answer"]]:
    """Each text with its answer."""
    return zip(texts, model.predict(texts), strict=True)


def _arriving(
    source: str, text_column: str | None, encoding: str, skipped: Counter[str] | None
) -> Iterator[tuple[Any, Any]]:
    """Row numbers and texts, batch by batch, each as soon as its lines are there."""
    from munjang.data.readers.stream import stream_texts

    if source == STDIN and sys.stdin.isatty():
        note("type a text and Enter for an answer; Ctrl-D ends")
    return stream_texts(
        source, text_column=text_column, encoding=encoding, skipped=skipped, say=note
    )


def _write(lines: Iterable[str]) -> None:
    """Write a batch of answers, and let nothing wait in a buffer."""
    for line in lines:
        show(line)
    sys.stdout.flush()


def _line(row: int, text: str, answer: "Answer") -> str:
    return "\t".join(map(shown, [*answer.columns(), text]))


def _json_line(row: int, text: str, answer: "Answer") -> str:
    return json_text({"row": row, **answer.to_json()})
