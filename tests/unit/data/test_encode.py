"""Encoding of a column of texts: truncation, end marks, OOV words."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from munjang.data.encode import encode_texts, insert_go_eos
from munjang.data.streams.encode import encode_prompt
from munjang.text.characters import CharacterTokenizer
from munjang.text.vocabulary import EOS, GO, OOV
from munjang.text.words import WordTokenizer
from tests.synthetic import make_column
from tests.unit.data.test_batches import rows_of_ids, to_rows
from tests.unit.text.strategies import hostile_texts


@given(rows=rows_of_ids)
def test_insert_go_eos_around_every_row(rows: list[list[int]]) -> None:
    assert to_rows(insert_go_eos(make_column(rows))) == [[GO, *row, EOS] for row in rows]


@given(rows=rows_of_ids.filter(lambda rows: len(rows) > 2))
def test_insert_go_eos_into_slice(rows: list[list[int]]) -> None:
    assert to_rows(insert_go_eos(make_column(rows)[1:])) == [[GO, *row, EOS] for row in rows[1:]]


@given(texts=hostile_texts(), longest=st.integers(1, 20), ends=st.booleans())
def test_encode_texts_truncates_then_adds_go_eos(
    texts: list[str], longest: int, ends: bool
) -> None:
    column = pl.Series("text", texts, dtype=pl.String)
    tokenizer = CharacterTokenizer().fit(column)
    encoded = encode_texts(tokenizer, column, max_length=longest, add_go_eos=ends)
    whole = to_rows(tokenizer.encode(column))
    cut = [row[:longest] for row in whole]
    assert to_rows(encoded.column) == ([[GO, *row, EOS] for row in cut] if ends else cut)
    assert encoded.truncated.tolist() == [len(row) > longest for row in whole]


@given(texts=hostile_texts(), longest=st.integers(1, 9), lines=st.sampled_from(["\n", "\n\n"]))
def test_line_breaks_are_eos_and_the_first_one_is_not_counted(
    texts: list[str], longest: int, lines: str
) -> None:
    texts = [*texts, lines.join(texts), lines]
    column = pl.Series("text", texts, dtype=pl.String)
    tokenizer = CharacterTokenizer().fit(column)
    encoded = encode_texts(
        tokenizer, column, max_length=longest, add_go_eos=False, line_breaks=True
    )
    whole = [encode_prompt(tokenizer, text).tolist() for text in texts]
    assert to_rows(encoded.column) == [row[: longest + 1] for row in whole]
    assert encoded.truncated.tolist() == [len(row) > longest + 1 for row in whole]


def test_long_text_of_lines_is_encoded_as_a_short_one_with_the_same_beginning() -> None:
    column = pl.Series(["ab\n" * 9000, "\n" * 30_000, "ab" * 20_000 + "\n", "ab\n" * 2])
    tokenizer = CharacterTokenizer().fit(column)
    encoded = encode_texts(tokenizer, column, max_length=5, add_go_eos=False, line_breaks=True)
    whole = [encode_prompt(tokenizer, text).tolist()[:6] for text in column]
    assert to_rows(encoded.column) == whole
    assert encoded.truncated.tolist() == [True] * 3 + [True]


@given(
    texts=hostile_texts(),
    learned=st.integers(0, 4),
    longest=st.integers(1, 20),
    known=st.lists(st.sampled_from(["a", "b", "영화"]), unique=True),
)
def test_oov_words_get_ids_beyond_vocabulary(
    texts: list[str], learned: int, longest: int, known: list[str]
) -> None:
    column = pl.Series("text", texts, dtype=pl.String)
    tokenizer, every = WordTokenizer().fit(column[:learned]), WordTokenizer().fit(column)
    vocabulary, names = tokenizer.vocabulary, every.vocabulary.tokens
    known = [word for word in known if vocabulary.id_of(word) == OOV]
    encoded = encode_texts(
        tokenizer, column, max_length=longest, add_go_eos=False, with_oov_words=True, known=known
    )
    unknown, expected = list(known), []
    for row in to_rows(every.encode(column)):
        words = [names[token] for token in row[:longest]]
        strange = [word for word in words if word not in vocabulary.tokens]
        unknown += [w for w in dict.fromkeys(strange) if w not in unknown]
        expected.append(
            [
                vocabulary.size + unknown.index(word) if word in strange else vocabulary.id_of(word)
                for word in words
            ]
        )
    assert to_rows(encoded.column) == expected
    assert list(encoded.oov_words) == unknown


def test_only_word_tokenizers_give_oov_words() -> None:
    column = pl.Series(["ab", "cd"])
    tokenizer = CharacterTokenizer().fit(column[:1])
    encoded = encode_texts(tokenizer, column, max_length=9, add_go_eos=False, with_oov_words=True)
    assert encoded.oov_words == ()
    assert to_rows(encoded.column)[1] == [OOV, OOV]
