"""A run goes on with the very data and settings that it began with, or says what changed."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munjang
from munjang.config import merge
from munjang.errors import FolderError
from munjang.preparation import prepare
from munjang.reporting import discard
from munjang.training import fingerprints
from munjang.training.fingerprints import describe_change
from tests.made import QUICK, made_corpus

TEXTS = ["good film", "bad film", "good plot", "bad plot", "good end", "bad end"] * 4
LABELS = ["a", "b"] * 12


def texts(texts: Any = TEXTS, labels: Any = LABELS, **given: Any) -> str:
    mean = {"tokenizer": {"name": "words"}, "model": {"name": "mean"}}
    return prepare((texts, labels), None, merge(mean, given), discard).fingerprint


def swapped(values: list[str], **words: str) -> list[str]:
    return [" ".join(words.get(word, word) for word in value.split()) for value in values]


CHANGES: dict[str, tuple[str, str]] = {
    "words renamed": (texts(swapped(TEXTS, good="awful")), "the vocabulary changed"),
    "labels renamed": (texts(labels=swapped(LABELS, a="x", b="y")), "the set of labels changed"),
    "labels swapped": (
        texts(labels=["b", "a", *LABELS[2:]]),
        "the labels of the (training|validation) part changed",
    ),
    "texts in another order": (
        texts(TEXTS[2:] + TEXTS[:2]),
        "the (vocabulary|texts of the .* part) changed",
    ),
    "setting": (texts(model={"dim": 7}), r"model\.dim was 32 and is 7"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_in_texts_is_said(name: str) -> None:
    changed, words = CHANGES[name]
    assert re.search(words, describe_change(texts(), changed))


def test_the_same_run_has_the_same_fingerprint_however_it_is_run() -> None:
    assert texts() == texts()
    assert texts() == texts(training={"checkpoint_steps": 3, "threads": 1})


def test_words_out_of_vocabulary_are_of_the_data() -> None:
    rare = {"tokenizer": {"name": "words", "min_frequency": 2}, "model": {"subword_ngrams": 5}}
    one, other = (texts([*TEXTS, word], [*LABELS, "a"], **rare) for word in ("splendid", "dreary"))
    assert describe_change(one, other) == "the words out of vocabulary changed"


def pairs(sources: Any, targets: Any) -> str:
    given = {"task": "translate", "tokenizer": {"name": "words"}}
    return prepare((sources, targets), None, given, discard).fingerprint


def test_what_changed_in_pairs_is_said() -> None:
    before = pairs(TEXTS, TEXTS)
    assert "vocabulary of the" in describe_change(before, pairs(TEXTS, swapped(TEXTS, good="fine")))
    turned = pairs(TEXTS, [*TEXTS[2:], *TEXTS[:2]])
    assert re.search("(vocabulary|pairs) of the .* changed", describe_change(before, turned))
    # the same tokens, but answers are held against texts as people wrote them
    spaced = pairs(TEXTS, [text.replace(" ", "  ") for text in TEXTS])
    assert describe_change(before, spaced) == "the pairs of the validation part changed"


def images(pixels: Any, labels: Any) -> str:
    return prepare((list(pixels), labels), None, {"input": "image"}, discard).fingerprint


def test_what_changed_in_images_is_said() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype=np.uint8)
    before = images(pixels, LABELS)
    assert describe_change(before, images(pixels, swapped(LABELS, a="x"))) == (
        "the set of labels changed"
    )
    assert "images of the" in describe_change(before, images(255 - pixels, LABELS))


def test_another_version_of_the_package_is_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    before = texts()
    monkeypatch.setattr(fingerprints, "__version__", "99.0")
    assert "and this is 99.0" in describe_change(before, texts())


@pytest.mark.parametrize("before", ["", "f", "[1]", "{}", '{"munjang": 1, "data": 3}'])
def test_what_cannot_be_told_is_not_told(before: str) -> None:
    assert describe_change(before, texts()) in ("", f"version 1 of munjang, and this is {VERSION}")


VERSION = munjang.__version__


class CallbackError(Exception):
    """The training breaks off."""


def test_resuming_with_other_words_or_labels_is_refused_in_one_line(tmp_path: Path) -> None:
    given: dict[str, Any] = {"model": "mean", "out": tmp_path / "m"}
    given["overrides"] = [*QUICK, "training.checkpoint_steps=2"]
    texts, labels = made_corpus()

    def fail(step: Any) -> None:
        if step.number == 5:
            raise CallbackError

    with pytest.raises(CallbackError):
        munjang.train((texts, labels), **given, on_step=fail)
    for changed, words in (
        ((swapped(texts, great="awful"), labels), "vocabulary"),
        ((texts, swapped(labels, good="bad", bad="good")), "labels of the"),
        ((texts, swapped(labels, good="x")), "set of labels"),
    ):
        with pytest.raises(FolderError, match=rf"other data or settings \(the {words}.* changed"):
            munjang.train(changed, **given, resume=True)
    assert munjang.train((texts, labels), **given, resume=True).folder == tmp_path / "m"
