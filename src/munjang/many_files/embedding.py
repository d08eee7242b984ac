"""Sentence vectors of many files: parts are files of vectors, as `munjang embed` writes them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from munjang.data.readers.stream import OnBadRow, stream_rows
from munjang.data.readers.stream_records import WantedColumn
from munjang.many_files.plan import Plan
from munjang.many_files.usable import keep_usable
from munjang.many_files.works import Write, Written
from munjang.model import Model
from munjang.sentence_vectors.files import VectorRecord, write_vectors
from munjang.sentence_vectors.source import (
    BLOCK_ROWS,
    embed_block,
    require_encoder,
    trained_column,
)
from munjang.tasks.vectors import count_dimensions


class Embedding:
    """Sentence vectors of a model, one per row.

    Args:
        model: the model.
        record: how the vectors are made.
        options: `format`, `with_texts`, `text_column` and `encoding`.
    """

    def __init__(self, model: Model, record: VectorRecord, options: Mapping[str, Any]) -> None:
        self._model, self._record = model, record
        self._suffix = f".{options['format']}"
        self._with_texts: bool = options["with_texts"]
        self._wanted = WantedColumn(options["text_column"], trained_column(model))
        self._encoding: str = options["encoding"]
        self._dim = count_dimensions(model.network, record.pooling)

    @classmethod
    def load(cls, plan: Plan) -> Self:
        """Load the model."""
        model, pooling = require_encoder(plan.folder, plan.options["pooling"])
        record = VectorRecord(plan.model, pooling, plan.options["normalize"])
        return cls(model, record, plan.options)

    def read(self, file: str, **reading: Any) -> Iterator[tuple[Any, list[Any]]]:
        """Yield rows and texts of a file."""
        return stream_rows(
            file, self._wanted, encoding=self._encoding, batch_size=BLOCK_ROWS, **reading
        )

    @contextmanager
    def open(
        self, path: Path, file: str, on_bad_row: OnBadRow | None, written: Written
    ) -> Iterator[Write]:
        """Open a part."""
        with write_vectors(
            path, self._suffix, self._dim, self._record, with_texts=self._with_texts
        ) as writer:

            def write(rows: Sequence[int], values: Sequence[Any]) -> None:
                rows, values = keep_usable(self._model.input.usable, rows, values, on_bad_row)
                block, truncated = embed_block(
                    self._model,
                    np.array(rows, dtype=np.int64),
                    values,
                    pooling=self._record.pooling,
                    normalize=self._record.normalized,
                )
                writer.write(block)
                written.rows += len(rows)
                written.truncated += truncated

            yield write
