"""Word vectors beside gensim's Word2Vec and FastText, on the same words of the same lines.

    python benchmarks/word_vectors.py [--rounds 2] [--epochs 1] [--threads 2] [--quality]

Rates are words of the text per second of training, by skip-gram with 100 dimensions, a window of 5,
5 negatives and words of 5 occurrences or more; each peer is measured right before or after us, and
the ratio is the median over the rounds. Ours includes the loss on held-out lines after each epoch.
The tables of character n-grams have 2^17 rows on both sides. --quality adds rank correlations on
WordSim-353 and SimLex-999, and analogies, of gensim's test data; English only.
"""

import argparse
import gzip
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import data_folder, describe_machine
from peers import need_data, present

DIM, WINDOW, NEGATIVES, MIN_COUNT, BUCKETS = 100, 5, 5, 5, 2**17
NGRAMS = {"Word2Vec": 0, "FastText": 5}


def read_lines(path: Path, most: int | None) -> list[str]:
    """Return the first lines of a text that are not blank."""
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in islice(file, most) if line.strip()]


def train_ours(path: Path, ngrams: int, epochs: int, threads: int) -> tuple[float, Any]:
    """Return the words per second, and the words with their vectors."""
    import munjang

    settings = [
        f"model.dim={DIM}",
        f"model.subword_ngrams={ngrams}",
        f"model.subword_buckets={BUCKETS}",
        "model.subword_units=letters",
        f"vectors.window={WINDOW}",
        f"vectors.negatives={NEGATIVES}",
        f"tokenizer.min_frequency={MIN_COUNT}",
        "tokenizer.name=words",
        "data.tokenizer_sample=1000",
        f"training.epochs={epochs}",
        f"training.threads={threads}",
    ]
    trained = munjang.train(path, task="vectors", overrides=settings)
    return trained.metrics["training"]["tokens_per_second"], munjang.load_words(trained.model)


def train_peer(name: str, sentences: list[list[str]], epochs: int, threads: int) -> Any:
    """Return the words per second, and the words with their vectors."""
    from gensim import models

    from munjang.word_vectors.words import Words

    grams = {"min_n": 3, "max_n": NGRAMS[name], "bucket": BUCKETS} if NGRAMS[name] else {}
    model = getattr(models, name)(
        vector_size=DIM,
        window=WINDOW,
        negative=NEGATIVES,
        min_count=MIN_COUNT,
        sg=1,
        workers=threads,
        seed=1,
        **grams,
    )
    model.build_vocab(sentences)
    began = time.perf_counter()
    model.train(sentences, total_examples=len(sentences), epochs=epochs)
    seconds = time.perf_counter() - began
    words = sum(map(len, sentences)) * epochs
    return words / seconds, Words(name, list(model.wv.index_to_key), model.wv.vectors)


def judge(words: Any) -> list[str]:
    """Return the scores of English word vectors."""
    import gensim

    from munjang.word_vectors.evaluation import score_analogies, score_similarity
    from munjang.word_vectors.judgments import read_analogies, read_word_pairs

    folder = Path(gensim.__file__).parent / "test" / "test_data"
    pairs = [read_word_pairs(folder / name) for name in ("wordsim353.tsv", "simlex999.txt")]
    scores = [score_similarity(words, each).listed_spearman for each in pairs]
    analogies = score_analogies(words, read_analogies(folder / "questions-words.txt"))[-1]
    return [*(f"{score:.3f}" for score in scores), f"{analogies.accuracy:.1%}"]


def measure(title: str, lines: list[str], options: argparse.Namespace) -> None:
    """Print the rates on some lines."""
    from munjang.text.segmentation.one_text import unicode_words

    sentences = [unicode_words(line, lower=True).strings() for line in lines]
    print(f"\n{title}: {len(lines):,} lines, {sum(map(len, sentences)):,} words\n", flush=True)
    print("| | ours, words/s | gensim, words/s | ours / gensim |\n|---|---|---|---|", flush=True)
    quality: list[tuple[str, Any]] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        for name, ngrams in NGRAMS.items():
            sides: dict[str, Callable[[], tuple[float, Any]]] = {
                "ours": lambda n=ngrams: train_ours(path, n, options.epochs, options.threads),
                name: lambda n=name: train_peer(n, sentences, options.epochs, options.threads),
            }
            rates: dict[str, list[float]] = {side: [] for side in sides}
            for number in range(options.rounds):
                order = list(sides) if number % 2 == 0 else list(sides)[::-1]
                for side in order:
                    rate, words = sides[side]()
                    rates[side].append(rate)
                    if options.quality and number == 0:
                        label = f"ours, {ngrams} letters" if side == "ours" else side
                        quality.append((label, words))
            ours, peer = (rates[side] for side in sides)
            ratio = median(own / other for own, other in zip(ours, peer, strict=True))
            print(
                f"| {name} | {median(ours):,.0f} | {median(peer):,.0f} | {ratio:.2f} |", flush=True
            )
    if quality:
        print("\n| | WordSim-353 | SimLex-999 | analogies |\n|---|---|---|---|")
        for label, words in quality:
            print(f"| {label} | {' | '.join(judge(words))} |", flush=True)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--only", choices=["brown", "nsmc"])
    options = parser.parse_args()
    print(describe_machine(), flush=True)
    if not present(["gensim"]):
        return 1
    if options.only != "nsmc":
        path = need_data(options.data / "brown" / "text.txt")
        measure("brown", read_lines(path, None), options)
    if options.only != "brown":
        options.quality = False
        path = need_data(options.data / "nsmc" / "unlabelled.txt.gz")
        measure("nsmc, without labels", read_lines(path, 100_000), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
