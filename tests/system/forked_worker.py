"""Work of a forked process with models that its parent has used already.

Run by `test_forked.py` in a process of its own: the one that forks has threads of Polars and of
OpenMP, and a child that hangs is ended by its alarm.
"""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import torch

import munjang
from munjang.data.columns import text_column
from munjang.errors import MunjangError
from munjang.estimators import TextClassifier
from munjang.forked import is_forked
from munjang.text.registry import TOKENIZERS, make_tokenizer
from tests.huggingface_tokenizers import train_and_save_tokenizer
from tests.synthetic import QUICK, make_corpus

TIMEOUT = 100
TEXTS = [
    "the film was great and lovely",
    "재미없다, 정말 awful NASA",
    "",
    "never seen",
    "e\u0301 \u1112\u1161",
]
MANY = TEXTS * 60


def run_in_child(name: str, work: Callable[[], object]) -> None:
    """Print how `work` ended in a forked process: done, told in one line, or the signal."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        signal.alarm(TIMEOUT)
        try:
            work()
            print(f"{name}: done", flush=True)
        except MunjangError as error:
            print(f"{name}: {error}", flush=True)
        except BaseException:
            print(f"{name}: {traceback.format_exc()}", flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(f"{name}: ended by {status}", flush=True)


def start_threads() -> None:
    """Start the threads of Polars and of OpenMP, as any work on columns and large tensors does."""
    frame = pl.DataFrame({"a": [str(n % 7) for n in range(50_000)]})
    frame.lazy().group_by("a").len().collect()
    torch.set_num_threads(2)
    (torch.randn(2_000_000) * 2).sum()


def check_answers(model: Any) -> Callable[[], None]:
    """Ask the model here, and give what asks it again, in many ways, and compares."""
    expected = [answer.to_json() for answer in model.predict(pl.Series(MANY))]
    probabilities = model.predict_proba(MANY)

    def ask() -> None:
        assert is_forked()
        for index, text in enumerate(TEXTS):
            (answer,) = model.predict(text)
            assert answer.label == expected[index]["label"]
        for texts in (MANY, pl.Series(MANY), iter(MANY)):
            assert [a.label for a in model.predict(texts)] == [w["label"] for w in expected]
        assert abs(model.predict_proba(MANY) - probabilities).max() < 1e-6
        if hasattr(model.recipe.model, "heads"):
            assert model.attention(" ".join(MANY)).kinds == ("source",)

    return ask


def main() -> None:
    """One line for each thing that a child did."""
    warnings.simplefilter("ignore")
    start_threads()
    quick = [*QUICK, "training.epochs=1"]
    for name in ("mean", "cnn", "lstm", "gru", "transformer"):
        korean = name in ("mean", "lstm")
        model = munjang.train(make_corpus(30, korean=korean), model=name, overrides=quick).model
        run_in_child(name, check_answers(model))
    for name in TOKENIZERS:
        if name == "morphemes" and "--morphemes" not in sys.argv:
            continue
        with TemporaryDirectory() as folder:
            path = train_and_save_tokenizer(Path(folder), "bert", MANY)
            options = {"file": str(path)} if name == "huggingface" else {}
            tokenizer = make_tokenizer(name, **options).fit(text_column(MANY))
        whole = tokenizer.encode(text_column(MANY)).to_pylist()

        def encode(tokenizer: Any = tokenizer, whole: Any = whole) -> None:
            assert [tokenizer.encode_text(text).tolist() for text in MANY] == whole

        run_in_child(name, encode)
    sources, targets = ["the red house", "a small dog"] * 8, ["빨간 집", "작은 개"] * 8
    small = ["model.dim=16", "training.max_steps=4", "training.batch_tokens=200"]
    small += ["training.threads=1", "decoding.max_length=5"]
    writer = munjang.train(
        (sources, targets), task="translate", model="transformer", overrides=small
    )
    answers = [answer.text for answer in writer.model.predict(sources)]

    def translate() -> None:
        assert [answer.text for answer in writer.model.predict(sources)] == answers
        assert writer.model.predict(sources[0])[0].text == answers[0]
        assert writer.model.attention(sources[0], " ".join(targets)).answer == " ".join(targets)

    run_in_child("translate", translate)
    estimator = TextClassifier("mean", settings={"training": {"max_steps": 2}})
    labels = ["a", "b"] * 20
    estimator.fit([f"{label} text {n}" for n, label in enumerate(labels)], labels)
    predicted = estimator.predict(MANY).tolist()

    def estimate() -> None:
        assert estimator.predict(MANY).tolist() == predicted
        assert estimator.predict(MANY[:1]).tolist() == predicted[:1]

    run_in_child("estimator", estimate)
    run_in_child("shapes", lambda: munjang.shapes("transformer", input=300))
    run_in_child("fit", lambda: estimator.fit([*"ab"] * 20, labels))
    run_in_child("train", lambda: munjang.train(make_corpus(60), model="mean", overrides=quick))
    run_in_child("evaluate", lambda: munjang.evaluate(model, make_corpus(60)))


if __name__ == "__main__":
    main()
