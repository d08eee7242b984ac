"""Contract tests of tokenizers: one row per tokenizer, each test over all rows."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings

from munjang.errors import DataError, NotFittedError
from munjang.text.columns import values_and_offsets
from munjang.text.normalize import normalize
from munjang.text.registry import TOKENIZERS, make_tokenizer, tokenizer_from_json
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO, OOV, PAD, RESERVED, Vocabulary
from tests.huggingface_tokenizers import train_and_save_tokenizer
from tests.unit.text.strategies import hostile_text, hostile_texts

CORPUS = [
    "이 영화 정말 재미있다!! 최고 최고",
    "재미없다... 시간이 아깝다 ㅠㅠ",
    "배우들의 연기가 좋았다. 3.14점 드립니다 ㅋㅋㅋ",
    "The film is good, don't miss it",
    "the worst film of 2019; word-word a_b",
    "한글과 English를  섞어 쓴\t문장\n그리고 새 줄",
    "😀 이모지도 👍🏽 있다 ❤️",
    "café naïve Ω ＡＢＣ ﬁ",
    "",
] * 5


def _identity(token: str) -> str:
    return token


def _strip_marks(piece: str) -> str:
    return piece.removeprefix("##").removeprefix("▁") or " "


@dataclass(frozen=True)
class Row:
    """One tokenizer.

    Attributes:
        exact: `decode(encode(x))` is NFC(x) if nothing is unknown.
        written: function from a token to the slice of the text; None if that is not one slice.
        lowers: True if tokens are lower-cased slices of the text.
        kind: kind of tokenizer in the file, see `made_tokenizer`; "" if it is learned from texts.
        open: True if there are texts with unknown tokens.
        ends: True if GO and EOS are added around each text.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    exact: bool = True
    written: Callable[[str], str] | None = _identity
    lowers: bool = False
    slow: bool = False
    kind: str = ""
    open: bool = True
    ends: bool = False

    def make(self) -> Tokenizer:
        settings = dict(self.settings)
        if self.kind:
            settings["file"] = _tokenizer_file(self.kind)
        return make_tokenizer(self.name, **settings)

    def __str__(self) -> str:
        settings = (f"{key}={value}" for key, value in self.settings.items())
        return "-".join(filter(None, [self.name, self.kind, *settings]))


@cache
def _tokenizer_file(kind: str) -> str:
    return str(train_and_save_tokenizer(Path(mkdtemp(prefix="munjang-")), kind, CORPUS))


ROWS = [
    Row("words", exact=False, lowers=True),
    Row("words", {"split": "keras"}, exact=False, lowers=True),
    Row("words", {"lower": False}, exact=False),
    Row("words", {"capitals": True}, exact=False, lowers=True),
    Row("characters"),
    Row("characters", {"lower": True}, exact=False, written=None),
    Row("jamo", written=None),
    Row("bytes", written=None, open=False),
    Row("morphemes", exact=False, written=None, slow=True),
    Row("morphemes", {"tags": True}, exact=False, written=None, slow=True),
    Row("bpe", written=_strip_marks),
    Row("unigram", written=_strip_marks),
    Row("wordpiece", written=_strip_marks),
    Row("bert_wordpiece", exact=False, written=None),
    Row("bert_wordpiece", {"lowercase": True}, exact=False, written=None),
    Row("huggingface", kind="bert", exact=False, written=None),
    Row("huggingface", {"post_process": True}, kind="bert", exact=False, written=None, ends=True),
    Row("huggingface", kind="byte_level", written=None, open=False),
    Row("huggingface", kind="unigram", exact=False, written=None),
    Row(
        "huggingface", {"post_process": True}, kind="unigram", exact=False, written=None, ends=True
    ),
]

every_row = pytest.mark.parametrize("row", ROWS, ids=str)
every_learned_row = pytest.mark.parametrize("row", [r for r in ROWS if not r.kind], ids=str)
quick = settings(max_examples=25)


@cache
def _fit_cached(index: int) -> Tokenizer:
    row = ROWS[index]
    if row.name == "morphemes":
        pytest.importorskip("kiwipiepy")
    return row.make().fit(pl.Series(CORPUS))


def fit_row(row: Row) -> Tokenizer:
    return _fit_cached(ROWS.index(row))


def to_series(texts: list[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String)


def reload(tokenizer: Tokenizer) -> Tokenizer:
    state = json.loads(json.dumps(tokenizer.to_json()))
    vocabulary = json.loads(json.dumps(tokenizer.vocabulary.to_json()))
    return tokenizer_from_json(state, Vocabulary.from_json(vocabulary))


def test_every_tokenizer_has_a_row() -> None:
    assert {row.name for row in ROWS} == set(TOKENIZERS)


@every_row
@quick
@given(texts=hostile_texts())
@example(texts=[])
@example(texts=["", "", ""])
@example(texts=["<pad>", "<oov> <go><eos>", "##pad ▁<pad>"])
def test_encode_gives_one_row_per_text_and_ids_in_vocabulary(row: Row, texts: list[str]) -> None:
    tokenizer = fit_row(row)
    encoded = tokenizer.encode(to_series(texts))
    assert encoded.type == pa.large_list(pa.int32())
    assert len(encoded) == len(texts)
    for text, ids in zip(texts, encoded.to_pylist(), strict=True):
        assert all(PAD < identity < tokenizer.vocabulary.size for identity in ids)
        if row.ends:
            assert (ids[0], ids[-1]) == (GO, EOS)
            ids = ids[1:-1]
        assert not {GO, EOS} & set(ids), "GO and EOS are for the model, not for text"
        assert text or not ids


@every_row
@quick
@given(texts=hostile_texts())
@example(texts=["e\u0301", "\u0301", "가\u11a8 \u1100\u1161", "q\u0323\u0307x", "  a  "])
def test_offsets_point_into_original_text(row: Row, texts: list[str]) -> None:
    tokenizer = fit_row(row)
    tokens = tokenizer.encode_with_offsets(to_series(texts))
    assert tokens.ids == tokenizer.encode(to_series(texts))
    rows = (tokens.ids.to_pylist(), tokens.starts.to_pylist(), tokens.ends.to_pylist())
    for text, ids, starts, ends in zip(texts, *rows, strict=True):
        assert len(ids) == len(starts) == len(ends)
        assert starts == sorted(starts)
        assert all(0 <= start <= end <= len(text) for start, end in zip(starts, ends, strict=True))
        for identity, start, end in zip(ids, starts, ends, strict=True):
            if row.written is None or identity == OOV or start == end:
                continue
            written = row.written(tokenizer.vocabulary.tokens[identity])
            here = normalize(to_series([text[start:end]]))[0]
            if row.lowers:
                here = here.lower()
            # Letters that compose or swap places share one range, so a slice may hold more.
            composed = normalize(to_series([text]))[0] == text
            assert written == here if composed else written in here


@every_row
@quick
@given(texts=hostile_texts())
def test_encode_column_equals_single_texts(row: Row, texts: list[str]) -> None:
    tokenizer = fit_row(row)
    alone = [tokenizer.encode(to_series([text])).to_pylist()[0] for text in texts]
    assert tokenizer.encode(to_series(texts)).to_pylist() == alone


@every_row
@settings(quick, max_examples=60)
@given(texts=hostile_texts())
@example(
    texts=[
        "",
        "\u0301",
        "\u0301\u00ad\u0301a",
        "\u200d😀",
        "😀\u200d,\u200d😀b",
        "▁ ▁\u0301a",
        "###\u0301#a",
    ]
)
@example(
    texts=[
        "ΑΣ.Β ΑΣ. ΑΣ",
        "İİ İSTANBUL İs",
        "NASA Nasa NaSA N N. A1 1A ΝΑΣΑ",
        "\x00a\x00",
        "𐐀𐐀 𐐨 𝐀B",
    ]
)
@example(
    texts=[
        "The film THE FILM Film",
        "ᄒ\u1161\u11ab a\u0345\u0334",
        "가" * 200 + "a" * 200,
        "-" * 130,
    ]
)
def test_encode_text_equals_encode_column(row: Row, texts: list[str]) -> None:
    tokenizer = fit_row(row)
    alone = [tokenizer.encode_text(text).tolist() for text in texts]
    assert alone == tokenizer.encode(to_series(texts)).to_pylist()


@every_row
@quick
@given(text=hostile_text())
def test_nfc_and_nfd_text_have_same_ids(row: Row, text: str) -> None:
    tokenizer = fit_row(row)
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    composed, decomposed = tokenizer.encode(to_series(forms)).to_pylist()
    assert composed == decomposed


@every_row
@quick
@given(texts=hostile_texts())
def test_saved_and_loaded_tokenizer_gives_same_ids(row: Row, texts: list[str]) -> None:
    tokenizer = fit_row(row)
    loaded = reload(tokenizer)
    assert loaded.encode(to_series(texts)) == tokenizer.encode(to_series(texts))
    assert loaded.to_json() == tokenizer.to_json()


@every_row
@quick
@given(texts=hostile_texts())
@example(texts=[])
@example(texts=["", ""])
@example(texts=[" leading", "trailing ", "  two  spaces  ", "\t\n\r\n", "\x00", "## #a", "a##b"])
def test_decode_restores_text_without_oov(row: Row, texts: list[str]) -> None:
    if row.slow:
        pytest.skip("analyzed text is not written back exactly")
    tokenizer = row.make().fit(to_series(texts))
    encoded = tokenizer.encode(to_series(texts))
    decoded = tokenizer.decode(encoded)
    assert len(decoded) == len(texts)
    assert decoded.null_count() == 0
    # Subwords write a space as ▁, so a ▁ of the text itself is never learned.
    known = not any("▁" in text for text in texts)
    if row.exact and known:
        assert OOV not in values_and_offsets(encoded)[0]
        assert decoded.to_list() == normalize(to_series(texts)).to_list()


@every_row
@quick
@given(texts=hostile_texts())
def test_decode_any_ids_gives_one_text_per_row(row: Row, texts: list[str]) -> None:
    tokenizer = fit_row(row)
    encoded = tokenizer.encode(to_series(texts))
    decoded = tokenizer.decode(encoded)
    assert decoded.dtype == pl.String
    assert len(decoded) == len(texts)
    padded = pa.array([[2, *ids, 3, 0, 0] for ids in encoded.to_pylist()], encoded.type)
    assert tokenizer.decode(padded).to_list() == decoded.to_list()


@every_row
@settings(quick, max_examples=10)
@given(texts=hostile_texts())
def test_fit_twice_gives_same_vocabulary(row: Row, texts: list[str]) -> None:
    first, second = (row.make().fit(to_series(CORPUS + texts)) for _ in range(2))
    assert first.vocabulary.to_json() == second.vocabulary.to_json()
    assert first.to_json() == second.to_json()


@every_learned_row
def test_refit_forgets_previous_texts(row: Row) -> None:
    tokenizer = row.make().fit(to_series(["영화 영화"]))
    tokenizer.fit(to_series(["하늘 하늘"]))
    assert tokenizer.vocabulary.tokens == row.make().fit(to_series(["하늘 하늘"])).vocabulary.tokens
    assert set(values_and_offsets(tokenizer.encode(to_series(["하늘"])))[0].tolist()) != {OOV}


@every_learned_row
def test_max_size_and_min_frequency_limit_vocabulary(row: Row) -> None:
    texts = to_series(CORPUS)
    whole = fit_row(row).vocabulary
    assert whole.tokens[:4] == RESERVED
    assert len(set(whole.tokens)) == whole.size
    small = row.make().fit(texts, max_size=40).vocabulary
    assert small.size <= 40 < whole.size
    frequent = row.make().fit(texts, min_frequency=10).vocabulary
    assert len(RESERVED) < frequent.size < whole.size


@every_row
def test_unseen_text_is_oov(row: Row) -> None:
    tokenizer = row.make().fit(to_series(["영화"]))
    ids = tokenizer.encode(to_series(["뷁"])).to_pylist()[0]
    assert (OOV in ids) is row.open


@every_row
@pytest.mark.parametrize("use", ["fit", "encode", "encode_with_offsets"])
def test_missing_text_is_refused_with_its_row(row: Row, use: str) -> None:
    texts = pl.Series(["좋다", "나쁘다", None, "좋다"])
    tokenizer = row.make() if use == "fit" else fit_row(row)
    with pytest.raises(DataError, match="row 3"):
        getattr(tokenizer, use)(texts)


@every_row
def test_encode_before_fit_raises_not_fitted_error(row: Row) -> None:
    for use in ("encode", "encode_with_offsets"):
        with pytest.raises(NotFittedError, match="fit"):
            getattr(row.make(), use)(to_series(["영화"]))
    with pytest.raises(NotFittedError, match="fit"):
        _ = row.make().vocabulary


@every_row
def test_decode_ids_of_another_vocabulary_is_refused(row: Row) -> None:
    tokenizer = fit_row(row)
    strange = pa.array([[4], [4, tokenizer.vocabulary.size]], pa.large_list(pa.int32()))
    with pytest.raises(DataError, match="row 2"):
        tokenizer.decode(strange)


LONG = {
    "sentence": ("이 영화 정말 재미있다!! ㅋㅋㅋ " * 6_000)[:100_000],
    "one word": "영화" * 50_000,
    "one mark": "a" + "\u0301" * 99_999,
    "spaces": " " * 100_000,
}


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize(
    "row", [pytest.param(r, marks=[pytest.mark.slow] if r.slow else [], id=str(r)) for r in ROWS]
)
def test_encode_text_of_100_000_characters(row: Row, kind: str) -> None:
    tokenizer = fit_row(row)
    text = LONG[kind]
    tokens = tokenizer.encode_with_offsets(to_series([text]))
    ends = values_and_offsets(tokens.ends)[0]
    assert len(ends) == 0 or 0 <= ends.min() <= ends.max() <= len(text)
    decoded = tokenizer.decode(tokens.ids)[0]
    if row.exact and kind in ("sentence", "one word", "spaces"):
        assert decoded == text


@every_row
def test_encode_real_reviews(row: Row, data_folder: Path) -> None:
    file = data_folder / "nsmc" / "test.tsv"
    frame = pl.read_csv(file, separator="\t", quote_char=None, n_rows=200 if row.slow else 2_000)
    texts = frame["document"].fill_null("")
    tokenizer = row.make().fit(texts)
    tokens = tokenizer.encode_with_offsets(texts)
    assert tokens.ids == tokenizer.encode(texts)
    if not (row.kind and row.open):
        assert OOV not in values_and_offsets(tokens.ids)[0]
    if row.exact:
        assert tokenizer.decode(tokens.ids).to_list() == normalize(texts).to_list()
