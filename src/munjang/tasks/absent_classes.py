"""Notes on classes that occur in no scored row: they lower macro F1 without a wrong answer."""

from collections.abc import Sequence

from munjang.tasks.classification_scores import ClassScore

_MOST_NAMES = 5


def find_absent_classes(classes: Sequence[ClassScore]) -> tuple[str, ...]:
    """Return the labels that no scored row has."""
    return tuple(score.label for score in classes if score.rows == 0)


def describe_absent_classes(labels: Sequence[str], where: str, macro_f1: str = "") -> str:
    """Return a note on labels that do not occur in scored rows.

    Args:
        labels: the labels, at least one.
        where: name of the rows, such as "these rows".
        macro_f1: macro F1 over the other classes, formatted; "" leaves it out.
    """
    names = ", ".join(map(repr, labels[:_MOST_NAMES]))
    if len(labels) > _MOST_NAMES:
        names += f" and {len(labels) - _MOST_NAMES:,} more"
    subject, them = ("class", "it") if len(labels) == 1 else ("classes", "each of them")
    verb = "does" if len(labels) == 1 else "do"
    others = f"; over the classes that occur it is {macro_f1}" if macro_f1 else ""
    return (
        f"{subject} {names} {verb} not occur in {where}: macro F1 is the mean over all known "
        f"classes, and counts {them} as 0{others}"
    )


def note_absent_classes(scores: object) -> list[str]:
    """Return notes on scores: the classes that no row has, if scores have classes."""
    classes: Sequence[ClassScore] = getattr(scores, "classes", ())
    absent = find_absent_classes(classes)
    if not absent:
        return []
    present = [score.f1 for score in classes if score.rows]
    macro_f1 = f"{sum(present) / len(present):.4f}" if present else ""
    return [describe_absent_classes(absent, "these rows", macro_f1)]
