"""The peak memory that `check` estimates, against that of the training itself."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.system.commands import run_with_peak_memory

SYLLABLES = [chr(0xAC00 + 7 * number) for number in range(900)]
Write = Callable[[random.Random], str]


def make_word_generator(fewest: int, most: int) -> Write:
    """Words, most of them frequent ones."""

    def text(drawn: random.Random) -> str:
        count = drawn.randint(fewest, most)
        return " ".join(f"w{int(20_000 * drawn.random() ** 3)}" for _ in range(count))

    return text


def make_korean_text(drawn: random.Random) -> str:
    """Words of some syllables each."""
    return " ".join(
        "".join(drawn.choice(SYLLABLES) for _ in range(drawn.randint(2, 5)))
        for _ in range(drawn.randint(3, 15))
    )


def make_label_function(count: int) -> Callable[[int], str]:
    return lambda row: f"c{row % count}"


# Rows, how a text is written, how a label is, and what is typed behind.
SHAPES: dict[str, tuple[int, Write, Callable[[int], str], tuple[str, ...]]] = {
    "few and short": (300, make_word_generator(8, 8), make_label_function(2), ("--model", "mean")),
    "many and short": (
        200_000,
        make_word_generator(8, 8),
        make_label_function(2),
        ("--model", "mean"),
    ),
    "many classes": (
        8000,
        make_word_generator(8, 8),
        make_label_function(4000),
        ("--model", "mean"),
    ),
    "long": (
        3000,
        make_word_generator(50, 1000),
        make_label_function(3),
        ("--model", "cnn", "--set", "tokenizer.max_length=1000"),
    ),
    "korean": (20_000, make_korean_text, make_label_function(2), ("--model", "cnn")),
    "korean, long n-grams": (60_000, make_korean_text, make_label_function(2), ("--model", "mean")),
    "recurrent": (3000, make_word_generator(20, 200), make_label_function(2), ("--model", "lstm")),
    "attention": (
        1500,
        make_word_generator(20, 400),
        make_label_function(2),
        ("--model", "transformer", "--set", "tokenizer.max_length=400"),
    ),
    "subwords": (
        20_000,
        make_word_generator(30, 30),
        make_label_function(2),
        ("--model", "cnn", "--tokenizer", "bpe"),
    ),
    "numbers": (
        20_000,
        make_word_generator(15, 15),
        lambda row: str(row % 17),
        ("--task", "regress", "--model", "cnn"),
    ),
    "sets of labels": (
        6000,
        make_word_generator(15, 15),
        lambda row: "|".join(f"l{row * step % 1500}" for step in (1, 7, 13)),
        ("--task", "multilabel", "--model", "cnn"),
    ),
    "pairs": (
        3000,
        make_word_generator(10, 14),
        lambda row: make_word_generator(10, 14)(random.Random(row)),
        ("--task", "translate", "--model", "transformer"),
    ),
}


# Number of images, height and width, channels, and options.
IMAGES: dict[str, tuple[int, tuple[int, int], int, tuple[str, ...]]] = {
    "small gray images": (3000, (28, 28), 1, ()),
    "larger color images": (
        300,
        (224, 224),
        3,
        ("--set", "image.size=224x224", "--set", "training.batch_size=64"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_estimated_peak_is_within_30_percent(tmp_path: Path, shape: str) -> None:
    rows, text, label, options = SHAPES[shape]
    drawn, data = random.Random(0), tmp_path / "data.csv"
    header = "source,target" if shape == "pairs" else "text,label"
    lines = [f"{text(drawn)},{label(row)}" for row in range(rows)]
    data.write_text("\n".join([header, *lines]) + "\n")
    compare_peaks(shape, data, options, tmp_path / "m")


@pytest.mark.slow
@pytest.mark.parametrize("shape", IMAGES)
def test_estimated_peak_of_images_is_within_30_percent(tmp_path: Path, shape: str) -> None:
    image = pytest.importorskip("PIL.Image")
    count, size, channels, options = IMAGES[shape]
    drawn, folder = np.random.default_rng(0), tmp_path / "data"
    for number in range(count):
        pixels = drawn.integers(0, 256, (*size, channels), dtype=np.uint8)
        path = folder / f"c{number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.fromarray(pixels.squeeze()).save(path)
    compare_peaks(shape, folder, ("--task", "images", *options), tmp_path / "m")


def compare_peaks(shape: str, data: Path, options: tuple[str, ...], out: Path) -> None:
    """Estimate the peak, measure it, and compare the two."""
    fixed = (*options, "--set", "training.threads=1")
    result, _ = run_with_peak_memory("check", data, *fixed, "--json")
    assert result.code == 0, result.err
    estimated = json.loads(result.out)["estimate"]["memory_bytes"]
    # one epoch is enough: later ones take no more memory
    epoch = ("--out", out, "--quiet", "--set", "training.epochs=1")
    result, measured = run_with_peak_memory("train", data, *fixed, *epoch)
    assert result.code == 0, result.err
    print(f"{shape}: estimated {estimated / 1e6:,.0f} MB, measured {measured / 1e6:,.0f} MB")
    assert estimated == pytest.approx(measured, rel=0.3)
