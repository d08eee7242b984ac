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


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


@pytest.fixture(scope="module")
def tagged_tokenizer() -> MorphemeTokenizer:
    return MorphemeTokenizer(tags=True).fit(to_series(TEXTS))


def encode_to_tokens(tokenizer: MorphemeTokenizer, text: str) -> list[str]:
    return tokenizer.vocabulary.tokens_of(tokenizer.encode(to_series([text])).to_pylist()[0])


def test_words_are_split_into_morphemes() -> None:
    plain = MorphemeTokenizer().fit(to_series(TEXTS))
    assert encode_to_tokens(plain, "밥을 먹고 갔다") == ["밥", "을", "먹", "고", "가", "었", "다"]


def test_tags_distinguish_homonyms(tagged_tokenizer: MorphemeTokenizer) -> None:
    assert "가/JKS" in encode_to_tokens(tagged_tokenizer, "영화가 재미있었다")
    assert "가/VV" in encode_to_tokens(tagged_tokenizer, "밥을 먹고 갔다")


def test_decode_with_tags_restores_words(tagged_tokenizer: MorphemeTokenizer) -> None:
    texts = ["영화가 재미있었다", "하늘을 나는 새", "밥을 먹고 갔다", ""]
    assert tagged_tokenizer.decode(tagged_tokenizer.encode(to_series(texts))).to_list() == texts


def test_decode_without_tags_inserts_spaces() -> None:
    plain = MorphemeTokenizer().fit(to_series(TEXTS))
    assert plain.decode(plain.encode(to_series(["밥을 먹고", ""]))).to_list() == ["밥 을 먹 고", ""]


def test_unknown_morpheme_decodes_to_replacement_character(
    tagged_tokenizer: MorphemeTokenizer,
) -> None:
    assert (
        "\ufffd"
        in tagged_tokenizer.decode(tagged_tokenizer.encode(to_series(["자동차를 먹고"])))[0]
    )


def test_offsets_are_characters_and_may_overlap(tagged_tokenizer: MorphemeTokenizer) -> None:
    text = "😀 밥을 갔다"
    tokens = tagged_tokenizer.encode_with_offsets(to_series([text]))
    starts, ends = tokens.starts.to_pylist()[0], tokens.ends.to_pylist()[0]
    slices = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    assert slices == ["😀", "밥", "을", "갔", "갔", "다"]


def test_contracted_syllable_covers_all_its_morphemes(tagged_tokenizer: MorphemeTokenizer) -> None:
    tokens = tagged_tokenizer.encode_with_offsets(to_series(["내생에최고쓰래기영화"]))
    starts = tokens.starts.to_pylist()[0]
    assert starts == sorted(starts)


def test_ids_do_not_depend_on_threads() -> None:
    texts = to_series([f"{text} {number}" for number in range(30) for text in TEXTS])
    alone = morphemes._analyzer(1)
    expected = [[morpheme.form for morpheme in alone.tokenize(text)] for text in texts]
    tokenizer = MorphemeTokenizer().fit(texts)
    encoded = tokenizer.encode(texts).to_pylist()
    assert [tokenizer.vocabulary.tokens_of(row) for row in encoded] == expected


def test_fit_then_encode_analyzes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    analyze = morphemes._analyzed

    def counting(texts: pl.Series, num_workers: int | None) -> Any:
        calls.append(len(texts))
        return analyze(texts, num_workers)

    monkeypatch.setattr(morphemes, "_analyzed", counting)
    tokenizer = MorphemeTokenizer().fit(to_series(TEXTS))
    first = tokenizer.encode(to_series(TEXTS))
    assert calls == [len(TEXTS)]
    assert tokenizer.encode(to_series(TEXTS)) == first
    assert calls == [len(TEXTS)] * 2
    MorphemeTokenizer().fit(to_series(TEXTS)).encode(to_series(TEXTS[:2]))
    assert calls[-1] == 2


def test_other_analyzer_version_warns(tagged_tokenizer: MorphemeTokenizer) -> None:
    state = tagged_tokenizer.to_json()
    assert set(state["analyzer"]) == {"kiwipiepy", "kiwipiepy_model"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer_from_json(state, tagged_tokenizer.vocabulary)
    state["analyzer"] = {"kiwipiepy": "0.1.2", "kiwipiepy_model": "0.1.0"}
    with pytest.warns(UserWarning, match=r"kiwipiepy==0\.1\.2"):
        loaded = tokenizer_from_json(state, tagged_tokenizer.vocabulary)
    assert loaded.encode(to_series(TEXTS)) == tagged_tokenizer.encode(to_series(TEXTS))


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(morphemes, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "munjang\[korean\]"'):
        MorphemeTokenizer()
