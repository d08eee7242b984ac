"""The report of a check of images, as blocks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from munjang.checking.blocks import Block, Line
from munjang.checking.shared_blocks import (
    estimate_blocks,
    file_name,
    label_blocks,
    label_counts_text,
    read_blocks,
    repeat_blocks,
    share_grid,
    unknown_label_blocks,
)
from munjang.reporting import escape_line, pluralize

if TYPE_CHECKING:
    from munjang.data.images.checks import ImageReport, ImageTestReport, UnreadableImages
    from munjang.data.repeats import Repeat, Repeats

_MOST_SIZES = 12
_MOST_FILES = 3


def image_blocks(report: "ImageReport") -> Iterator[Block]:
    """Yield all that was measured, except the notes."""
    yield from read_blocks(report.rows, "image", report.files, {})
    yield from _unreadable_blocks(report.unreadable)
    yield from label_blocks(report.labels, report.majority, report.rows, noun="images")
    for head, counts in (("size (height x width)", report.sizes), ("mode", report.modes)):
        yield share_grid(head, "images", counts, sum(counts.values()), most=_MOST_SIZES)
    height, width = report.read_size
    yield Line(f"a training reads them in {report.read_mode}, {height}x{width}")
    yield from _repeats("the same image more than once", report.duplicates)
    yield from _repeats("the same image in two classes", report.conflicts)
    if report.test is not None:
        yield from _test_blocks(report.test)
    if report.estimate is not None:
        yield from estimate_blocks(report.estimate)


def _unreadable_blocks(unreadable: "UnreadableImages") -> Iterator[Block]:
    if unreadable.rows:
        yield Line(f"  no image that can be read: {pluralize(unreadable.rows, 'file')}")
    for image in unreadable.examples:
        yield Line(f"    {escape_line(image.file)}: {escape_line(image.reason)}")


def _repeats(title: str, repeats: "Repeats") -> Iterator[Block]:
    return repeat_blocks(title, repeats, "image", _example, row="file")


def _example(repeat: "Repeat") -> str:
    files = ", ".join(_class_and_name(place.file) for place in repeat.places[:_MOST_FILES])
    return f"{files}  {label_counts_text(repeat)}"


def _class_and_name(file: str) -> str:
    """Return a file with the folder of its class: `cats/1.png`."""
    folder, _, name = file.rpartition("/")
    return f"{file_name(folder)}/{name}" if folder else name


def _test_blocks(test: "ImageTestReport") -> Iterator[Block]:
    yield Line()
    yield Line(f"test: {pluralize(test.rows, 'image')}")
    yield from _unreadable_blocks(test.unreadable)
    yield from unknown_label_blocks(test.unknown_labels)
    yield from _repeats("the same image in DATA and in the test", test.in_train)
