"""Kinds of work on many files: what one row becomes, and how a part is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from munjang.config import shown
from munjang.errors import ConfigError, FolderError
from munjang.folder.fingerprint import fingerprint_folder
from munjang.many_files.plan import Plan
from munjang.names import join_names

if TYPE_CHECKING:  # the command itself needs no reader
    from munjang.data.readers.stream import OnBadRow

# Number of rows per part, a multiple of the blocks of every kind of work.
ROWS_PER_PART = 16_384

# Function that works on rows, given by number and value, and writes what comes out.
Write = Callable[[Sequence[int], Sequence[Any]], None]


@dataclass
class Written:
    """Figures of a part that was written.

    Attributes:
        rows: number of rows.
        truncated: number of texts that were longer than the model reads.
    """

    rows: int = 0
    truncated: int = 0


class Work(Protocol):
    """A kind of work, with a model and its options."""

    @classmethod
    def load(cls, plan: Plan) -> Self:
        """Load the model.

        Raises:
            ConfigError: an option does not fit the model.
            FolderError: the model cannot be loaded.
        """

    def read(self, file: str, **reading: Any) -> Iterator[tuple[Any, list[Any]]]:
        """Yield rows and values of a file, in batches of one block each at most.

        Args:
            file: path of the file.
            reading: arguments of `munjang.data.readers.stream.stream_rows`.

        Raises:
            DataError: the file or a row cannot be used.
        """

    def open(
        self, path: Path, file: str, on_bad_row: "OnBadRow | None", written: Written
    ) -> AbstractContextManager[Write]:
        """Open a part of a file for writing.

        Args:
            path: path to write to.
            file: the file that the rows are of, for messages.
            on_bad_row: called for a value that cannot be used; None raises.
            written: counts, added to while rows are written.
        """


@dataclass(frozen=True)
class WorkRow:
    """A row of the table of works.

    Attributes:
        name: name of the command.
        place: module and class, which is imported where the work is done.
        formats: suffixes of the parts without the dot, the first of which is the default.
        block_rows: rows that are worked on together.
    """

    name: str
    place: str
    formats: tuple[str, ...]
    block_rows: int

    def load(self, plan: Plan) -> Work:
        """Load the model of a plan.

        Raises:
            ConfigError: an option does not fit the model.
            FolderError: the model cannot be loaded.
        """
        module, name = self.place.split(":")
        kind: type[Work] = getattr(import_module(module), name)
        return kind.load(plan)

    def check_format(self, name: str) -> None:
        """Refuse an unknown format of the parts.

        Raises:
            ConfigError: naming the known ones.
        """
        if name not in self.formats:
            raise ConfigError(
                f"format: expected {join_names(self.formats, 'or')}, got {shown(name)}"
            )


_ROWS = (
    WorkRow("predict", "munjang.many_files.predicting:Predicting", ("jsonl", "tsv"), 8192),
    WorkRow("embed", "munjang.many_files.embedding:Embedding", ("parquet", "npy"), 8192),
)
WORKS: Mapping[str, WorkRow] = {row.name: row for row in _ROWS}


def load_work(plan: Plan) -> Work:
    """Load the model of a plan, which must be the one that the plan was made for.

    Raises:
        FolderError: there is another model in its folder now, or the work is unknown.
        ConfigError: an option does not fit the model.
    """
    if plan.work not in WORKS:
        raise FolderError(f"{shown(plan.work)} is no kind of work that this munjang knows")
    work = WORKS[plan.work].load(plan)
    if fingerprint_folder(plan.folder) != plan.model:
        raise FolderError(f"{plan.folder}: the model was replaced meanwhile; start again")
    return work
