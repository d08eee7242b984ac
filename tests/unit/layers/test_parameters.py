"""Which parameters are embedding tables is said by the modules that hold them."""

from typing import ClassVar

import torch
from torch import nn

from munjang.layers.embedding import TokenEmbedding
from munjang.layers.pair_embedding import PairEmbedding
from munjang.layers.parameters import count_parameters, embedding_tables


class PluginEmbedding(nn.Module):
    """An embedding that is not ours: one table, a second one that is left out, and a bias."""

    embedding_tables: ClassVar = ("rows", "more")

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(5, 2))
        self.more = None
        self.bias = nn.Parameter(torch.zeros(2))


def is_same(actual: list[nn.Parameter], expected: list[nn.Parameter]) -> bool:
    return [id(table) for table in actual] == [id(table) for table in expected]


def test_module_lists_its_own_tables() -> None:
    plugin, linear = PluginEmbedding(), nn.Linear(2, 2)
    assert is_same(embedding_tables(nn.Sequential(plugin, linear)), [plugin.rows])
    assert embedding_tables(linear) == []


def test_torch_embedding_is_a_table() -> None:
    embedding = nn.Embedding(4, 2)
    assert is_same(embedding_tables(nn.Sequential(embedding, nn.Linear(2, 2))), [embedding.weight])


def test_shared_table_counts_once() -> None:
    first, second = nn.Embedding(4, 2), nn.Embedding(4, 2)
    second.weight = first.weight
    network = nn.Sequential(first, second)
    assert is_same(embedding_tables(network), [first.weight])
    assert count_parameters(network) == 8


def test_token_embedding_has_subword_table() -> None:
    embedding = TokenEmbedding(9, 3, subword_ngrams=4, subword_buckets=10)
    assert embedding.subwords is not None
    assert is_same(embedding_tables(embedding), [embedding.weight, embedding.subwords.weight])


def test_pair_embedding_lists_input_tables_only() -> None:
    apart = PairEmbedding(6, 7, 3, share=False, tie=False)
    assert is_same(embedding_tables(apart), [apart.target_table, apart.source_table])
    joined = PairEmbedding(7, 7, 3, share=True, tie=True)
    assert is_same(embedding_tables(joined), [joined.target_table])


def test_count_parameters() -> None:
    assert count_parameters(nn.Linear(3, 2)) == 3 * 2 + 2
