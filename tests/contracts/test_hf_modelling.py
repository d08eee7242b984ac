"""Contracts of the modelling files of `munjang export hf`, for every network with many settings.

Files are composed and run here; `tests/system/test_export_hf_tasks.py` loads whole folders by
transformers, in a process without munjang.
"""

import ast
import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.export.hf.compose import (
    CAUSAL,
    CLASSIFIER,
    MASKED,
    TRANSLATION,
    VECTORS,
    compose_modelling,
)
from munjang.export.hf.kinds import LANGUAGE, TRANSLATIONS
from munjang.export.hf.networks import (
    Described,
    describe_encoder,
    describe_language,
    describe_translation,
)
from munjang.export.hf.weights import name_weights
from munjang.layers.subword_table import with_oov_words
from munjang.models.sequence_to_sequence.model import Vocabularies
from munjang.runners.spelling import spell_word
from munjang.text.vocabulary import GO, PAD
from tests.architectures import ARCHITECTURES, build_encoder_decoder, model_config, pair_config
from tests.contracts.test_encoders import CASES, ROWS, SMALL, VOCABULARY, make_encoder
from tests.contracts.test_onnx_decoders import LANGUAGE as LANGUAGE_ROWS
from tests.contracts.test_onnx_decoders import LANGUAGE_CASES, TRANSLATION_CASES

pytest.importorskip("transformers")
pytestmark = pytest.mark.usefixtures("one_thread")

every_encoder = pytest.mark.parametrize("case", range(len(CASES)), ids=[c.id for c in CASES])
rows_of_ids = st.lists(
    st.lists(st.integers(1, VOCABULARY - 1), max_size=12), min_size=1, max_size=5
)


@cache
def run_source(source: str) -> ModuleType:
    """The module of a modelling file."""
    module = ModuleType(f"modelling_{len(source)}_{hash(source)}")
    sys.modules[module.__name__] = module  # dataclasses look there
    exec(compile(source, module.__name__, "exec"), module.__dict__)
    return module


def load(described: Described, auto: str, weights: dict[str, Tensor], name: str) -> Any:
    """The class of a modelling file with the weights of a network."""
    module = run_source(compose_modelling(described, [auto], "a test"))
    values = {"vector_pooling": "pooled", "unit_vectors": False, **described.values}
    model = getattr(module, name)(module.MunjangConfig(**values))
    model.load_state_dict(weights)
    return model.eval()


def pad(rows: list[list[int]], side: str, extra: int = 0) -> tuple[Tensor, Tensor]:
    """Ids and attention mask of rows that are padded on one side, as transformers has them."""
    width = max(map(len, rows)) + extra
    padding = [[PAD] * (width - len(row)) for row in rows]
    places = [[0] * (width - len(row)) for row in rows]
    if side == "left":
        ids = [p + row for p, row in zip(padding, rows, strict=True)]
        mask = [p + [1] * len(row) for p, row in zip(places, rows, strict=True)]
    else:
        ids = [row + p for p, row in zip(padding, rows, strict=True)]
        mask = [[1] * len(row) + p for p, row in zip(places, rows, strict=True)]
    return torch.tensor(ids).view(len(rows), width), torch.tensor(mask).view(len(rows), width)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1, abs(expected).max()))


@cache
def encoder_and_export(case: int) -> tuple[Any, Any]:
    name, model_settings = CASES[case].values
    encoder: Any = make_encoder(name, model_settings).eval()
    fields = ARCHITECTURES[name].config_class().model_fields
    small = {key: value for key, value in SMALL.items() if key in fields}
    config = model_config({"name": name, **small, **model_settings})
    weights = name_weights(encoder, "encoder.")
    return encoder, load(describe_encoder(encoder, config), VECTORS, weights, "MunjangModel")


@every_encoder
@settings(max_examples=5)
@given(rows=rows_of_ids, extra=st.integers(0, 3), side=st.sampled_from(["left", "right"]))
def test_an_encoder_gives_its_states_and_vectors_alone_and_in_padded_batches(
    case: int, rows: list[list[int]], extra: int, side: str
) -> None:
    encoder, exported = encoder_and_export(case)
    rows = [*rows, [], ROWS[2]]
    with torch.no_grad():
        ids, mask = pad(rows, side, extra)
        found = exported(ids, mask)
        for number, row in enumerate(rows):
            alone = torch.tensor([row or [PAD]])
            expected = encoder(alone, alone != PAD)
            close(found.pooler_output[number].numpy(), expected.pooled[0].numpy())
            states = found.last_hidden_state[number][mask[number].bool()].numpy()
            if expected.states is not None and row:
                close(states, expected.states[0].numpy())
            lone = exported(torch.tensor([row]).view(1, -1))
            close(lone.pooler_output[0].numpy(), found.pooler_output[number].numpy())


@every_encoder
def test_gradients_reach_every_weight(case: int) -> None:
    _, exported = encoder_and_export(case)
    ids, mask = pad([row for row in ROWS if row], "right")
    found = exported(ids, mask)
    (found.pooler_output.sum() + found.last_hidden_state.square().sum()).backward()
    without = [n for n, weight in exported.named_parameters() if weight.grad is None]
    exported.zero_grad(set_to_none=True)
    assert without == []


@pytest.mark.parametrize("units", ["letters", "jamo"])
def test_words_out_of_the_vocabulary_are_spelled(units: Any) -> None:
    model_settings = {"subword_ngrams": 5, "subword_units": units}
    encoder: Any = make_encoder("mean", model_settings).eval()
    config = model_config({"name": "mean", "dim": 8, "subword_buckets": 20, **model_settings})
    weights = name_weights(encoder, "encoder.")
    exported = load(describe_encoder(encoder, config), VECTORS, weights, "MunjangModel")
    words = ["word99", "재미있다", "가", "supercalifragilisticexpialidocious" * 2, "word13"]
    rows = [
        [5, VOCABULARY, 7],
        [VOCABULARY + 1, VOCABULARY + 2],
        [VOCABULARY + 3],
        [VOCABULARY + 4],
    ]
    for side in ("left", "right"):
        ids, mask = pad(rows, side)
        letters = torch.zeros(*ids.shape, 42, dtype=torch.int64)
        for row, place in (ids >= VOCABULARY).nonzero().tolist():
            numbers = spell_word(words[int(ids[row, place]) - VOCABULARY], units)
            letters[row, place, : len(numbers)] = torch.tensor(numbers)
        with torch.no_grad():
            found = exported(ids.masked_fill(ids >= VOCABULARY, 1), mask, letters).pooler_output
            right, right_mask = pad(rows, "right")
            spelled = with_oov_words(encoder, words)
            close(found.numpy(), spelled(right, right_mask.bool()).pooled.numpy())


@pytest.mark.parametrize(("name", "model_settings"), LANGUAGE_CASES)
def test_a_language_model_scores_every_token(name: str, model_settings: dict[str, Any]) -> None:
    small: dict[str, Any] = {"dim": 8, "ngram_buckets": 50}
    if name != "transformer":
        small["hidden_dim"] = 10
    row = LANGUAGE_ROWS[name]
    config = row.config_class().parse({"name": name, **small, **model_settings}, where="model")
    torch.manual_seed(1)
    network: Any = row.load()(config, 23).eval()
    described = describe_language(network, config)
    exported = load(described, CAUSAL, LANGUAGE.weights(network), "MunjangForCausalLM")
    rows = [[3], [3, 7], [3, 7, 9, 5, 3, 8], [*range(3, 22)] * 2, [*range(3, 12)]]
    with torch.no_grad():
        for side in ("left", "right"):
            ids, mask = pad(rows, side, 2)
            logits = exported(ids, mask).logits
            for number, ids_of_row in enumerate(rows[1:], 1):
                shares = logits[number][mask[number].bool()].log_softmax(-1)[:-1]
                targets = torch.tensor(ids_of_row)
                found = shares.gather(1, targets[1:, None])[:, 0]
                close(-found.numpy(), network.negative_log_likelihoods(targets).numpy())


@pytest.mark.parametrize(("name", "model_settings"), TRANSLATION_CASES)
@pytest.mark.parametrize("shared", [True, False])
def test_an_encoder_decoder_scores_every_token(
    name: str, model_settings: dict[str, Any], shared: bool
) -> None:
    small: dict[str, Any] = {"dim": 8, "layers": 1}
    if name != "transformer":
        small["hidden_dim"] = 10
    config = pair_config({"name": name, **small, **model_settings})
    torch.manual_seed(1)
    sizes = Vocabularies(23, 23 if shared else 17, shared)
    network: Any = build_encoder_decoder(config, sizes).eval()
    described = describe_translation(network, config)
    weights = TRANSLATIONS.weights(network)
    exported = load(described, TRANSLATION, weights, "MunjangForSeq2SeqLM")
    sources = [[5, 9, 7], [4], [], [8, 8, 6, 5, 4, 11, 12], [20, 21]]
    given_ids = torch.tensor([[GO, 6, 9, 4, 16, 6]])
    mask = torch.ones_like(given_ids, dtype=torch.bool)
    with torch.no_grad():
        for side in ("left", "right"):
            ids, source_mask = pad(sources, side, 1)
            answers = given_ids.expand(len(sources), -1)
            logits = exported(ids, source_mask, decoder_input_ids=answers).logits
            for number, source in enumerate(sources):
                alone = torch.tensor([source or [PAD]])
                expected = network(alone, alone != PAD, given_ids, mask).logits()
                close(logits[number].numpy(), expected.numpy())


ALL_PARTS = [
    *((arch, CLASSIFIER) for arch in ("mean", "cnn", "recurrent", "transformer", "bert")),
    *((arch, MASKED) for arch in ("cnn", "recurrent", "transformer", "bert")),
    *((arch, CAUSAL) for arch in ("recurrent_decoder", "transformer_decoder")),
    *((a, TRANSLATION) for a in ("seq2seq", "attentive", "transformer_encoder_decoder")),
]


@pytest.mark.parametrize(("part", "auto"), ALL_PARTS)
def test_a_file_stands_alone_and_says_everything_once(part: str, auto: str) -> None:
    interface = {CAUSAL: "decoder", TRANSLATION: "encoder_decoder"}.get(auto, "encoder")
    more = ("subwords", "ensembles") if auto == CLASSIFIER else ()
    autos = [auto, VECTORS] if auto in (CLASSIFIER, MASKED) else [auto]
    source = compose_modelling(Described({}, {interface: part}, more), autos, "a test")
    tree = ast.parse(source)
    names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                names += [part.id for part in parts if isinstance(part, ast.Name)]
    assert len(names) == len(set(names)), sorted(n for n in set(names) if names.count(n) > 1)
    imported = {
        (alias.name if isinstance(node, ast.Import) else str(node.module)).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported - sys.stdlib_module_names == {"torch", "transformers"}
    assert "munjang.export" not in source
