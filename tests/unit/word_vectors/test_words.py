"""Words with vectors: neighbors and analogies against slow loops, evaluation, files."""

import unicodedata
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from munjang.errors import ConfigError, DataError
from munjang.word_vectors.evaluation import score_analogies, score_similarity
from munjang.word_vectors.export import export_words
from munjang.word_vectors.judgments import WordPair, read_analogies, read_word_pairs
from munjang.word_vectors.open_words import load_words
from munjang.word_vectors.words import Words, parse_analogy
from tests.unit.text.strategies import hostile_text

NAMES = ["king", "man", "woman", "queen", "apple", "Paris"]
VECTORS = np.array(
    [[1, 1, 0], [1, 0, 0], [0.9, 0, 1], [1, 1, 1.1], [-1, 0.2, 0], [0, -1, 0]], dtype=np.float32
)
WORDS = Words("test", NAMES, VECTORS)


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


@given(seed=st.integers(0, 1000), k=st.integers(1, 12))
def test_neighbors_equal_sorted_cosines(seed: int, k: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(9, 4)).astype(np.float32)
    words = Words("random", [f"w{number}" for number in range(9)], vectors)
    found = words.neighbors(["w3", "w0"], k=k)
    for query, near in zip((3, 0), found, strict=True):
        cosines = [(cosine(vectors[query], row), -number) for number, row in enumerate(vectors)]
        order = sorted((c for c in cosines if -c[1] != query), reverse=True)
        assert [word.word for word in near] == [f"w{-place}" for _, place in order][:k]
        assert [word.score for word in near] == pytest.approx([c for c, _ in order][:k], abs=1e-5)


def test_analogy_leaves_given_words_out() -> None:
    found = WORDS.analogy(["king", "woman"], ["man"])
    assert found[0].word == "queen"
    assert {word.word for word in found} == {"queen", "apple", "Paris"}


def test_words_are_found_in_lower_case_and_normal_form() -> None:
    assert WORDS.find("KING") == 0
    assert WORDS.find("paris") is None
    words = Words("hangul", ["가다"], np.ones((1, 2), dtype=np.float32))
    assert words.find("\u1100\u1161\u1103\u1161") == 0


def test_first_of_equal_words_counts() -> None:
    words = Words("twice", ["a", "b", "a"], np.eye(3, dtype=np.float32))
    assert words.find("a") == 0


def test_unknown_word_names_a_similar_one() -> None:
    with pytest.raises(DataError, match=r"test: expected one of its 6 words.*did you mean 'queen'"):
        WORDS.neighbors("quen")


def test_vector_of_zeros_is_named() -> None:
    words = Words("zeros", ["a", "b"], np.array([[0, 0], [1, 2]], dtype=np.float32))
    with pytest.raises(DataError, match="zeros: the vector of 'a' is zero"):
        words.neighbors("a")


def test_word_that_is_composed_has_no_own_row() -> None:
    words = Words("made", NAMES, VECTORS, lambda word: VECTORS[0] if word == "kingy" else None)
    assert words.neighbors("kingy", k=1)[0][0].word == "king"
    scores = score_similarity(words, [WordPair("kingy", "man", 1), WordPair("woman", "man", 2)])
    assert (scores.covered, scores.composed) == (2, 1)


@pytest.mark.parametrize("k", [0, 10_000])
def test_number_of_words_is_bounded(k: int) -> None:
    with pytest.raises(ConfigError, match="k: expected a number of words"):
        WORDS.neighbors("king", k=k)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["king", "-", "man", "+", "woman"], (["king", "woman"], ["man"])),
        (["king - man + woman"], (["king", "woman"], ["man"])),
        (["-", "man", "+", "woman"], (["woman"], ["man"])),
        (["good"], (["good"], [])),
    ],
)
def test_analogies_are_read(terms: list[str], expected: tuple[list[str], list[str]]) -> None:
    assert parse_analogy(terms) == expected


@pytest.mark.parametrize(
    "terms", [[], ["king", "man"], ["king", "-"], ["king - + man"], ["+", "a"]]
)
def test_wrong_analogies_are_refused(terms: list[str]) -> None:
    with pytest.raises(ConfigError, match="expected words with") as error:
        parse_analogy(terms)
    assert "\n" not in str(error.value)


def test_similarity_is_the_rank_correlation_of_covered_pairs() -> None:
    pairs = [
        WordPair("king", "queen", 9),
        WordPair("king", "man", 6),
        WordPair("king", "apple", 1),
        WordPair("king", "nowhere", 5),
    ]
    scores = score_similarity(WORDS, pairs)
    assert (scores.pairs, scores.covered, scores.missing) == (4, 3, ("nowhere",))
    assert scores.spearman == pytest.approx(1.0)
    assert score_similarity(WORDS, pairs[3:]).to_json()["spearman"] is None


def test_analogies_are_scored_by_section() -> None:
    sections = [
        ("royal", [("man", "king", "woman", "queen"), ("man", "king", "woman", "nobody")]),
        ("wrong", [("man", "king", "woman", "apple")]),
    ]
    royal, wrong, total = score_analogies(WORDS, sections)
    assert (royal.questions, royal.covered, royal.right) == (2, 1, 1)
    assert (wrong.accuracy, total.section, total.covered, total.right) == (0.0, "all", 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,1\nc,d,2.5\n",
        "\ufeffword 1,word 2,score\r\na,b,1\r\nc,d,2.5\r\n",
        "# a comment\n\na\tb\t1\nc\td\t2.5\n",
        "word1\tword2\tPOS\tscore\na\tb\tA\t1\nc\td\tN\t2.5\n",
        "a b 1\nc d 2.5\n",
        'x;y;z\n"a";b;1\nc;d;2.5\n',
    ],
)
def test_word_pairs_are_read_in_any_form(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    path.write_bytes(text.encode())
    assert read_word_pairs(path) == [WordPair("a", "b", 1.0), WordPair("c", "d", 2.5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found none"),
        ("first,second\na,b\n", "found no number"),
        ("a,b,1\nc,d,x\n", "row 2: expected two words and a score"),
        ("a,b,1\nc,,3\n", "row 2: expected two words"),
        ("a,b,nan\n", "found no number"),
    ],
)
def test_wrong_word_pairs_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as error:
        read_word_pairs(path)
    assert "pairs.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_analogy_files_have_sections(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text("a b c d\n: second\ne f g h\n\n: empty\n")
    assert read_analogies(path) == [
        ("", [("a", "b", "c", "d")]),
        ("second", [("e", "f", "g", "h")]),
        ("empty", []),
    ]
    path.write_text(": s\na b c\n")
    with pytest.raises(DataError, match="row 2: expected four words"):
        read_analogies(path)


@pytest.mark.parametrize("query", [" king", "king ", "\tKing\n", "\u3000KING"])
def test_white_space_around_a_query_and_its_case_do_not_matter(query: str) -> None:
    assert WORDS.neighbors(query, k=2) == WORDS.neighbors("king", k=2)


@pytest.mark.parametrize(
    "query", ["", " ", "\n", "\u3000", "\ud800", "a\udfffb", "\x00", "x" * 10**5]
)
def test_ugly_queries_are_refused_in_one_line(query: str) -> None:
    with pytest.raises(DataError) as error:
        WORDS.neighbors(["king", query])
    message = str(error.value)
    assert message.startswith("test: expected ")
    assert message.isprintable()
    assert len(message) < 200


@given(query=hostile_text())
def test_any_query_is_answered_or_refused(query: str) -> None:
    with suppress(DataError):
        assert len(WORDS.neighbors(query, k=2)[0]) == 2


def test_no_queries_have_no_answers() -> None:
    assert WORDS.neighbors([]) == []


words_to_write = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=6),
    min_size=1,
    max_size=8,
    unique_by=lambda word: unicodedata.normalize("NFC", word),
)


@pytest.mark.parametrize("name", ["v.vec", "v.bin", "v.txt"])
@given(names=words_to_write, seed=st.integers(0, 99))
def test_written_vectors_are_read_back_bit_for_bit(tmp_path_factory, name, names, seed) -> None:
    path = tmp_path_factory.mktemp("vectors") / name
    vectors = np.random.default_rng(seed).normal(size=(len(names), 3)).astype(np.float32)
    normal = [unicodedata.normalize("NFC", word) for word in names]
    export_words(Words("made", normal, vectors), path)
    found = load_words(path)
    assert list(found.words) == normal
    assert np.array_equal(found.vectors, vectors)


def test_gensim_reads_what_is_written(tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim.models")
    for name, is_binary in (("v.vec", False), ("v.bin", True)):
        export_words(WORDS, tmp_path / name)
        found = gensim.KeyedVectors.load_word2vec_format(tmp_path / name, binary=is_binary)
        assert found.index_to_key == NAMES
        assert np.array_equal(found.vectors, VECTORS)


def test_words_with_white_space_are_left_out_and_counted(tmp_path: Path) -> None:
    notes: list[str] = []
    words = Words("spaces", ["a", "b c", " ", "\u3000"], np.ones((4, 2), dtype=np.float32))
    export_words(words, tmp_path / "v.vec", report=notes.append)
    assert (tmp_path / "v.vec").read_text() == "1 2\na 1 1\n"
    assert notes[0] == "left out 3 words with white space"


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.vec or \.txt \(text\) or \.bin"):
        export_words(WORDS, tmp_path / "v.npy")


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gensim.kv"
    path.write_bytes(b"\x80\x04\x95")
    with pytest.raises(DataError, match="save_word2vec_format"):
        load_words(path)


def test_bad_lines_are_skipped_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    path.write_text("3 2\na 1 2\nb 1\nc 3 x\na 5 6\n")
    with pytest.raises(DataError, match="row 3"):
        load_words(path)
    notes: list[str] = []
    found = load_words(path, skip_bad_lines=True, report=notes.append)
    assert list(found.words) == ["a"]
    assert found.vectors.tolist() == [[1, 2]]
    assert "skipped 2 lines that could not be read" in notes


def test_wrong_count_in_header_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    path.write_text("5 2\na 1 2\nb 3 4\n")
    notes: list[str] = []
    assert len(load_words(path, report=notes.append)) == 2
    assert "the header promises 5 words, 2 were there" in notes


@pytest.mark.parametrize("name", ["v.vec", "v.bin"])
def test_count_beyond_memory_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.word_vectors.open_words.available_memory", lambda: 10**9)
    path = tmp_path / name
    rows = b"a 1 2\n" if name == "v.vec" else b"a " + np.ones(2, "<f4").tobytes()
    path.write_bytes(b"999999999999999999 2\n" + rows)
    with pytest.raises(DataError, match=r"\(the header says so\) take .* GB of memory"):
        load_words(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"x y\na 1 2\n", "row 1: expected word vectors"),
        (b"2 0\na 1 2\n", "row 1: expected a header"),
        (b"2 2\n", "found none"),
        (b"2 2\na 1 nan\n", "row 2: expected finite 32-bit numbers"),
        (b"2 3\na 1 2\n", "row 2: expected a word and 3 numbers"),
        (b"2 9999999\na 1 2\n", "row 2: expected a word and 9999999 numbers"),
        (b"2 9999999\na \x00\x00\x80?\x00\x00\x00@", "the file ends within vector 1"),
        (b"1 2\na \x00\x00\x80?\x00\x00\xc0\x7f", "row 1: expected finite 32-bit numbers"),
    ],
)
def test_damaged_files_are_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        load_words(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
