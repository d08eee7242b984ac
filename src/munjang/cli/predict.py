"""`munjang predict`: one answer per text, as the texts arrive."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munjang.cli.options import (
    Beam,
    DecodingSettings,
    Encoding,
    FirstColumn,
    ModelFolder,
    SecondColumn,
    SkipBadRows,
    TextColumn,
)
from munjang.cli.output import flush, json_text, note, show, show_unwrapped
from munjang.errors import ConfigError, DataError
from munjang.reporting import escape_line, pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.cli.decoding import Predict
    from munjang.data.readers.stream_records import Wanted
    from munjang.tasks.task import Answer

STDIN = "-"
# Maximum number of probabilities, one per text and label, that are in memory at once.
MOST_PROBABILITIES = 2**20
LineOf = Callable[[int, Any, Any], str]
Usable = Callable[[Sequence[Any]], tuple[list[int], Mapping[str, int]]]


def predict(
    folder: ModelFolder,
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Texts, two by two of a model of pairs; of an image model paths of images.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Read the texts from FILE instead; - is standard input, answered as it arrives.",
        ),
    ] = None,
    text_column: TextColumn = None,
    first_column: FirstColumn = None,
    second_column: SecondColumn = None,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    beam: Beam = None,
    nbest: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Number of answers per text, the best first; for models that write text.",
        ),
    ] = None,
    align: Annotated[
        bool,
        typer.Option(
            "--align",
            help="With --json, the source piece that each piece of an answer attends to most.",
        ),
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Number of tokens per [MASK], of next tokens, or of near words.  [default: 5]",
        ),
    ] = None,
    abstain: Annotated[
        float | None,
        typer.Option(
            metavar="RISK",
            help="Answer only as long as at most this share of the answers is wrong, such as 0.05; "
            "for a classifier that munjang calibrate has calibrated.",
        ),
    ] = None,
    settings: DecodingSettings = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed of sampling.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object per line, with all probabilities.")
    ] = False,
) -> None:
    """Predict an answer for each text or image, one per line.

    \b
    Columns of a line, separated by tabs:
      classify    label, probability, text; with --abstain label (empty if there is no
                  answer), probability, "answer" or "no answer", text
      regress     number, text
      multilabel  labels, text
      pairs       as above, with both texts
      masked_lm   row, number of the [MASK], probability, token; a line per token
      language    row, probability, next token; a line per token
      vectors     row, cosine, near word; a line per word
      translate   the answer alone; with --nbest row, score and answer

    Answers are in the order of the texts, and an empty line is answered too, so that line n of the
    output belongs to line n of a plain text file. Without TEXT and --input, texts are read from
    standard input. Of a table, the text column of the training is read, or one with a usual name.
    A model of two texts per row reads two columns, or lines of two texts with a tab between them.

    \b
    Examples:
      munjang predict my-model "정말 재미있다" "시간이 아깝다"
      munjang predict my-model -- "-10점도 아깝다"
      munjang predict my-model --input reviews.csv --text-column document --json
      munjang predict my-model --input reviews.csv --abstain 0.05
      munjang predict my-pair-model "a question" "another question"
      munjang predict my-image-model scans/*.png --skip-bad-rows
      munjang predict my-pretrained-model "이 영화 [MASK] 재미있다" --top 3
      munjang predict my-translator --input test.en --beam 5 > test.de
      tail -f reviews.log | munjang predict my-model --input -
    """
    from munjang.cli.decoding import decoding_settings, predict_with
    from munjang.folder.load import load

    raise_on_signals()
    # Threads of OpenMP sleep while they wait: between the many small steps of an answer they would
    # compete with the only one that works. The variable is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if texts and source is not None:
        raise ConfigError("give texts or --input, not both")
    model = load(folder)
    changed = decoding_settings(beam, nbest, settings)
    answer = predict_with(model, changed, align=align, seed=seed, top=top, abstain=abstain)
    line_of = _json_line if as_json else _line
    skipped: Counter[str] | None = Counter() if skip_bad_rows else None
    # an answer holds the probabilities of all labels
    batch_size = max(1, MOST_PROBABILITIES // max(1, len(getattr(model, "labels", ()))))
    named = {
        "text_column": text_column,
        "first_column": first_column,
        "second_column": second_column,
    }
    if texts:
        values = model.input.group_values(texts)
        batches: Iterable[tuple[Any, Any]] = [(range(1, len(values) + 1), values)]
    else:
        columns = model.input.wanted_columns(named)
        batches = _stream(source or STDIN, columns, encoding or "utf-8", skipped)
    cut, usable = 0, getattr(model, "reader", model.input).usable
    for rows, batch in batches:
        places = _usable(usable, batch, skipped)
        kept = [batch[place] for place in places]
        numbers = [int(rows[place]) for place in places]
        answers = zip(numbers, _answers(answer, kept, batch_size), strict=True)
        try:
            cut += _write(line_of, answers)
        except DataError as error:
            raise error if texts else _locate(error, usable, kept, numbers, source) from None
    for reason, count in (skipped or {}).items():
        note(f"skipped {pluralize(count, 'row')}: {reason}")
    _report_cut(cut)


def _locate(
    error: DataError,
    usable: Usable,
    values: Sequence[Any],
    rows: Sequence[int],
    source: str | None,
) -> DataError:
    """Return the error with the file and the row of the first value that cannot be used."""
    from munjang.data.readers.faults import SKIP_HINT
    from munjang.data.readers.source import source_name

    places = set(usable(values)[0])
    first = next((place for place in range(len(values)) if place not in places), None)
    if first is None or error.file is not None:
        return error
    # a row that the error names is one of the batch
    message = str(error).removeprefix(f"row {error.row}: ")
    return DataError(f"{message}; {SKIP_HINT}", file=source_name(source or STDIN), row=rows[first])


def _usable(usable: Usable, texts: Sequence[Any], skipped: Counter[str] | None) -> Sequence[int]:
    """Return the places of the texts to answer; the others are counted in `skipped`."""
    if skipped is None:
        return range(len(texts))
    places, reasons = usable(texts)
    skipped.update(reasons)
    return places


def _answers(
    answer: "Predict", texts: Sequence[Any], batch_size: int
) -> Iterator[tuple[Any, "Answer"]]:
    """Yield each value with its answer."""
    for start in range(0, len(texts), batch_size):
        batch = texts[start : start + batch_size]
        yield from zip(batch, answer(batch), strict=True)


def _stream(
    source: str,
    wanted: "Wanted",
    encoding: str,
    skipped: Counter[str] | None,
) -> Iterator[tuple[Any, Any]]:
    """Return batches of row numbers and values, each as soon as its lines arrive.

    Args:
        source: file, or - for standard input.
        wanted: columns to read.
        encoding: encoding of the file.
        skipped: counts of skipped rows by reason; None refuses unusable rows.
    """
    from munjang.data.readers.stream import stream_rows

    if source == STDIN and sys.stdin.isatty():
        note("type a text and press Enter; Ctrl-D ends")
    return stream_rows(source, wanted, encoding=encoding, skipped=skipped, report=note)


def _write(line_of: LineOf, answered: "Iterable[tuple[int, tuple[Any, Answer]]]") -> int:
    """Write a batch of answers, flush, and return the number of truncated texts."""
    cut = 0
    write = show_unwrapped if line_of is _json_line else show
    for row, (text, answer) in answered:
        write(line_of(row, text, answer))
        cut += answer.truncated
    flush()
    return cut


def _report_cut(count: int) -> None:
    """Report the number of truncated texts."""
    if count:
        texts = "1 text was" if count == 1 else f"{count:,} texts were"
        note(f"{texts} longer than the model reads: only the beginning was used")


def _line(row: int, value: str | tuple[str, ...], answer: "Answer") -> str:
    text, *others = (value,) if isinstance(value, str) else value
    lines = ([*line, *others] for line in answer.lines(row, text))
    return "\n".join("\t".join(map(escape_line, line)) for line in lines)


def _json_line(row: int, value: Any, answer: "Answer") -> str:
    return json_text({"row": row, **answer.to_json()})
