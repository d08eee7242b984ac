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
from tests.synthetic import QUICK, make_corpus

TEXTS = ["good film", "bad film", "good plot", "bad plot", "good end", "bad end"] * 4
LABELS = ["a", "b"] * 12


def text_fingerprint(texts: Any = TEXTS, labels: Any = LABELS, **settings: Any) -> str:
    mean = {"tokenizer": {"name": "words"}, "model": {"name": "mean"}}
    return prepare((texts, labels), None, merge(mean, settings), discard).fingerprint


def replace_words(values: list[str], **words: str) -> list[str]:
    return [" ".join(words.get(word, word) for word in value.split()) for value in values]


CHANGES: dict[str, tuple[str, str]] = {
    "words renamed": (
        text_fingerprint(replace_words(TEXTS, good="awful")),
        "the vocabulary changed",
    ),
    "labels renamed": (
        text_fingerprint(labels=replace_words(LABELS, a="x", b="y")),
        "the set of labels changed",
    ),
    "labels swapped": (
        text_fingerprint(labels=["b", "a", *LABELS[2:]]),
        "the labels of the (training|validation) part changed",
    ),
    "texts in another order": (
        text_fingerprint(TEXTS[2:] + TEXTS[:2]),
        "the (vocabulary|texts of the .* part) changed",
    ),
    "setting": (text_fingerprint(model={"dim": 7}), r"model\.dim was 32 and is 7"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_describe_change_of_texts(name: str) -> None:
    changed, words = CHANGES[name]
    assert re.search(words, describe_change(text_fingerprint(), changed))


def test_same_run_has_same_fingerprint() -> None:
    assert text_fingerprint() == text_fingerprint()
    assert text_fingerprint() == text_fingerprint(training={"checkpoint_steps": 3, "threads": 1})


def test_oov_words_are_part_of_fingerprint() -> None:
    rare = {"tokenizer": {"name": "words", "min_frequency": 2}, "model": {"subword_ngrams": 5}}
    one, other = (
        text_fingerprint([*TEXTS, word], [*LABELS, "a"], **rare) for word in ("splendid", "dreary")
    )
    assert describe_change(one, other) == "the words out of vocabulary changed"


def pair_fingerprint(sources: Any, targets: Any) -> str:
    settings = {"task": "translate", "tokenizer": {"name": "words"}}
    return prepare((sources, targets), None, settings, discard).fingerprint


def test_describe_change_of_pairs() -> None:
    before = pair_fingerprint(TEXTS, TEXTS)
    assert "vocabulary of the" in describe_change(
        before, pair_fingerprint(TEXTS, replace_words(TEXTS, good="fine"))
    )
    rotated = pair_fingerprint(TEXTS, [*TEXTS[2:], *TEXTS[:2]])
    assert re.search("(vocabulary|pairs) of the .* changed", describe_change(before, rotated))
    # the same tokens, but answers are held against texts as people wrote them
    spaced = pair_fingerprint(TEXTS, [text.replace(" ", "  ") for text in TEXTS])
    assert describe_change(before, spaced) == "the pairs of the validation part changed"


def image_fingerprint(pixels: Any, labels: Any) -> str:
    return prepare((list(pixels), labels), None, {"input": "image"}, discard).fingerprint


def test_describe_change_of_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype=np.uint8)
    before = image_fingerprint(pixels, LABELS)
    assert describe_change(before, image_fingerprint(pixels, replace_words(LABELS, a="x"))) == (
        "the set of labels changed"
    )
    assert "images of the" in describe_change(before, image_fingerprint(255 - pixels, LABELS))


def test_package_version_is_part_of_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = text_fingerprint()
    monkeypatch.setattr(fingerprints, "__version__", "99.0")
    assert "and this is 99.0" in describe_change(before, text_fingerprint())


@pytest.mark.parametrize("before", ["", "f", "[1]", "{}", '{"munjang": 1, "data": 3}'])
def test_unknown_fingerprint_format_describes_nothing(before: str) -> None:
    assert describe_change(before, text_fingerprint()) in (
        "",
        f"version 1 of munjang, and this is {VERSION}",
    )


VERSION = munjang.__version__


class CallbackError(Exception):
    """The training breaks off."""


def test_resume_with_other_words_or_labels_is_refused_in_one_line(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"model": "mean", "out": tmp_path / "m"}
    arguments["overrides"] = [*QUICK, "training.checkpoint_steps=2"]
    texts, labels = make_corpus()

    def fail(step: Any) -> None:
        if step.number == 5:
            raise CallbackError

    with pytest.raises(CallbackError):
        munjang.train((texts, labels), **arguments, on_step=fail)
    for changed, words in (
        ((replace_words(texts, great="awful"), labels), "vocabulary"),
        ((texts, replace_words(labels, good="bad", bad="good")), "labels of the"),
        ((texts, replace_words(labels, good="x")), "set of labels"),
    ):
        with pytest.raises(FolderError, match=rf"other data or settings \(the {words}.* changed"):
            munjang.train(changed, **arguments, resume=True)
    assert munjang.train((texts, labels), **arguments, resume=True).folder == tmp_path / "m"
