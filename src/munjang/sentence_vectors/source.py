"""Texts of a file in blocks, for the vectors of a model."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from munjang.baselines import Baseline
from munjang.data.readers.stream import stream_texts
from munjang.errors import ConfigError
from munjang.folder.load import AnyModel, load
from munjang.model import EncodesTexts, Model
from munjang.reporting import Report, discard
from munjang.sentence_vectors.files import Ints, VectorBlock
from munjang.tasks.vectors import compute_vectors, resolve_pooling

# Texts that are encoded together: enough of each length to need no padding.
BLOCK_ROWS = 8192


@dataclass
class TextSource:
    """A file of texts of any size, one per row.

    Attributes:
        path: path, or - for standard input.
        text_column: name of the column of texts; inferred if None.
        encoding: encoding of a text file.
        skip_bad_rows: count unusable rows in `skipped` rather than raise.
        report: called with lines for people.
        skipped: number of skipped rows by reason.
        truncated: number of texts that were longer than the model reads.
    """

    path: str | Path
    text_column: str | None = None
    encoding: str = "utf-8"
    skip_bad_rows: bool = False
    report: Report = discard
    skipped: Counter[str] = field(default_factory=Counter)
    truncated: int = 0

    def blocks(self, model: Model, *, pooling: str, normalize: bool) -> Iterator[VectorBlock]:
        """Yield rows, texts and vectors of the whole file in order.

        Raises:
            DataError: the file cannot be read, or a row cannot be used; it is named.
        """
        for rows, texts in self._texts(model):
            if self.skip_bad_rows:
                places, reasons = model.input.usable(texts)
                self.skipped.update(reasons)
                if len(places) < len(texts):
                    rows, texts = rows[places], [texts[place] for place in places]
            block, truncated = embed_block(model, rows, texts, pooling=pooling, normalize=normalize)
            self.truncated += truncated
            yield block

    def _texts(self, model: Model) -> Iterator[tuple[Ints, list[str]]]:
        batches = stream_texts(
            self.path,
            text_column=self.text_column,
            trained_column=trained_column(model),
            encoding=self.encoding,
            batch_size=BLOCK_ROWS,
            skipped=self.skipped if self.skip_bad_rows else None,
            report=self.report,
            wait=True,
        )
        return ((rows, texts.to_list()) for rows, texts in batches)


def trained_column(model: Model) -> str | None:
    """Return the column that a model was trained on.

    Of a model of two texts the column of one of them is not known.
    """
    return None if isinstance(model.input, EncodesTexts) else model.input.trained_column


def embed_block(
    model: Model, rows: Ints, texts: Sequence[str], *, pooling: str, normalize: bool
) -> tuple[VectorBlock, int]:
    """Return the vectors of texts, and how many texts were longer than the model reads.

    Args:
        model: the model.
        rows: number of each text [texts].
        texts: texts, in memory.
        pooling: as for `munjang.model.Model.embed`.
        normalize: divide each vector by its length.
    """
    encoded = model.encode_texts(texts)
    vectors = compute_vectors(
        encoded.adapt(model.network), encoded.dataset(), pooling=pooling, normalize=normalize
    )
    return VectorBlock(vectors, rows, texts), int(encoded.truncated.sum())


def require_encoder(model: AnyModel | str | Path, pooling: str | None) -> tuple[Model, str]:
    """Return a model that gives sentence vectors, and their pooling.

    Args:
        model: a model, or its folder.
        pooling: as for `munjang.model.Model.embed`.

    Raises:
        ConfigError: the model gives no vectors, or none of that pooling.
        FolderError: there is no complete model in the folder.
    """
    known = load(model) if isinstance(model, str | Path) else model
    if isinstance(known, Baseline):
        raise ConfigError(
            f"the baseline {known.name} gives no sentence vectors; train a model of texts"
        )
    return known, resolve_pooling(known.network, pooling)
