"""Start-up time of `munjang --help`, beside Python and Typer alone.

    python benchmarks/startup.py [--rounds 21]

The three commands take turns, and the medians are compared:

    ratio = (munjang --help - what importing Typer adds) / python -c pass

Exits with 1 when the ratio is above 4.
"""

import argparse
import statistics
import subprocess
import sys
import time

from machine import describe_machine

LARGEST = 4.0
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import typer'": ["-c", "import typer"],
    "munjang --help": ["-m", "munjang", "--help"],
}


def time_command(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    print(describe_machine())
    for arguments in COMMANDS.values():  # once beforehand, so that the disk has read everything
        time_command(arguments)
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            taken[name].append(time_command(arguments))
    middle = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in middle.items():
        print(f"{name:<26} {median * 1000:7.1f} ms, median of {rounds}")
    bare, typer, help_ = middle.values()
    ratio = (help_ - (typer - bare)) / bare
    print(f"ratio {ratio:.2f}, must be at most {LARGEST:g}")
    return int(ratio > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
