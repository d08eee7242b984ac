"""Answers and decoding rate of an export to CTranslate2 beside those of the model itself.

    munjang export ctranslate2 en-de en-de-ct2
    python benchmarks/ctranslate2_rate.py en-de en-de-ct2 val.en --rate-texts 256

Both answer the same batches of sorted texts in turn, in one process, on one thread: tokenizer and
detokenizer included. Rates are medians of three.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import munjang

BATCH = 32
RUNS = 3

Answer = Callable[[list[str]], list[str]]


def ours(folder: Path, beam: int) -> Answer:
    """The model by PyTorch."""
    method = {"method": "greedy"} if beam == 1 else {"method": "beam", "beam": beam}
    model = munjang.load(folder).with_decoding(method)
    return lambda texts: [answer.text for answer in model.predict(texts)]


def theirs(folder: Path, beam: int) -> Answer:
    """The export by its own script."""
    sys.path.insert(0, str(folder))
    from munjang_ctranslate2 import Translator

    translator = Translator(folder, threads=1)
    return lambda texts: translator.translate(texts, beam=beam, batch_size=BATCH)


def answer_all(answer: Answer, texts: list[str]) -> tuple[list[str], float]:
    """Answers to all texts, in batches, and the seconds that they took."""
    begin = time.perf_counter()
    found = [
        text
        for first in range(0, len(texts), BATCH)
        for text in answer(texts[first : first + BATCH])
    ]
    return found, time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("export", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--rate-texts", type=int, default=256)
    given = parser.parse_args()
    torch.set_num_threads(1)
    texts = sorted(given.texts.read_text(encoding="utf-8").splitlines(), key=len)
    some = texts[:: max(1, len(texts) // given.rate_texts)]
    for beam in (1, 4):
        sides = {"munjang": ours(given.model, beam), "ctranslate2": theirs(given.export, beam)}
        found = [answer_all(answer, texts)[0] for answer in sides.values()]
        equal = sum(a == b for a, b in zip(*found, strict=True))
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(RUNS):
            for name, answer in sides.items():
                seconds[name].append(answer_all(answer, some)[1])
        rates = {name: len(some) / statistics.median(taken) for name, taken in seconds.items()}
        print(
            f"beam {beam}: {equal} of {len(texts)} answers equal ({equal / len(texts):.2%}); "
            + ", ".join(f"{name} {rate:.1f} texts/s" for name, rate in rates.items())
            + f", factor {rates['ctranslate2'] / rates['munjang']:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
