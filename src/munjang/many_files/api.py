"""The public functions: `munjang.predict_files`, `munjang.embed_files`, `munjang.read_answers`."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from munjang.many_files.ledger import FilesDone, Progress
from munjang.many_files.run import run_files
from munjang.many_files.works import ROWS_PER_PART, WORKS
from munjang.reporting import Report, discard


def predict_files(
    folder: str | Path,
    sources: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    format: str = "jsonl",
    text_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    decoding: Mapping[str, Any] | None = None,
    align: bool = False,
    seed: int = 0,
    top: int | None = None,
    abstain: float | None = None,
    rows_per_part: int = ROWS_PER_PART,
    workers: int | None = None,
    cluster: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> FilesDone:
    """Answer the rows of files of any size and number, in several processes.

    The answers of a file are parts in a folder of its own below `out`; joined in their order they
    are what `munjang predict --input FILE --json` prints. `munjang.read_answers` reads them.

    Args:
        folder: model folder.
        sources: files, patterns such as `data/*.csv.gz`, and folders.
        out: folder to write to.
        format: jsonl, or tsv, the lines that `munjang predict` prints for people.
        text_column: column of the texts; that of the training, or inferred, if omitted.
        first_column: column of the first texts, of a model of two texts.
        second_column: column of the second texts.
        encoding: encoding of text files.
        skip_bad_rows: write unusable rows to a file of their own rather than raise.
        decoding: decoding settings of models that write text, such as `{"beam": 5}`.
        align: add the source piece with most attention for each piece of an answer.
        seed: random seed for sampling.
        top: number of tokens per [MASK], of next tokens, or of near words.
        abstain: largest share of wrong answers, as for `munjang.model.Model.predict`.
        rows_per_part: number of rows of a file per part, rounded up to a multiple of 8,192.
        workers: number of processes, of one thread each; the number of cores if omitted.
        cluster: a Ray cluster to work on instead of this machine, `auto` or HOST:PORT of its head;
            its nodes see the model, the files and `out` under the same paths.
        resume: continue the answers in `out`.
        overwrite: replace the answers in `out`.
        report: called with lines for people.
        on_progress: called after rows and parts were written.

    Raises:
        MunjangError: the model, a file, a row, an option or the folder cannot be used; or a process
            was ended by the system. Parts that are done stay, and `resume` continues.
        OSError: a part cannot be written.

    Example:
        >>> munjang.predict_files("my-model", "data/*.csv.gz", "answers").rows
        150000
    """
    options = {
        "format": format,
        "text_column": text_column,
        "first_column": first_column,
        "second_column": second_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
        "decoding": dict(decoding or {}),
        "align": align,
        "seed": seed,
        "top": top,
        "abstain": abstain,
    }
    return run_files(
        WORKS["predict"],
        folder,
        sources,
        out,
        options,
        rows_per_part=rows_per_part,
        workers=workers,
        cluster=cluster,
        resume=resume,
        overwrite=overwrite,
        report=report or discard,
        on_progress=on_progress or discard_progress,
    )


def embed_files(
    folder: str | Path,
    sources: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    format: str = "parquet",
    text_column: str | None = None,
    encoding: str = "utf-8",
    skip_bad_rows: bool = False,
    pooling: str | None = None,
    normalize: bool = False,
    with_texts: bool = True,
    rows_per_part: int = ROWS_PER_PART,
    workers: int | None = None,
    cluster: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: Report | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> FilesDone:
    """Write the sentence vectors of files of any size and number, in several processes.

    Args:
        folder: model folder.
        sources: files, patterns such as `data/*.csv.gz`, and folders.
        out: folder to write to.
        format: parquet (columns row, text, vector), or npy.
        text_column: column of the texts; that of the training, or inferred, if omitted.
        encoding: encoding of text files.
        skip_bad_rows: write unusable rows to a file of their own rather than raise.
        pooling: as for `munjang.model.Model.embed`.
        normalize: divide each vector by its length.
        with_texts: whether Parquet files get a column of texts.
        rows_per_part: number of rows of a file per part, rounded up to a multiple of 8,192.
        workers: as for `predict_files`.
        cluster: as for `predict_files`.
        resume: as for `predict_files`.
        overwrite: as for `predict_files`.
        report: called with lines for people.
        on_progress: called after rows and parts were written.

    Raises:
        MunjangError: as `predict_files`.
        OSError: a part cannot be written.

    Example:
        >>> munjang.embed_files("my-model", "data/*.csv.gz", "vectors").rows
        150000
    """
    options = {
        "format": format,
        "text_column": text_column,
        "encoding": encoding,
        "skip_bad_rows": skip_bad_rows,
        "pooling": pooling,
        "normalize": normalize,
        "with_texts": with_texts,
    }
    return run_files(
        WORKS["embed"],
        folder,
        sources,
        out,
        options,
        rows_per_part=rows_per_part,
        workers=workers,
        cluster=cluster,
        resume=resume,
        overwrite=overwrite,
        report=report or discard,
        on_progress=on_progress or discard_progress,
    )


def discard_progress(progress: Progress) -> None:
    """Ignore the progress."""
