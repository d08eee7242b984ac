"""Numbers of transformers and ours, to 1e-5, in both directions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from munjang.model import Model
from munjang.pretrained.huggingface import import_checkpoint
from munjang.tasks.heads import MaskedHead
from munjang.tasks.regress import Regress
from tests.checkpoints import CONFIG, TOKENS, export_checkpoint, make_weights, write_checkpoint

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = [
    "The films!",
    "영화가 영 good",
    "",
    "a",
    "good, bad, good, bad, good, bad, good, bad, good",
    "Café cafe\u0301 \U0001f44d\U0001f3fd \u05e9\u05dc\u05d5\u05dd",
]


@pytest.fixture(autouse=True)
def quiet_transformers() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def make_batch(model: Model, texts: list[str]) -> tuple[Tensor, Tensor, list[str]]:
    """Ids and mask of one padded batch, and the texts in its order."""
    data = model.input.encode_values(texts).dataset()
    batch = next(iter(data.in_order_of_length(len(texts))))
    return batch.ids, batch.mask, [texts[row] for row in batch.rows.tolist()]


def encode_with_transformers(folder: Path, texts: list[str]) -> dict[str, Tensor]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return dict(tokenizer(texts, padding=True, truncation=True, max_length=16, return_tensors="pt"))


def load_with_transformers(kind: Any, folder: Path) -> Any:
    network, info = kind.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    return network.eval()


def assert_same_ids(model: Model, ids: Tensor, mask: Tensor, encoded: dict[str, Tensor]) -> None:
    ours = torch.from_numpy(model.input.tokenizer.huggingface_ids)[ids]
    kept = encoded["attention_mask"].bool()
    assert torch.equal(mask, kept)
    assert torch.equal(ours[mask], encoded["input_ids"][kept])


@pytest.mark.parametrize(
    "hidden_act", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", "tanh"]
)
def test_masked_lm_states_and_logits_equal_transformers(hidden_act: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "in", hidden_act=hidden_act)
    theirs = load_with_transformers(transformers.BertForMaskedLM, folder)
    model = import_checkpoint(folder)
    ids, mask, texts = make_batch(model, TEXTS)
    encoded = encode_with_transformers(folder, texts)
    assert_same_ids(model, ids, mask, encoded)
    order = torch.from_numpy(model.input.tokenizer.huggingface_ids)
    with torch.no_grad():
        expected = theirs.bert(**encoded).last_hidden_state
        assert_close(model.network.encoder.states(ids, mask)[mask], expected[mask])
        logits = theirs(**encoded).logits
        positions = mask.flatten().nonzero()[:, 0]
        ours = model.network(ids, mask, positions).tokens.logits()
        assert_close(ours, logits.flatten(0, 1)[positions][:, order])
    out = export_checkpoint(model, tmp_path / "out")
    reloaded = load_with_transformers(transformers.BertForMaskedLM, out)
    with torch.no_grad():
        assert_close(reloaded(**encode_with_transformers(out, texts)).logits, logits)


@pytest.mark.parametrize("time", [2, 3, 5, 8, 15, 16])
def test_every_length_alone_and_padded_equals_transformers(time: int, tmp_path: Path) -> None:
    """Lengths and padding change which kernels run: one row without gradients has its own."""
    folder = write_checkpoint(tmp_path)
    theirs = load_with_transformers(transformers.BertForMaskedLM, folder)
    model = import_checkpoint(folder)
    generator = torch.Generator().manual_seed(time)
    ids = torch.randint(4, len(TOKENS), (3, time), generator=generator)
    order = torch.from_numpy(model.input.tokenizer.huggingface_ids)
    lengths = torch.tensor([time, max(1, time // 2), 1])
    for rows in (slice(0, 1), slice(0, 3)):
        mask = torch.arange(time)[None] < lengths[rows, None]
        with torch.no_grad():
            expected = theirs.bert(order[ids[rows]], attention_mask=mask.long()).last_hidden_state
            assert_close(model.network.encoder.states(ids[rows] * mask, mask)[mask], expected[mask])
            assert_close(model.network.encoder(ids[rows] * mask, mask).states[mask], expected[mask])


def test_segments_follow_separators(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path)
    theirs = load_with_transformers(transformers.BertForMaskedLM, folder)
    model = import_checkpoint(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(
        [("The film", "good"), ("bad", "영화 가 !")], padding=True, return_tensors="pt"
    )
    ours = torch.from_numpy(model.input.tokenizer._loaded.map.ours).long()
    mask = encoded["attention_mask"].bool()
    ids = ours[encoded["input_ids"]] * mask
    with torch.no_grad():
        expected = theirs.bert(**encoded).last_hidden_state
        assert_close(model.network.encoder.states(ids, mask)[mask], expected[mask])


def write_classifier(folder: Path, outputs: int, **config: Any) -> Path:
    weights = {n: w for n, w in make_weights(seed=3).items() if not n.startswith("cls.")}
    generator = torch.Generator().manual_seed(4)
    for name, shape in {
        "bert.pooler.dense.weight": (8, 8),
        "bert.pooler.dense.bias": (8,),
        "classifier.weight": (outputs, 8),
        "classifier.bias": (outputs,),
    }.items():
        weights[name] = torch.randn(shape, generator=generator)
    return write_checkpoint(folder, weights, architecture="BertForSequenceClassification", **config)


@pytest.mark.parametrize(
    ("outputs", "config", "task"),
    [
        (3, {"id2label": {"0": "나쁨", "1": "보통", "2": "좋음"}}, "classify"),
        (2, {}, "classify"),
        (
            3,
            {"problem_type": "multi_label_classification", "id2label": {0: "b", 1: "a", 2: "c"}},
            "multilabel",
        ),
        (1, {}, "regress"),
        (1, {"problem_type": "regression"}, "regress"),
    ],
)
def test_classifier_logits_and_labels_equal_transformers(
    outputs: int, config: dict[str, Any], task: str, tmp_path: Path
) -> None:
    if "id2label" in config:
        names = config["id2label"]
        config = {**config, "label2id": {name: int(key) for key, name in names.items()}}
    else:
        config = {**config, "id2label": {str(n): f"LABEL_{n}" for n in range(outputs)}}
    folder = write_classifier(tmp_path / "in", outputs, **config)
    theirs = load_with_transformers(transformers.BertForSequenceClassification, folder)
    model = import_checkpoint(folder)
    assert model.recipe.task == task
    with torch.no_grad():
        expected = theirs(**encode_with_transformers(folder, TEXTS)).logits
    assert_close(model.logits(TEXTS), expected)
    out = export_checkpoint(model, tmp_path / "out")
    reloaded = load_with_transformers(transformers.BertForSequenceClassification, out)
    with torch.no_grad():
        assert_close(reloaded(**encode_with_transformers(out, TEXTS)).logits, expected)
    if task != "regress":
        assert list(model.labels) == list(theirs.config.id2label.values())
        assert reloaded.config.id2label == theirs.config.id2label
        assert reloaded.config.label2id == {n: i for i, n in theirs.config.id2label.items()}
    assert reloaded.config.num_labels == outputs


def test_regression_is_exported_in_target_unit(tmp_path: Path) -> None:
    model = import_checkpoint(write_classifier(tmp_path / "in", 1, problem_type="regression"))
    assert isinstance(model.task, Regress)
    scaled = replace(model, task=replace(model.task, mean=7.5, scale=3.0))
    out = export_checkpoint(scaled, tmp_path / "out")
    theirs = load_with_transformers(transformers.BertForSequenceClassification, out)
    with torch.no_grad():
        expected = theirs(**encode_with_transformers(out, TEXTS)).logits[:, 0].tolist()
    assert [answer.value for answer in scaled.predict(TEXTS)] == pytest.approx(expected, abs=1e-5)


def test_sentence_pair_head_is_exported_with_its_pooler(tmp_path: Path) -> None:
    """Class 0 of transformers is that the second text follows the first; ours is class 1."""
    model = import_checkpoint(write_checkpoint(tmp_path / "in"))
    network = MaskedHead(model.network.encoder, len(TOKENS), pairs=True).eval()
    network.load_state_dict(model.network.state_dict(), strict=False)
    out = export_checkpoint(replace(model, network=network), tmp_path / "out")
    theirs = load_with_transformers(transformers.BertForPreTraining, out)
    ids, mask, texts = make_batch(model, TEXTS)
    with torch.no_grad():
        expected = theirs(**encode_with_transformers(out, texts))
        ours = network(ids, mask, mask.flatten().nonzero()[:, 0])
    assert ours.pairs is not None
    assert_close(ours.pairs, expected.seq_relationship_logits.flip(1))
    order = torch.from_numpy(model.input.tokenizer.huggingface_ids)
    assert_close(ours.tokens.logits(), expected.prediction_logits[mask][:, order])
    back = import_checkpoint(out)
    assert back.metrics["imported"]["left_out"] == []
    assert (back.recipe.section("masked_lm").pairs, back.recipe.section("data").join_next) == (
        "next_sentence",
        True,
    )
    with torch.no_grad():
        again = back.network(ids, mask, mask.flatten().nonzero()[:, 0])
    assert_close(again.pairs, ours.pairs)
    # the pooler of the pair also begins a task that reads the pooled vector
    assert torch.equal(back.network.encoder.pooler.weight, network.pair_pooler.weight)


def test_saved_and_loaded_import_gives_same_logits(tmp_path: Path) -> None:
    import munjang

    model = munjang.import_model(write_classifier(tmp_path / "in", 3), out=tmp_path / "model")
    back = munjang.load(tmp_path / "model")
    assert torch.equal(model.logits(TEXTS), back.logits(TEXTS))
    written = export_checkpoint(back, tmp_path / "out")
    assert torch.equal(import_checkpoint(written).logits(TEXTS), model.logits(TEXTS))


def test_test_config_equals_transformers_config() -> None:
    assert transformers.BertConfig(**CONFIG).to_dict()["hidden_size"] == CONFIG["hidden_size"]
