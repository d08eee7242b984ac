"""`munjang predict`: one answer a text, as the texts come."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munjang.cli.options import Beam, DecodingSettings, Encoding, SkipBadRows, TextColumn
from munjang.cli.output import flush, json_text, note, show, show_whole, shown
from munjang.errors import ConfigError
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.cli.pairs import Ask
    from munjang.tasks.task import Answer

STDIN = "-"
# So many probabilities of labels, one for each text and label, are held at once.
MOST_PROBABILITIES = 2**20
LineOf = Callable[[int, str, Any], str]


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
    beam: Beam = None,
    nbest: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Answers to each text, the best first (translate)."),
    ] = None,
    align: Annotated[
        bool, typer.Option("--align", help="With --json: what each word of an answer looked at.")
    ] = False,
    settings: DecodingSettings = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Random seed for sampling.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with all probabilities.")
    ] = False,
) -> None:
    """Answer texts, one line each, as they come.

    Prints one line a text, in order: label, probability and text, with tabs between them; a model
    of the task regress prints the number, one of multilabel all labels in one column, one of
    translate its answer alone, and with --nbest the text's row, the score and the answer of each.
    An empty line gets an answer too, so that line n of the output belongs to line n of plain text.
    Without TEXT and --input, texts are read from standard input. Of a table, the column that the
    model was trained on is read, or one with a usual name.

    \b
    Examples:
      munjang predict my-model "정말 재미있다" "시간이 아깝다"
      munjang predict my-model -- "-10점도 아깝다"
      munjang predict my-model --input reviews.csv --text-column document --json
      munjang predict my-image-model scans/*.png --skip-bad-rows
      munjang predict my-translator --input test.en --beam 5 > test.de
      tail -f reviews.log | munjang predict my-model --input -
    """
    from munjang.cli.pairs import asking, decoding_settings
    from munjang.folder.load import load

    raise_on_signals()
    # The threads of OpenMP sleep while they wait for one another: between the many small steps of
    # an answer they would take the processor from the only one that works. Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if texts and source is not None:
        raise ConfigError("give texts or --input, not both")
    model = load(folder)
    changed = decoding_settings(beam, nbest, settings)
    ask = asking(model, changed, align=align, seed=seed)
    cut = 0
    answer = _json_line if as_json else _line
    skipped: Counter[str] | None = Counter() if skip_bad_rows else None
    # an answer holds the probabilities of all labels
    most = max(1, MOST_PROBABILITIES // max(1, len(getattr(model, "labels", ()))))
    usable = model.input.usable
    if texts:
        places = _usable(usable, texts, skipped)
        kept = [texts[place] for place in places]
        rows = (place + 1 for place in places)
        cut += _write(answer, zip(rows, _pairs(ask, kept, most), strict=True))
    else:
        trained = model.input.trained_column
        arriving = _arriving(source or STDIN, (text_column, trained), encoding or "utf-8", skipped)
        for rows, batch in arriving:
            places = _usable(usable, batch, skipped)
            kept = [batch[place] for place in places]
            numbers = (int(rows[place]) for place in places)
            cut += _write(answer, zip(numbers, _pairs(ask, kept, most), strict=True))
    for reason, count in (skipped or {}).items():
        note(f"skipped {pluralize(count, 'row')}: {reason}")
    _tell_cut(cut)


def _usable(
    usable: Callable[[Sequence[str]], tuple[list[int], Mapping[str, int]]],
    texts: Sequence[str],
    skipped: Counter[str] | None,
) -> Sequence[int]:
    """Return the places of texts to answer; the others are counted if any are to be skipped."""
    if skipped is None:
        return range(len(texts))
    places, reasons = usable(texts)
    skipped.update(reasons)
    return places


def _pairs(ask: "Ask", texts: Sequence[str], most: int) -> Iterator[tuple[str, "Answer"]]:
    """Each text with its answer, so many texts at a time."""
    for start in range(0, len(texts), most):
        part = texts[start : start + most]
        yield from zip(part, ask(part), strict=True)


def _arriving(
    source: str,
    columns: tuple[str | None, str | None],
    encoding: str,
    skipped: Counter[str] | None,
) -> Iterator[tuple[Any, Any]]:
    """Row numbers and texts, batch by batch, each as soon as its lines are there.

    `columns` are the text column that is asked for, and the one of the training.
    """
    from munjang.data.readers.stream import stream_texts

    if source == STDIN and sys.stdin.isatty():
        note("type a text and Enter for an answer; Ctrl-D ends")
    return stream_texts(
        source,
        text_column=columns[0],
        trained_column=columns[1],
        encoding=encoding,
        skipped=skipped,
        report=note,
    )


def _write(line_of: LineOf, answered: "Iterable[tuple[int, tuple[str, Answer]]]") -> int:
    """Write a batch of answers, and let nothing wait in a buffer. Returns whose texts were cut."""
    cut = 0
    write = show_whole if line_of is _json_line else show
    for row, (text, answer) in answered:
        write(line_of(row, text, answer))
        cut += answer.truncated
    flush()
    return cut


def _tell_cut(count: int) -> None:
    """Tell how many answers know only the beginning of their text."""
    if count:
        texts = "1 text was" if count == 1 else f"{count:,} texts were"
        note(f"{texts} longer than the model reads: only the beginning counted")


def _line(row: int, text: str, answer: "Answer") -> str:
    return "\n".join("\t".join(map(shown, line)) for line in answer.lines(row, text))


def _json_line(row: int, text: str, answer: "Answer") -> str:
    return json_text({"row": row, **answer.to_json()})
