"""Language models: quality for equal seconds, tokenizers, training rate, generation.

    python benchmarks/language.py --only quality [--data FILE] [--budget 180s] [--seeds 0 1 2]
    python benchmarks/language.py --only tokenizers [--lines N]
    python benchmarks/language.py --only rate [--rounds 5] [--seconds 8]
    python benchmarks/language.py --only generation [--lengths 500 2000]

- quality: every architecture, and Kneser-Ney, on shakespeare/input.txt by characters. The first
  90 % of the characters train and the last 10 % validate. Nats per token depend on the tokenizer,
  bits per character and per byte do not. The seconds include the validation runs. The best
  checkpoint, and the length of the n-grams, are chosen on the part that is scored.
- tokenizers: one pass of `lstm` over nsmc/unlabelled.txt.gz by characters, jamo, 8,000 BPE tokens
  and bytes. The last 10 % of the characters validate.
- rate: training steps beside the same shape in plain PyTorch; see `language_rate.py`.
- generation: `Model.generate` beside a loop that reads the whole text again for each token; see
  `language_generation.py`.

No peer has to be installed. Without --only all four are measured.
"""

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import language_generation
import language_rate
from machine import data_folder, describe_machine
from peers import need_data

MODELS = ("rnn", "lstm", "gru", "transformer")
TOKENIZERS: dict[str, dict[str, Any]] = {
    "characters": {"name": "characters"},
    "jamo": {"name": "jamo"},
    "bpe, 8,000": {"name": "bpe", "max_size": 8000},
    "bytes": {"name": "bytes"},
}
SCORES = ("cross_entropy", "bits_per_character", "bits_per_byte")


def train(data: Path, model: str, **settings: Any) -> Any:
    """Train a language model in memory, without the n-grams beside it."""
    import munjang

    config = {"language": {"ngram_order": 0}, **settings}
    return munjang.train(data, task="language", model=model, config=config)


def characters_per_second(training: dict[str, Any]) -> float:
    """Return the characters per second of `metrics.json`'s training part."""
    return training["tokens_per_second"] * training["characters"] / training["tokens"]


def spread(values: list[float]) -> str:
    """Return the mean, and what the farthest seed differs from it."""
    mean = float(np.mean(values))
    if len(values) == 1:
        return f"{mean:.4f}"
    return f"{mean:.4f} ± {max(abs(value - mean) for value in values):.4f}"


def quality_row(data: Path, model: str, options: argparse.Namespace) -> str:
    """Train an architecture with each seed."""
    budget = {"budget_seconds": options.budget}
    runs = [train(data, model, seed=seed, training=budget) for seed in options.seeds]
    training = [run.metrics["training"] for run in runs]
    rate = np.median([characters_per_second(each) for each in training])
    scores = " | ".join(
        spread([run.metrics["validation"][name] for run in runs]) for name in SCORES
    )
    return f"| {model} | {training[0]['parameters']:,} | {rate:,.0f} | {scores} |"


def ngrams_row(data: Path) -> str:
    """Fit Kneser-Ney on the same characters, in one pass."""
    from munjang.baselines.running_text import fit_running_text_baseline
    from munjang.inputs.stream import StreamInput
    from munjang.recipe import make_recipe
    from munjang.reporting import discard

    recipe = make_recipe({"task": "language", "model": {"name": "lstm"}})
    parts = StreamInput.hold_out(StreamInput.read(data, recipe, None, discard), recipe)
    began = time.perf_counter()
    model = fit_running_text_baseline("kneser-ney", parts["train"].lines, parts["valid"].lines)
    rate = parts["train"].characters / (time.perf_counter() - began)
    found = model.score(parts["valid"]).to_json()
    scores = " | ".join(f"{found[name]:.4f}" for name in SCORES)
    name = f"Kneser-Ney, {len(model.sizes)} characters"
    return f"| {name} | {model.parameters:,} n-grams | {rate:,.0f} | {scores} |"


def measure_quality(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table of architectures."""
    data = need_data(options.data or data_folder() / "shakespeare" / "input.txt")
    yield f"{data.name}, {options.budget} each, seeds {options.seeds}: mean ± farthest seed\n"
    yield (
        "| model | parameters | characters per second | nats per token | bits per character "
        "| bits per byte |\n|---|---|---|---|---|---|"
    )
    for model in options.models:
        yield quality_row(data, model, options)
    yield ngrams_row(data)


def measure_tokenizers(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table of tokenizers."""
    data = need_data(options.data or data_folder() / "nsmc" / "unlabelled.txt.gz")
    with tempfile.TemporaryDirectory() as folder:
        if options.lines:
            data = cut(data, options.lines, Path(folder) / "lines.txt")
        yield "lstm, one pass\n"
        yield (
            "| tokens | vocabulary | out of vocabulary | characters per token | bits per character "
            "| bits per byte | seconds of training | seconds in all |"
        )
        yield "|---" * 8 + "|"
        for name in options.tokenizers:
            began = time.perf_counter()
            run = train(data, "lstm", tokenizer=TOKENIZERS[name], training={"epochs": 1})
            seconds = time.perf_counter() - began
            training, scores = run.metrics["training"], run.metrics["validation"]
            yield (
                f"| {name} | {training['vocabulary']:,} | {training['oov_rate']:.2%} "
                f"| {training['characters'] / training['tokens']:.2f} "
                f"| {scores['bits_per_character']:.4f} | {scores['bits_per_byte']:.4f} "
                f"| {training['seconds']:,.0f} | {seconds:,.0f} |"
            )


def cut(data: Path, lines: int, target: Path) -> Path:
    """Write the first lines of a text to a file, and return its path."""
    reader = gzip.open if data.suffix == ".gz" else open
    with reader(data, "rt", encoding="utf-8", newline="\n") as file:
        target.write_text("".join(islice(file, lines)), encoding="utf-8", newline="\n")
    return target


def measure_rate(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table of training rates."""
    data = need_data(options.data or data_folder() / "shakespeare" / "input.txt")
    return language_rate.measure(data, options.models, options.rounds, options.seconds)


def measure_generation(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table of generation."""
    data = need_data(options.data or data_folder() / "shakespeare" / "input.txt")
    return language_generation.measure(data, options.lengths, options.rounds)


PARTS = {
    "quality": measure_quality,
    "tokenizers": measure_tokenizers,
    "rate": measure_rate,
    "generation": measure_generation,
}


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=list(PARTS))
    parser.add_argument("--data", type=Path, help="another text")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--budget", default="180s", help="of each training (quality)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="(quality)")
    parser.add_argument("--lines", type=int, help="first lines only (tokenizers)")
    parser.add_argument(
        "--tokenizers", nargs="+", default=list(TOKENIZERS), choices=list(TOKENIZERS)
    )
    parser.add_argument("--rounds", type=int, default=5, help="(rate, generation)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each round (rate)")
    parser.add_argument("--lengths", nargs="+", type=int, default=[500, 2000], help="(generation)")
    options = parser.parse_args()
    print(describe_machine())
    for name in [options.only] if options.only else PARTS:
        print(f"\n## {name}\n")
        for line in PARTS[name](options):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
