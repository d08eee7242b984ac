"""Write the vectors of all texts of a file, in bounded memory."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from munjang.errors import ConfigError, DataError
from munjang.folder.layout import CARD, METRICS_FILE
from munjang.folder.load import AnyModel
from munjang.folder.seal import resolve_model_folder
from munjang.folder.sealed import as_folder_errors, open_sealed
from munjang.forked import require_polars
from munjang.names import find_existing_path
from munjang.reporting import Report, discard
from munjang.sentence_vectors.files import VectorRecord, check_suffix, open_writer
from munjang.sentence_vectors.source import TextSource, require_encoder
from munjang.tasks.vectors import count_dimensions


@dataclass(frozen=True)
class Embedded:
    """A file of vectors that was written.

    Attributes:
        path: path of the file.
        rows: number of vectors.
        dim: width of a vector.
        pooling: pooling of the vectors.
        seconds: time of reading, computing and writing, without loading the model.
        truncated: number of texts that were longer than the model reads.
        skipped: number of skipped rows by reason.
    """

    path: Path
    rows: int
    dim: int
    pooling: str
    seconds: float
    truncated: int
    skipped: Counter[str]


def embed(
    model: AnyModel | str | Path,
    source: str | Path,
    out: str | Path,
    *,
    text_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    pooling: str | None = None,
    normalize: bool = False,
    with_texts: bool = True,
    report: Report | None = None,
    on_rows: Callable[[int], object] | None = None,
) -> Embedded:
    """Write the sentence vectors of a file of any size; `Model.embed` is for texts in memory.

    Every row gets a vector, those of empty texts too, so that row n of the vectors belongs to
    row n of the file.

    Args:
        model: a model folder, or a model.
        source: file of texts, or "-" for standard input; the formats of `train`.
        out: file to write, .npy or .parquet; it is complete, or as it was before.
        text_column: column of the texts; that of the training, or inferred, if omitted.
        encoding: encoding of text files; utf-8 if omitted.
        skip_bad_rows: skip and count unusable rows rather than raise.
        pooling: as for `munjang.model.Model.embed`.
        normalize: divide each vector by its length.
        with_texts: whether a Parquet file gets a column of texts.
        report: called with lines for people.
        on_rows: called with the number of rows written so far.

    Raises:
        DataError: the file has no texts, or a row cannot be used.
        ConfigError: the model gives no vectors, or `out` is no such file.
        OSError: the file cannot be written.

    Example:
        >>> munjang.embed("my-model", "reviews.txt", "vectors.npy").rows
        5000
    """
    require_polars("Embedding a file")
    path = Path(out)
    check_suffix(path)
    if str(source) != "-" and _is_same_file(path, find_existing_path(source)):
        raise ConfigError(f"{path}: the vectors would replace the file of texts")
    known, pooling = require_encoder(model, pooling)
    dim = count_dimensions(known.network, pooling)
    fingerprint = fingerprint_folder(model) if isinstance(model, str | Path) else None
    record = None if fingerprint is None else VectorRecord(fingerprint, pooling, normalize)
    texts = TextSource(
        source, text_column, encoding or "utf-8", skip_bad_rows, report=report or discard
    )
    rows, started = 0, time.perf_counter()
    with open_writer(path, dim, record, with_texts=with_texts) as writer:
        for block in texts.blocks(known, pooling=pooling, normalize=normalize):
            writer.write(block)
            rows += len(block.rows)
            if on_rows is not None:
                on_rows(rows)
        if not rows:
            raise DataError("expected texts, found none", file=str(source))
    seconds = time.perf_counter() - started
    return Embedded(path, rows, dim, pooling, seconds, texts.truncated, texts.skipped)


def _is_same_file(first: Path, second: Path) -> bool:
    return first.exists() and second.exists() and first.samefile(second)


def fingerprint_folder(folder: str | Path) -> str:
    """Return a fingerprint of the model in a folder: its recipe, tokenizer and weights.

    Raises:
        FolderError: there is no complete model in the folder.
    """
    place = resolve_model_folder(find_existing_path(folder))
    with as_folder_errors(place):
        seals = open_sealed(place).seals
    lines = [
        f"{name} {seal.sha256}"
        for name, seal in sorted(seals.items())
        if name not in (CARD, METRICS_FILE)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
