"""One trial in a process of its own: `python -m munjang.tuning.worker TRIAL-FOLDER [SECONDS]`.

A crash costs this trial alone. It holds the lock of its folder: on a cluster, the process of a dead
node may still write for a moment when the second attempt begins on another one.
"""

import hashlib
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from munjang.errors import FolderError, MunjangError
from munjang.folder.lock import ORPHAN_SECONDS, hold_lock
from munjang.folder.manifest import write_atomically
from munjang.own_process import LOCKED, end_with_parent
from munjang.preparation import Prepared, prepare
from munjang.tuning.attempt import attempt
from munjang.tuning.folder import JOB, MODEL, RESULT
from munjang.tuning.pruning import Medians, Trial
from munjang.tuning.sources import from_plain


def main(folder: Path, seconds: float | None) -> int:
    """Work, unless an earlier attempt has come to its end meanwhile; return the exit code."""
    try:
        with hold_lock(folder, print, patience=ORPHAN_SECONDS):
            if not (folder / RESULT).exists():
                work(folder, seconds)
    except FolderError as error:
        print(error)
        return LOCKED
    return 0


def work(folder: Path, seconds: float | None) -> None:
    """Train, save the model if the trial finishes, and write the result last."""
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    try:
        prepared = _prepared(job)
    except MunjangError as error:
        result: dict[str, Any] = {"refused": str(error)}
    else:
        trial = Trial(job["number"], job["settings"], Medians.from_json(job["medians"]))
        row, model = attempt(prepared, trial, seconds)
        if model is not None:
            model.save(folder / MODEL)
        result = {"row": asdict(row), "reports": trial.reports}
    write_atomically(folder / RESULT, json.dumps(result, ensure_ascii=False) + "\n")


def _prepared(job: dict[str, Any]) -> Prepared:
    """Prepare the training as the search itself did.

    Raises:
        MunjangError: The data cannot be read here, or it is not the same.
    """
    prepared = prepare(from_plain(job["data"]), from_plain(job["valid"]), job["given"], print)
    if digest(prepared) != job["run"]:
        raise FolderError(
            "the rows to train on are not those that the search began with; let nothing change "
            "the files, and let all nodes read the same ones"
        )
    return prepared


def digest(prepared: Prepared) -> str:
    """Return what identifies rows and fixed settings."""
    return hashlib.sha256(prepared.fingerprint.encode()).hexdigest()


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else None))
