"""Translation on multi30k, English to German: our Transformer beside that of JoeyNMT 2.3.

Both sides have the same network (4 + 4 layers of width 128, feed-forward parts of 256, 4 heads,
norms before the parts, sines for places, one table for target words and output, dropout 0.3) over
the same words: ours, up to 10,000 a side, which JoeyNMT gets as text with spaces between and as
files of its vocabularies. Every measurement is a process of its own on two threads; the sides take
turns, and the medians over the rounds are compared in one run.

- Training: real target tokens a second, the ends of sentences among them and padding not, of
  whole steps: making the batch, forward, backward, clipping, Adam. Batches of 4,096 tokens as each
  side counts and fills them, label smoothing 0.1. Ours is `munjang.training.loop`; theirs is
  `TrainManager.train_and_validate`. Neither start-up, the first five steps nor validation counts.
- Decoding: from texts in memory to texts in memory, beam 5, at most 50 steps, of the first
  sentences of test2016. Both sides decode with the same weights, which we train first and hand to
  JoeyNMT as a checkpoint of its own (joey_weights.py), so that the work is the same: the share of
  answers that agree word for word is printed. So are their lengths, beside the references', since
  JoeyNMT pays more for each token of a longer answer. Ours is `model.predict`, JoeyNMT's is
  `joeynmt.prediction.predict`, with whichever size of its batches is the fastest in a trial. Its
  sources lack the end that it would add, since these weights never saw one.
- Memory: the most that those same processes held, whole, with Python and libraries; and what
  `munjang predict` holds for a file of 1,000 lines and for one of 10,000.

What differs is each side's own: JoeyNMT drops attention weights too and inside the feed-forward
part, has biases in its attention, draws batches at random without regard to length, and reads its
whole prefix anew at each step of the search; its training does not know our lazy rows of Adam.

    python3 -m venv .venv-joey
    .venv-joey/bin/pip install -r benchmarks/requirements-joey.txt
    python benchmarks/translate.py [--joey .venv-joey/bin/python] [--rounds 3] [--out FILE]

Exits with 1 when training is not at least 5 times as fast, or decoding not 4 times.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from machine import data_folder, describe_machine
from peers import need_data
from translation import MOST_STEPS, SOURCE, TARGET, Answer, read_lines, run_job

HERE = Path(__file__).parent
OURS, THEIRS = HERE / "translate_ours.py", HERE / "joey_peer.py"
TRAINING_AIM, DECODING_AIM = 5.0, 4.0
LONG = 1.25  # times the length of the references: a model that repeats itself
MEGABYTE = 1e6
Report = Callable[[str], None]


@dataclass(frozen=True)
class Systems:
    """Functions that run a job of either side; the arguments that both take are bound already."""

    ours: Callable[..., Answer]
    theirs: Callable[..., Answer] | None  # where JoeyNMT is not installed

    def both(self, do: str, **arguments: Any) -> tuple[Answer, Answer]:
        """The answers of ours and of theirs, which is empty where there is none."""
        ours = self.ours(do, **arguments)
        return ours, {} if self.theirs is None else self.theirs(do, **arguments)


@dataclass(frozen=True)
class Measured:
    """A figure of both sides, a round each."""

    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratio(self) -> float:
        """Not a number where there is no other side."""
        if not self.theirs:
            return math.nan
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def row(self, name: str, aim: str = "") -> str:
        """A line of the table: medians, with the smallest and largest behind them."""
        if not self.theirs:
            return f"| {name} | {_median(self.ours)} |"
        systems = " | ".join(_median(values) for values in (self.ours, self.theirs))
        return f"| {name} | {systems} | {self.ratio:.2f} | {aim} |"


def _median(values: Sequence[float]) -> str:
    digits = 0 if min(values) >= 100 else 1
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def _measure(answers: Sequence[tuple[Answer, Answer]], key: str, unit: float = 1.0) -> Measured:
    ours, theirs = zip(*answers, strict=True)
    return Measured(*([one[key] / unit for one in side if one] for side in (ours, theirs)))


def train(systems: Systems, options: argparse.Namespace, report: Report) -> float:
    """Rounds of training; returns how many times faster ours is."""
    seconds = options.seconds
    rounds = [systems.both("train", seconds=seconds) for _ in range(options.rounds)]
    halved = [
        systems.ours("train", seconds=seconds, precision="bfloat16") for _ in range(options.rounds)
    ]
    rate = _measure(rounds, "rate")
    report(f"\n## Training\n\n{_heading(systems)}")
    report(rate.row("real target tokens a second", f"{TRAINING_AIM:g}"))
    in_half = [(ours, theirs) for ours, (_, theirs) in zip(halved, rounds, strict=True)]
    report(_measure(in_half, "rate").row("the same, ours in bfloat16"))
    report(_measure(rounds, "tokens_a_step").row("real target tokens a step"))
    report(_measure(rounds, "peak", MEGABYTE).row("peak memory, MB"))
    report(_measure(rounds, "before", MEGABYTE).row("of it before the first step, MB"))
    ours, theirs = rounds[0]
    if not theirs:
        report(f"\nParameters: {ours['parameters']:,}.")
        return rate.ratio
    report(f"\nParameters: ours {ours['parameters']:,}, JoeyNMT {theirs['parameters']:,}.")
    words = theirs["vocabularies"]
    report(f"Vocabularies of JoeyNMT: {words[SOURCE]:,} {SOURCE}, {words[TARGET]:,} {TARGET}.")
    return rate.ratio


def decode(systems: Systems, options: argparse.Namespace, report: Report) -> float:
    """Rounds of decoding; returns how many times more sentences a second are ours."""
    fitted = systems.ours("fit", steps=options.steps)
    rates = _rates_by_batch_size(systems, options)
    rounds = []
    for _ in range(options.rounds):
        ours, theirs = systems.ours("decode", sentences=options.sentences), {}
        if systems.theirs is not None:
            best = options.batches[rates.index(max(rates))]
            result = systems.theirs("decode", sentences=options.sentences, batches=[best])
            theirs = {**result, **result["by_size"][0]}
        rounds.append((ours, theirs))
    rate = _measure(rounds, "sentences")
    report(f"\n## Decoding {options.sentences:,} sentences, beam 5\n\n{_heading(systems)}")
    report(rate.row("sentences a second", f"{DECODING_AIM:g}"))
    report(_measure(rounds, "tokens").row("output tokens a second"))
    report(_measure(rounds, "peak", MEGABYTE).row("peak memory, MB"))
    report(_measure(rounds, "before", MEGABYTE).row("of it before the first sentence, MB"))
    report(
        f"\nThe weights: {options.steps} steps, cross-entropy {fitted['cross_entropy']:.2f} nats."
    )
    if systems.theirs is None:
        return rate.ratio
    ours, theirs = (side["answers"] for side in rounds[0])
    references = read_lines(Path(options.work) / f"test.{TARGET}")[: options.sentences]
    report(_compare_answers(ours, theirs, references))
    sizes = ", ".join(f"{n}: {rate:.1f}" for n, rate in zip(options.batches, rates, strict=True))
    tried = _trial_sentences(options)
    report(f"JoeyNMT by sentences of a batch, sentences a second on the first {tried}: {sizes}.")
    return rate.ratio


def _trial_sentences(options: argparse.Namespace) -> int:
    return min(options.tried, options.sentences)


def _rates_by_batch_size(systems: Systems, options: argparse.Namespace) -> list[float]:
    """Sentences a second of JoeyNMT with each size of its batches, in a trial."""
    if systems.theirs is None:
        return []
    trial = systems.theirs("decode", sentences=_trial_sentences(options), batches=options.batches)
    return [result["sentences"] for result in trial["by_size"]]


def _compare_answers(ours: Sequence[str], theirs: Sequence[str], references: Sequence[str]) -> str:
    """Return the agreement of the answers, and their length beside that of the references."""
    same = sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours)
    lengths = [
        sum(len(text.split()) for text in some) / len(some) for some in (ours, theirs, references)
    ]
    cut = sum(len(text.split()) >= MOST_STEPS for text in ours) / len(ours)
    line = (
        f"{same:.1%} of the answers are the same word for word. Tokens of an answer: ours "
        f"{lengths[0]:.1f}, JoeyNMT {lengths[1]:.1f}, the references {lengths[2]:.1f}; {cut:.1%} "
        f"of ours were cut at {MOST_STEPS}."
    )
    if max(lengths[:2]) > LONG * lengths[2]:
        line += " TOO LONG: this flatters us; train what is decoded with for more --steps."
    return line


def stream(systems: Systems, options: argparse.Namespace, report: Report) -> None:
    """Measure the memory of the command while it answers a short file and a long one."""
    report("\n## Memory of `munjang predict` on a file\n\n| lines | peak memory, MB |\n|---|---|")
    for lines in options.lines:
        peak = systems.ours("stream", lines=lines)["peak"]
        report(f"| {lines:,} | {peak / MEGABYTE:,.0f} |")


def _heading(systems: Systems) -> str:
    if systems.theirs is None:
        return "| | ours |\n|---|---|"
    return "| | ours | JoeyNMT | ours / JoeyNMT | at least |\n|---|---|---|---|---|"


def _is_installed(python: str) -> bool:
    """Return whether that Python can import JoeyNMT."""
    try:
        result = subprocess.run([python, "-c", "import joeynmt"], capture_output=True, check=False)
    except OSError:
        return False
    return result.returncode == 0


def main() -> int:
    """Measure, and print one table a question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder() / "multi30k")
    parser.add_argument(
        "--joey", default=str(HERE.parent / ".venv-joey" / "bin" / "python"),
        help="the Python that JoeyNMT is installed in",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of training, a side and round")
    parser.add_argument("--steps", type=int, default=700, help="of training what is decoded with")
    parser.add_argument("--sentences", type=int, default=300, help="1000 is all of test2016")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[16, 32, 64], help="of JoeyNMT in decoding"
    )
    parser.add_argument("--tried", type=int, default=96, help="sentences of the trial of those")
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--out", type=Path, help="write what is printed into this file too")
    options = parser.parse_args()
    need_data(options.data)
    lines: list[str] = []

    def report(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    with tempfile.TemporaryDirectory() as work:
        options.work = work
        our_job = partial(run_job, sys.executable, OURS, data=str(options.data.resolve()))
        their_job = partial(run_job, options.joey, THEIRS, work=work, threads=options.threads)
        here = _is_installed(options.joey)
        words = our_job(do="prepare", work=work)["vocabularies"]
        ours = partial(our_job, work=work, threads=options.threads)
        systems = Systems(ours, their_job if here else None)
        report("# Translation\n")
        if here:
            theirs = run_job(options.joey, THEIRS, "versions")
            report(f"{describe_machine()}; JoeyNMT {theirs['joeynmt']} on torch {theirs['torch']}.")
        else:
            report(
                f"{describe_machine()}.\n\nleft out: JoeyNMT; {options.joey} has none (--joey)\n"
            )
        report(
            f"{options.threads} threads, {options.rounds} rounds, medians (and smallest to "
            f"largest). Vocabularies of ours: {words[SOURCE]:,} {SOURCE}, {words[TARGET]:,} "
            f"{TARGET}."
        )
        missed = train(systems, options, report) < TRAINING_AIM
        missed |= decode(systems, options, report) < DECODING_AIM
        stream(systems, options, report)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
