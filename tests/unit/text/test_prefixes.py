"""Prefixes of long texts have the first tokens of the whole text."""

import unicodedata

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munjang.text import prefixes
from munjang.text.prefixes import sufficient_prefix
from munjang.text.registry import make_tokenizer
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV
from munjang.text.words import WordTokenizer
from tests.unit.text.strategies import hostile_text

TEXTS = ["재미있다 The film, NASA!", "ΑΣ ας 한글 Paris...", "e\u0301 é", "a b c d e f 1 2 3"] * 3
SETTINGS = {
    "words": {"capitals": True},
    "characters": {"lower": True},
    "jamo": {},
    "bpe": {},
    "wordpiece": {},
}
TOKENIZERS: dict[str, Tokenizer] = {
    name: make_tokenizer(name, **options).fit(pl.Series(TEXTS))
    for name, options in SETTINGS.items()
}
TOKENIZERS["words by Keras' rule"] = WordTokenizer(split="keras").fit(pl.Series(TEXTS))
every_tokenizer = pytest.mark.parametrize("name", TOKENIZERS)


@pytest.fixture
def short_prefixes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits so that texts of some characters count as long."""
    monkeypatch.setattr(prefixes, "_FEWEST_CHARACTERS", 3)
    monkeypatch.setattr(prefixes, "_CHARACTERS_PER_TOKEN", 1)


@every_tokenizer
@settings(max_examples=150, deadline=None)
@given(
    text=st.builds(lambda a, b, n: (a + b) * n, hostile_text(), hostile_text(), st.integers(1, 6)),
    tokens=st.integers(1, 9),
)
@example(text="ΑΣ.Β ΑΣ,Β ΑΣ:Β ΑΣ' Β" * 3, tokens=2)
@example(text="😀\u200d,\u200d😀 " * 9, tokens=3)
@example(text="가\u11a8" * 20, tokens=4)
@example(text="=\u0338a,=\u0338" * 9, tokens=4)
@example(text="<\u0338" * 9 + "é" * 200, tokens=1)
def test_prefix_gives_same_first_tokens(name: str, text: str, tokens: int) -> None:
    tokenizer = TOKENIZERS[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefixes, "_FEWEST_CHARACTERS", 3)
        patch.setattr(prefixes, "_CHARACTERS_PER_TOKEN", 1)
        head = sufficient_prefix(tokenizer, text, tokens)
    whole, result = (tokenizer.encode_text(source).tolist() for source in (text, head))
    signs = {tokenizer.vocabulary.id_of(sign) for sign in ("<⇧>", "<⇪>")} - {OOV}
    words = [index for index, token in enumerate(whole) if token not in signs]
    if len(words) > tokens:
        assert result[: words[tokens]] == whole[: words[tokens]]
        assert sum(token not in signs for token in result) > tokens
    else:
        assert result == whole


@pytest.mark.usefixtures("short_prefixes")
@every_tokenizer
def test_prefix_of_long_text_is_short(name: str) -> None:
    assert len(sufficient_prefix(TOKENIZERS[name], "The film, 재미있다 " * 10_000, 8)) < 1000


@pytest.mark.usefixtures("short_prefixes")
@pytest.mark.parametrize("run", ["a", "가", "A", "7a", "한B1".upper(), "漢"])
@pytest.mark.parametrize("around", ["{}", "The {} film", "X{}y,", "NASA{} a", "x{}e\u0301"])
def test_endless_word_is_oov_as_in_full_text(run: str, around: str) -> None:
    tokenizer = TOKENIZERS["words"]
    assert isinstance(tokenizer, WordTokenizer)
    text = around.format(run * 5000)
    head = sufficient_prefix(tokenizer, text, 100)
    (ids, names), (whole, whole_names) = map(tokenizer.encode_text_with_oov_words, (head, text))
    assert ids.tolist() == whole.tolist()
    assert [name[:64] for name in names] == [name[:64] for name in whole_names]
    assert len(head) < 1000 or len(set(run)) > 1


def test_prefix_of_very_long_text_is_short() -> None:
    text = unicodedata.normalize("NFD", "재미있다 The film, ") * 1_000_000
    for name in ("words", "characters", "jamo", "bpe"):
        assert len(sufficient_prefix(TOKENIZERS[name], text, 256)) < 20_000
