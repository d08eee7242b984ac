"""Exports of every task, loaded by transformers in a process without munjang."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from munjang.export.hf import outputs
from munjang.export.hf.exporting import Exported, export_model
from munjang.model import Model
from munjang.text.vocabulary import GO, PAD
from tests.synthetic import make_corpus
from tests.system.exports_to_hf import ASKED, load_elsewhere, train_small

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS, LABELS = make_corpus(90, korean=True)
OTHERS = [*TEXTS[1:], TEXTS[0]]
SMALL = {"dim": 8, "layers": 1}
LIGHT = {"dim": 8, "ngram_buckets": 256}
BAG = {"bag_buckets": 256, "hidden_dim": 6, **LIGHT}
LABELED = pl.DataFrame({"text": TEXTS, "label": LABELS})
NUMBERS = pl.DataFrame({"text": TEXTS, "label": [float(len(text)) for text in TEXTS]})
SETS = pl.DataFrame({"text": TEXTS, "label": [f"{label}|x" for label in LABELS]})
PAIRS = pl.DataFrame({"first": TEXTS, "second": OTHERS, "label": LABELS})
SIMILAR = pl.DataFrame({"first": TEXTS, "second": OTHERS, "label": [n % 5 for n in range(90)]})
LINES = pl.DataFrame({"text": TEXTS})
TRANSLATED = pl.DataFrame({"source": TEXTS, "target": [text[::-1] for text in TEXTS]})
CLASSIFIER, VECTORS = "AutoModelForSequenceClassification", "AutoModel"
MASKS, LANGUAGE = "AutoModelForMaskedLM", "AutoModelForCausalLM"
TRANSLATION = "AutoModelForSeq2SeqLM"

Case = tuple[str, Any, dict[str, Any], dict[str, Any]]
# class of transformers, data, arguments of the training, and its settings
CASES: dict[str, Case] = {
    "ensemble with a linear model": (
        CLASSIFIER,
        LABELED,
        {"model": "lstm"},
        {
            "model": {
                **BAG,
                "ensemble_size": 2,
                "linear_weight": 0.3,
                "linear_buckets": 64,
            }
        },
    ),
    "words out of vocabulary": (
        CLASSIFIER,
        LABELED,
        {"model": "mean", "tokenizer": "words"},
        {
            "model": {**LIGHT, "subword_ngrams": 4, "subword_units": "jamo"},
            "tokenizer": {"min_frequency": 2, "max_length": 7, "settings": {"capitals": True}},
        },
    ),
    "gru": (CLASSIFIER, LABELED, {"model": "gru"}, {"model": BAG}),
    "bert of a class of transformers": (
        CLASSIFIER,
        LABELED,
        {"model": "bert"},
        {"model": {**SMALL, "heads": 2, "pooling": "first", "pooler": True}},
    ),
    "bert of its own": (
        CLASSIFIER,
        LABELED,
        {"model": "bert"},
        {"model": {**SMALL, "heads": 2, "ngrams": 2, "ngram_buckets": 99}},
    ),
    "regress": (CLASSIFIER, NUMBERS, {"task": "regress", "model": "rnn"}, {"model": BAG}),
    "regress counts": (
        CLASSIFIER,
        NUMBERS,
        {"task": "regress", "model": "cnn"},
        {"regress": {"loss": "poisson"}, "model": {"dim": 8, "filters": 4, "bag_buckets": 256}},
    ),
    "multilabel": (CLASSIFIER, SETS, {"task": "multilabel", "model": "mean"}, {"model": LIGHT}),
    "pairs": (
        CLASSIFIER,
        PAIRS,
        {"input": "two_texts", "model": "bert"},
        {"model": {**SMALL, "heads": 2}, "tokenizer": {"max_length": 10}},
    ),
    "pairs of an odd length": (
        CLASSIFIER,
        PAIRS,
        {"input": "two_texts", "model": "transformer", "tokenizer": "bpe"},
        {
            "two_texts": {"reading": "joined"},
            "model": {**SMALL, "heads": 2},
            "tokenizer": {"max_length": 9, "max_size": 200},
        },
    ),
    "similarity": (VECTORS, SIMILAR, {"task": "similarity", "model": "mean"}, {"model": LIGHT}),
    "similarity of states": (
        VECTORS,
        SIMILAR,
        {"task": "similarity", "model": "transformer"},
        {"similarity": {"loss": "in_batch_negatives"}, "model": {**SMALL, "heads": 2}},
    ),
    "masks that the tokenizer knows": (
        MASKS,
        LINES,
        {"task": "masked_lm", "input": "text", "model": "bert", "tokenizer": "bert_wordpiece"},
        {"model": {**SMALL, "heads": 2, "ngrams": 2}, "tokenizer": {"max_size": 200}},
    ),
    "masks between pieces": (
        MASKS,
        LINES,
        {"task": "masked_lm", "input": "text", "model": "gru", "tokenizer": "bpe"},
        {"model": BAG, "tokenizer": {"max_size": 200}},
    ),
    "language, recurrent": (
        LANGUAGE,
        None,
        {"task": "language", "model": "lstm", "tokenizer": "bpe"},
        {"model": {"dim": 8, "hidden_dim": 10}, "tokenizer": {"max_size": 200}},
    ),
    "language, windows": (
        LANGUAGE,
        None,
        {"task": "language", "model": "transformer", "tokenizer": "characters"},
        {"model": {**SMALL, "heads": 2, "context": 16}, "data": {"window": 16}},
    ),
    "translate without attention": (
        TRANSLATION,
        TRANSLATED,
        {"task": "translate", "model": "seq2seq"},
        {"model": {**SMALL, "hidden_dim": 10}, "decoding": {"max_length": 12}},
    ),
    "translate with attention": (
        TRANSLATION,
        TRANSLATED,
        {"task": "translate", "model": "attentive"},
        {
            "model": {**SMALL, "hidden_dim": 10, "input_feeding": True},
            "decoding": {
                "max_length": 20,
                "no_repeat_ngram_size": 2,
                "min_length": 3,
                "max_length_ratio": 1.0,
                "extra_steps": 2,
            },
        },
    ),
    "translate by words": (
        TRANSLATION,
        TRANSLATED,
        {"task": "translate", "model": "transformer"},
        {
            "model": {**SMALL, "heads": 2},
            "tokenizer": {"source": {"name": "words"}, "target": {"name": "words"}},
            "decoding": {"method": "greedy", "max_length": 12},
        },
    ),
}
# Beginnings of texts, which end with a known token.
PROMPTS = ["", TEXTS[0], f"{TEXTS[1]}\n{TEXTS[2]}", f"{TEXTS[3]} " * 6 + TEXTS[4]]
WITH_VECTORS = ("gru", "masks between pieces")
# Tokens of a made-up answer.
ANSWER = [GO, 6, 9, 4, 5]


class Loaded:
    """A case: the model, its export, and what transformers made of it elsewhere."""

    def __init__(self, auto: str, model: Model, values: list[Any], exported: Exported) -> None:
        self.auto, self.model, self.values, self.exported = auto, model, values, exported
        self.result: dict[str, Any] = {}
        self.vectors: dict[str, Any] = {}

    def job(self, **more: Any) -> dict[str, Any]:
        return {
            "pipeline": False,
            "auto": self.auto,
            "folder": str(self.exported.folder),
            "has_code": self.exported.has_code,
            "values": self.values,
            "answer": ANSWER,
            **more,
        }


def values_of(name: str) -> list[Any]:
    auto, _, arguments, _ = CASES[name]
    if arguments.get("input") == "two_texts":
        return list(zip(ASKED, [*ASKED[2:], *ASKED[:2]], strict=True))
    return [f"{text} [MASK] 영화" for text in ASKED] if auto == MASKS else ASKED


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """All cases; transformers is imported once."""
    scratch = tmp_path_factory.mktemp("hf")
    text = scratch / "text.txt"
    text.write_text("\n".join(TEXTS * 4) + "\n", encoding="utf-8")
    cases = {}
    for place, (name, (auto, data, arguments, settings)) in enumerate(CASES.items()):
        model = train_small(text if data is None else data, settings, **arguments)
        exported = export_model(model, scratch / str(place))
        cases[name] = Loaded(auto, model, values_of(name), exported)
    jobs = []
    for name, case in cases.items():
        more: dict[str, Any] = {"prompts": []}
        if case.auto == LANGUAGE:
            more = {"prompts": PROMPTS, "options": {"max_new_tokens": 12}}
        elif case.auto == TRANSLATION:
            more = {"prompts": ASKED, "options": {}}
            if (case.exported.folder / "target").exists():
                more["decoder"] = str(case.exported.folder / "target")
        more["pipeline"] = name in ("words out of vocabulary", "masks between pieces")
        if name in ("gru", "words out of vocabulary", "bert of its own", "masks between pieces"):
            more["saved"] = str(scratch / f"saved {name}")
        jobs.append(case.job(**more))
    # the encoder of a folder with a head
    jobs += [cases[name].job(prompts=[], auto=VECTORS) for name in WITH_VECTORS]
    results = load_elsewhere(jobs, scratch)
    for case, result in zip(cases.values(), results, strict=False):
        case.result = result
    for name, result in zip(WITH_VECTORS, results[len(cases) :], strict=True):
        cases[name].vectors = result
    return cases


every_case = pytest.mark.parametrize("name", list(CASES))
every_classifier = pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c[0] == CLASSIFIER]
)
every_writer = pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c[0] in (LANGUAGE, TRANSLATION)]
)


def close(found: Any, expected: Any) -> None:
    """Equal to 1e-5, in units of the largest number if that is above 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    most = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * most)


def rows_of(case: Loaded) -> list[list[int]]:
    """The ids as the model reads them."""
    read = {LANGUAGE: outputs.NEXT_TOKENS, TRANSLATION: outputs.ANSWERS, VECTORS: outputs.VECTORS}
    kind = outputs.MASKS if case.auto == MASKS else read.get(case.auto, outputs.CLASSIFICATION)
    return kind.ids(case.model, case.values)


@torch.no_grad()
def expected_of(case: Loaded) -> list[Any]:
    """What munjang computes for each value."""
    model, network = case.model, case.model.network
    if case.auto == CLASSIFIER:
        return list(outputs.CLASSIFICATION.expected(model, case.values))
    if case.auto == VECTORS:
        return list(model.embed(case.values, normalize=True))
    if case.auto == TRANSLATION:
        given = torch.tensor([ANSWER])
        rows = []
        for row in rows_of(case):
            source = torch.tensor([row or [PAD]])
            mask = torch.ones_like(given, dtype=torch.bool)
            rows.append(network(source, source != PAD, given, mask).logits().numpy())
        return rows
    rows = []
    for row in rows_of(case):
        ids = torch.tensor([row])
        if case.auto == LANGUAGE and len(row) < 2:
            rows.append(np.zeros(0))
        elif case.auto == LANGUAGE:
            rows.append(-network.negative_log_likelihoods(ids[0]).numpy())
        else:
            places = torch.arange(len(row))
            rows.append(network(ids, ids != PAD, places).tokens.logits().numpy())
    return rows


def comparable(case: Loaded, found: list[Any]) -> list[Any]:
    """Outputs of transformers as `expected_of` has them."""
    if case.auto == VECTORS:
        return [vector for vector, _ in found]
    if case.auto != LANGUAGE:
        return found
    rows = []
    for logits, ids in zip(found, rows_of(case), strict=True):
        shares = torch.from_numpy(logits).log_softmax(-1)[:-1]
        rows.append(shares.gather(1, torch.tensor(ids[1:])[:, None])[:, 0].numpy())
    return rows


@every_case
def test_outputs_are_those_of_the_model_alone_and_in_padded_batches(
    name: str, loaded: dict[str, Loaded]
) -> None:
    case = loaded[name]
    assert not case.result["missing"]
    assert case.result["class"] == case.exported.model_class
    assert case.result["ids"] == rows_of(case)
    expected = expected_of(case)
    # BERT of transformers has no positions for rows that are padded on the left
    for how in ("alone", "right", "left") if case.exported.has_code else ("alone", "right"):
        for found, wanted in zip(comparable(case, case.result[how]), expected, strict=True):
            close(found, wanted)


@every_classifier
def test_labels_are_those_of_the_model(name: str, loaded: dict[str, Loaded]) -> None:
    case = loaded[name]
    kinds = {"regress": "regression", "multilabel": "multi_label_classification"}
    task = case.model.recipe.task
    assert case.result["problem_type"] == kinds.get(task, "single_label_classification")
    if task != "regress":
        assert list(case.result["id2label"].values()) == list(case.model.labels)
    assert case.result.get("loss", 0.0) >= 0


def test_two_classes_have_the_probabilities_of_the_model(loaded: dict[str, Loaded]) -> None:
    case = loaded["gru"]
    shares = torch.tensor(np.stack(case.result["alone"])).softmax(-1).numpy()
    close(shares, case.model.predict_proba(ASKED))


@every_writer
def test_generate_writes_what_the_model_writes(name: str, loaded: dict[str, Loaded]) -> None:
    case = loaded[name]
    greedy = case.model.with_decoding({"method": "greedy"})
    task: Any = greedy.task
    if case.auto == LANGUAGE:
        encoded: Any = greedy.input.encode_values(PROMPTS)
        steps = list(task.generate(greedy.network, encoded, length=12))
        expected = [[step[place] for step in steps] for place in range(len(PROMPTS))]
        assert case.result["written"] == expected
        return
    answers = [answer.to_json()["answer"] for answer in greedy.predict(ASKED)]
    assert case.result["texts"] == answers


@pytest.mark.parametrize("name", WITH_VECTORS)
def test_a_folder_with_a_head_has_the_vectors_of_its_texts(
    name: str, loaded: dict[str, Loaded]
) -> None:
    case = loaded[name]
    assert not case.vectors["missing"]
    values = [text.replace("[MASK]", "") for text in case.values] if case.auto == MASKS else ASKED
    if case.auto == MASKS:  # munjang embeds texts without masks
        assert len(case.vectors["alone"]) == len(values)
        return
    for (vector, _), expected in zip(case.vectors["left"], case.model.embed(ASKED), strict=True):
        close(vector, expected)


def test_pipelines_of_transformers_answer_as_the_model(loaded: dict[str, Loaded]) -> None:
    case = loaded["words out of vocabulary"]
    found = case.result["pipeline"]
    answers = [answer.to_json() for answer in case.model.predict(ASKED)]
    assert [answer["label"] for answer in found] == [answer["label"] for answer in answers]
    for answer, expected in zip(found, answers, strict=True):
        assert answer["score"] == pytest.approx(expected["probability"], abs=1e-5)
    assert len(loaded["masks between pieces"].result["pipeline"]) == len(ASKED)


def test_a_saved_copy_answers_alike(loaded: dict[str, Loaded]) -> None:
    for case in loaded.values():
        if "saved" in case.result:
            alone = case.result["alone"][:3]
            for found, expected in zip(case.result["saved"], alone, strict=True):
                close(found, expected)


def test_which_tokenizers_are_fast(loaded: dict[str, Loaded]) -> None:
    slow = {name for name, case in loaded.items() if not case.result["fast"]}
    assert slow == {
        "words out of vocabulary",
        "pairs of an odd length",
        "masks that the tokenizer knows",
        "masks between pieces",
    }


def test_the_folder_needs_no_code_where_a_class_fits(loaded: dict[str, Loaded]) -> None:
    native = [name for name, case in loaded.items() if not case.exported.has_code]
    assert native == ["bert of a class of transformers"]
    assert not list(loaded[native[0]].exported.folder.glob("*.py"))
