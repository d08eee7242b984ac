"""Reading of word vectors: formats, errors, unusual words, constant memory."""

import gzip
import struct
import tracemalloc
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.vectors import WordVectors, find_vectors, open_vectors
from munjang.data.vectors import text as text_vectors
from munjang.errors import DataError
from munjang.text.columns import token_column
from munjang.text.vocabulary import RESERVED, Vocabulary
from tests.unit.data.strategies import PIECES

Vectors = Mapping[str, Sequence[float]]
SMALL: Vectors = {"영화": (0.5, -1.0, 2.0), "great": (1.0, 0.25, -3.0), "awful": (-1.5, 0.0, 1e-3)}


def make_vocabulary(*tokens: str) -> Vocabulary:
    return Vocabulary((*RESERVED, *tokens), np.ones(len(tokens) + len(RESERVED), dtype=np.int64))


def to_text(vectors: Vectors, *, header: bool, end: str = "\n", tail: str = "") -> bytes:
    lines = [f"{len(vectors)} {len(next(iter(vectors.values())))}"] if header else []
    lines += [f"{word} {' '.join(map(repr, row))}{tail}" for word, row in vectors.items()]
    return "".join(line + end for line in lines).encode()


def to_binary(vectors: Vectors, *, feed: bytes = b"") -> bytes:
    rows = (
        word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + feed
        for word, row in vectors.items()
    )
    return f"{len(vectors)} {len(next(iter(vectors.values())))}\n".encode() + b"".join(rows)


FILES: dict[str, bytes] = {
    "word2vec text": to_text(SMALL, header=True),
    "fastText .vec, which ends lines with a space": to_text(SMALL, header=True, tail=" "),
    "GloVe": to_text(SMALL, header=False),
    "lines of Windows": to_text(SMALL, header=True, end="\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + to_text(SMALL, header=False),
    "no line feed at the end": to_text(SMALL, header=True).rstrip(),
    "blank lines at the end": to_text(SMALL, header=True) + b"\n \n",
    "two spaces between numbers": to_text(SMALL, header=True).replace(b" ", b"  "),
    "word2vec binary": to_binary(SMALL),
    "word2vec binary of the C tool": to_binary(SMALL, feed=b"\n"),
}
FILES |= {f"{name}, gzipped": gzip.compress(data) for name, data in FILES.items()}


def read_file(path: Path, data: bytes, *tokens: str, skip: bool = False) -> WordVectors:
    path.write_bytes(data)
    return find_vectors(open_vectors(path), make_vocabulary(*tokens), skip_bad_lines=skip)


def to_dict(matched: WordVectors, tokens: Sequence[str]) -> dict[str, list[float]]:
    named = (tokens[number - len(RESERVED)] for number in matched.ids)
    return dict(zip(named, matched.vectors.tolist(), strict=True))


def round_vectors(vectors: Vectors, tokens: Sequence[str]) -> dict[str, list[float]]:
    return {t: np.array(vectors[t], dtype=np.float32).tolist() for t in tokens if t in vectors}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_same_vectors(name: str, tmp_path: Path) -> None:
    tokens = ("great", "plot", "영화")
    matched = read_file(tmp_path / "vectors.anything", FILES[name], *tokens)
    assert to_dict(matched, tokens) == round_vectors(SMALL, tokens)
    assert matched.ids.tolist() == [4, 6]
    assert (matched.words, matched.dim, matched.vectors.dtype) == (3, 3, np.float32)
    assert (matched.lowered, matched.repeated, matched.skipped) == (0, 0, 0)


@pytest.mark.parametrize("chunk", [1, 7, 64])
@pytest.mark.parametrize("name", ["word2vec text", "GloVe", "word2vec binary of the C tool"])
def test_vectors_do_not_depend_on_chunk_size(
    name: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.data.vectors.text._CHUNK", chunk)
    monkeypatch.setattr("munjang.data.vectors.binary._CHUNK", chunk)
    matched = read_file(tmp_path / "file", FILES[name], *SMALL)
    assert to_dict(matched, list(SMALL)) == round_vectors(SMALL, list(SMALL))


def test_words_match_in_nfc_then_lowercase(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "영화")
    rows: Vectors = {decomposed: (1.0,), "paris": (2.0,), "Rome": (3.0,), "rome": (4.0,)}
    tokens = ("영화", "Paris", "Rome", "ROME", "Berlin")
    matched = read_file(tmp_path / "file", to_text(rows, header=True), *tokens)
    expected = {"영화": [1.0], "Paris": [2.0], "Rome": [3.0], "ROME": [4.0]}
    assert to_dict(matched, tokens) == expected
    assert matched.lowered == 2


def test_decomposed_tokens_find_composed_words(tmp_path: Path) -> None:
    token = unicodedata.normalize("NFD", "영화")
    matched = read_file(tmp_path / "file", to_text({"영화": (1.0, 2.0)}, header=False), token)
    assert matched.vectors.tolist() == [[1.0, 2.0]]


def test_reserved_tokens_are_not_looked_up(tmp_path: Path) -> None:
    rows: Vectors = {"<pad>": (1.0,), "<oov>": (2.0,), "a": (3.0,)}
    assert read_file(tmp_path / "file", to_text(rows, header=True), "a").ids.tolist() == [4]


def test_first_of_duplicate_words_counts(tmp_path: Path) -> None:
    matched = read_file(tmp_path / "file", b"a 1 2\nb 3 4\na 5 6\nc 1 1\nc 1 1\n", "a", "b")
    assert matched.vectors.tolist() == [[1, 2], [3, 4]]
    assert (matched.repeated, matched.words) == (1, 5)


def test_words_may_contain_spaces(tmp_path: Path) -> None:
    data = b"a 1 2\n. . . 3 4\nNew York 5 6\n10 000 7 8\n  9 10\n 11 12\nb 13 14\n"
    tokens = ("a", ". . .", "New York", "10 000", "b")
    matched = read_file(tmp_path / "file", data, *tokens)
    expected = ([1, 2], [3, 4], [5, 6], [7, 8], [13, 14])
    assert to_dict(matched, tokens) == dict(zip(tokens, map(list, expected), strict=True))


@pytest.mark.parametrize(("header_count", "there"), [(9, 3), (1, 3)])
@pytest.mark.parametrize("make", [to_text, to_binary])
def test_wrong_header_count_is_corrected(
    make: Any, header_count: int, there: int, tmp_path: Path
) -> None:
    data = make(SMALL, header=True) if make is to_text else make(SMALL)
    data = data.replace(b"3 3\n", f"{header_count} 3\n".encode(), 1)
    matched = read_file(tmp_path / "file", data, *SMALL)
    assert (matched.header_count, matched.words, len(matched.ids)) == (header_count, there, 3)


MALFORMED = {
    "too few": (b"a 1 2 3\nb 1 2\nc 1 2 3\n", 2, "3 numbers, got 2 numbers after 'b'"),
    "too many": (b"a 1 2 3\nb 1.5 2.5 3 4\n", 2, "3 numbers, got 4 numbers after 'b'"),
    "header": (b"2 4\na 1 2 3\nb 1 2 3\n", 2, "4 numbers (the header says so), got 3 numbers"),
    "no number": (b"a 1 2 3\nb 1 x 3\n", 2, "got 'x' as number 2 after 'b'"),
    "underscore": (b"a 1 2 3\nb 1 1_0 3\n", 2, "got '1_0' as number 2"),
    "NaN": (b"a 1 2 3\nb 1 2 nan\n", 2, "finite 32-bit numbers, number 3 of 'b' is nan"),
    "infinite": (b"a 1 2 3\nb -inf 2 3\n", 2, "number 1 of 'b' is -inf"),
    "too large": (b"a 1 2 3\nb 1 1e300 3\n", 2, "number 2 of 'b' is 1e+300"),
    "UTF-8": (b"a 1 2 3\nb\xff 1 2 3\n", 2, r"a word in UTF-8, got b'b\xff' (byte 0xff)"),
    "empty line": (b"a 1 2 3\n\nb 1 2 3\n", 2, "3 numbers, got an empty line"),
    "word alone": (b"a 1 2 3\nb\n", 2, "3 numbers, got 0 numbers after 'b'"),
    "binary NaN": (to_binary({"a": (1, 2), "b": (1, float("nan"))}), 2, "number 2 of 'b' is nan"),
    "binary word": (
        to_binary({"a": (1.0, 2.0), "b": (1.0, 2.0)}).replace(b"b", b"\xff"),
        2,
        "a word in UTF-8",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_line_is_named_by_file_and_row(name: str, tmp_path: Path) -> None:
    data, row, message = MALFORMED[name]
    with pytest.raises(DataError) as caught:
        read_file(tmp_path / "file.vec", data, "a", "b")
    assert str(caught.value).startswith(f"{tmp_path / 'file.vec'}, row {row}: expected ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_line_is_skipped_if_asked(name: str, tmp_path: Path) -> None:
    data = b"2 4\na 1 2 3 4\nb 1 2 3\n" if name == "header" else MALFORMED[name][0]
    matched = read_file(tmp_path / "file.vec", data, "a", "b", skip=True)
    assert matched.skipped == 1
    assert matched.ids.tolist() == ([4, 5] if name == "empty line" else [4])
    assert matched.words == data.count(b"\n") - (name == "header") or "binary" in name


def test_numbers_of_unmatched_words_are_not_parsed(tmp_path: Path) -> None:
    assert len(read_file(tmp_path / "file", b"a 1 2\nb x y\nc nan 2\n", "a").ids) == 1


@pytest.mark.parametrize("missing", range(1, 13))
def test_truncated_binary_file_is_refused(missing: int, tmp_path: Path) -> None:
    whole = to_binary({"a": (1.0, 2.0), "bc": (3.0, 4.0)})
    path = tmp_path / "file.bin"
    if missing == 11:  # nothing is left of the second: its header promises one too many
        assert read_file(path, whole[:-missing], "a").header_count == 2
        return
    row = 2 if missing < 11 else 1
    with pytest.raises(DataError, match=f"row {row}: expected 2 words .* cut off"):
        read_file(path, whole[:-missing], "a")


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    rows: Vectors = {f"word{n}": (n / 7, 1 / (n + 1)) for n in range(5000)}
    with pytest.raises(DataError, match="cannot be read to its end"):
        read_file(tmp_path / "file.gz", gzip.compress(to_text(rows, header=True))[:-900], "word1")


FOREIGN = {
    "pickle": (b"\x80\x04\x95\x00", "a pickle.*save_word2vec_format"),
    "fastText model": (b"\xba\x16\x4f\x2f\x0c\x00", r"fastText's own \.bin model; give the \.vec"),
    "array": (b"\x93NUMPY\x01\x00", "an array of NumPy"),
    "zip": (b"PK\x03\x04abc", "a zip archive; unpack it"),
    "nothing": (b"", "the file is empty"),
    "space": (b" \n\n", "the file is empty"),
    "prose": (b"No vectors here.\nOnly words.\n", "expected word vectors.*begins with 'No vec"),
    "commas": (b"a,1,2\nb,3,4\n", "separated by spaces"),
    "no numbers": (b"7 0\na\n", "expected a header such as"),
    "strangers": (b"2 2\nx 1 2\ny 3 4\n", "none of its 2 words is one of the 1 tokens.*'y'.*'a'"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_file_is_refused_with_advice(name: str, tmp_path: Path) -> None:
    data, message = FOREIGN[name]
    with pytest.raises(DataError, match=message) as caught:
        read_file(tmp_path / "file.kv", data, "a")
    assert "\n" not in str(caught.value)


def test_directories_are_refused(tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_bytes(FILES["GloVe"])
    with pytest.raises(DataError, match=r"no such file; the nearest name .* is glove\.txt"):
        open_vectors(tmp_path / "glov.txt")
    with pytest.raises(DataError, match="this is a folder"):
        open_vectors(tmp_path)
    with pytest.raises(DataError, match="got standard input"):
        open_vectors("-")


def test_endless_line_is_not_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "_LONGEST", 1000)
    with pytest.raises(DataError, match=r"row 2: .* a line of more than 1,000 bytes"):
        read_file(tmp_path / "file", b"1 2\na 1 2" + b" " * 5000, "a")


def make_word_vectors(vectors: Vectors, **more: Any) -> SimpleNamespace:
    numbers = np.array(list(vectors.values()), dtype=np.float64)
    return SimpleNamespace(**{"index_to_key": list(vectors), "vectors": numbers, **more})


def test_gensim_like_object_is_accepted() -> None:
    matched = find_vectors(open_vectors(make_word_vectors(SMALL)), make_vocabulary(*SMALL))
    assert to_dict(matched, list(SMALL)) == round_vectors(SMALL, list(SMALL))
    assert matched.kind == "in memory"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (make_word_vectors(SMALL, wv=1), r"give its \.wv"),
        (
            make_word_vectors(SMALL, index_to_key=["a"]),
            r"shape \[1, dim\], one per word, got \[3, 3\]",
        ),
        ({"a": [1.0]}, "a path or gensim's KeyedVectors .*, got dict"),
        (make_word_vectors({"a": (1.0, float("inf"))}), "row 1: .* number 2 of 'a' is inf"),
        (make_word_vectors({"a": (1.0,), "\ud800": (1.0,)}), "row 2: expected a word in Unicode"),
        (make_word_vectors({"a": (1.0,), 7: (1.0,)}), "row 2: expected a word in Unicode, got 7"),  # type: ignore[dict-item]
    ],
)
def test_other_objects_are_refused(what: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_vectors(open_vectors(what), make_vocabulary("a"))


# A line feed or a space ends a word somewhere, and no token of a text holds either of them.
_PIECES = [piece for piece in PIECES if not set(piece) & {"\n", " "}]
ugly_words = st.one_of(
    st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4).map("".join),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n "), min_size=1),
)
numbers32 = st.floats(-1e6, 1e6, width=32)


@st.composite
def some_vectors(draw: st.DrawFn) -> Vectors:
    dim = draw(st.integers(1, 4))
    rows = st.lists(numbers32, min_size=dim, max_size=dim)
    return draw(st.dictionaries(ugly_words, rows, min_size=1, max_size=8))


def reference_matches(vectors: Vectors, tokens: Sequence[str]) -> dict[str, list[float]]:
    """Return the vector of each token, by one slow loop per rule."""
    first: dict[str, list[float]] = {}
    for word, row in vectors.items():
        first.setdefault(_composed(word), list(row))
    matched = {}
    for token in tokens:
        for form in (_composed(token), _composed(token).lower()):
            if token not in matched and form in first:
                matched[token] = first[form]
    return matched


def _composed(word: str) -> str:
    return str(pl.Series([word]).str.normalize("NFC")[0])


@settings(max_examples=120)
@given(vectors=some_vectors(), more=st.lists(ugly_words, max_size=4), form=st.sampled_from("gtb"))
def test_hostile_words_are_found_in_every_format(
    vectors: Vectors, more: list[str], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if form == "g" and not _is_plain(next(iter(vectors))):
        form = "t"  # what a first line is cannot be guessed when its word is itself a column
    data = to_binary(vectors) if form == "b" else to_text(vectors, header=form == "t")
    tokens = list(dict.fromkeys([*vectors, *more]))
    path = tmp_path_factory.mktemp("ugly") / "file"
    path.write_bytes(data)
    expected = reference_matches(vectors, tokens)
    matched = find_vectors(open_vectors(path), make_vocabulary(*tokens))
    assert to_dict(matched, tokens) == expected
    assert matched.words == len(vectors)


def test_binary_numbers_that_look_like_text(tmp_path: Path) -> None:
    """The float .95 is the four bytes 33s?, and no other vector disambiguates."""
    vectors = {"0": [0.949999988079071]}
    path = tmp_path / "file"
    path.write_bytes(to_binary(vectors))
    assert b"33s?" in path.read_bytes()
    assert to_dict(find_vectors(open_vectors(path), make_vocabulary("0")), ["0"]) == vectors


def _is_plain(word: str) -> bool:
    return not any(c.isspace() or c == "\ufeff" for c in word)


@pytest.fixture(scope="module")
def gensim_vectors() -> Any:
    keyed = pytest.importorskip(
        "gensim.models.keyedvectors", reason="gensim (extra dev) writes these files"
    )
    words = [
        "영화",
        "great",
        "awful",
        "naïve",
        "👩‍👩‍👧",
        "\xa0",
        "don't",
        "a\x85b",
        "\u2028",
        "12",
        "0.5",
    ]
    vectors = keyed.KeyedVectors(vector_size=5)
    numbers = np.random.default_rng(0).normal(size=(len(words), 5)).astype(np.float32)
    vectors.add_vectors(words, numbers)
    return vectors


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("form", ["text", "binary", "no header", "memory"])
def test_gensim_files_are_read(
    form: str, compressed: bool, gensim_vectors: Any, tmp_path: Path
) -> None:
    path = tmp_path / ("vectors.gz" if compressed else "vectors")
    gensim_vectors.save_word2vec_format(
        str(path), binary=form == "binary", write_header=form != "no header"
    )
    tokens = gensim_vectors.index_to_key
    source = open_vectors(gensim_vectors if form == "memory" else path)
    matched = find_vectors(source, make_vocabulary(*tokens))
    assert matched.words == len(tokens)
    assert matched.ids.tolist() == list(range(4, 4 + len(tokens)))
    np.testing.assert_array_equal(matched.vectors, gensim_vectors.vectors)


def test_gensim_pickle_is_refused(gensim_vectors: Any, tmp_path: Path) -> None:
    path = tmp_path / "vectors.kv"
    gensim_vectors.save(str(path))
    with pytest.raises(DataError, match=r"vectors\.kv: this is a pickle.*save_word2vec_format"):
        open_vectors(path)


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.data.vectors.text._CHUNK", 1 << 14)
    monkeypatch.setattr("munjang.data.vectors.binary._CHUNK", 1 << 14)
    peaks: dict[str, list[int]] = {"text": [], "binary": []}
    for count in (10_000, 60_000):
        rows = {f"w{number}": (1.5, 0.5) for number in range(count)}
        for kind, data in (("text", to_text(rows, header=True)), ("binary", to_binary(rows))):
            (tmp_path / kind).write_bytes(data)
            source, vocabulary = open_vectors(tmp_path / kind), make_vocabulary("w3", "w9999")
            tracemalloc.start()
            assert len(find_vectors(source, vocabulary).ids) == 2
            peaks[kind].append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    for small, large in peaks.values():
        assert large < 1.3 * small


def test_coverage_ignores_reserved_tokens(tmp_path: Path) -> None:
    matched = read_file(tmp_path / "file", b"a 1 2\nb 3 4\n", "a", "b", "c")
    column = token_column(
        np.array([2, 4, 1, 6, 3, 0, 5, 4, 4, 3], dtype=np.int32), np.array([0, 5, 10])
    )
    assert matched.share_of_tokens(column) == 4 / 6
    assert matched.share_of_tokens(token_column(np.empty(0, np.int32), np.array([0]))) == 0.0


def test_fingerprint_depends_on_matched_vectors(tmp_path: Path) -> None:
    one = read_file(tmp_path / "one", b"a 1 2\nb 3 4\n", "a", "c")
    same = read_file(tmp_path / "two", b"3 2\nz 0 0\na 1 2\ny 3 4\n", "a", "c")
    other = read_file(tmp_path / "three", b"a 1 2.5\n", "a", "c")
    reordered = read_file(tmp_path / "one", b"a 1 2\nb 3 4\n", "c", "a")
    assert one.fingerprint == same.fingerprint
    assert len({one.fingerprint, other.fingerprint, reordered.fingerprint}) == 3


def test_carriage_returns_end_lines(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        path = tmp_path / "file"
        path.write_bytes(end.join(["2 2", "영화 1 2", "great 3 4", ""]).encode())
        source = open_vectors(path)
        block, *rest = source.blocks(pytest.fail)
        assert block.words == ["영화", "great"]
        assert block.numbers(1).tolist() == [3.0, 4.0]
        assert not any(one.words for one in rest)
