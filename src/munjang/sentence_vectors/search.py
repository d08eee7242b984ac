"""Search a file of texts or of vectors for those nearest to some queries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from munjang.data.nearest import Hit, NearestRows
from munjang.errors import ConfigError, DataError
from munjang.folder.fingerprint import fingerprint_folder
from munjang.folder.load import AnyModel
from munjang.forked import require_polars
from munjang.model import Model
from munjang.names import find_existing_path
from munjang.reporting import Report, discard, pluralize
from munjang.sentence_vectors.files import VectorBlock, VectorFile, open_vectors
from munjang.sentence_vectors.source import TextSource, require_encoder
from munjang.tasks.vectors import count_dimensions
from munjang.text.plain.blank import is_blank


def search(
    model: AnyModel | str | Path,
    texts: Any,
    queries: Any,
    *,
    k: int = 10,
    text_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    pooling: str | None = None,
    report: Report | None = None,
) -> list[list[Hit]]:
    """Return the texts nearest to each query by cosine of their vectors, the nearest first.

    The search is exact. Only the best rows so far are kept, so that a file of any size is searched
    in bounded memory. Blank texts are left out.

    Args:
        model: a model folder, or a model.
        texts: file of texts or "-" for standard input; or a file of vectors that `embed` wrote; or
            a list of texts, whose hits have their indices as `row`.
        queries: texts; a single one counts as a list of one.
        k: most hits per query.
        text_column: as for `embed`.
        encoding: as for `embed`.
        skip_bad_rows: as for `embed`.
        pooling: as for `munjang.model.Model.embed`; of a file of vectors, that of its vectors.
        report: called with lines for people.

    Raises:
        DataError: a file, a row or a query cannot be used.
        ConfigError: the vectors are of another model, or an argument is out of range.

    Example:
        >>> munjang.search("my-model", "reviews.txt", "정말 재미있다", k=1)[0][0].text
        '정말 재미있어요'
    """
    if not isinstance(texts, str | Path):
        known, pooling = require_encoder(model, pooling)
        return known.search(texts, queries, k=k, pooling=pooling)
    require_polars("Searching a file")
    vectors = None if str(texts) == "-" else open_vectors(find_existing_path(texts))
    if vectors is not None and text_column is not None:
        raise ConfigError(f"text_column: {texts} is a file of vectors; leave it out")
    if vectors is not None and vectors.record is not None:
        _check_pooling(vectors, pooling)
        pooling = vectors.record.pooling
    known, pooling = require_encoder(model, pooling)
    if vectors is not None:
        _check_vectors(vectors, model, known, pooling)
    nearest = NearestRows(known.embed_queries(queries, pooling=pooling), k)
    if vectors is not None:
        blocks = vectors.blocks()
        source = None
    else:
        source = TextSource(
            texts, text_column, encoding or "utf-8", skip_bad_rows, report=report or discard
        )
        blocks = source.blocks(known, pooling=pooling, normalize=False)
    compared = 0
    for block in blocks:
        for part in _without_blanks(block):
            nearest.add(part.vectors, part.rows, part.texts)
            compared += len(part.rows)
    if not compared:
        raise DataError("expected texts to search in, found none", file=str(texts))
    if source is not None and report is not None:
        for reason, count in source.skipped.items():
            report(f"skipped {pluralize(count, 'row')}: {reason}")
    return nearest.hits()


def _without_blanks(block: VectorBlock) -> Iterator[VectorBlock]:
    """Yield the rows of a block that have a text, or that have no texts at all."""
    if block.texts is None:
        yield block
        return
    places = [place for place, text in enumerate(block.texts) if not is_blank(text)]
    if len(places) == len(block.texts):
        yield block
    elif places:
        texts = [block.texts[place] for place in places]
        yield VectorBlock(block.vectors[places], block.rows[places], texts)


def _check_pooling(vectors: VectorFile, pooling: str | None) -> None:
    assert vectors.record is not None
    if pooling is not None and pooling != vectors.record.pooling:
        raise ConfigError(
            f"pooling: the vectors of {vectors.path} have pooling {vectors.record.pooling}, got "
            f"{pooling}; leave it out"
        )


def _check_vectors(
    vectors: VectorFile, model: AnyModel | str | Path, known: Model, pooling: str
) -> None:
    """Refuse vectors that the model did not make.

    Raises:
        ConfigError: naming the file.
    """
    again = "write them again with munjang embed"
    dim = count_dimensions(known.network, pooling)
    if vectors.dim != dim:
        raise ConfigError(
            f"{vectors.path}: expected vectors of {dim:,} numbers, as this model gives, got "
            f"{vectors.dim:,}; {again}"
        )
    if vectors.record is None or not isinstance(model, str | Path):
        return
    if vectors.record.model != fingerprint_folder(model):
        raise ConfigError(f"{vectors.path}: these vectors are of another model; {again}")
