"""Names of classes: one name for labels with the same `munjang.names.label_key`."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from munjang.data.readers.faults import shorten
from munjang.data.table import Table
from munjang.names import KnownLabels, label_key, normalize_name


def unify_class_names(table: Table) -> Table:
    """Rename labels of one class to its most frequent name; ties go to the first.

    Labels with the same `munjang.names.label_key` are one class: `True` and `true`, `1` and `1.0`,
    one word in two Unicode normal forms. The table's notes list them. Numeric targets are left as
    they are.
    """
    if table.targets is None or table.targets.dtype not in (pl.String, pl.List(pl.String)):
        return table
    flat = table.targets.explode() if table.targets.dtype == pl.List else table.targets
    counts = pl.DataFrame({"label": flat.drop_nulls()}).group_by("label", maintain_order=True)
    variants: dict[str, dict[str, int]] = {}  # by key, number of rows per name
    forms: dict[str, int] = {}  # by name, number of its Unicode normal forms
    keys: dict[str, str] = {}
    for label, count in counts.len().iter_rows():
        name = normalize_name(label)
        keys[label] = label_key(name)
        names = variants.setdefault(keys[label], {})
        names[name] = names.get(name, 0) + count
        forms[name] = forms.get(name, 0) + 1
    best = {key: max(names, key=names.__getitem__) for key, names in variants.items()}
    notes = [
        f"labels {', '.join(map(shorten, names))} are one class, {shorten(best[key])}"
        for key, names in variants.items()
        if len(names) > 1
    ]
    notes += [
        f"label {shorten(name)} is written in two Unicode normal forms, which are one class"
        for name, count in forms.items()
        if count > 1
    ]
    renamed = _rename(table, {label: best[key] for label, key in keys.items()})
    return replace(renamed, notes=(*table.notes, *notes))


def match_known_labels(table: Table, known: Sequence[str]) -> Table:
    """Rename the labels of a table to the known labels they match; others keep their names."""
    if table.targets is None or table.targets.dtype not in (pl.String, pl.List(pl.String)):
        return table
    labels = KnownLabels(known)
    flat = table.targets.explode() if table.targets.dtype == pl.List else table.targets
    distinct = flat.drop_nulls().unique().to_list()
    return _rename(table, {label: labels.find(label) or label for label in distinct})


def _rename(table: Table, names: dict[str, str]) -> Table:
    """Return the table with other names for its labels; sets of labels stay without repeats."""
    changed = {old: new for old, new in names.items() if old != new}
    if not changed or table.targets is None:
        return table
    if table.targets.dtype == pl.String:
        return table.with_targets(table.targets.replace(changed))
    element = pl.element().replace(changed)
    return table.with_targets(table.targets.list.eval(element).list.unique(maintain_order=True))
