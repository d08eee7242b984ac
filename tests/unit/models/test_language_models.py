"""Language models: the size of their table of n-grams follows from the training text."""

import numpy as np
import pytest

from munjang.registry import find_architectures

ROWS = {row.name: row for row in find_architectures("stream", "decoder")}
every_architecture = pytest.mark.parametrize("name", ROWS)


@every_architecture
def test_the_table_of_ngrams_follows_the_text(name: str) -> None:
    config = ROWS[name].config_class().parse({})
    few = np.random.default_rng(0).integers(4, 30, 5000)
    many = np.random.default_rng(0).integers(4, 3000, 100_000)
    assert config.for_tokens(few).ngram_buckets == 2**12
    assert config.for_tokens(many).ngram_buckets == 2**16
    assert config.for_tokens(few[:0]).ngram_buckets == 2**10


@every_architecture
def test_a_given_table_stays_as_it_is(name: str) -> None:
    row, ids = ROWS[name], np.arange(5000)
    assert row.config_class().parse({"ngram_buckets": 77}).for_tokens(ids).ngram_buckets == 77
    assert row.config_class().parse({"ngrams": 1}).for_tokens(ids).ngram_buckets is None
