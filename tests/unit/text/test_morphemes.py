import warnings
from typing import Any

import polars as pl
import pytest

from munjang.errors import ConfigError
from munjang.text import morphemes
from munjang.text.morphemes import MorphemeTokenizer
from munjang.text.registry import tokenizer_from_json

pytest.importorskip("kiwipiepy", reason='the extra "korean" is not installed')

TEXTS = ["영화가 재미있었다", "하늘을 나는 새", "밥을 먹고 갔다 😀", "내생에최고쓰래기영화", ""]


def column(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


@pytest.fixture(scope="module")
def tagged() -> MorphemeTokenizer:
    return MorphemeTokenizer(tags=True).fit(column(TEXTS))


def pieces(tokenizer: MorphemeTokenizer, text: str) -> list[str]:
    return tokenizer.vocabulary.tokens_of(tokenizer.encode(column([text])).to_pylist()[0])


def test_words_are_cut_to_morphemes() -> None:
    plain = MorphemeTokenizer().fit(column(TEXTS))
    assert pieces(plain, "밥을 먹고 갔다") == ["밥", "을", "먹", "고", "가", "었", "다"]


def test_tags_tell_two_meanings_of_one_form_apart(tagged: MorphemeTokenizer) -> None:
    assert "가/JKS" in pieces(tagged, "영화가 재미있었다")
    assert "가/VV" in pieces(tagged, "밥을 먹고 갔다")


def test_with_tags_words_are_put_together_again(tagged: MorphemeTokenizer) -> None:
    texts = ["영화가 재미있었다", "하늘을 나는 새", "밥을 먹고 갔다", ""]
    assert tagged.decode(tagged.encode(column(texts))).to_list() == texts


def test_without_tags_there_are_spaces_between() -> None:
    plain = MorphemeTokenizer().fit(column(TEXTS))
    assert plain.decode(plain.encode(column(["밥을 먹고", ""]))).to_list() == ["밥 을 먹 고", ""]


def test_an_unknown_morpheme_reads_as_the_replacement_character(tagged: MorphemeTokenizer) -> None:
    assert "\ufffd" in tagged.decode(tagged.encode(column(["자동차를 먹고"])))[0]


def test_offsets_count_characters_and_may_overlap(tagged: MorphemeTokenizer) -> None:
    text = "😀 밥을 갔다"
    tokens = tagged.encode_with_offsets(column([text]))
    starts, ends = tokens.starts.to_pylist()[0], tokens.ends.to_pylist()[0]
    slices = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    assert slices == ["😀", "밥", "을", "갔", "갔", "다"]


def test_a_syllable_of_three_morphemes_is_the_range_of_all_three(tagged: MorphemeTokenizer) -> None:
    tokens = tagged.encode_with_offsets(column(["내생에최고쓰래기영화"]))
    starts = tokens.starts.to_pylist()[0]
    assert starts == sorted(starts)


def test_the_number_of_threads_changes_nothing() -> None:
    texts = column([f"{text} {number}" for number in range(30) for text in TEXTS])
    alone = morphemes._analyzer(1)
    expected = [[morpheme.form for morpheme in alone.tokenize(text)] for text in texts]
    tokenizer = MorphemeTokenizer().fit(texts)
    encoded = tokenizer.encode(texts).to_pylist()
    assert [tokenizer.vocabulary.tokens_of(row) for row in encoded] == expected


def test_the_fitted_text_is_analyzed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    analyze = morphemes._analyzed

    def counting(texts: pl.Series, num_workers: int | None) -> Any:
        calls.append(len(texts))
        return analyze(texts, num_workers)

    monkeypatch.setattr(morphemes, "_analyzed", counting)
    tokenizer = MorphemeTokenizer().fit(column(TEXTS))
    first = tokenizer.encode(column(TEXTS))
    assert calls == [len(TEXTS)]
    assert tokenizer.encode(column(TEXTS)) == first
    assert calls == [len(TEXTS)] * 2
    MorphemeTokenizer().fit(column(TEXTS)).encode(column(TEXTS[:2]))
    assert calls[-1] == 2


def test_another_version_of_the_analyser_is_said_aloud(tagged: MorphemeTokenizer) -> None:
    state = tagged.to_json()
    assert set(state["analyzer"]) == {"kiwipiepy", "kiwipiepy_model"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer_from_json(state, tagged.vocabulary)
    state["analyzer"] = {"kiwipiepy": "0.1.2", "kiwipiepy_model": "0.1.0"}
    with pytest.warns(UserWarning, match=r"kiwipiepy==0\.1\.2"):
        loaded = tokenizer_from_json(state, tagged.vocabulary)
    assert loaded.encode(column(TEXTS)) == tagged.encode(column(TEXTS))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(morphemes, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "munjang\[korean\]"'):
        MorphemeTokenizer()
