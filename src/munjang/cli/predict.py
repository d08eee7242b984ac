"""`munjang predict`: one answer per text, as the texts arrive."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from munjang.cli.many_files import (
    FilesCluster,
    Overwrite,
    Resume,
    RowsPerPart,
    Workers,
    refuse_without_out,
    require_one,
    show_done,
    watching_files,
)
from munjang.cli.options import (
    Beam,
    DecodingSettings,
    Encoding,
    FirstColumn,
    ModelFolder,
    Quiet,
    SecondColumn,
    SkipBadRows,
    TextColumn,
)
from munjang.cli.output import flush, note, show, show_unwrapped
from munjang.errors import ConfigError
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

if TYPE_CHECKING:
    from munjang.data.readers.stream import OnBadRow
    from munjang.data.readers.stream_records import Wanted
    from munjang.tasks.task import Answer

STDIN = "-"


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
        list[str] | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Read the texts from FILE instead; - is standard input, answered as it arrives. "
            "With --out also patterns, such as 'data/*.csv.gz', and folders; repeatable.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the answers to parts in FOLDER, in several processes; can be resumed.",
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
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="With --out: jsonl, as --json, or tsv, as without.  [default: jsonl]",
        ),
    ] = None,
    rows_per_part: RowsPerPart = None,
    workers: Workers = None,
    cluster: FilesCluster = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
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

    With --out, files of any size and number are answered in several processes. FOLDER holds a
    folder per file, whose parts, joined, are what the command prints with --json. A stopped command
    goes on with --resume. With --skip-bad-rows, such rows are in bad-rows.jsonl beside the parts.

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
      munjang predict my-model --input 'data/*.csv.gz' --out answers --workers 4
      munjang predict my-model --input 'data/*.csv.gz' --out answers --workers 4 --resume
    """
    raise_on_signals()
    # Threads of OpenMP sleep while they wait: between the many small steps of an answer they would
    # compete with the only one that works. The variable is read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if texts and source:
        raise ConfigError("give texts or --input, not both")
    named: dict[str, Any] = {
        "text_column": text_column,
        "first_column": first_column,
        "second_column": second_column,
    }
    options: dict[str, Any] = {
        "decoding": _decoding(beam, nbest, settings),
        "align": align,
        "seed": seed,
        "top": top,
        "abstain": abstain,
    }
    reading: dict[str, Any] = {"encoding": encoding or "utf-8", "skip_bad_rows": skip_bad_rows}
    if out is None:
        refuse_without_out(
            format=form,
            rows_per_part=rows_per_part,
            workers=workers,
            cluster=cluster,
            resume=resume,
            overwrite=overwrite,
        )
        given = require_one(source or [STDIN])
        _predict_here(folder, texts, given, named, options, reading, as_json=as_json)
        return
    if texts or not source:
        raise ConfigError("--out: expected files to answer; name them with --input")
    if as_json and form not in (None, "jsonl"):
        raise ConfigError(f"--json and --format {form} are different; give one")
    from munjang.many_files.api import predict_files
    from munjang.many_files.works import ROWS_PER_PART

    with watching_files(out, quiet=quiet) as watcher:
        done = predict_files(
            folder,
            source,
            out,
            format=form or "jsonl",
            **named,
            **options,
            **reading,
            rows_per_part=rows_per_part or ROWS_PER_PART,
            workers=workers,
            cluster=cluster,
            resume=resume,
            overwrite=overwrite,
            report=watcher.report,
            on_progress=watcher.show,
        )
    show_done(done, quiet=quiet)


def _decoding(
    beam: int | None, nbest: int | None, settings: Sequence[str] | None
) -> dict[str, Any]:
    from munjang.cli.decoding import decoding_settings

    return decoding_settings(beam, nbest, settings)


def _predict_here(
    folder: str,
    texts: list[str] | None,
    source: str,
    named: Mapping[str, str | None],
    options: Mapping[str, Any],
    reading: Mapping[str, Any],
    *,
    as_json: bool,
) -> None:
    """Print the answers to texts, or to a file or pipe."""
    from munjang.data.readers.source import source_name
    from munjang.data.readers.stream import count_in
    from munjang.folder.load import load
    from munjang.many_files.answers import Answers, block_rows

    model = load(folder)
    answers = Answers(model, **options)
    skipped: Counter[str] = Counter()
    on_bad_row = count_in(skipped) if reading["skip_bad_rows"] else None
    if texts:
        values = model.input.group_values(texts)
        batches: Iterable[tuple[Any, Any]] = [(range(1, len(values) + 1), values)]
    else:
        columns = model.input.wanted_columns(named)
        batches = _stream(source, columns, reading["encoding"], on_bad_row, block_rows(model))
    file, cut = None if texts else source_name(source), 0
    for rows, batch in batches:
        numbers = [int(row) for row in rows]
        cut += _write(answers.batch(numbers, batch, on_bad_row, file), as_json=as_json)
    for reason, count in skipped.items():
        note(f"skipped {pluralize(count, 'row')}: {reason}")
    _report_cut(cut)


def _stream(
    source: str,
    wanted: "Wanted",
    encoding: str,
    on_bad_row: "OnBadRow | None",
    batch_size: int,
) -> Iterator[tuple[Any, Any]]:
    """Return batches of row numbers and values, from a pipe each as soon as its lines arrive."""
    from munjang.data.readers.stream import stream_rows

    if source == STDIN and sys.stdin.isatty():
        note("type a text and press Enter; Ctrl-D ends")
    return stream_rows(
        source,
        wanted,
        encoding=encoding,
        batch_size=batch_size,
        on_bad_row=on_bad_row,
        report=note,
    )


def _write(answered: "Iterable[tuple[int, Any, Answer]]", *, as_json: bool) -> int:
    """Write a batch of answers, flush, and return the number of truncated texts."""
    from munjang.many_files.answers import json_line, tsv_lines

    cut = 0
    for row, value, answer in answered:
        if as_json:
            show_unwrapped(json_line(row, value, answer))
        else:
            show(tsv_lines(row, value, answer))
        cut += answer.truncated
    flush()
    return cut


def _report_cut(count: int) -> None:
    """Report the number of truncated texts."""
    if count:
        texts = "1 text was" if count == 1 else f"{count:,} texts were"
        note(f"{texts} longer than the model reads: only the beginning was used")
