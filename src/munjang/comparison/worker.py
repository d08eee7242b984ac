"""One run in a process of its own: `python -m munjang.comparison.worker RUN-FOLDER PARTS-FOLDER`.

Whatever happens to it costs this run alone. It ends when its standard input does: a comparison that
was killed leaves nobody behind who writes into its folder.
"""

import errno
import json
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from munjang.comparison.entrants import ComparedTask
from munjang.comparison.fitted import Fitted
from munjang.comparison.kept import read_part
from munjang.comparison.measure import folder_bytes, latency
from munjang.comparison.pair_fits import fit_pairs
from munjang.comparison.plan import MODEL, RUN, Job
from munjang.comparison.text_fits import fit_texts
from munjang.manifest import write_atomically
from munjang.memory import peak_memory

# What the system says when a disk, or a person's share of it, is full.
FULL = (errno.ENOSPC, errno.EDQUOT)

JOB = "job.json"
FITS: dict[ComparedTask, Callable[[Job, Path, Path], Fitted]] = {
    "classify": fit_texts,
    "translate": fit_pairs,
}


def work(folder: Path, parts: Path) -> None:
    """Fit, judge and measure; `run.json` is written last, whole, also when the run failed."""
    job = Job.from_json(json.loads((folder / JOB).read_text(encoding="utf-8")))
    try:
        record = {"status": "done", **_measured(job, folder, parts)}
    except Exception as error:
        # half a model is of no use, and on a full disk its place is wanted
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        record = {"status": "failed", "reason": _reason(error)}
        if isinstance(error, OSError) and error.errno in FULL:
            record["full"] = [error.errno, error.filename]
        with suppress(OSError):
            traceback.print_exc()
    write_atomically(folder / RUN, json.dumps(record, ensure_ascii=False) + "\n")


def _measured(job: Job, folder: Path, parts: Path) -> dict[str, Any]:
    """Everything that `run.json` tells of a run that came to its end."""
    fitted = FITS[job.task](job, parts, folder / MODEL)
    figures = {**fitted.figures, "memory_bytes": peak_memory()}
    test = read_part(parts, "test")
    figures["judged"] = fitted.keep_answers(test, folder)
    figures["latency"] = asdict(latency(fitted.answer, test.texts))
    figures["folder_bytes"] = folder_bytes(folder / MODEL)
    return figures


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    told = " ".join(str(error).split())
    return f"{type(error).__name__}: {told}"[:300] if told else type(error).__name__


def _end_with_the_comparison() -> None:
    """Nothing is ever sent; a read that returns says that whoever held the other end is gone."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_comparison, daemon=True).start()
    work(Path(sys.argv[1]), Path(sys.argv[2]))
