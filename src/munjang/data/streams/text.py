"""Running text in memory: the lines of files, blank ones included."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from munjang.errors import DataError
from munjang.reporting import pluralize
from munjang.text.normalize import normalize


@dataclass(frozen=True)
class RunningText:
    """Lines of text in their order; each ends with a line break.

    Attributes:
        lines: the lines without their ends, in NFC; blank lines are lines, too.
        files: names of the files.
        skipped: bad rows by reason.
        cut_lines: lines of more than a megabyte, which were cut.
    """

    lines: pl.Series
    files: tuple[str, ...]
    skipped: Mapping[str, int]
    cut_lines: int = 0

    @classmethod
    def of(
        cls, lines: pl.Series, files: Sequence[str], skipped: Counter[str], cut_lines: int
    ) -> "RunningText":
        """Return the text of lines in any form of normalization."""
        return cls(normalize(lines), tuple(files), dict(skipped), cut_lines)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def characters(self) -> int:
        """Number of characters (code points in NFC), line breaks included."""
        return int(self.lines.str.len_chars().sum()) + len(self)

    @property
    def bytes(self) -> int:
        """Number of bytes in UTF-8, line breaks included."""
        return int(self.lines.str.len_bytes().sum()) + len(self)

    def split(self, share: float) -> tuple["RunningText", "RunningText"]:
        """Return the beginning, and the end with about `share` of the characters.

        The text is cut between two lines.

        Raises:
            DataError: there are fewer than two lines.
        """
        if len(self) < 2:
            raise DataError(
                "the text has a single line and cannot be split into a training part and a "
                "validation part; give the validation text with --valid",
                file=self.files[0],
            )
        train, valid = self.cut([share])
        return train, valid

    def cut(self, shares: Sequence[float]) -> list["RunningText"]:
        """Return the beginning, and parts at the end with about these shares of the characters.

        The text is cut between lines; each part has a line or more.

        Args:
            shares: of the parts at the end, in the order of the text; below 1 in total.

        Raises:
            DataError: there are fewer lines than parts.
        """
        if len(self) <= len(shares):
            raise DataError(
                f"{pluralize(len(self), 'line')} cannot be cut into {len(shares) + 1} parts; give "
                "each part as a file of its own",
                file=self.files[0],
            )
        ends = np.cumsum(self.lines.str.len_chars().to_numpy().astype(np.int64) + 1)
        wanted = (1 - np.cumsum(shares[::-1])[::-1]) * ends[-1]
        cuts = [0]
        for number, place in enumerate(wanted.tolist()):
            nearest = int(np.abs(ends - place).argmin()) + 1
            last = len(self) - len(shares) + number
            cuts.append(min(max(cuts[-1] + 1, nearest), last))
        return [self._part(start, end) for start, end in pairwise([*cuts, len(self)])]

    def _part(self, start: int, end: int) -> "RunningText":
        return RunningText(self.lines[start:end], self.files, self.skipped, self.cut_lines)
