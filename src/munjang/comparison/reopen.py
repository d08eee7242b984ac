"""A comparison that was written before, finished or not, read back from its folder."""

from pathlib import Path

from munjang.comparison.folder import PLAN
from munjang.comparison.gather import gather
from munjang.comparison.plan import jobs, read_plan
from munjang.comparison.processes import read_record
from munjang.comparison.results import Comparison
from munjang.errors import FolderError


def is_comparison(folder: str | Path) -> bool:
    """Return whether a folder holds a comparison."""
    return (Path(folder) / PLAN).is_file()


def reopen_comparison(folder: str | Path) -> Comparison:
    """Judge the runs of a comparison that are finished, and make the table of them.

    Args:
        folder: the folder that `munjang compare` wrote, or writes.

    Raises:
        FolderError: it holds no comparison, or none of its runs is finished.
    """
    path = Path(folder)
    if not is_comparison(path):
        raise FolderError(f"{path}: expected the folder of a comparison, with the file {PLAN}")
    plan = read_plan(path)
    records = [(job, read_record(job, path)) for job in jobs(plan)]
    finished = [(job, record) for job, record in records if record is not None]
    if not finished:
        raise FolderError(f"{path}: no run of this comparison is finished yet; look again later")
    return gather(plan, path, finished)
