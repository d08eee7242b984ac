"""Contracts of language models and encoder-decoders as graphs of ONNX."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from munjang.export.onnx.kinds import find_kind
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.registry import find_architectures
from munjang.runners.onnx.decoding import empty_state, run_step
from munjang.text.vocabulary import GO, PAD
from tests.architectures import build_encoder_decoder, pair_config
from tests.synthetic import pad_rows

pytestmark = pytest.mark.usefixtures("one_thread")

VOCABULARY = 23
LANGUAGE = {row.name: row for row in find_architectures("stream", "decoder")}
LANGUAGE_CASES: list[tuple[str, dict[str, Any]]] = [
    ("rnn", {"layers": 2}),
    ("lstm", {"layers": 2, "ngrams": 3}),
    ("lstm", {"tie_embeddings": False, "ngrams": 1}),
    ("gru", {}),
    ("transformer", {"context": 8, "heads": 2}),
    ("transformer", {"context": 6, "heads": 1, "layers": 1, "activation": "relu"}),
]
TRANSLATION_CASES: list[tuple[str, dict[str, Any]]] = [
    ("seq2seq", {}),
    ("seq2seq", {"cell": "gru", "directions": 2, "layers": 2, "reverse_source": False}),
    ("attentive", {}),
    ("attentive", {"attention": "dot", "input_feeding": True, "cell": "gru"}),
    ("attentive", {"attention": "concat", "layers": 2, "tie_embeddings": False}),
    ("attentive", {"attention": "additive", "layers": 2}),
    ("transformer", {"heads": 2, "positions": "sinusoidal"}),
    ("transformer", {"heads": 2, "positions": "learned", "norm": "post"}),
    ("transformer", {"heads": 2, "positions": "rotary", "decoder_layers": 1}),
]
SOURCES = [[5, 9, 7], [4], [8, 8, 6, 5, 4, 11, 12], [20, 21]]
ANSWER = [GO, 6, 9, 4, 17, 6]


def open_graphs(network: Any) -> dict[str, Any]:
    """The graphs of a network by name, opened."""
    kind = find_kind(network)
    data = kind.write(network, spells_words=False, int8=False)
    return {
        name: onnxruntime.InferenceSession(data[file], providers=["CPUExecutionProvider"])
        for name, file in kind.files.items()
    }


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1, abs(expected).max()))


@pytest.mark.parametrize(("name", "model_settings"), LANGUAGE_CASES)
def test_a_language_model_reads_whole_texts_and_single_tokens(
    name: str, model_settings: dict[str, Any]
) -> None:
    row = LANGUAGE[name]
    small = {"dim": 8, "ngram_buckets": 50}
    if name != "transformer":
        small["hidden_dim"] = 10
    config = row.config_class().parse({"name": name, **small, **model_settings}, where="model")
    torch.manual_seed(1)
    network: Any = row.load()(config, VOCABULARY).eval()
    graph = open_graphs(network)["next"]
    ids = torch.tensor([[3, 7, 9, 5, 3, 8]])
    with torch.inference_mode():
        projected, _ = network.read(network.begin(1), ids)
        expected = projected.logits()[-1:].numpy()
    before = network.before
    padded = np.concatenate([np.full((1, before), PAD), ids.numpy()], axis=1)
    for cuts in ([6], [5, 6], [1, 2, 3, 4, 5, 6]):
        state, start = empty_state(graph), 0
        for end in cuts:
            feeds = {"ids": padded[:, before + start : before + end], **state}
            feeds["previous"] = padded[:, start : before + start]
            logits, state = run_step(graph, feeds)
            start = end
        close(logits, expected)


@pytest.mark.parametrize(("name", "model_settings"), TRANSLATION_CASES)
def test_an_encoder_decoder_goes_step_by_step(name: str, model_settings: dict[str, Any]) -> None:
    small: dict[str, Any] = {"dim": 8, "layers": 1}
    if name != "transformer":
        small["hidden_dim"] = 10
    config = pair_config({"name": name, **small, **model_settings})
    torch.manual_seed(1)
    network = build_encoder_decoder(config, Vocabularies(VOCABULARY, VOCABULARY, shared=True))
    network.eval()
    graphs = open_graphs(network)
    source, mask = pad_rows(SOURCES)
    given = torch.tensor([ANSWER] * len(SOURCES))
    with torch.inference_mode():
        projected = network(source, mask, given, torch.ones_like(given, dtype=torch.bool))
        expected = projected.logits().view(*given.shape, -1).numpy()
    encoder = graphs["encoder"]
    feeds = {"ids": source.numpy(), "lengths": mask.sum(1).numpy()}
    names = [output.name for output in encoder.get_outputs()]
    begun = dict(zip(names, encoder.run(None, feeds), strict=True))
    fixed = {name: value for name, value in begun.items() if name.startswith("source_")}
    state = {**empty_state(graphs["step"], len(SOURCES)), **begun}
    state = {name: value for name, value in state.items() if name.startswith("state_")}
    for place in range(len(ANSWER)):
        step = {"ids": given[:, place : place + 1].numpy(), **fixed, **state}
        logits, state = run_step(graphs["step"], step)
        close(logits, expected[:, place])
