"""Builder of one table from the records of each file."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from munjang.data.readers.columns import Choice, extract_texts
from munjang.data.readers.faults import Fault, describe_skipped, settle
from munjang.data.readers.records import TEXT_AND_LABEL, Kinds, Records
from munjang.data.readers.values import ReadLabels, clean_texts
from munjang.data.table import Table, concatenate
from munjang.errors import DataError
from munjang.text.columns import Int64s

# Function from the records of a file and the names of its columns, if known, to the choice.
Choose = Callable[..., Choice]


def build_table(
    files: Iterable[Records],
    columns: tuple[str | None, ...],
    choose: Choose,
    read_labels: ReadLabels,
    skip: bool,
    *,
    optional: bool,
    kinds: Kinds = TEXT_AND_LABEL,
) -> Table:
    """Choose columns, clean their values, and join all files into one table.

    Args:
        files: records of each file.
        columns: names of the columns of `kinds`, where known.
        choose: function that chooses the columns of a file.
        read_labels: as for `read_table`.
        skip: count bad rows instead of raising.
        optional: ignore a label column with a bad row instead of raising.
        kinds: names of the texts of a row, and then of labels, in messages.

    Raises:
        DataError: a column is missing, a row is bad, or no row is left.
    """
    tables: list[Table] = []
    for records in files:
        if tables:  # later files must have the columns that were chosen in the first
            texts = [tables[0].names[kind] for kind in kinds[:-1]]
            columns = (*texts, None if optional else tables[0].target_name)
        choice = choose(records, *columns)
        tables.append(
            _build_file_table(records, choice, read_labels, skip, optional=optional, kinds=kinds)
        )
    return concatenate(tables)


def _build_file_table(
    records: Records,
    choice: Choice,
    read_labels: ReadLabels,
    skip: bool,
    *,
    optional: bool,
    kinds: Kinds,
) -> Table:
    notes = records.notes + choice.notes
    *text_kinds, label = kinds
    texts, faults, bad = _clean_texts(records, dict(zip(text_kinds, choice.texts, strict=True)))
    labels, label_name = None, choice.label
    if label_name is not None:
        column = records.column(label_name)
        labels, label_faults, unlabeled = read_labels(column, label_name, records.rows)
        if optional and len(unlabeled) and (len(unlabeled) == len(column) or not skip):
            notes += (_note_unused(label, label_name, label_faults, records.file),)
            labels, label_name = None, None
        else:
            label_faults = [_exclude_rows(fault, records.rows[bad]) for fault in label_faults]
            faults, bad = faults + label_faults, np.concatenate([bad, unlabeled])
    faults = [*records.faults, *faults]
    skipped = settle(faults, file=records.file, skip=skip)
    skip_notes = tuple(
        describe_skipped(fault.reason, fault.rows, records.file)
        for fault in faults
        if len(fault.rows)
    )
    good = np.ones(len(records.rows), dtype=bool)
    good[bad] = False
    keep = np.flatnonzero(good)
    if not len(keep):
        counts = ", ".join(f"{count:,} with {reason}" for reason, count in skipped.items())
        raise DataError(f"no usable row is left; bad rows: {counts}", file=records.file)
    columns = {kind: column.gather(keep).rename(kind) for kind, column in texts.items()}
    names = dict(zip(text_kinds, choice.texts, strict=True))
    if labels is not None and label_name is not None:
        columns[label] = labels.gather(keep).rename(label)
        names[label] = label_name
    return Table(
        columns=columns,
        rows=records.rows[keep],
        files=(records.file,),
        file_index=np.zeros(len(keep), dtype=np.int32),
        names=names,
        key_role=text_kinds[0],
        target_role=label,
        notes=(*notes, *skip_notes),
        skipped=skipped,
    )


def _clean_texts(
    records: Records, names: Mapping[str, str]
) -> tuple[dict[str, pl.Series], list[Fault], Int64s]:
    """Return the clean texts of each kind, the faults, and the indices of bad rows.

    A row with several bad texts counts once, for the first of them.
    """
    texts: dict[str, pl.Series] = {}
    faults: list[Fault] = []
    bad = np.zeros(0, dtype=np.int64)
    for kind, name in names.items():
        values = extract_texts(records, name)
        noun = kind if len(names) == 1 else "text"
        texts[kind], found, wrong = clean_texts(values, name, records.rows, kind=noun)
        faults += (
            [_exclude_rows(fault, records.rows[bad]) for fault in found] if bad.size else found
        )
        bad = np.concatenate([bad, wrong])
    return texts, faults, bad


def _note_unused(kind: str, name: str, faults: Sequence[Fault], file: str) -> str:
    """Return the note on an ignored label column, which names its first bad row."""
    try:
        settle(faults, file=file, skip=False)
    except DataError as error:
        return f"{kind} column {name} is not used: {error}"
    raise AssertionError("a column without faults is used")


def _exclude_rows(fault: Fault, rows: Int64s) -> Fault:
    """Return a fault without the rows that another fault already counts."""
    left = np.flatnonzero(~np.isin(fault.rows, rows))
    return Fault(fault.reason, fault.rows[left], lambda k: fault.message(int(left[k])))
