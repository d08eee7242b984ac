import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers import models

from munjang.errors import ConfigError, FolderError
from munjang.text.registry import make_tokenizer, tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

KINDS = ["bpe", "unigram", "wordpiece"]
every_kind = pytest.mark.parametrize("kind", KINDS)
CORPUS = [
    "영화가 재미있다 정말 재미있다",
    "영화가 재미없다 정말 재미없다!!",
    "배우가 좋다 영화도 좋다",
    "the film was good, the film was great",
    "2번 봤다 3번 봤다",
] * 4


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def encode_to_tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    ids = tokenizer.encode(to_series([text])).to_pylist()[0]
    return tokenizer.vocabulary.tokens_of(ids)


@every_kind
def test_ids_equal_trained_model(kind: str) -> None:
    tokenizer = make_tokenizer(kind).fit(to_series(CORPUS))
    model = tokenizer.to_json()["model"]["model"]
    if kind == "unigram":
        names = [name for name, _ in model["vocab"]]
    else:
        names = sorted(model["vocab"], key=model["vocab"].__getitem__)
    assert tuple(names) == tokenizer.vocabulary.tokens
    assert tuple(names[:4]) == RESERVED


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_frequent_words_are_one_token(kind: str) -> None:
    tokenizer = make_tokenizer(kind).fit(to_series(CORPUS))
    assert encode_to_tokens(tokenizer, "영화가") == ["▁영화가"]
    assert encode_to_tokens(tokenizer, "좋다 영화가")[-1] == "▁영화가"


@every_kind
def test_reserved_names_in_text_have_no_reserved_ids(kind: str) -> None:
    texts = [" ".join(RESERVED), *RESERVED, "a<pad>b"] * 10
    tokenizer = make_tokenizer(kind).fit(to_series(texts))
    ids = {i for row in tokenizer.encode(to_series(texts)).to_pylist() for i in row}
    assert not ids & {0, 1, 2, 3}
    assert tokenizer.decode(tokenizer.encode(to_series(texts))).to_list() == texts


@every_kind
def test_white_space_round_trip(kind: str) -> None:
    texts = ["영화", " 영화", "영화 ", "  영화   재미 ", "\t영화\n\n재미\r\n", " ", "   "]
    tokenizer = make_tokenizer(kind).fit(to_series(texts))
    assert tokenizer.decode(tokenizer.encode(to_series(texts))).to_list() == texts


def test_wordpiece_continuation_marker_round_trip() -> None:
    texts = ["##", "a##b", "#a #b", "### ##a a## #", "C#"]
    tokenizer = make_tokenizer("wordpiece").fit(to_series(texts))
    assert tokenizer.decode(tokenizer.encode(to_series(texts))).to_list() == texts


@every_kind
def test_unknown_character_is_oov_and_decodes_to_replacement_character(kind: str) -> None:
    tokenizer = make_tokenizer(kind).fit(to_series(CORPUS))
    assert encode_to_tokens(tokenizer, "영화가 뷁")[-1] == RESERVED[OOV]
    decoded = tokenizer.decode(tokenizer.encode(to_series(["영화가 뷁!!", "a▁b"]))).to_list()
    assert "\ufffd" in decoded[0]
    assert decoded[0].startswith("영화가")
    assert decoded[0].endswith("!!")
    assert "\ufffd" in decoded[1]


@every_kind
def test_counts_equal_fitted_texts(kind: str) -> None:
    tokenizer = make_tokenizer(kind).fit(to_series(CORPUS), min_frequency=5)
    ids = [i for row in tokenizer.encode(to_series(CORPUS)).to_pylist() for i in row]
    counts = tokenizer.vocabulary.counts.tolist()
    assert counts[4:] == [ids.count(i) for i in range(4, tokenizer.vocabulary.size)]
    assert tokenizer.vocabulary.dropped == ids.count(OOV) > 0


@every_kind
@pytest.mark.parametrize("max_size", [5, 6, 8, 12, 30, 60])
def test_max_size_is_respected_with_large_alphabet(kind: str, max_size: int) -> None:
    many = "".join(chr(point) for point in range(0xAC00, 0xAC00 + 500))
    tokenizer = make_tokenizer(kind).fit(to_series([many, *CORPUS]), max_size=max_size)
    assert 4 <= tokenizer.vocabulary.size <= max_size


@every_kind
def test_max_size_must_be_larger_than_reserved_tokens(kind: str) -> None:
    with pytest.raises(ConfigError, match="larger"):
        make_tokenizer(kind).fit(to_series(CORPUS), max_size=4)


@every_kind
def test_offsets_exclude_spaces(kind: str) -> None:
    text = "영화가 정말 좋다"
    tokenizer = make_tokenizer(kind).fit(to_series([text] * 20))
    if kind == "unigram":  # as trained on more text: whole words, and the space alone
        tokenizer = _make_unigram(["▁영화가", "▁정말", "▁좋다", "▁"])
    tokens = tokenizer.encode_with_offsets(to_series([text, "  " + text]))
    ranges = [
        list(zip(starts, ends, strict=True))
        for starts, ends in zip(tokens.starts.to_pylist(), tokens.ends.to_pylist(), strict=True)
    ]
    words = [(0, 3), (4, 6), (7, 9)]
    assert ranges[0] == words
    assert ranges[1] == [(0, 0), (0, 1), *((start + 2, end + 2) for start, end in words)]


def _make_unigram(words: list[str]) -> Tokenizer:
    names = [*RESERVED, *words]
    model = models.Unigram([(name, -1.0) for name in names], unk_id=OOV)
    state = {"name": "unigram", "model": json.loads(HuggingFaceTokenizer(model).to_str())}
    return tokenizer_from_json(state, Vocabulary(tuple(names), np.ones(len(names), dtype=int)))


_TRAIN = """
import hashlib, json, sys
import polars as pl
from munjang.text.registry import make_tokenizer
texts = pl.Series(json.load(sys.stdin))
for kind in ("bpe", "unigram", "wordpiece"):
    tokenizer = make_tokenizer(kind).fit(texts, max_size=600)
    state = json.dumps([tokenizer.to_json(), tokenizer.vocabulary.to_json()])
    print(kind, hashlib.sha256(state.encode()).hexdigest())
"""


def _make_tied_corpus() -> list[str]:
    """Return many words of equal counts, so that any order that the library does not fix shows."""
    stems = [chr(0xAC00 + 588 * i) + chr(0xB098 + 28 * j) for i in range(12) for j in range(6)]
    endings = ["가", "는", "에서", "했다", "하고", "이다!!", "입니다", "...", "ㅋㅋㅋ"]
    return [" ".join(stem + ending for ending in endings) for stem in stems]


def test_training_is_deterministic_across_processes() -> None:
    texts = json.dumps(_make_tied_corpus())
    runs = [
        subprocess.run(
            [sys.executable, "-c", _TRAIN],
            input=texts,
            env={**os.environ, "PYTHONHASHSEED": seed, "TOKENIZERS_PARALLELISM": parallel},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, parallel in (("1", "true"), ("2", "false"))
    ]
    assert len(runs[0].splitlines()) == 3
    assert runs[0] == runs[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
def test_training_on_real_reviews_is_deterministic(kind: str, data_folder: Path) -> None:
    file = data_folder / "nsmc" / "train.tsv"
    texts = pl.read_csv(file, separator="\t", quote_char=None)["document"].fill_null("")
    states = [json.dumps(make_tokenizer(kind).fit(texts).to_json()) for _ in range(2)]
    first, second = (hashlib.sha256(state.encode()).hexdigest() for state in states)
    assert first == second


@every_kind
def test_model_with_another_vocabulary_is_refused(kind: str) -> None:
    tokenizer = make_tokenizer(kind).fit(to_series(CORPUS))
    other = Vocabulary.from_counts(["영화"], [1])
    with pytest.raises(FolderError, match="one folder"):
        tokenizer_from_json(tokenizer.to_json(), other)


@every_kind
@pytest.mark.parametrize("model", [{}, {"version": "1.0"}, "nothing", None])
def test_damaged_model_is_refused(kind: str, model: object) -> None:
    vocabulary = make_tokenizer(kind).fit(to_series(CORPUS)).vocabulary
    with pytest.raises(FolderError, match=kind):
        tokenizer_from_json({"name": kind, "model": model}, vocabulary)
