"""The layout of the folder of a search.

tuning.json      the plan: equal plans are the same search
study.sqlite3    Optuna's own storage: every trial, written as it ends
tune.json        the results so far
best/            the model folder of the best trial
trials/N/        a trial in a process of its own, until its end is stored
"""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from munjang.cluster.nodes import PROBE
from munjang.errors import FolderError
from munjang.folder.lock import FILE as LOCK
from munjang.folder.lock import refuse_locked
from munjang.folder.manifest import FILE as MANIFEST
from munjang.folder.manifest import write_atomically
from munjang.json_files import read_object

PLAN, STUDY, RESULTS, BEST = "tuning.json", "study.sqlite3", "tune.json", "best"
TRIALS, JOB, LOG, RESULT, MODEL = "trials", "job.json", "log.txt", "result.json", "model"
_NEW, _OLD = BEST + ".new", BEST + ".old"
_STUDY_FILES = (STUDY, STUDY + "-journal")


def refuse_occupied(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder in which a search would overwrite something unasked. Changes nothing.

    Raises:
        FolderError: It is a file, or holds another search or other files, or another process writes
            there.
    """
    if out.exists() and not out.is_dir():
        raise FolderError(f"{out}: expected a folder for the search, this is a file")
    refuse_locked(out)
    names = {path.name for path in out.iterdir()} if out.exists() else set()
    if PLAN in names:
        if not (resume or overwrite):
            raise FolderError(
                f"{out}: holds a search already; --resume continues it, --overwrite replaces it"
            )
        return
    # files of a search that was killed before it had a plan do not count
    known = {*_STUDY_FILES, LOCK, PLAN + ".partial"}
    foreign = sorted(name for name in names - known if not name.startswith(PROBE))
    if foreign:
        raise FolderError(
            f"{out}: this folder holds other files ({foreign[0]}); choose an empty one"
        )


def open_folder(out: Path, plan: dict[str, Any], *, resume: bool) -> bool:
    """Prepare the folder, and return whether it holds a search to resume.

    Raises:
        FolderError: The search there is of other data or settings, or its plan is damaged.
    """
    path = out / PLAN
    if resume and path.exists():
        before = _read_plan(path)
        for key, value in plan.items():
            if before.get(key) != value:
                raise FolderError(
                    f"{out}: the search there has another {_CALLED[key]}; give the same to "
                    "continue it, or --overwrite to replace it"
                )
        _mend_best(out)
        return True
    out.mkdir(parents=True, exist_ok=True)
    for name in (PLAN, RESULTS, *_STUDY_FILES):
        (out / name).unlink(missing_ok=True)
    for name in (BEST, _NEW, _OLD, TRIALS):
        shutil.rmtree(out / name, ignore_errors=True)
    return False


def _read_plan(path: Path) -> dict[str, Any]:
    before = read_object(path, "plan of a search", "--overwrite replaces it")
    return {"parallel": 1, **before}  # the first versions tried one after another


def parallel_before(out: Path) -> int | None:
    """Return how many trials at once the search in a folder tries; None if there is none.

    Raises:
        FolderError: The plan there is damaged.
    """
    path = out / PLAN
    if not path.exists():
        return None
    count = _read_plan(path)["parallel"]
    if type(count) is not int or count < 1:
        raise FolderError(f"{path}: parallel is {count!r}; --overwrite replaces the search")
    return count


def write_plan(out: Path, plan: dict[str, Any]) -> None:
    """Write the plan: from now on the search can be resumed."""
    write_atomically(out / PLAN, json.dumps(plan, ensure_ascii=False, indent=2) + "\n")


_CALLED = {
    "run": "set of rows or of fixed settings",
    "space": "space",
    "metric": "metric",
    "seed": "seed",
    "parallel": "number of trials at once (--parallel)",
}


def save_best(out: Path, save: Callable[[Path], object]) -> None:
    """Replace the best model: at every moment the previous or the new one is complete.

    Args:
        out: Folder of the search.
        save: Writes the model into a folder that does not exist.
    """
    shutil.rmtree(out / _NEW, ignore_errors=True)
    save(out / _NEW)
    if (out / BEST).exists():
        (out / BEST).rename(out / _OLD)
    (out / _NEW).rename(out / BEST)
    shutil.rmtree(out / _OLD, ignore_errors=True)


def _mend_best(out: Path) -> None:
    """Complete what a killed `save_best` began."""
    if not (out / BEST).exists():
        whole = [name for name in (_NEW, _OLD) if (out / name / MANIFEST).exists()]
        if whole:
            (out / whole[0]).rename(out / BEST)
    for name in (_NEW, _OLD):
        shutil.rmtree(out / name, ignore_errors=True)


def trial_folder(out: Path, number: int) -> Path:
    """Return the folder of a trial in a process of its own."""
    return out / TRIALS / str(number)


def clear_trials(out: Path, stored: int) -> None:
    """Remove the folders of trials whose end is stored; one that left no result keeps its log.

    Args:
        out: Folder of the search.
        stored: How many trials are stored: the first ones.
    """
    folders = list((out / TRIALS).glob("[0-9]*"))
    done = [path for path in folders if int(path.name) <= stored and (path / RESULT).exists()]
    for path in done:
        shutil.rmtree(path, ignore_errors=True)
    if folders and len(done) == len(folders):
        with suppress(OSError):  # a network file system may keep a removed file for a moment
            (out / TRIALS).rmdir()
