"""Answers of a page equal those of Python: ids, logits, labels, and the shares of words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers.normalizers import BertNormalizer
from tokenizers.trainers import WordPieceTrainer

from munjang.export.web import write_page
from munjang.model import Model
from tests.huggingface_tokenizers import train_tokenizer
from tests.unit.export.web.models import LOOSE_MARKS, MODELS, UGLY, read_texts, train_small
from tests.web_pages import run_page

pytestmark = pytest.mark.usefixtures("one_thread")

TOLERANCE = 1e-4
Corpus = tuple[list[str], list[str]]
EXACT = ("mean", "cnn", "two cnns")
# One per architecture; a training takes a second or two, so that others are for make test-all.
QUICK = (
    "mean of words",
    "mean of BERT's wordpieces",
    "cnn of characters",
    "rnn of wordpieces",
    "lstm of words",
    "gru whose n-grams end",
    "transformer of words",
    "transformer with learned positions",
)
NAMES = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow, id=name) for name in MODELS
]


@pytest.fixture(scope="module")
def some(others: list[str]) -> list[str]:
    """Texts that are hard to read alike, and some reviews."""
    return [*others[: len(UGLY) + len(LOOSE_MARKS) + 25], *others[-25:]]


@pytest.fixture(scope="module")
def rows(data_folder: Path) -> Corpus:
    """Korean and English reviews of two labels."""
    korean, marks = read_texts(data_folder, "nsmc", "train.tsv", 300)
    english, labels = read_texts(data_folder, "sst2", "train.tsv", 300)
    names = {"0": "negative", "1": "positive"}
    return [*korean, *english], [*(names[mark] for mark in marks), *labels]


@pytest.fixture(scope="module")
def others(data_folder: Path) -> list[str]:
    """1,000 reviews that no model has seen, and texts that are hard to read alike."""
    korean, _ = read_texts(data_folder, "nsmc", "test.tsv", 500)
    english, _ = read_texts(data_folder, "sst2", "dev.tsv", 500)
    return [*UGLY, *LOOSE_MARKS, *korean, *english]


def ids_of(model: Model, text: str) -> list[int]:
    encoded: Any = model.input.encode_values(text)
    return list(encoded.encoded.rows.values.tolist())


@pytest.mark.parametrize("name", NAMES)
def test_page_answers_and_explains_as_python_does(
    name: str, rows: Corpus, some: list[str], tmp_path: Path
) -> None:
    model = train_small(rows, *MODELS[name])
    page = compare_answers(model, some, tmp_path)
    texts = [text for text in some if is_explained_alike(text)][:25]
    found = run_page(page, texts, tmp_path, why=True)["answers"]
    for text, answer in zip(texts, found, strict=True):
        assert answer["why"]["exact"] == (name.startswith(EXACT) and name != "cnn with softmax")
        compare_shares(model, text, answer["why"])


@pytest.mark.parametrize("kind", ["own", "file", "uncased"])
def test_words_of_bert(kind: str, rows: Corpus, others: list[str], tmp_path: Path) -> None:
    """Ids of texts whose characters part words in every way, by a tokenizer of either origin."""
    settings: tuple[str, ...] = ("tokenizer.settings={lowercase: true}",)
    if kind != "own":
        library = train_tokenizer("bert", rows[0])
        if kind == "uncased":  # decomposes Hangul
            library.normalizer = BertNormalizer(lowercase=True)
            special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            trainer = WordPieceTrainer(vocab_size=600, special_tokens=special, show_progress=False)
            library.train_from_iterator(rows[0], trainer)
        library.save(str(tmp_path / "tokenizer.json"))
        settings = (f"tokenizer.settings={{file: {tmp_path / 'tokenizer.json'}}}",)
    name = "bert_wordpiece" if kind == "own" else "huggingface"
    model = train_small(rows, "mean", name, ("tokenizer.max_length=600", *settings))
    signs = (chr(point) for point in range(0x21, 0x3400) if not 0xD800 <= point < 0xE000)
    parted = [f"영화{sign}재미a{sign} {sign}" for sign in signs]
    texts = [" ".join(parted[start : start + 40]) for start in range(0, len(parted), 40)]
    texts += ["x" * 100, "x" * 101, "漢字 [MASK] [CLS] [PAD] ##의", *others[:60]]
    answers = run_page(write_page(model, tmp_path / "page.html").path, texts, tmp_path)["answers"]
    for text, answer in zip(texts, answers, strict=True):
        assert answer["ids"] == ids_of(model, text), text[:80]


def is_explained_alike(text: str) -> bool:
    """Whether no token may cross white space, and no mark joins it; and the text is short."""
    crossed = any(character.isspace() and character != " " for character in text)
    return 8 < len(text) < 120 and not crossed and text not in LOOSE_MARKS


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MODELS))
def test_page_answers_a_thousand_texts_as_python_does(
    name: str, rows: Corpus, others: list[str], tmp_path: Path
) -> None:
    assert len(others) == 1000 + len(UGLY) + len(LOOSE_MARKS)
    compare_answers(train_small(rows, *MODELS[name]), others, tmp_path)


def compare_answers(model: Model, texts: list[str], folder: Path) -> Path:
    page = write_page(model, folder / "page.html").path
    found = run_page(page, texts, folder)
    answers = found["answers"]
    for text, answer in zip(texts, answers, strict=True):
        assert answer["ids"] == ids_of(model, text), text[:80]
    logits = np.array([answer["logits"] for answer in answers])
    assert np.abs(model.logits(texts).numpy() - logits).max() <= TOLERANCE
    assert found["check"] <= TOLERANCE
    predicted: Any = model.predict(texts)
    assert [answer["label"] for answer in answers] == [each.label for each in predicted]
    assert [answer["truncated"] for answer in answers] == [each.truncated for each in predicted]
    own = [list(each.probabilities.values()) for each in predicted]
    np.testing.assert_allclose([a["probabilities"] for a in answers], own, atol=TOLERANCE)
    return page


def compare_shares(model: Model, text: str, why: dict[str, Any]) -> None:
    """The words of a text, and what each gives to the score, as `munjang explain` has them."""
    method = "exact" if why["exact"] else "leave_one_out"
    (row,) = model.why(text, method=method).rows
    assert why["value"] == pytest.approx(row.value, abs=TOLERANCE)
    assert why["base"] == pytest.approx(row.base, abs=TOLERANCE)
    (own,) = row.texts
    if why["exact"]:
        total = why["base"] + why["rest"] + sum(word["share"] or 0 for word in why["words"])
        assert total == pytest.approx(why["value"], abs=1e-5)
    units = np.cumsum([0, *(len(c.encode("utf-16-le")) // 2 for c in text)])
    # a word without a token has no share on the page, and 0 in Python
    known = {(w["start"], w["end"]): w["share"] or 0.0 for w in why["words"]}
    for start, end, share in own.words._parts():
        begins = int(units[start])
        assert known[begins, int(units[end])] == pytest.approx(share, abs=TOLERANCE), text
