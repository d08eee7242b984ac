"""A baseline is fitted without torch, so that its memory in the table is its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from munjang.comparison.budget import Budget
from munjang.comparison.candidates import Candidate
from munjang.comparison.contests import all_contests
from munjang.comparison.contests.contest import Sources
from munjang.comparison.plan import Job
from munjang.reporting import discard
from tests.synthetic import make_corpus
from tests.system.commands import TIMEOUT, environment

_ROWS = 90
_TEXTS, _LABELS = make_corpus(_ROWS)
_PAIRS = [(text, f"{text} {n % 2}") for n, text in enumerate(_TEXTS)]
_NUMBERS = [float(n % 5) for n in range(_ROWS)]
_SETS = [["odd", label] if n % 2 else [label] for n, label in enumerate(_LABELS)]
_IMAGES = list(np.random.default_rng(0).integers(0, 255, (_ROWS, 8, 8)).astype(np.uint8))

DATA: dict[str, Any] = {
    "classify": (_TEXTS, _LABELS),
    "classify/two_texts": (_PAIRS, _LABELS),
    "classify/image": (_IMAGES, _LABELS),
    "regress": (_TEXTS, _NUMBERS),
    "regress/two_texts": (_PAIRS, _NUMBERS),
    "multilabel": (_TEXTS, _SETS),
    "multilabel/two_texts": (_PAIRS, _SETS),
    "similarity": (_PAIRS, _NUMBERS),
    "masked_lm": (_TEXTS, None),
    "masked_lm/text": (_TEXTS, None),
    "language": (_TEXTS, None),
    "translate": (_TEXTS, _TEXTS),
}

# Fits every baseline whose folder is an argument, and prints why it could not.
_FIT = """
import importlib.machinery, json, sys
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name == "torch" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        raise ImportError("torch was imported")

sys.meta_path.insert(0, NoTorch())
from munjang.comparison.fit import fit_job
from munjang.comparison.folder import MODEL
from munjang.comparison.plan import Job

reasons = {}
for folder in map(Path, sys.argv[1:]):
    job = Job.from_json(json.loads((folder / "job.json").read_text()))
    try:
        fit_job(job, folder.parent, folder / MODEL)
    except Exception as error:
        reasons[str(folder)] = repr(error)
print(json.dumps(reasons))
"""


def test_baselines_are_fitted_without_torch(tmp_path: Path) -> None:
    folders: list[Path] = []
    compared = [(name, contest) for name, contest in all_contests() if contest.baselines]
    for name, contest in compared:
        parts = contest.split(Sources(DATA[name]), {}, discard)
        given = contest.settings({}, parts)
        place = tmp_path / name.replace("/", "-")
        contest.write(parts, place)
        for model in contest.baselines:
            job = Job(name, Candidate(model), 0, Budget(1, "seconds"), given)
            folders.append(place / model)
            folders[-1].mkdir()
            (folders[-1] / "job.json").write_text(json.dumps(job.to_json()), "utf-8")
    result = subprocess.run(
        [sys.executable, "-c", _FIT, *map(str, folders)],
        capture_output=True,
        timeout=TIMEOUT,
        env=environment(),
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert json.loads(result.stdout) == {}


def test_every_compared_task_with_baselines_has_data() -> None:
    assert DATA.keys() == {name for name, contest in all_contests() if contest.baselines}
