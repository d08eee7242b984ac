"""A forked process: answers work there, and what cannot work is told in one line."""

import os
import subprocess
import sys

import pytest

from munjang.text.registry import TOKENIZERS
from tests.system.commands import TIMEOUT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

ANSWER = {"mean", "cnn", "lstm", "gru", "transformer", "translate", "estimator", "shapes"}
ANSWER |= {*TOKENIZERS}
EXPECTED_NOTE = {"fit", "train", "evaluate"}


def test_forked_process_gives_same_answers() -> None:
    command = [sys.executable, "-m", "tests.system.forked_worker"]
    # two threads of OpenMP that sleep while they wait, so that a busy machine is no obstacle
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=5 * TIMEOUT, env=environment, check=False
    )
    ended = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert result.returncode == 0, result.stderr
    assert {name: ended.get(name) for name in ANSWER - {"morphemes"}} == dict.fromkeys(
        ANSWER - {"morphemes"}, "done"
    )
    if sys.platform == "linux":
        for name in EXPECTED_NOTE:
            assert "it was forked" in ended[name]
            assert "spawn" in ended[name]
