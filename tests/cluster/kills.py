"""Nodes that die at random moments while a command runs."""

import os
import random
import subprocess
import threading

from tests.cluster.nodes import TestCluster
from tests.system.commands import TIMEOUT, CommandResult

# How many nodes die in a test. MUNJANG_KILLS=20 takes minutes.
KILLS = int(os.environ.get("MUNJANG_KILLS", "3"))


def kill_until(
    process: "subprocess.Popen[bytes]", cluster: TestCluster, most: int, seed: int = 0
) -> tuple[int, CommandResult]:
    """Kill workers until a command ends, so many at most; return how many died, and its result.

    A killed worker is replaced.
    """
    chances = random.Random(seed)
    output: list[bytes] = []
    reader = threading.Thread(target=lambda: output.extend(process.communicate(timeout=TIMEOUT)))
    reader.start()
    kills = 0
    while kills < most and reader.is_alive():
        reader.join(chances.uniform(1.0, 6.0))
        if reader.is_alive():
            cluster.kill(chances.randrange(2))
            kills += 1
            cluster.add()
    reader.join()
    print(f"{kills} nodes killed")  # shown by pytest -rP
    out, err = (part.decode() for part in output)
    return kills, CommandResult(process.returncode, out, err)
