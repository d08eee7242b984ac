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


def vocabulary_of(*tokens: str) -> Vocabulary:
    return Vocabulary((*RESERVED, *tokens), np.ones(len(tokens) + len(RESERVED), dtype=np.int64))


def text_of(vectors: Vectors, *, header: bool, end: str = "\n", tail: str = "") -> bytes:
    lines = [f"{len(vectors)} {len(next(iter(vectors.values())))}"] if header else []
    lines += [f"{word} {' '.join(map(repr, row))}{tail}" for word, row in vectors.items()]
    return "".join(line + end for line in lines).encode()


def binary_of(vectors: Vectors, *, feed: bytes = b"") -> bytes:
    rows = (
        word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + feed
        for word, row in vectors.items()
    )
    return f"{len(vectors)} {len(next(iter(vectors.values())))}\n".encode() + b"".join(rows)


FILES: dict[str, bytes] = {
    "word2vec text": text_of(SMALL, header=True),
    "fastText .vec, which ends lines with a space": text_of(SMALL, header=True, tail=" "),
    "GloVe": text_of(SMALL, header=False),
    "lines of Windows": text_of(SMALL, header=True, end="\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + text_of(SMALL, header=False),
    "no line feed at the end": text_of(SMALL, header=True).rstrip(),
    "blank lines at the end": text_of(SMALL, header=True) + b"\n \n",
    "two spaces between numbers": text_of(SMALL, header=True).replace(b" ", b"  "),
    "word2vec binary": binary_of(SMALL),
    "word2vec binary of the C tool": binary_of(SMALL, feed=b"\n"),
}
FILES |= {f"{name}, gzipped": gzip.compress(data) for name, data in FILES.items()}


def read(path: Path, data: bytes, *tokens: str, skip: bool = False) -> WordVectors:
    path.write_bytes(data)
    return find_vectors(open_vectors(path), vocabulary_of(*tokens), skip_bad_lines=skip)


def as_dict(matched: WordVectors, tokens: Sequence[str]) -> dict[str, list[float]]:
    named = (tokens[number - len(RESERVED)] for number in matched.ids)
    return dict(zip(named, matched.vectors.tolist(), strict=True))


def rounded(vectors: Vectors, tokens: Sequence[str]) -> dict[str, list[float]]:
    return {t: np.array(vectors[t], dtype=np.float32).tolist() for t in tokens if t in vectors}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_vectors_whatever_its_name(name: str, tmp_path: Path) -> None:
    tokens = ("great", "plot", "영화")
    matched = read(tmp_path / "vectors.anything", FILES[name], *tokens)
    assert as_dict(matched, tokens) == rounded(SMALL, tokens)
    assert matched.ids.tolist() == [4, 6]
    assert (matched.words, matched.dim, matched.vectors.dtype) == (3, 3, np.float32)
    assert (matched.lowered, matched.repeated, matched.skipped) == (0, 0, 0)


@pytest.mark.parametrize("chunk", [1, 7, 64])
@pytest.mark.parametrize("name", ["word2vec text", "GloVe", "word2vec binary of the C tool"])
def test_where_a_piece_of_the_file_ends_does_not_matter(
    name: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.data.vectors.text._CHUNK", chunk)
    monkeypatch.setattr("munjang.data.vectors.binary._CHUNK", chunk)
    matched = read(tmp_path / "file", FILES[name], *SMALL)
    assert as_dict(matched, list(SMALL)) == rounded(SMALL, list(SMALL))


def test_words_match_composed_and_else_by_their_lower_cased_form(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "영화")
    rows: Vectors = {decomposed: (1.0,), "paris": (2.0,), "Rome": (3.0,), "rome": (4.0,)}
    tokens = ("영화", "Paris", "Rome", "ROME", "Berlin")
    matched = read(tmp_path / "file", text_of(rows, header=True), *tokens)
    expected = {"영화": [1.0], "Paris": [2.0], "Rome": [3.0], "ROME": [4.0]}
    assert as_dict(matched, tokens) == expected
    assert matched.lowered == 2


def test_tokens_that_are_not_composed_find_composed_words(tmp_path: Path) -> None:
    token = unicodedata.normalize("NFD", "영화")
    matched = read(tmp_path / "file", text_of({"영화": (1.0, 2.0)}, header=False), token)
    assert matched.vectors.tolist() == [[1.0, 2.0]]


def test_the_reserved_names_are_not_looked_for(tmp_path: Path) -> None:
    rows: Vectors = {"<pad>": (1.0,), "<oov>": (2.0,), "a": (3.0,)}
    assert read(tmp_path / "file", text_of(rows, header=True), "a").ids.tolist() == [4]


def test_of_a_word_that_stands_twice_the_first_counts(tmp_path: Path) -> None:
    matched = read(tmp_path / "file", b"a 1 2\nb 3 4\na 5 6\nc 1 1\nc 1 1\n", "a", "b")
    assert matched.vectors.tolist() == [[1, 2], [3, 4]]
    assert (matched.repeated, matched.words) == (1, 5)


def test_words_may_hold_spaces(tmp_path: Path) -> None:
    data = b"a 1 2\n. . . 3 4\nNew York 5 6\n10 000 7 8\n  9 10\n 11 12\nb 13 14\n"
    tokens = ("a", ". . .", "New York", "10 000", "b")
    matched = read(tmp_path / "file", data, *tokens)
    expected = ([1, 2], [3, 4], [5, 6], [7, 8], [13, 14])
    assert as_dict(matched, tokens) == dict(zip(tokens, map(list, expected), strict=True))


@pytest.mark.parametrize(("header_count", "there"), [(9, 3), (1, 3)])
@pytest.mark.parametrize("make", [text_of, binary_of])
def test_a_header_that_miscounts_is_known_and_all_words_are_read(
    make: Any, header_count: int, there: int, tmp_path: Path
) -> None:
    data = make(SMALL, header=True) if make is text_of else make(SMALL)
    data = data.replace(b"3 3\n", f"{header_count} 3\n".encode(), 1)
    matched = read(tmp_path / "file", data, *SMALL)
    assert (matched.header_count, matched.words, len(matched.ids)) == (header_count, there, 3)


BAD = {
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
    "binary NaN": (binary_of({"a": (1, 2), "b": (1, float("nan"))}), 2, "number 2 of 'b' is nan"),
    "binary word": (
        binary_of({"a": (1.0, 2.0), "b": (1.0, 2.0)}).replace(b"b", b"\xff"),
        2,
        "a word in UTF-8",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named_by_file_and_row(name: str, tmp_path: Path) -> None:
    data, row, message = BAD[name]
    with pytest.raises(DataError) as caught:
        read(tmp_path / "file.vec", data, "a", "b")
    assert str(caught.value).startswith(f"{tmp_path / 'file.vec'}, row {row}: expected ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", BAD)
def test_and_left_out_when_that_is_asked(name: str, tmp_path: Path) -> None:
    data = b"2 4\na 1 2 3 4\nb 1 2 3\n" if name == "header" else BAD[name][0]
    matched = read(tmp_path / "file.vec", data, "a", "b", skip=True)
    assert matched.skipped == 1
    assert matched.ids.tolist() == ([4, 5] if name == "empty line" else [4])
    assert matched.words == data.count(b"\n") - (name == "header") or "binary" in name


def test_numbers_of_words_that_nobody_wants_are_not_looked_at(tmp_path: Path) -> None:
    assert len(read(tmp_path / "file", b"a 1 2\nb x y\nc nan 2\n", "a").ids) == 1


@pytest.mark.parametrize("missing", range(1, 13))
def test_a_binary_file_that_is_cut_off_is_refused(missing: int, tmp_path: Path) -> None:
    whole = binary_of({"a": (1.0, 2.0), "bc": (3.0, 4.0)})
    path = tmp_path / "file.bin"
    if missing == 11:  # nothing is left of the second: its header promises one too many
        assert read(path, whole[:-missing], "a").header_count == 2
        return
    row = 2 if missing < 11 else 1
    with pytest.raises(DataError, match=f"row {row}: expected 2 words .* cut off"):
        read(path, whole[:-missing], "a")


def test_a_gzip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    rows: Vectors = {f"word{n}": (n / 7, 1 / (n + 1)) for n in range(5000)}
    with pytest.raises(DataError, match="cannot be read to its end"):
        read(tmp_path / "file.gz", gzip.compress(text_of(rows, header=True))[:-900], "word1")


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
def test_what_is_no_file_of_vectors_is_refused_with_what_to_do(name: str, tmp_path: Path) -> None:
    data, message = FOREIGN[name]
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "file.kv", data, "a")
    assert "\n" not in str(caught.value)


def test_places_that_hold_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_bytes(FILES["GloVe"])
    with pytest.raises(DataError, match=r"no such file; the nearest name .* is glove\.txt"):
        open_vectors(tmp_path / "glov.txt")
    with pytest.raises(DataError, match="this is a folder"):
        open_vectors(tmp_path)
    with pytest.raises(DataError, match="got standard input"):
        open_vectors("-")


def test_a_line_without_an_end_is_not_swallowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "_LONGEST", 1000)
    with pytest.raises(DataError, match=r"row 2: .* a line of more than 1,000 bytes"):
        read(tmp_path / "file", b"1 2\na 1 2" + b" " * 5000, "a")


def in_memory(vectors: Vectors, **more: Any) -> SimpleNamespace:
    numbers = np.array(list(vectors.values()), dtype=np.float64)
    return SimpleNamespace(**{"index_to_key": list(vectors), "vectors": numbers, **more})


def test_an_object_like_those_of_gensim_is_taken_as_it_is() -> None:
    matched = find_vectors(open_vectors(in_memory(SMALL)), vocabulary_of(*SMALL))
    assert as_dict(matched, list(SMALL)) == rounded(SMALL, list(SMALL))
    assert matched.kind == "in memory"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (in_memory(SMALL, wv=1), r"give its \.wv"),
        (in_memory(SMALL, index_to_key=["a"]), r"shape \[1, dim\], one per word, got \[3, 3\]"),
        ({"a": [1.0]}, "a path or gensim's KeyedVectors .*, got dict"),
        (in_memory({"a": (1.0, float("inf"))}), "row 1: .* number 2 of 'a' is inf"),
        (in_memory({"a": (1.0,), "\ud800": (1.0,)}), "row 2: expected a word in Unicode"),
        (in_memory({"a": (1.0,), 7: (1.0,)}), "row 2: expected a word in Unicode, got 7"),  # type: ignore[dict-item]
    ],
)
def test_other_objects_are_refused(what: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_vectors(open_vectors(what), vocabulary_of("a"))


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


def slowly_expected(vectors: Vectors, tokens: Sequence[str]) -> dict[str, list[float]]:
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
def test_ugly_words_find_their_vectors_in_every_format(
    vectors: Vectors, more: list[str], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if form == "g" and not _is_plain(next(iter(vectors))):
        form = "t"  # what a first line is cannot be guessed when its word is itself a column
    data = binary_of(vectors) if form == "b" else text_of(vectors, header=form == "t")
    tokens = list(dict.fromkeys([*vectors, *more]))
    path = tmp_path_factory.mktemp("ugly") / "file"
    path.write_bytes(data)
    expected = slowly_expected(vectors, tokens)
    matched = find_vectors(open_vectors(path), vocabulary_of(*tokens))
    assert as_dict(matched, tokens) == expected
    assert matched.words == len(vectors)


def test_numbers_whose_bytes_are_letters_are_binary_still(tmp_path: Path) -> None:
    """The float .95 is the four bytes 33s?, and no other vector disambiguates."""
    vectors = {"0": [0.949999988079071]}
    path = tmp_path / "file"
    path.write_bytes(binary_of(vectors))
    assert b"33s?" in path.read_bytes()
    assert as_dict(find_vectors(open_vectors(path), vocabulary_of("0")), ["0"]) == vectors


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
def test_what_gensim_writes_is_read(
    form: str, compressed: bool, gensim_vectors: Any, tmp_path: Path
) -> None:
    path = tmp_path / ("vectors.gz" if compressed else "vectors")
    gensim_vectors.save_word2vec_format(
        str(path), binary=form == "binary", write_header=form != "no header"
    )
    tokens = gensim_vectors.index_to_key
    source = open_vectors(gensim_vectors if form == "memory" else path)
    matched = find_vectors(source, vocabulary_of(*tokens))
    assert matched.words == len(tokens)
    assert matched.ids.tolist() == list(range(4, 4 + len(tokens)))
    np.testing.assert_array_equal(matched.vectors, gensim_vectors.vectors)


def test_what_gensim_saves_as_a_pickle_is_refused(gensim_vectors: Any, tmp_path: Path) -> None:
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
        for kind, data in (("text", text_of(rows, header=True)), ("binary", binary_of(rows))):
            (tmp_path / kind).write_bytes(data)
            source, vocabulary = open_vectors(tmp_path / kind), vocabulary_of("w3", "w9999")
            tracemalloc.start()
            assert len(find_vectors(source, vocabulary).ids) == 2
            peaks[kind].append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    for small, large in peaks.values():
        assert large < 1.3 * small


def test_shares_are_of_real_tokens(tmp_path: Path) -> None:
    matched = read(tmp_path / "file", b"a 1 2\nb 3 4\n", "a", "b", "c")
    column = token_column(
        np.array([2, 4, 1, 6, 3, 0, 5, 4, 4, 3], dtype=np.int32), np.array([0, 5, 10])
    )
    assert matched.share_of_tokens(column) == 4 / 6
    assert matched.share_of_tokens(token_column(np.empty(0, np.int32), np.array([0]))) == 0.0


def test_the_fingerprint_is_of_what_was_found(tmp_path: Path) -> None:
    one = read(tmp_path / "one", b"a 1 2\nb 3 4\n", "a", "c")
    same = read(tmp_path / "two", b"3 2\nz 0 0\na 1 2\ny 3 4\n", "a", "c")
    other = read(tmp_path / "three", b"a 1 2.5\n", "a", "c")
    place = read(tmp_path / "one", b"a 1 2\nb 3 4\n", "c", "a")
    assert one.fingerprint == same.fingerprint
    assert len({one.fingerprint, other.fingerprint, place.fingerprint}) == 3


def test_lone_carriage_returns_end_lines_of_vectors_too(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        path = tmp_path / "file"
        path.write_bytes(end.join(["2 2", "영화 1 2", "great 3 4", ""]).encode())
        source = open_vectors(path)
        block, *rest = source.blocks(pytest.fail)
        assert block.words == ["영화", "great"]
        assert block.numbers(1).tolist() == [3.0, 4.0]
        assert not any(one.words for one in rest)
