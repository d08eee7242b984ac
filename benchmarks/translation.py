"""Parts shared by both sides of the translation benchmark: sizes, files, jobs, the clock.

JoeyNMT has an environment of its own, so this imports nothing but the standard library.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LAYERS, WIDTH, FEED_FORWARD, HEADS, DROPOUT = 4, 128, 256, 4, 0.3
VOCABULARY = 10_000  # of each side, with the four reserved ids
BATCH_TOKENS, SMOOTHING, RATE, BETAS, CLIP = 4096, 0.1, 0.004, (0.9, 0.98), 1.0
BEAM, ALPHA, MOST_STEPS = 5, 0.6, 50
WARM_UP = 5  # steps before the clock runs
WARM_UP_SENTENCES = 20
SOURCE, TARGET = "en", "de"

Answer = dict[str, Any]


class Clock:
    """Told of each training step as it ends; the first `WARM_UP` are not counted.

    Attributes:
        tokens: real target tokens, the end of each sentence among them, in what was counted.
        steps: that were counted.
        seconds: they took.
    """

    def __init__(self, seconds: float) -> None:
        self.tokens, self.steps, self.seconds = 0, 0, 0.0
        self._wanted, self._seen, self._began = seconds, 0, 0.0

    def after(self, tokens: int) -> bool:
        """A step of so many tokens has ended. Returns whether enough was seen."""
        now = time.perf_counter()
        self._seen += 1
        if self._seen <= WARM_UP:
            self._began = now
            return False
        self.tokens += tokens
        self.steps += 1
        self.seconds = now - self._began
        return self.seconds >= self._wanted

    def answer(self) -> Answer:
        """The line that a job prints."""
        return {"rate": self.tokens / self.seconds, "tokens_a_step": self.tokens / self.steps}


def time_decoding(answer: Callable[[list[str]], list[str]], texts: list[str]) -> Answer:
    """Answer `texts` by the clock, after a warm-up on the first few."""
    answer(texts[:WARM_UP_SENTENCES])
    start = time.perf_counter()
    answers = answer(texts)
    seconds = time.perf_counter() - start
    tokens = sum(len(text.split()) for text in answers)
    return {"sentences": len(texts) / seconds, "tokens": tokens / seconds, "answers": answers}


def peak_memory() -> int:
    """The most bytes that this process has held, as Linux counts; 0 elsewhere."""
    status = Path("/proc/self/status")
    result = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * int(result[1]) if result else 0


def read_lines(path: Path) -> list[str]:
    """The lines of a file, which end with a line feed and nothing else."""
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def run_job(python: str, script: Path, do: str, **arguments: Any) -> Answer:
    """Let `script` do a job in a process of its own, and give what it says of it."""
    command = [python, str(script), json.dumps({"do": do, **arguments})]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        sys.exit(f"{script.stem} cannot be run: {error}")
    if result.returncode:
        sys.exit(f"{script.stem}, {do} failed:\n{result.stderr[-3000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def main(jobs: dict[str, Callable[..., Answer]]) -> None:
    """In that process: do the job of the command line and print its answer."""
    job = json.loads(sys.argv[1])
    answer = jobs[job.pop("do")](**job)
    print(json.dumps({**answer, "peak": peak_memory()}))
