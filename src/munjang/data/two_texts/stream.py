"""Columns of two texts per row in a stream, for prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from munjang.data.readers.columns import resolve_column, resolve_columns
from munjang.data.readers.faults import BadRow
from munjang.data.readers.header import join_names
from munjang.data.readers.stream_records import Chosen, Texts
from munjang.data.two_texts.columns import USUAL, find_pair_columns
from munjang.errors import ConfigError, DataError
from munjang.names import normalize_name
from munjang.reporting import Report, pluralize


def wanted_pair(
    named: Mapping[str, str | None], trained: tuple[str | None, str | None]
) -> "WantedPair":
    """Return the columns of `first_column` and `second_column`, or else those of the training.

    Raises:
        ConfigError: another column is named.
    """
    keys = ("first_column", "second_column")
    other = next((key for key, name in named.items() if name and key not in keys), None)
    if other is not None:
        raise ConfigError(
            f"{other}: a row of this model is two texts, whose columns are first_column and "
            "second_column (--first-column, --second-column)"
        )
    return WantedPair((named.get(keys[0]), named.get(keys[1])), trained)


def group_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return texts two by two.

    Raises:
        ConfigError: their number is odd.
    """
    if len(texts) % 2:
        raise ConfigError(
            f"expected pairs of texts, two per pair, got {pluralize(len(texts), 'text')}; a text "
            "with spaces is put in quotes"
        )
    return list(zip(texts[::2], texts[1::2], strict=True))


NOT_PAIR = "not two texts"


@dataclass(frozen=True)
class WantedPair:
    """Two columns of texts; of plain text, lines of two texts with a tab between them.

    Attributes:
        names: columns that the user named, first and second; they must exist.
        trained: columns that the model was trained on, taken if they exist.
    """

    names: tuple[str | None, str | None] = (None, None)
    trained: tuple[str | None, str | None] = (None, None)

    @property
    def usual(self) -> tuple[str | None, ...]:
        """The columns of the training, and usual names."""
        return (*self.trained, *USUAL)

    def choose(self, names: Sequence[str], report: Report, *, file: str, row: int | None) -> Chosen:
        """Choose the named columns, those of the training, or two with usual names."""
        known = {normalize_name(name) for name in names}
        trained = [name for name in self.trained if name is not None]
        has_trained = len(trained) == 2 and all(normalize_name(name) in known for name in trained)
        usual = (None, None) if all(self.names) else (find_pair_columns(names) or (None, None))
        chosen: Chosen = []
        for place, kind in enumerate(("first", "second")):
            name, other = self.names[place], trained[place] if has_trained else usual[place]
            if name is None and other is None:
                raise DataError(
                    f"found no two columns of texts among {join_names(names)}: name them with "
                    "--first-column and --second-column",
                    file=file,
                    row=row,
                )
            if name is None:
                why = "the model was trained on it" if has_trained else "inferred: by its name"
                report(f"{kind} column: {other} ({why})")
            found = resolve_column(names, str(name or other), kind, file=file, row=row)
            chosen.append(resolve_columns(names, found, kind, file=file, row=row))
        if chosen[0] == chosen[1]:
            raise DataError(
                f"the column {chosen[0][0]!r} is taken for both texts; the columns are "
                f"{join_names(names)}: name the other with --first-column or --second-column",
                file=file,
                row=row,
            )
        return chosen

    def split_line(self, line: str, *, file: str) -> Texts | BadRow:
        """Return the two texts of a line; a line without visible characters has two empty ones."""
        named = next((name for name in self.names if name is not None), None)
        if named is not None:
            raise DataError(
                f"there is no column {named!r}: this is plain text, two texts per line with a "
                "tab between them",
                file=file,
            )
        if not line.strip():
            return "", ""
        texts = line.split("\t")
        if len(texts) != 2:
            got = f"{len(texts) - 1} tabs" if len(texts) > 2 else "no tab"
            return BadRow(
                NOT_PAIR, f"expected two texts with a tab between them, got a line with {got}"
            )
        return texts[0], texts[1]
