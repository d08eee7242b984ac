"""Tokens of both sides of pairs, against plain Python."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.data.pairs.read import read_pairs
from munjang.data.pairs.settings import PairTokenizerSettings
from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.data.pairs.tokens import EXAMPLES, measure_pair_tokens

WORDS = PairTokenizerSettings.parse(
    {
        "source": {"name": "words", "max_length": 4},
        "target": {"name": "characters", "max_length": 6},
    }
)

texts = st.lists(st.sampled_from(["ab", "c"]), min_size=1, max_size=7).map(" ".join)


@settings(max_examples=60)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=20))
def test_report_counts_tokens_and_truncated_pairs(pairs):
    table = read_pairs(tuple(map(list, zip(*pairs, strict=True))), max_length_ratio=None)
    sides = TokenizerPair.fit(WORDS, table.keys, table.targets)
    result = measure_pair_tokens(table, sides, WORDS, oov_rates=(0.25, 0.5), padding=0.125)
    counts = [(len(source.split()), len(target)) for source, target in pairs]
    for index, side in enumerate((result.source, result.target)):
        own = [each[index] for each in counts]
        assert side.lengths.unit == "tokens"
        assert (side.lengths.shortest, side.lengths.longest) == (min(own), max(own))
        assert side.lengths.mean == pytest.approx(sum(own) / len(own))
    long = [row for row, (source, target) in enumerate(counts, 1) if source > 4 or target > 6]
    assert result.left_out.rows == len(long)
    assert [one.row for one in result.left_out.examples] == long[:EXAMPLES]
    for one in result.left_out.examples:
        assert (one.source_tokens, one.target_tokens) == counts[one.row - 1]


def test_report_depends_on_tokenizer_of_each_side():
    table = read_pairs((["a b", "c"], ["가", "나"]))
    sides = TokenizerPair.fit(WORDS, table.keys, table.targets)
    result = measure_pair_tokens(table, sides, WORDS, oov_rates=(0.25, 0.5), padding=0.125)
    assert (result.source.tokenizer, result.target.tokenizer) == ("words", "characters")
    assert (result.source.vocabulary, result.target.vocabulary) == (4 + 3, 4 + 2)
    assert (result.source.oov_rate, result.target.oov_rate) == (0.25, 0.5)
    assert (result.source.max_length, result.target.max_length) == (4, 6)
    assert (result.shared, result.padding, result.left_out.rows) == (False, 0.125, 0)
