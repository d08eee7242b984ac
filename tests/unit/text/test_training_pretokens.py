"""Training data of subwords: all of ordinary text, the beginning of long runs without a space."""

import numpy as np
import polars as pl
import pytest

from munjang.text.columns import values_and_offsets
from munjang.text.morphemes import MorphemeTokenizer
from munjang.text.plain.pretokens import LONGEST
from munjang.text.registry import make_tokenizer
from munjang.text.subwords.pretokens import pretokenize
from munjang.text.subwords.training_pretokens import LONGEST_RUN, limit_long_runs, unigram_seeds


def random_run(length: int, seed: int = 0, alphabet: str = "abcdefghij") -> str:
    return "".join(np.random.default_rng(seed).choice(list(alphabet), length))


def training_words(texts: list[str], *, bounded: bool = True) -> list[str]:
    pretokens = pretokenize(pl.Series(texts))
    known = np.ones(0x110000, dtype=bool)
    kept = limit_long_runs(pretokens) if bounded else pretokens
    return kept.join_with_spaces(known).to_list()


def test_ordinary_text_is_unchanged() -> None:
    pretokens = pretokenize(pl.Series(["재미있다!! 2번", "", "a b", random_run(LONGEST_RUN - 1)]))
    assert limit_long_runs(pretokens) is pretokens
    long = ["a few words " * 10_000, "b"]  # long, but with spaces
    assert training_words(long) == training_words(long, bounded=False)


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\u3000"])
def test_long_runs_are_truncated_for_training(blank: str) -> None:
    long = random_run(3 * LONGEST_RUN)
    first, second, third = training_words([f"before {long}{blank}after", "", long[::-1]])
    assert second == ""
    assert first.startswith("▁before ▁")
    assert first.endswith("after")
    letters = first.removeprefix("▁before ▁").removesuffix("after").replace(" ", "").rstrip("▁")
    assert long.startswith(letters.rstrip())
    assert -1 <= len(letters) - LONGEST_RUN <= LONGEST
    assert 0 <= len(third.replace(" ", "")) - LONGEST_RUN <= LONGEST


def test_unigram_has_fewer_seeds_for_texts_without_spaces() -> None:
    words = pretokenize(pl.Series(["a few words"] * 50))
    assert unigram_seeds(words, max_size=100, usual=10_000).count == 10_000
    assert unigram_seeds(words, max_size=100, usual=10_000).pretokens is words
    runs = pretokenize(pl.Series([random_run(500, seed) for seed in range(20)]))
    seeds = unigram_seeds(runs, max_size=100, usual=10_000)
    assert seeds.count == 200
    assert np.diff(seeds.pretokens.starts).max() == 16
    assert set(runs.starts) <= set(seeds.pretokens.starts)
    np.testing.assert_array_equal(seeds.pretokens.points, runs.points)


@pytest.mark.parametrize("name", ["bpe", "unigram", "wordpiece"])
def test_long_run_has_same_ids_alone_and_in_column(name: str) -> None:
    texts = pl.Series(["a few words and more", random_run(LONGEST_RUN + 5000), "words", ""] * 2)
    tokenizer = make_tokenizer(name).fit(texts, max_size=400)
    together = tokenizer.encode(texts).to_pylist()
    assert together == [tokenizer.encode(pl.Series([text])).to_pylist()[0] for text in texts]
    assert tokenizer.decode(tokenizer.encode(texts)).to_list() == texts.to_list()


def test_morphemes_of_long_text_keep_their_offsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("kiwipiepy")
    monkeypatch.setattr("munjang.text.morphemes.LONGEST_PART", 60)
    sentence = "정말 재미있게 봤어요. "
    texts = pl.Series(["", "짧은 글", sentence * 20, random_run(200), "끝"])
    tokenizer = MorphemeTokenizer(num_workers=1).fit(texts)
    tokens = tokenizer.encode_with_offsets(texts)
    starts, (_, offsets) = values_and_offsets(tokens.starts)[0], values_and_offsets(tokens.ids)
    ends = values_and_offsets(tokens.ends)[0]
    assert np.diff(offsets)[0] == 0
    assert np.diff(offsets)[1] == len(tokenizer.encode(pl.Series(["짧은 글"]))[0])
    third = slice(offsets[2], offsets[3])
    result = [texts[2][a:b] for a, b in zip(starts[third], ends[third], strict=True)]
    assert result.count("재미있") + result.count("재미") >= 20
    assert ends[third].max() <= len(texts[2])
    assert (np.diff(starts[third]) >= 0).all()
