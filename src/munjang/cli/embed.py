"""`munjang embed`: the sentence vectors of a file of texts."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

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
from munjang.cli.options import Encoding, ModelFolder, Quiet, SkipBadRows, TextColumn
from munjang.cli.output import note
from munjang.reporting import pluralize
from munjang.stopping import raise_on_signals

# Seconds between two lines of progress.
_PROGRESS_SECONDS = 10.0

VectorPooling = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Pooling of the states of all tokens: mean, first, max; or pooled, the vector that "
        "the head of the task reads.  [default: that of the training, else mean]",
    ),
]


def embed(
    folder: ModelFolder,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="File of texts; - is standard input. With a folder as --out also patterns, such "
            "as 'data/*.csv.gz', and folders; repeatable.  [default: -]",
        ),
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="File to write: NAME.npy or NAME.parquet. A name without a suffix is a folder, "
            "for parts that several processes write; can be resumed.",
        ),
    ] = ...,  # type: ignore[assignment]
    text_column: TextColumn = None,
    pooling: VectorPooling = None,
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize", help="Divide each vector by its length: products are cosines then."
        ),
    ] = False,
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Leave the texts out of a Parquet file.")
    ] = False,
    encoding: Encoding = None,
    skip_bad_rows: SkipBadRows = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="With a folder as --out: parquet or npy.  [default: parquet]",
        ),
    ] = None,
    rows_per_part: RowsPerPart = None,
    workers: Workers = None,
    cluster: FilesCluster = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a sentence vector for each text of a file.

    \b
    Files:
      NAME.npy      float32 [rows, dim], for numpy.load
      NAME.parquet  columns row (number of the line or row in FILE), text, vector;
                    munjang search shows the texts of such a file

    Files of any size are read, computed and written in bounded memory. Empty texts have a vector,
    too, so that vector n belongs to line n of a plain text file. An existing file is replaced when
    the new one is complete.

    \b
    Examples:
      munjang embed my-model --input reviews.txt --out vectors.npy
      munjang embed my-model --input reviews.csv --text-column document --out vectors.parquet
      zcat reviews.gz | munjang embed my-model --out vectors.npy --normalize
      munjang embed my-model --input 'data/*.csv.gz' --out vectors --workers 4
    """
    raise_on_signals()
    if _is_folder(out):
        _embed_files(
            folder,
            source or [],
            out,
            {
                "text_column": text_column,
                "encoding": encoding or "utf-8",
                "skip_bad_rows": skip_bad_rows,
                "pooling": pooling,
                "normalize": normalize,
                "with_texts": not no_texts,
            },
            form=form or "parquet",
            rows_per_part=rows_per_part,
            workers=workers,
            cluster=cluster,
            resume=resume,
            overwrite=overwrite,
            quiet=quiet,
        )
        return
    refuse_without_out(
        format=form,
        rows_per_part=rows_per_part,
        workers=workers,
        cluster=cluster,
        resume=resume,
        overwrite=overwrite,
    )
    _embed_file(
        folder,
        require_one(source or ["-"]),
        out,
        text_column=text_column,
        encoding=encoding,
        skip_bad_rows=skip_bad_rows,
        pooling=pooling,
        normalize=normalize,
        with_texts=not no_texts,
        quiet=quiet,
    )


def _is_folder(out: str) -> bool:
    """Return whether a name to write to is that of a folder: it has no suffix, or exists as one."""
    return out.endswith(os.sep) or not Path(out).suffix or Path(out).is_dir()


def _embed_files(
    folder: str,
    sources: list[str],
    out: str,
    options: Mapping[str, Any],
    *,
    form: str,
    rows_per_part: int | None,
    workers: int | None,
    cluster: str | None,
    resume: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the vectors of many files."""
    from munjang.many_files.api import embed_files
    from munjang.many_files.works import ROWS_PER_PART

    with watching_files(out, quiet=quiet) as watcher:
        done = embed_files(
            folder,
            sources,
            out,
            format=form,
            **options,
            rows_per_part=rows_per_part or ROWS_PER_PART,
            workers=workers,
            cluster=cluster,
            resume=resume,
            overwrite=overwrite,
            report=watcher.report,
            on_progress=watcher.show,
        )
    show_done(done, quiet=quiet)


def _embed_file(folder: str, source: str, out: str, *, quiet: bool, **options: Any) -> None:
    """Write the vectors of one file."""
    from munjang.cli.stages import showing_stages
    from munjang.sentence_vectors.embed import embed as run

    say = (lambda line: None) if quiet else note
    started = last = time.perf_counter()

    def on_rows(rows: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= _PROGRESS_SECONDS:
            last = now
            say(f"{rows:,} texts, {rows / (now - started):,.0f} texts/s")

    with showing_stages(quiet=quiet):
        done = run(
            folder,
            source,
            out,
            **options,
            report=say,
            on_rows=on_rows,
        )
    for reason, count in done.skipped.items():
        say(f"skipped {pluralize(count, 'row')}: {reason}")
    if done.truncated:
        texts = "1 text was" if done.truncated == 1 else f"{done.truncated:,} texts were"
        say(f"{texts} longer than the model reads: only the beginning was used")
    speed = done.rows / max(done.seconds, 1e-9)
    size = pluralize(done.dim, "number")
    say(
        f"{pluralize(done.rows, 'vector')} of {size} (pooling {done.pooling}) in {Path(out)}, "
        f"{speed:,.0f} texts/s"
    )
