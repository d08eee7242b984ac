"""Words to ids on 150,000 Korean reviews: ours, Keras' legacy Tokenizer, Hugging Face WordLevel.

    python benchmarks/tokenize.py [--data nsmc/train.tsv] [--repeats 5] [--json FILE]

All three lower-case, take out Keras' punctuation and cut at spaces. They take turns in one process
and the medians are compared. Every call starts from the list of texts: nothing is kept from one
round to the next, and what our `fit_on_texts` has cut is not kept for encoding. Ours must give the
very ids of Keras, and Hugging Face's must stand for the same words. Exits with 1 when a ratio
misses its target.
"""

import os
import sys

# Python puts this folder first on the path, where this file hides the standard library's module
# `tokenize`, which dataclasses and tracebacks need. So the folder goes last; and another benchmark
# that means to import the library's `tokenize`, and finds this file, is given what it meant.
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib needs it too
sys.path[:] = [*(p for p in sys.path if os.path.abspath(p) != _HERE), _HERE]  # noqa: PTH100
if __name__ != "__main__":
    del sys.modules[__name__]
    sys.modules[__name__] = __import__(__name__)

import argparse  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

Texts = list[str]
Seconds = dict[str, list[float]]

# (name, slower, faster, least ratio)
TARGETS = [
    ("fit_on_texts", ["keras fit_on_texts"], ["ours fit_on_texts"], 8),
    ("ids as lists", ["keras texts_to_sequences"], ["ours texts_to_sequences"], 10),
    ("ids as a column", ["keras texts_to_sequences"], ["ours texts_to_column"], 20),
    (
        "fit and encode, Hugging Face",
        ["hugging face train", "hugging face encode_batch_fast"],
        ["ours fit_on_texts", "ours texts_to_sequences"],
        3,
    ),
]


def read_reviews(path: Path) -> Texts:
    """The second field of each line but the first."""
    with path.open(encoding="utf-8") as lines:
        next(lines)
        return [line.rstrip("\n").split("\t")[1] for line in lines]


def timed(seconds: Seconds, name: str, work: Callable[[], Any]) -> Any:
    """Run `work` on a clean heap and note how long it took."""
    gc.collect()
    start = time.perf_counter()
    result = work()
    seconds.setdefault(name, []).append(time.perf_counter() - start)
    return result


def run_keras(texts: Texts, seconds: Seconds) -> tuple[Any, list[list[int]]]:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    from keras.src.legacy.preprocessing.text import Tokenizer

    tokenizer = Tokenizer()
    timed(seconds, "keras fit_on_texts", lambda: tokenizer.fit_on_texts(texts))
    return tokenizer, timed(
        seconds, "keras texts_to_sequences", lambda: tokenizer.texts_to_sequences(texts)
    )


def run_ours(texts: Texts, seconds: Seconds) -> tuple[Any, list[list[int]], Any]:
    from munjang.text.keras import Tokenizer

    tokenizer = Tokenizer()
    timed(seconds, "ours fit_on_texts", lambda: tokenizer.fit_on_texts(texts))
    column = timed(seconds, "ours texts_to_column", lambda: tokenizer.texts_to_column(texts))
    # A tokenizer of its own, so that nothing is left from the column.
    fresh = Tokenizer()
    fresh.fit_on_texts(texts)
    lists = timed(seconds, "ours texts_to_sequences", lambda: fresh.texts_to_sequences(texts))
    timed(
        seconds,
        "ours five dictionaries, when first read",
        lambda: (
            tokenizer.word_counts,
            tokenizer.word_docs,
            tokenizer.word_index,
            tokenizer.index_word,
            tokenizer.index_docs,
        ),
    )
    return tokenizer, lists, column


def run_hugging_face(texts: Texts, seconds: Seconds) -> tuple[Any, list[list[int]]]:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    from munjang.text.plain.words import KERAS_FILTERS

    tokenizer = Tokenizer(models.WordLevel(unk_token="<oov>"))
    tokenizer.normalizer = normalizers.Lowercase()
    separators = Regex(f"[{re.escape(KERAS_FILTERS + ' ')}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(separators, "removed")
    trainer = trainers.WordLevelTrainer(
        vocab_size=10**9, special_tokens=["<oov>"], show_progress=False
    )
    timed(
        seconds,
        "hugging face train",
        lambda: tokenizer.train_from_iterator(texts, trainer, length=len(texts)),
    )
    encodings = timed(
        seconds,
        "hugging face encode_batch_fast",
        lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False),
    )
    ids = timed(
        seconds,
        "hugging face encodings to lists (not counted)",
        lambda: [encoding.ids for encoding in encodings],
    )
    return tokenizer, ids


def run_all(texts: Texts, repeats: int, *, with_keras: bool) -> Seconds:
    """Every system in turn, `repeats` times; the answers of the last round are compared."""
    seconds: Seconds = {}
    for left in reversed(range(repeats)):
        keras, expected = run_keras(texts, seconds) if with_keras else (None, None)
        if left:
            del keras, expected
        ours, lists, column = run_ours(texts, seconds)
        if left:
            del ours, lists, column
        peer, peer_ids = run_hugging_face(texts, seconds)
        if left:
            del peer, peer_ids
    words = {number: word for word, number in peer.get_vocab().items()}
    for row, peer_row in zip(lists, peer_ids, strict=True):
        assert [ours.index_word[i] for i in row] == [words[i] for i in peer_row]
    assert column.to_pylist() == lists, "our column differs from our lists"
    if keras is None:
        return seconds
    assert lists == expected, "our ids differ from those of Keras"
    for name in ("word_index", "index_word", "word_counts", "word_docs", "index_docs"):
        assert getattr(ours, name) == getattr(keras, name), f"our {name} differs from that of Keras"
    return seconds


def report(seconds: Seconds) -> tuple[dict[str, float], bool]:
    """Print medians and ratios; the ratios, and whether all targets are reached."""
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:<46} {median:8.3f} s")
    ratios, reached = {}, True
    for name, slower, faster, least in TARGETS:
        if not medians.keys() >= {*slower, *faster}:
            continue
        ratios[name] = sum(medians[n] for n in slower) / sum(medians[n] for n in faster)
        reached &= ratios[name] >= least
        print(f"{name:<46} {ratios[name]:8.1f} times, at least {least}")
    if "keras fit_on_texts" not in medians:
        return ratios, reached
    dictionaries = medians["ours fit_on_texts"] + medians["ours five dictionaries, when first read"]
    ratios["fit_on_texts and all dictionaries read"] = medians["keras fit_on_texts"] / dictionaries
    print(f"{'fit_on_texts and all dictionaries read':<46} ", end="")
    print(f"{ratios['fit_on_texts and all dictionaries read']:8.1f} times")
    return ratios, reached


def main() -> int:
    from machine import data_folder, describe_machine
    from peers import need_data, present

    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=data_folder() / "nsmc" / "train.tsv")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write seconds and ratios here")
    arguments = parser.parse_args()
    machine = describe_machine()
    print(machine)
    texts = read_reviews(need_data(arguments.data))
    print(f"{arguments.data.name}: {len(texts):,} texts, median of {arguments.repeats} rounds")
    seconds = run_all(texts, arguments.repeats, with_keras=bool(present(["keras"])))
    ratios, reached = report(seconds)
    if arguments.json:
        state = {"machine": machine, "seconds": seconds, "ratios": ratios}
        partial = arguments.json.with_name(arguments.json.name + ".part")
        partial.write_text(json.dumps(state, indent=1), encoding="utf-8")
        partial.replace(arguments.json)
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
