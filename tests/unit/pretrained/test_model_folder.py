"""Trainings that begin from a model folder: its encoder, tokenizer and settings, bit for bit."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from munjang.api import Trained, evaluate, load, make_loop, train
from munjang.config import merge, parse_overrides
from munjang.errors import ConfigError, FolderError
from munjang.model import Model
from munjang.preparation import Prepared, prepare
from munjang.registry import ARCHITECTURES as ROWS
from munjang.tasks.heads import find_encoders, find_heads
from tests.architectures import ARCHITECTURES
from tests.synthetic import make_corpus, train_until

pytestmark = pytest.mark.usefixtures("one_thread")

PRETRAINABLE = [row.name for row in ROWS.rows if "states" in row.gives and "text" in row.takes]
SMALL = [
    "model.dim=8",
    "tokenizer.name=words",
    "model.subword_ngrams=0",
    "training.batch_size=16",
    "training.threads=1",
    "training.max_steps=6",
]
QUICK = ["training.batch_size=16", "training.threads=1", "training.max_steps=6"]
OTHER = (
    [f"a {word} sight {row}" for row in range(30) for word in ("good", "bad", "ugly")],
    ["x", "y", "z"] * 30,
)


@pytest.fixture(scope="module")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A classifier, or a masked language model, of an architecture; each trained once."""
    root, made = tmp_path_factory.mktemp("folders"), {}

    def folder(model: str, task: str = "classify", *more: str) -> Path:
        key = (model, task, *more)
        if key not in made:
            texts, labels = make_corpus()
            data = write_texts(root, texts) if task == "masked_lm" else (texts, labels)
            made[key] = root / f"{task}-{model}-{len(made)}"
            train(data, model=model, task=task, overrides=[*SMALL, *more], out=made[key])
        return made[key]

    return folder


def write_texts(folder: Path, texts: list[str]) -> Path:
    path = folder / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def prepare_from(folder: Any, data: Any = OTHER, **settings: Any) -> Prepared:
    return prepare(data, None, settings, lambda line: None, from_folder=folder)


def train_from(folder: Any, *overrides: str, data: Any = OTHER, **more: Any) -> Trained:
    return train(data, from_folder=folder, overrides=[*QUICK, *overrides], **more)


def encoder_state(network: nn.Module) -> dict[str, Tensor]:
    return dict(find_encoders(network)[0].state_dict())


def belongs_to_pooled_vector(name: str) -> bool:
    return name.startswith(("bag.", "pooling.", "pooler."))


def assert_one_line(error: Any) -> None:
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("model", ARCHITECTURES)
def test_classifier_encoder_is_copied_bitwise(model: str, model_folders: Any) -> None:
    source = load(model_folders(model))
    prepared = prepare_from(model_folders(model))
    network = make_loop(prepared).state.model
    own, initial = encoder_state(source.network), encoder_state(network)
    assert own.keys() == initial.keys()
    for name, tensor in own.items():
        assert torch.equal(tensor, initial[name]), name
    # three classes as before, but other ones
    head, other = (find_heads(n)[0].head.weight for n in (source.network, network))
    assert not torch.equal(head, other)
    assert prepared.recipe.model_name == model
    assert prepared.input.tokenizer.vocabulary.tokens == source.input.tokenizer.vocabulary.tokens


@pytest.mark.parametrize("model", PRETRAINABLE)
def test_masked_lm_encoder_is_copied_bitwise_and_new_parts_are_initialized(
    model: str, model_folders: Any
) -> None:
    folder = model_folders(model, "masked_lm", "model.bag_dim=4", "model.pooling=attention")
    prepared = prepare_from(folder, seed=1)
    network = make_loop(prepared).state.model
    own, initial = encoder_state(load(folder).network), encoder_state(network)
    for name, tensor in own.items():
        if not belongs_to_pooled_vector(name):
            assert torch.equal(tensor, initial[name]), name
    # as random as it would be without the folder
    assert not torch.equal(own["bag.weight"], initial["bag.weight"])
    assert prepared.pretrained is not None
    facts = prepared.pretrained.facts(prepared.encoded)["pretrained"]
    assert "encoder.bag.weight" in facts["missing"]
    assert "encoder.bag.weight" in facts["left_over"]
    assert (facts["task"], facts["model"], facts["source"]) == ("masked_lm", model, folder.name)


@pytest.mark.parametrize("model", ["cnn", "gru"])
def test_bag_is_the_default_of_scratch_where_pretraining_had_none(
    model: str, model_folders: Any
) -> None:
    recipe = prepare_from(model_folders(model, "masked_lm")).recipe
    assert recipe.model.bag_dim > 0  # type: ignore[attr-defined]
    without = prepare_from(model_folders(model, "classify", "model.bag_dim=0")).recipe
    assert without.model.bag_dim == 0  # type: ignore[attr-defined]


def test_matched_missing_and_unused_weights_are_reported(model_folders: Any) -> None:
    lines: list[str] = []
    folder = model_folders("bert", "masked_lm")
    prepare(OTHER, None, {}, lines.append, from_folder=folder)
    notes = [line for line in lines if line.startswith("weights: ")]
    encoder = len(encoder_state(load(folder).network))
    assert notes == [
        f"weights: begin from {folder} (bert, task masked_lm)",
        f"weights: {encoder} of {encoder + 2} tensors matched",
        "weights: 2 missing, initialized at random: head.weight, head.bias",
        "weights: 5 left over, not used: bias, norm.bias, norm.weight, transform.bias, "
        "transform.weight",
    ]


def test_continued_pretraining_keeps_the_head(model_folders: Any, tmp_path: Path) -> None:
    folder = model_folders("cnn", "masked_lm")
    prepared = prepare_from(folder, write_texts(tmp_path, OTHER[0]), task="masked_lm")
    own, initial = load(folder).network.state_dict(), make_loop(prepared).state.model.state_dict()
    for name, tensor in own.items():
        if not belongs_to_pooled_vector(name.removeprefix("encoder.")):
            assert torch.equal(tensor, initial[name]), name
    # a training, not a fine-tuning: its own defaults
    assert prepared.recipe.training.warmup == 0.06


def test_same_labels_keep_the_head(model_folders: Any) -> None:
    folder = model_folders("cnn")
    prepared = prepare_from(folder, make_corpus(seed=1))
    own, initial = load(folder).network, make_loop(prepared).state.model
    assert torch.equal(own.head.weight, initial.head.weight)
    regression = prepare_from(folder, (OTHER[0], list(map(float, range(90)))), task="regress")
    assert make_loop(regression).state.model.head.weight.shape == (1, own.head.in_features)


def test_model_settings_are_inherited_and_training_settings_are_not(model_folders: Any) -> None:
    folder = model_folders("lstm", "classify", "model.hidden_dim=5", "model.dropout=0.77")
    korean = ([f"{n}번째 정말 재미있는 영화" for n in range(40)], ["1", "0"] * 20)
    prepared = prepare_from(folder, korean)
    recipe = prepared.recipe
    assert (recipe.model_name, recipe.model.hidden_dim, recipe.model.dim) == ("lstm", 5, 8)
    assert recipe.tokenizer.name == "words"
    assert recipe.model.dropout != 0.77
    assert recipe.training.max_steps is None
    known = load(folder).input.tokenizer.vocabulary.tokens
    assert prepared.input.tokenizer.vocabulary.tokens == known


def test_user_may_change_settings_without_weights(model_folders: Any) -> None:
    settings = parse_overrides(
        [
            "model.dropout=0.05",
            "model.pooling=max+mean",
            "model.ensemble_size=2",
            "tokenizer.max_length=7",
            "model.dim=8",
        ]
    )
    prepared = prepare_from(model_folders("cnn"), **settings)
    network = make_loop(prepared).state.model
    one, two = find_heads(network)
    assert (prepared.recipe.model.dropout, prepared.recipe.tokenizer.max_length) == (0.05, 7)
    for name, tensor in one.encoder.state_dict().items():
        assert torch.equal(tensor, two.encoder.state_dict()[name])
    assert not torch.equal(one.head.weight, two.head.weight)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("cnn", {"model": "lstm"}, "model.name: FOLDER has cnn and lstm is asked for; leave"),
        ("cnn", {"tokenizer": "jamo"}, r"tokenizer.name: FOLDER has words and jamo .*--tokenizer"),
        ("cnn", {"overrides": ["model.filters=7"]}, "model.filters: FOLDER has 100 and 7 is"),
        ("cnn", {"overrides": ["tokenizer.min_frequency=2"]}, "tokenizer.min_frequency: FOLDER"),
        ("bert", {"overrides": ["model.heads=2"]}, "model.heads: FOLDER has 4 and 2 is asked"),
        (
            "bert",
            {"overrides": ["model.max_positions=300"]},
            "model.max_positions: FOLDER has 128 and 300 is asked for",
        ),
        (
            "bert",
            {"overrides": ["tokenizer.max_length=200"]},
            "may have 202 tokens, GO and EOS included, and the positions of the model end at 128",
        ),
        ("mean", {"task": "masked_lm"}, "model mean .*the task masked_lm on the input lines takes"),
        ("cnn", {"task": "translate"}, "is a cnn on the input text, and the input parallel cannot"),
        ("cnn", {"vectors": "a.vec"}, r"give pretrained.folder \(--from\) or pretrained.vectors"),
        (
            "cnn",
            {"overrides": ["pretrained.frozen_layers=2"]},
            "the encoder of FOLDER has 1 layer above its embedding, got 2",
        ),
        ("cnn", {"overrides": ["model.fliters=7"]}, "did you mean 'filters'"),
    ],
)
def test_contradictions_are_refused_in_one_line_and_leave_no_folder(
    model: str, options: dict[str, Any], message: str, model_folders: Any, tmp_path: Path
) -> None:
    folder = model_folders(model)
    with pytest.raises(ConfigError, match=message.replace("FOLDER", str(folder))) as caught:
        train(OTHER, from_folder=folder, out=tmp_path / "out", **options)
    assert_one_line(caught)
    assert not (tmp_path / "out").exists()


def test_folders_without_encoder_are_refused_in_one_line(
    model_folders: Any, tmp_path: Path
) -> None:
    with pytest.raises(FolderError, match="there is no such model folder") as missing:
        train_from(tmp_path / "nothing")
    transformers = tmp_path / "transformers"
    transformers.mkdir()
    (transformers / "config.json").write_text("{}")
    (transformers / "weights.bin").write_bytes(b"\x80")
    with pytest.raises((ConfigError, FolderError)) as foreign:
        train_from(transformers)
    pairs = (["a b", "b c", "c d", "d e"] * 5, [f"{n} x" for n in range(20)])
    out = tmp_path / "translator"
    train(pairs, task="translate", overrides=["training.max_steps=1", "model.dim=8"], out=out)
    with pytest.raises(ConfigError, match="task translate, which has no encoder") as translator:
        train_from(out)
    with pytest.raises(ConfigError, match="frozen_layers: there is no model folder") as alone:
        train(OTHER, overrides=["pretrained.frozen_layers=0"])
    for caught in (missing, foreign, translator, alone):
        assert_one_line(caught)


def test_partial_encoder_is_refused_unless_allowed(model_folders: Any) -> None:
    folder = model_folders("bert", "masked_lm")
    wider = parse_overrides(["model.feed_forward_dim=20", "model.layers=5"])
    with pytest.raises(ConfigError, match=r"model\.(layers|feed_forward_dim)"):
        prepare_from(folder, **wider)
    prepared = prepare_from(folder, **merge(wider, {"pretrained": {"allow_partial": True}}))
    assert prepared.pretrained is not None
    facts = prepared.pretrained.facts(prepared.encoded)["pretrained"]
    assert any(name.startswith("encoder.blocks.4.") for name in facts["missing"])
    assert "encoder.blocks.0.up.weight" in facts["other_shape"]
    own = encoder_state(load(folder).network)
    initial = encoder_state(make_loop(prepared).state.model)
    assert torch.equal(own["blocks.0.attention_norm.bias"], initial["blocks.0.attention_norm.bias"])
    assert torch.equal(own["embedding.weight"], initial["embedding.weight"])


def test_missing_encoder_part_is_refused_by_name(model_folders: Any) -> None:
    model = load(model_folders("cnn"))
    del model.network.encoder.convolutions
    with pytest.raises(
        ConfigError, match=r"lacks 6 tensors of the encoder.*convolutions"
    ) as caught:
        prepare_from(model)
    assert_one_line(caught)


@pytest.mark.parametrize("model", ARCHITECTURES)
@pytest.mark.parametrize("average", ["average_after=0.0", "average_best=3"])
@pytest.mark.parametrize("optimizer", ["adamw", "adagrad"])
def test_frozen_layers_are_unchanged_by_training(
    model: str, average: str, optimizer: str, model_folders: Any
) -> None:
    more = [f"training.{average}", "training.validations_per_epoch=3", "training.epochs=2"]
    more += [f"training.embedding_optimizer={optimizer}", "training.max_steps=null"]
    trained = train_from(model_folders(model), "pretrained.frozen_layers=0", *more)
    own = find_encoders(load(model_folders(model)).network)[0]
    after = find_encoders(trained.model.network)[0]
    groups = list(zip(own.layer_groups(), after.layer_groups(), strict=True))
    for before, now in zip(*groups[0], strict=True):
        assert torch.equal(before, now)
    for before, now in groups[1:]:
        assert not all(torch.equal(b, n) for b, n in zip(before, now, strict=True))


def test_every_layer_can_be_frozen(model_folders: Any) -> None:
    folder = model_folders("bert", "masked_lm", "model.layers=2")
    trained = train_from(folder, "pretrained.frozen_layers=2", "model.pooler=true")
    own, after = encoder_state(load(folder).network), encoder_state(trained.model.network)
    for name, tensor in own.items():
        assert torch.equal(tensor, after[name]), name
    assert trained.metrics["training"]["pretrained"]["frozen_layers"] == 2


def interrupt_training(folder: Path, out: Path) -> dict[str, Any]:
    same: dict[str, Any] = {
        "data": OTHER,
        "overrides": [
            *QUICK,
            "training.checkpoint_steps=2",
            "pretrained.frozen_layers=0",
            "training.layer_decay=0.5",
        ],
    }
    train_until(step=5, **same, out=out, from_folder=folder)
    return same


@pytest.mark.parametrize("model", ["cnn", "bert"])
def test_interrupted_training_resumes_to_same_weights(
    model: str, model_folders: Any, tmp_path: Path
) -> None:
    folder = shutil.copytree(model_folders(model), tmp_path / "source")
    same = interrupt_training(folder, tmp_path / "a")
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(FolderError, match="there is no such model folder"):
        train(**same, out=tmp_path / "a", from_folder=folder, resume=True)
    resumed = train(**same, out=tmp_path / "a", from_folder=moved, resume=True)
    whole = train(**same, out=tmp_path / "b", from_folder=moved)
    for name, tensor in whole.model.network.state_dict().items():
        assert torch.equal(tensor, resumed.model.network.state_dict()[name])


def test_resume_from_other_weights_is_refused(model_folders: Any, tmp_path: Path) -> None:
    same = interrupt_training(model_folders("cnn"), tmp_path / "a")
    other = model_folders("cnn", "classify", "training.max_steps=7")
    with pytest.raises(FolderError, match="made with other data or settings"):
        train(**same, out=tmp_path / "a", from_folder=other, resume=True)


def test_trained_model_does_not_need_the_source_folder(model_folders: Any, tmp_path: Path) -> None:
    source = shutil.copytree(model_folders("gru", "masked_lm"), tmp_path / "a *source*")
    trained = train_from(source, out=tmp_path / "out")
    shutil.rmtree(source)
    loaded = load(tmp_path / "out")
    assert isinstance(loaded, Model)
    np.testing.assert_array_equal(
        loaded.predict_proba(OTHER[0]), trained.model.predict_proba(OTHER[0])
    )
    assert evaluate(tmp_path / "out", OTHER).rows == 90
    assert loaded.recipe.pretrained.folder == str(source)
    pretrained = json.loads((tmp_path / "out" / "metrics.json").read_text())["training"][
        "pretrained"
    ]
    assert (pretrained["source"], pretrained["task"]) == ("a *source*", "masked_lm")
    card = (tmp_path / "out" / "README.md").read_text()
    assert r"Its encoder began from the model `a \*source\*` (task masked\_lm)." in card


def test_loaded_model_equals_its_folder_as_source(model_folders: Any, tmp_path: Path) -> None:
    folder = model_folders("cnn")
    from_model = train_from(load(folder), out=tmp_path / "out")
    read = train_from(folder)
    for name, tensor in read.model.network.state_dict().items():
        assert torch.equal(tensor, from_model.model.network.state_dict()[name])
    with pytest.raises(ConfigError, match="a model that is in no folder"):
        train(OTHER, config=tmp_path / "out" / "config.yaml")


def test_training_repeats_from_saved_config(model_folders: Any, tmp_path: Path) -> None:
    first = train_from(model_folders("transformer", "masked_lm"), out=tmp_path / "out")
    repeated = train(OTHER, config=tmp_path / "out" / "config.yaml")
    for name, tensor in first.model.network.state_dict().items():
        assert torch.equal(tensor, repeated.model.network.state_dict()[name])


def test_ensemble_members_start_from_source_members_in_turn(model_folders: Any) -> None:
    folder = model_folders("cnn", "classify", "model.ensemble_size=2")
    own = find_encoders(load(folder).network)
    network = make_loop(prepare_from(folder, model={"ensemble_size": 3})).state.model
    for number, encoder in enumerate(find_encoders(network)):
        table = own[number % 2].embedding.weight
        assert torch.equal(encoder.embedding.weight, table)
    assert not torch.equal(own[0].embedding.weight, own[1].embedding.weight)


def test_image_encoder_starts_from_images_of_another_size(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 9, 8), dtype=np.uint8)
    labels = ["a", "b"] * 20
    quick = ["training.max_steps=2", "training.threads=1"]
    train((pixels, labels), task="images", overrides=quick, out=tmp_path / "first")
    repeated = train(
        (pixels[:, :, ::-1].copy(), ["c", "d"] * 20),
        task="images",
        from_folder=tmp_path / "first",
        overrides=[*quick, "pretrained.frozen_layers=1"],
    )
    own = find_encoders(load(tmp_path / "first").network)[0].blocks
    after = find_encoders(repeated.model.network)[0].blocks
    assert torch.equal(own[0].convolution.weight, after[0].convolution.weight)
    assert not torch.equal(own[1].convolution.weight, after[1].convolution.weight)
    with pytest.raises(ConfigError, match="and the input text cannot begin from it"):
        train_from(tmp_path / "first")


@pytest.mark.parametrize(
    "text", ["", " ", "\ud55c\u1112\u1161\u11ab", "👩‍👩‍👧", "\u202eשלום", "\x00\x07", "ㅋ" * 999]
)
def test_hostile_texts_are_encoded_by_tokenizer_of_the_folder(
    text: str, model_folders: Any
) -> None:
    source = load(model_folders("cnn"))
    trained = prepare_from(model_folders("cnn"))
    (own,), (initial,) = (
        list(m.encode_values([text or "x"]).dataset().in_order_of_length(1))
        for m in (source.input, trained.input)
    )
    assert torch.equal(own.ids, initial.ids)
