"""Names and shapes of weights: what versions of transformers differ in, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from munjang.errors import FolderError
from munjang.model import Model
from munjang.pretrained.huggingface import import_checkpoint
from munjang.pretrained.huggingface.files import read_weights
from tests.checkpoints import TOKENS, export_checkpoint, make_weights, write_checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")
Weights = dict[str, Tensor]
WORDS = "bert.embeddings.word_embeddings.weight"
DECODER = "cls.predictions.decoder.weight"
QUERY, KEY = (f"bert.encoder.layer.0.attention.self.{name}.weight" for name in ("query", "key"))


def compute_states(model: Model, text: str = "The films") -> Tensor:
    batch = next(iter(model.input.encode_values(text).dataset().in_order_of_length(1)))
    ids, mask = batch.inputs[:2]
    with torch.no_grad():
        return model.network.encoder.states(ids, mask)


def import_weights(folder: Path, weights: Weights, **config: object) -> tuple[Model, list[str]]:
    lines: list[str] = []
    return import_checkpoint(
        write_checkpoint(folder, weights, **config), report=lines.append
    ), lines


def refusal_message(folder: Path, weights: Weights, **config: object) -> str:
    with pytest.raises(FolderError) as raised:
        import_weights(folder, weights, **config)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def rename_layer_norms(weights: Weights) -> Weights:
    return {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in weights.items()
    }


@pytest.mark.parametrize(
    "change",
    [
        rename_layer_norms,
        lambda w: {name.removeprefix("bert."): tensor for name, tensor in w.items()},
        lambda w: {**w, "bert.embeddings.position_ids": torch.arange(16)[None]},
        lambda w: {**w, "bert.embeddings.token_type_ids": torch.zeros(1, 16, dtype=torch.int64)},
        lambda w: {**w, DECODER: w[WORDS].clone()},
        lambda w: {**w, "cls.predictions.decoder.bias": w["cls.predictions.bias"].clone()},
        lambda w: {
            name.replace("predictions.bias", "predictions.decoder.bias"): tensor
            for name, tensor in w.items()
        },
    ],
    ids=["gamma", "no prefix", "position_ids", "token_type_ids", "decoder", "bias", "one bias"],
)
def test_names_of_other_versions_give_same_network(
    change: Callable[[Weights], Weights], tmp_path: Path
) -> None:
    plain, _ = import_weights(tmp_path / "plain", make_weights())
    other, _ = import_weights(tmp_path / "other", change(make_weights()))
    for name, tensor in plain.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[name]), name


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes_become_float32(kind: torch.dtype, tmp_path: Path) -> None:
    weights = {name: tensor.to(kind) for name, tensor in make_weights().items()}
    model, _ = import_weights(tmp_path, weights)
    for name, tensor in model.network.state_dict().items():
        assert tensor.dtype == torch.float32, name
    ours = model.network.encoder.segments.weight
    assert torch.equal(ours, weights["bert.embeddings.token_type_embeddings.weight"].float())


def test_embedding_rows_follow_tokens_and_padding_row_is_kept(
    tmp_path: Path,
) -> None:
    weights = make_weights()
    model, _ = import_weights(tmp_path, weights)
    rows = model.network.encoder.embedding.weight
    tokens = list(model.input.tokenizer.vocabulary.tokens)
    assert torch.equal(rows[tokens.index("영화")], weights[WORDS][TOKENS.index("영화")])
    for index, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]"]):
        assert torch.equal(rows[index], weights[WORDS][TOKENS.index(token)])
    bias = model.network.bias[tokens.index("film")]
    assert bias == weights["cls.predictions.bias"][TOKENS.index("film")]


def test_rows_without_token_are_reported(tmp_path: Path) -> None:
    weights = make_weights()
    for name in (WORDS, "cls.predictions.bias"):
        weights[name] = torch.cat([weights[name], weights[name][:4]])
    model, lines = import_weights(tmp_path / "padded", weights, vocab_size=24)
    assert "left out: 4 rows of the word embedding, which no token has" in lines
    plain, _ = import_weights(tmp_path / "plain", make_weights())
    assert torch.equal(compute_states(model), compute_states(plain))


@pytest.mark.parametrize("architecture", ["BertForMaskedLM", "BertForPreTraining"])
def test_next_sentence_head_without_its_pooler_is_left_out_and_reported(
    architecture: str, tmp_path: Path
) -> None:
    weights = {name: w for name, w in make_weights().items() if "pooler" not in name}
    weights["cls.seq_relationship.weight"] = torch.zeros(2, 8)
    weights["cls.seq_relationship.bias"] = torch.zeros(2)
    model, lines = import_weights(tmp_path, weights, architecture=architecture)
    assert "left out: cls.seq_relationship, which judges pairs of sentences" in lines
    assert model.metrics["imported"]["left_out"] == [
        "left out: cls.seq_relationship, which judges pairs of sentences"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: {**w, DECODER: w[WORDS] + 1}, "is not the token embedding"),
        (
            lambda w: {**w, "cls.predictions.decoder.bias": w["cls.predictions.bias"] + 1},
            "cls.predictions.decoder.bias differs from cls.predictions.bias",
        ),
        (
            lambda w: {k: v for k, v in w.items() if "layer.1.output.dense.bias" not in k},
            "missing: encoder.layer.1.output.dense.bias",
        ),
        (
            lambda w: {k: v for k, v in w.items() if "layer.0.attention.self.key" not in k},
            "do not fit: missing: encoder.layer.0.attention.self.key.weight, "
            "encoder.layer.0.attention.self.key.bias",
        ),
        (
            lambda w: {**w, QUERY: torch.zeros(8, 4)},
            "do not fit: encoder.layer.0.attention.self.query.weight: expected the shape [8, 8] by "
            "config.json, got [8, 4]",
        ),
        (  # joined they would have the right shape
            lambda w: {**w, QUERY: torch.zeros(4, 8), KEY: torch.zeros(12, 8)},
            "do not fit: encoder.layer.0.attention.self.query.weight: expected the shape [8, 8] by "
            "config.json, got [4, 8]",
        ),
        (
            lambda w: {**w, "bert.encoder.layer.2.output.dense.bias": torch.zeros(8)},
            "left over, which bert does not have: encoder.layer.2.output.dense.bias",
        ),
        (
            lambda w: {**w, "bert.embeddings.position_ids": torch.arange(1, 17)[None]},
            "left over, which bert does not have: embeddings.position_ids",
        ),
        (
            lambda w: {**w, "bert.embeddings.position_embeddings.weight": torch.zeros(15, 8)},
            "embeddings.position_embeddings.weight: expected the shape [16, 8] by config.json, "
            "got [15, 8]",
        ),
        (lambda w: {**w, WORDS: w[WORDS][:10]}, "has 10 rows, and the tokenizer has ids up to 19"),
        (
            lambda w: {**w, WORDS.removeprefix("bert."): w[WORDS].clone()},
            "twice, with and without prefix",
        ),
        (lambda w: {**w, WORDS: w[WORDS] * float("nan")}, "NaN or infinity"),
        (lambda w: {**w, WORDS: w[WORDS].double() * 1e300}, "NaN or infinity"),
    ],
)
def test_mismatched_weights_are_named(
    change: Callable[[Weights], Weights], message: str, tmp_path: Path
) -> None:
    assert message in refusal_message(tmp_path, change(make_weights()))


def test_missing_untied_output_layer_is_refused(tmp_path: Path) -> None:
    message = refusal_message(tmp_path, make_weights(), tie_word_embeddings=False)
    assert "is not the token embedding" in message


def test_export_writes_imported_tensors_and_tied_one_once(
    tmp_path: Path,
) -> None:
    weights = make_weights()
    model, _ = import_weights(tmp_path / "in", weights)
    written = read_weights(export_checkpoint(model, tmp_path / "out"))
    assert written.keys() == weights.keys()
    for name, tensor in weights.items():
        assert torch.equal(written[name], tensor), name
