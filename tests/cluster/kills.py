"""Nodes that die at random moments while a command runs."""

import os
import random
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator

from tests.cluster.nodes import TestCluster
from tests.system.commands import TIMEOUT, CommandResult

# Waits until a node is to die, or until the thread ends, which it does with the command.
Wait = Callable[[threading.Thread], None]


def count_kills(default: int) -> int:
    """How many nodes die in a test. MUNJANG_KILLS=20 takes minutes."""
    return int(os.environ.get("MUNJANG_KILLS", default))


KILLS = count_kills(2)


def by_clock(kills: int, seed: int = 0) -> Iterator[Wait]:
    """Moments that are one to six seconds apart."""
    chances = random.Random(seed)
    for _ in range(kills):
        yield lambda reader: reader.join(chances.uniform(1.0, 6.0))


def by_progress(kills: int, progress: Callable[[], float], seed: int = 0) -> Iterator[Wait]:
    """Moments within the first four fifths of the work, one in each of as many equal shares of it.

    However fast the machine is, so many nodes die if the work outlasts the starts of new ones.

    Args:
        kills: how many.
        progress: returns the share of the work that is done, 0 to 1.
        seed: seed of the moments.
    """
    chances = random.Random(seed)
    for number in range(kills):
        # above 0: the command has begun to work
        moment = 0.8 * (number + 1.0 - chances.random()) / kills

        def wait(reader: threading.Thread, moment: float = moment) -> None:
            while reader.is_alive() and progress() < moment:
                reader.join(0.05)

        yield wait


def kill_nodes(
    process: "subprocess.Popen[bytes]", cluster: TestCluster, waits: Iterable[Wait], seed: int = 0
) -> tuple[int, CommandResult]:
    """Kill workers until a command ends; return how many died, and its result.

    A killed worker is replaced.
    """
    chances = random.Random(seed)
    output: list[bytes] = []
    longest = TIMEOUT + 60 * KILLS
    reader = threading.Thread(target=lambda: output.extend(process.communicate(timeout=longest)))
    reader.start()
    kills = 0
    for wait in waits:
        wait(reader)
        if not reader.is_alive():
            break
        cluster.kill(chances.randrange(2))
        kills += 1
        cluster.add()
    reader.join()
    print(f"{kills} nodes killed")  # shown by pytest -rP
    out, err = (part.decode() for part in output)
    return kills, CommandResult(process.returncode, out, err)
