"""Contracts of every encoder as a graph of ONNX, on the cases of `test_encoders`."""

from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from munjang.export.onnx.graph import Graph
from munjang.export.onnx.kinds import LOGITS
from munjang.export.onnx.writers import WRITERS
from munjang.layers.subword_table import with_oov_words
from munjang.models.pair_encoder import PairEncoder
from munjang.runners.onnx.model import pad
from munjang.runners.spelling import spell_word
from munjang.tasks.heads import Head
from munjang.text.vocabulary import RESERVED
from tests.architectures import ARCHITECTURES
from tests.contracts.test_encoders import (
    CASES,
    ROWS,
    TOKENS,
    VOCABULARY,
    find_embeddings,
    make_encoder,
)
from tests.synthetic import pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

every_encoder = pytest.mark.parametrize(("name", "model_settings"), CASES)
rows_of_ids = st.lists(
    st.lists(st.integers(1, VOCABULARY + 3), max_size=12), min_size=1, max_size=6
)
OUTPUTS = 3


class Exported:
    """A network, and its graph as onnxruntime runs it."""

    def __init__(self, network: nn.Module, *, int8: bool = False) -> None:
        self.network = network.eval()
        (data,) = LOGITS.write(network, spells_words=False, int8=int8).values()
        self.data = data
        self.session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def run(self, rows: list[list[int]], *, extra: int = 0, filler: int = 0) -> Any:
        """Logits of the graph."""
        ids, mask = pad_at_least_one(rows, extra=extra, filler=filler)
        feeds = {"ids": ids.numpy(), "lengths": mask.sum(1).numpy()}
        return self.session.run(None, feeds)[0]

    def expected(self, rows: list[list[int]]) -> Any:
        """Logits of the network."""
        with torch.inference_mode():
            return self.network(*pad_at_least_one(rows)).numpy()


def pad_at_least_one(rows: list[list[int]], *, extra: int = 0, filler: int = 0) -> Any:
    """Ids and mask of at least one column."""
    longest = max(map(len, rows))
    return pad_rows(rows, extra=max(extra, 1 - longest), filler=filler)


@cache
def exported(case: int) -> Exported:
    """The network of a case with a head."""
    name, model_settings = CASES[case].values
    return Exported(Head(make_encoder(name, model_settings), OUTPUTS))


def close(found: Any, expected: Any) -> None:
    """Logits are equal to 1e-5, in units of the largest one if that is above 1."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1, abs(expected).max()))


def find_case(name: str, model_settings: dict[str, Any]) -> int:
    """The place of a case."""
    return [case.values for case in CASES].index((name, model_settings))


def test_every_architecture_has_a_function() -> None:
    assert {row.load() for row in ARCHITECTURES.values()} <= set(WRITERS)


@every_encoder
@settings(max_examples=6)
@given(rows=rows_of_ids, extra=st.integers(0, 5), filler=st.integers(0, VOCABULARY - 1))
def test_logits_are_those_of_the_network_alone_and_in_a_batch(
    name: str, model_settings: dict[str, Any], rows: list[list[int]], extra: int, filler: int
) -> None:
    graph = exported(find_case(name, model_settings))
    rows = [*rows, [], ROWS[2]]
    if "subword_ngrams" in model_settings:  # ids beyond the vocabulary are words, see below
        rows = [[min(number, VOCABULARY - 1) for number in row] for row in rows]
    found = graph.run(rows, extra=extra, filler=filler)
    close(found, graph.expected(rows))
    for number in (0, len(rows) - 2, len(rows) - 1):
        close(graph.run([rows[number]])[0], found[number])


@every_encoder
def test_the_graph_is_the_same_from_run_to_run(name: str, model_settings: dict[str, Any]) -> None:
    first, second = (
        LOGITS.write(
            Head(make_encoder(name, model_settings), OUTPUTS).eval(), spells_words=False, int8=True
        )
        for _ in range(2)
    )
    # the head is drawn anew: its weights follow from the seed of the encoder
    assert first == second


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_two_texts_are_compared_by_one_encoder(name: str) -> None:
    network = Head(PairEncoder(make_encoder(name, {})), OUTPUTS).eval()
    (data,) = LOGITS.write(network, spells_words=False, int8=False).values()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    sides = ROWS[:6], [*ROWS[3:6], [], [9], ROWS[2]]
    tensors = [tensor for side in sides for tensor in pad_at_least_one(list(side))]
    with torch.inference_mode():
        expected = network(*tensors).numpy()
    first, first_mask, second, second_mask = (tensor.numpy() for tensor in tensors)
    feeds = {
        "first_ids": first,
        "first_lengths": first_mask.sum(1),
        "second_ids": second,
        "second_lengths": second_mask.sum(1),
    }
    close(session.run(None, feeds)[0], expected)
    # the weights of the encoder are there once
    names = [weight.name for weight in onnx.load_from_string(data).graph.initializer]
    assert len([name for name in names if name.endswith("embedding/weight")]) == 1


WORDS = ["영화다", "재미있었습니다", "word77", "w", "한" * 60, "supercalifragilistic" * 4, "word0"]


@pytest.mark.parametrize("name", ["mean", "cnn"])
@pytest.mark.parametrize("units", ["letters", "jamo"])
def test_words_out_of_vocabulary_are_read_by_their_letters(name: str, units: str) -> None:
    encoder = make_encoder(name, {"subword_ngrams": 5, "subword_units": units})
    for embedding in find_embeddings(encoder):
        assert embedding.subwords is not None
        embedding.subwords.fit([*RESERVED, *TOKENS[:-6], *WORDS[1:], *TOKENS[-1:]][:VOCABULARY])
    network = Head(encoder, OUTPUTS).eval()
    (data,) = LOGITS.write(network, spells_words=True, int8=False).values()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    rows = [[5, VOCABULARY, 6, VOCABULARY + 4], [VOCABULARY + n for n in range(len(WORDS))], [7]]
    for words, batch in ((WORDS, rows), ([], [[5, 6], [7]])):
        ids, mask = pad_rows(batch)
        with torch.inference_mode():
            expected = with_oov_words(network, words)(ids, mask).numpy()
        letters, lengths = pad([spell_word(word, units) for word in words])
        feeds = {"ids": ids.numpy(), "lengths": mask.sum(1).numpy()}
        found = session.run(None, {**feeds, "word_ids": letters, "word_lengths": lengths})[0]
        close(found, expected)


def test_a_subclass_is_refused() -> None:
    class Other(type(make_encoder("cnn", {}))):  # type: ignore[misc]
        """An encoder that may compute something else."""

    encoder = make_encoder("cnn", {})
    encoder.__class__ = Other
    with pytest.raises(Exception, match="the layer Other has no description"):
        Graph("logits", WRITERS).write(encoder)
