"""Word vectors of both engines beside gensim's Word2Vec and FastText, on the same words.

    python benchmarks/word_vectors.py [--rounds 2] [--epochs 1] [--threads 1 2] [--quality]
    python benchmarks/word_vectors.py --only korean [--engines munjang gensim]

Rates are words of the text per second of training, by skip-gram with 100 dimensions, a window of 5,
5 negatives and words of 5 occurrences or more. One row per trainer and number of threads: the
engine munjang (one thread), the engine gensim, and gensim on its own, which reads lists of words in
memory. All are measured one after another in every round, in turns from the first and from the
last; the last column is the median over the rounds of the rate by that of gensim alone with the
most threads. Both engines of munjang include the loss on held-out lines after each epoch, and the
engine gensim the import of gensim. The tables of character n-grams have 2^17 rows on all sides.
--quality adds rank correlations on WordSim-353 and SimLex-999, and analogies, of gensim's test
data; English only. --only korean trains with the defaults of each engine on reviews of nsmc, and
tells of typos, particles, similarity-ko and frozen vectors (see korean_vectors.py).
"""

import argparse
import gzip
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import data_folder, describe_machine
from peers import need_data, present

DIM, WINDOW, NEGATIVES, MIN_COUNT, BUCKETS = 100, 5, 5, 5, 2**17
NGRAMS = {"Word2Vec": 0, "FastText": 5}
Trainer = Callable[[], tuple[float, Any]]


def read_lines(path: Path, most: int | None) -> list[str]:
    """Return the first lines of a text that are not blank."""
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8") as file:
        return [line.strip() for line in islice(file, most) if line.strip()]


def train_ours(
    path: Path, ngrams: int, epochs: int, engine: str, threads: int
) -> tuple[float, Any]:
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
        f"training.engine={engine}",
        f"training.threads={threads}",
    ]
    trained = munjang.train(path, task="vectors", overrides=settings)
    return trained.metrics["training"]["tokens_per_second"], munjang.load_words(trained.model)


def train_peer(
    name: str, sentences: list[list[str]], epochs: int, threads: int
) -> tuple[float, Any]:
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


def list_trainers(
    path: Path, sentences: list[list[str]], peer: str, options: argparse.Namespace
) -> dict[str, Trainer]:
    """Return the trainers of a table by their names; the last one is what others are divided by."""
    ours = partial(train_ours, path, NGRAMS[peer], options.epochs)
    alone = partial(train_peer, peer, sentences, options.epochs)
    trainers: dict[str, Trainer] = {"engine munjang, 1": partial(ours, "munjang", 1)}
    for name, train in (("engine gensim", partial(ours, "gensim")), (f"gensim {peer}", alone)):
        for threads in options.threads:
            trainers[f"{name}, {threads}"] = partial(train, threads)
    return trainers


def measure(title: str, lines: list[str], options: argparse.Namespace) -> None:
    """Print the rates on some lines, and the quality of the vectors of the first round."""
    from munjang.text.plain.words import unicode_words

    sentences = [unicode_words(line, lower=True).strings() for line in lines]
    print(f"\n{title}: {len(lines):,} lines, {sum(map(len, sentences)):,} words", flush=True)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        for peer in NGRAMS:
            trainers = list_trainers(path, sentences, peer, options)
            rates: dict[str, list[float]] = {name: [] for name in trainers}
            quality = {}
            for number in range(options.rounds):
                for name in list(trainers)[:: 1 if number % 2 == 0 else -1]:
                    rate, words = trainers[name]()
                    rates[name].append(rate)
                    if options.quality and number == 0:
                        quality[name] = judge(words)
            show_table(peer, rates, quality)


def show_table(peer: str, rates: dict[str, list[float]], quality: dict[str, list[str]]) -> None:
    """Print one row per trainer."""
    last = list(rates)[-1]
    heads = ["trainer, threads", "words/s", f"/ {last}"]
    heads += ["WordSim-353", "SimLex-999", "analogies"] if quality else []
    ngrams = f"n-grams of 3 to {NGRAMS[peer]} letters" if NGRAMS[peer] else "no n-grams"
    print(f"\n{ngrams}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, values in rates.items():
        ratio = median(own / other for own, other in zip(values, rates[last], strict=True))
        cells = [name, f"{median(values):,.0f}", f"{ratio:.2f}", *quality.get(name, [])]
        print(f"| {' | '.join(cells)} |", flush=True)


def measure_korean(data: Path, options: argparse.Namespace) -> None:
    """Print the three tests of Korean, and similarity-ko, for each engine with its defaults."""
    import polars as pl

    import korean_vectors
    import munjang
    from munjang.word_vectors.evaluation import score_similarity
    from munjang.word_vectors.judgments import read_word_pairs

    lines = read_lines(need_data(data / "nsmc" / "unlabelled.txt.gz"), options.lines)
    table = pl.read_csv(need_data(data / "nsmc" / "train.tsv"), separator="\t", quote_char=None)
    table = table.drop_nulls().select(text="document", label="label")
    train, valid = table.head(2000), table.slice(2000, 4000)
    pairs = read_word_pairs(need_data(data / "similarity-ko" / "ws353.csv"))
    print(f"\nnsmc, without labels: {len(lines):,} lines\n")
    heads = ["engine", "typos @1", "typos @10", "particles", "by chance 50%", "similarity-ko"]
    heads += ["of words known", "pairs covered", "mean, frozen", "random, frozen"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        for engine in options.engines:
            settings = [f"training.engine={engine}", "training.threads=1"]
            trained = munjang.train(path, task="vectors", overrides=settings)
            words = munjang.load_words(trained.model)
            first, near = korean_vectors.score_typos(words, korean_vectors.make_typos(words))
            same, other, wins = korean_vectors.score_particles(words)
            scores = score_similarity(words, pairs)
            learned, unlearned = korean_vectors.score_frozen(trained.model, train, valid)
            cells = [engine, f"{first:.1%}", f"{near:.1%}", f"{same:.2f} / {other:.2f}"]
            cells += [f"{wins:.1%}", f"{scores.spearman:.3f}", f"{scores.listed_spearman:.3f}"]
            cells += [f"{scores.covered} / {scores.pairs} ({scores.composed} composed)"]
            cells += [f"{learned:.1%}", f"{unlearned:.1%}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--only", choices=["brown", "nsmc", "korean"])
    parser.add_argument("--engines", nargs="+", default=["munjang", "gensim"])
    parser.add_argument("--lines", type=int, default=100_000)
    options = parser.parse_args()
    print(describe_machine(), flush=True)
    if not present(["gensim"]):
        return 1
    if options.only in (None, "brown"):
        path = need_data(options.data / "brown" / "text.txt")
        measure("brown", read_lines(path, None), options)
    if options.only in (None, "nsmc"):
        path = need_data(options.data / "nsmc" / "unlabelled.txt.gz")
        options.quality = False
        measure("nsmc, without labels", read_lines(path, options.lines), options)
    if options.only in (None, "korean"):
        measure_korean(options.data, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
