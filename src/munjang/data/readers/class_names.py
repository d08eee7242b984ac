"""The names of classes: one for labels that are the same by `munjang.names`."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from munjang.data.readers.faults import shorten
from munjang.data.table import Table
from munjang.names import KnownLabels, composed, label_key


def one_name_each(table: Table) -> Table:
    """Give labels that are one class one name: the most frequent of them, ties to the first.

    Which are one class, `munjang.names.label_key` says: `True` and `true`, `1` and `1.0`, one word
    in two normal forms of Unicode. The table's notes tell it; numbers to learn have no names.
    """
    if table.targets is None or table.targets.dtype not in (pl.String, pl.List(pl.String)):
        return table
    flat = table.targets.explode() if table.targets.dtype == pl.List else table.targets
    counts = pl.DataFrame({"label": flat.drop_nulls()}).group_by("label", maintain_order=True)
    spelled: dict[str, dict[str, int]] = {}  # by key, rows of each name
    forms: dict[str, int] = {}  # by name, in how many normal forms it is written
    keys: dict[str, str] = {}
    for label, count in counts.len().iter_rows():
        name = composed(label)
        keys[label] = label_key(name)
        names = spelled.setdefault(keys[label], {})
        names[name] = names.get(name, 0) + count
        forms[name] = forms.get(name, 0) + 1
    best = {key: max(names, key=names.__getitem__) for key, names in spelled.items()}
    notes = [
        f"labels {', '.join(map(shorten, names))} are one class, {shorten(best[key])}"
        for key, names in spelled.items()
        if len(names) > 1
    ]
    notes += [
        f"label {shorten(name)} is written in two Unicode normal forms, which are one class"
        for name, count in forms.items()
        if count > 1
    ]
    renamed = _renamed(table, {label: best[key] for label, key in keys.items()})
    return replace(renamed, notes=(*table.notes, *notes))


def known_names(table: Table, known: Sequence[str]) -> Table:
    """Give the labels of a table the names of the known ones that they are; others keep theirs."""
    if table.targets is None or table.targets.dtype not in (pl.String, pl.List(pl.String)):
        return table
    labels = KnownLabels(known)
    flat = table.targets.explode() if table.targets.dtype == pl.List else table.targets
    found = flat.drop_nulls().unique().to_list()
    return _renamed(table, {label: labels.find(label) or label for label in found})


def _renamed(table: Table, names: dict[str, str]) -> Table:
    """The table with other names for its labels; a row has each of them once."""
    changed = {old: new for old, new in names.items() if old != new}
    if not changed or table.targets is None:
        return table
    if table.targets.dtype == pl.String:
        return table.with_targets(table.targets.replace(changed))
    element = pl.element().replace(changed)
    return table.with_targets(table.targets.list.eval(element).list.unique(maintain_order=True))
