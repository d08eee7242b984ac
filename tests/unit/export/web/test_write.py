"""Pages as files: tasks, rounded tables, sizes, what is inert, and what is refused."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munjang.api import train
from munjang.errors import ConfigError
from munjang.export.web import write_page
from munjang.export.web.arrays import pack_ascending, round_rows
from munjang.export.web.rounding import round_tables
from munjang.export.web.runtime import EXTENSIONS, PAGE, RUNTIME, choose_scripts, read_script
from munjang.model import Model
from munjang.tasks.calibration import CalibrationSettings, DecisionSettings
from tests.huggingface_tokenizers import train_and_save_tokenizer
from tests.synthetic import make_corpus
from tests.unit.export.web.models import train_small
from tests.web_pages import read_part, run_page

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["the film was great", "정말 재미있다", "", "never seen before 😀", "okay okay"]
NGRAMS = ("model.ngrams=2", "model.ngram_buckets=512", "model.subword_ngrams=4")
HOSTILE = "</script><script>alert(1)</script> <!-- \u202e"
MOST_FIXED, MOST_SCRIPT = 100_000, 50_000


@pytest.fixture(scope="module")
def corpus() -> tuple[list[str], list[str]]:
    return make_corpus(90, korean=True)


@pytest.fixture(scope="module")
def mean(corpus: tuple[list[str], list[str]]) -> Model:
    return train_small(corpus, "mean", "words", NGRAMS)


def compare_logits(model: Model, page: Path, folder: Path) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = run_page(page, TEXTS, folder)["answers"]
    logits = [answer["logits"] for answer in answers]
    np.testing.assert_allclose(logits, model.logits(TEXTS).numpy(), atol=1e-4)
    return answers


@pytest.mark.parametrize("architecture", ["mean", "transformer"])
def test_label_sets(architecture: str, corpus: tuple[list[str], list[str]], tmp_path: Path) -> None:
    texts, labels = corpus
    sets = [[label] if row % 2 else [label, "odd"] for row, label in enumerate(labels)]
    model = train_small((texts, sets), architecture, "words", (), task="multilabel")
    answers = compare_logits(model, write_page(model, tmp_path / "a.html").path, tmp_path)
    predicted: Any = model.predict(TEXTS)
    assert [a["label"] for a in answers] == [", ".join(p.labels) for p in predicted]
    own = [list(each.probabilities.values()) for each in predicted]
    np.testing.assert_allclose([a["probabilities"] for a in answers], own, atol=1e-4)


@pytest.mark.parametrize(
    ("loss", "architecture"), [("mean_squared_error", "gru"), ("poisson", "transformer")]
)
def test_numbers(
    loss: str, architecture: str, corpus: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    texts, labels = corpus
    numbers = [10.0 + 3 * len(label) + row % 4 for row, label in enumerate(labels)]
    loss_setting = (f"regress.loss={loss}",)
    model = train_small((texts, numbers), architecture, "words", loss_setting, task="regress")
    answers = compare_logits(model, write_page(model, tmp_path / "a.html").path, tmp_path)
    predicted: Any = model.predict(TEXTS)
    assert [a["number"] for a in answers] == pytest.approx([p.value for p in predicted], abs=1e-3)


def test_calibrated_probabilities_and_stated_costs(tmp_path: Path) -> None:
    texts, labels = make_corpus(90)
    two = ["good" if label == "good" else "other" for label in labels]
    plain = train_small((texts, two), "mean", "words", ())
    own = plain.predict_proba(TEXTS)[:, 0]
    decision = DecisionSettings(positive="good", threshold=float(np.median(own)))
    calibration = CalibrationSettings(rows=100, temperature=1.0, decision=decision)
    for given in (calibration, CalibrationSettings(rows=100, temperature=3.5)):
        task: Any = plain.task
        model = replace(plain, task=task.with_calibration(given))
        answers = compare_logits(model, write_page(model, tmp_path / "a.html").path, tmp_path)
        predicted: Any = model.predict(TEXTS)
        assert [a["label"] for a in answers] == [p.label for p in predicted]
        probabilities = [a["probabilities"] for a in answers]
        np.testing.assert_allclose(probabilities, model.predict_proba(TEXTS), atol=1e-4)


def test_rounded_tables(mean: Model, tmp_path: Path) -> None:
    whole = write_page(mean, tmp_path / "whole.html")
    small = write_page(mean, tmp_path / "small.html", int8=True)
    assert small.weights < 0.5 * whole.weights
    rounded = replace(mean, network=round_tables(mean.network))
    compare_logits(rounded, small.path, tmp_path)
    difference = np.abs(rounded.logits(TEXTS).numpy() - mean.logits(TEXTS).numpy()).max()
    assert 0 < difference < 0.05
    assert 0 < small.largest_difference < 0.05
    assert whole.largest_difference == 0


def test_rows_are_rounded_to_half_a_scale() -> None:
    rows = np.array([[0.0, 0.0], [1.0, -2.54], [1e-30, 3e-30]], dtype=np.float32)
    numbers, scales = round_rows(rows)
    assert numbers.dtype == np.int8
    assert numbers[1].tolist() == [50, -127]
    error = np.abs(numbers * scales[:, None] - rows)
    assert (error <= 0.501 * scales[:, None] + 1e-38).all()


def test_ascending_numbers_take_a_byte_per_seven_bits() -> None:
    assert pack_ascending(np.array([0, 1, 129, 130 + 2**20])) == bytes([1, 1, 128, 1, 129, 128, 64])
    assert pack_ascending(np.zeros(0, dtype=np.int64)) == b""


class Inert(HTMLParser):
    """Scripts and other elements of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.policy = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""


def test_page_is_small_and_inert(tmp_path: Path) -> None:
    texts, labels = make_corpus(60)
    model = train_small(
        ([f"{text} {HOSTILE}" for text in texts], [f"{x} {HOSTILE}" for x in labels]),
        "cnn",
        "words",
        (),
    )
    page = write_page(model, tmp_path / "a.html", name=HOSTILE, language="ko").path
    source = page.read_text("utf-8")
    parsed = Inert(source)
    assert parsed.tags.count("script") == 3
    assert parsed.tags.count("h1") == 1
    assert not {"img", "link", "iframe", "object", "form"} & set(parsed.tags)
    assert "src=" not in source.replace("default-src", "")
    description, weights = read_part(source, "model"), read_part(source, "weights")
    assert "<" not in description
    vocabulary = json.dumps(json.loads(description)["text"]["vocabulary"], ensure_ascii=False)
    fixed = len(source.encode()) - len(weights.encode()) - len(vocabulary.encode())
    assert fixed < MOST_FIXED
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    assert script == read_script(*RUNTIME, "cnn", PAGE)
    for name, content in ("script", script), ("style", style):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in parsed.policy
    assert parsed.policy.startswith("default-src 'none';")
    assert run_page(page, TEXTS, tmp_path)["check"] < 1e-4


@pytest.mark.parametrize("kind", ["mean", *EXTENSIONS])
def test_program_is_small(kind: str) -> None:
    encoders = [{"encoder": {"kind": kind}}, {"encoder": {"kind": "mean"}}]
    tokenizer = {"kind": "bert_wordpiece"}
    scripts = choose_scripts({"text": {"tokenizer": tokenizer}, "network": {"networks": encoders}})
    assert set(scripts) - {"bert_wordpiece", EXTENSIONS.get(kind)} == set(RUNTIME)
    assert len(read_script(*scripts, PAGE).encode()) < MOST_SCRIPT


@pytest.mark.parametrize("tokenizer", ["words", "bpe"])
def test_long_texts(tokenizer: str, corpus: tuple[list[str], list[str]], tmp_path: Path) -> None:
    settings = ("tokenizer.max_length=30", "tokenizer.max_size=400")
    model = train_small(corpus, "mean", tokenizer, settings)
    texts = ["Good 영화 " * 20_000, f"{' ' * 5000}good film {'x' * 5000} 끝", "가" * 50_000]
    answers = run_page(write_page(model, tmp_path / "a.html").path, texts, tmp_path)["answers"]
    for text, answer in zip(texts, answers, strict=True):
        encoded: Any = model.input.encode_values(text)
        assert answer["ids"] == encoded.encoded.rows.values.tolist()
        assert answer["truncated"] == bool(encoded.truncated[0])


def test_half_of_a_surrogate_pair_is_escaped(mean: Model, tmp_path: Path) -> None:
    task: Any = mean.task
    labels = ("\ud800", *task.labels[1:])
    page = write_page(replace(mean, task=replace(task, labels=labels)), tmp_path / "a.html").path
    description = json.loads(read_part(page.read_text("utf-8"), "model"))
    assert description["task"]["labels"] == list(labels)


def refuse(model: Model, path: Path, reason: str, **options: Any) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        write_page(model, path, **options)
    assert "\n" not in str(raised.value)
    assert not path.exists()


def test_what_a_page_cannot_do_is_refused(mean: Model, tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    refuse(mean, page, "language: expected en or ko, got 'fr'", language="fr")
    refuse(mean, tmp_path / "a.txt", "expected a file name that ends in .html")
    overrides = ["training.max_steps=1", "model.dim=8", "model.heads=2", "model.layers=1"]
    other = train(
        make_corpus(30), model="bert", tokenizer="words", overrides=overrides, progress=False
    ).model
    refuse(other, page, r"a page cannot compute Bert; expected .*--onnxruntime-web FOLDER")
    pairs = [(text, text) for text in make_corpus(30)[0]]
    two = ["training.max_steps=1", "model.dim=8"]
    other = train(
        (pairs, make_corpus(30)[1]), input="two_texts", model="mean", overrides=two, progress=False
    ).model
    refuse(other, page, "reads one text per row, and the input of this model is two_texts")
    file = train_and_save_tokenizer(tmp_path, "byte_level", make_corpus(30)[0])
    overrides = [*two, f"tokenizer.settings={{file: {file}}}"]
    other = train(
        make_corpus(30), model="mean", tokenizer="huggingface", overrides=overrides, progress=False
    ).model
    refuse(other, page, "it knows BERT's, with a normalizer of BERT")


def test_weights_that_nothing_describes_are_refused(mean: Model, tmp_path: Path) -> None:
    network = round_tables(mean.network)
    network.register_buffer("beside", mean.network.head.bias.detach().clone())  # type: ignore[union-attr]
    refuse(replace(mean, network=network), tmp_path / "a.html", "does not know the weights beside")


def test_weights_that_are_not_finite_are_refused(mean: Model, tmp_path: Path) -> None:
    network: Any = round_tables(mean.network)
    network.head.bias.data.fill_(float("nan"))
    refuse(replace(mean, network=network), tmp_path / "a.html", "expected finite weights")


def test_too_many_weights_are_refused(
    mean: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("munjang.export.web.write.MOST_BYTES", 1000)
    refuse(mean, tmp_path / "a.html", "a page holds up to 1.00 kB; add --int8, or train with fewer")
