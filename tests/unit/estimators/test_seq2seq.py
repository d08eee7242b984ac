"""`Seq2Seq`: scikit-learn's manners on pairs of texts."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sacrebleu.metrics.chrf import CHRF
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

import munjang
from munjang import MunjangError, Seq2Seq

QUICK: dict[str, Any] = {
    "model.dim": 16,
    "model.hidden_dim": 32,
    "model.dropout": 0.0,
    "model.embedding_dropout": 0.0,
    "training.epochs": 20,
    "training.batch_tokens": 32,
    "training.learning_rate": 0.01,
    "training.average_after": None,
    "training.threads": 1,
    "decoding.beam": 2,
}
WORDS = {"하나": "one", "둘": "two", "셋": "three", "넷": "four"}


def make_pairs(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """One to three words, and each of them in English."""
    random = np.random.default_rng(seed)
    rows = [random.choice(list(WORDS), random.integers(1, 4)) for _ in range(count)]
    return [" ".join(row) for row in rows], [" ".join(WORDS[word] for word in row) for row in rows]


SOURCES, TARGETS = make_pairs(80)


def make_seq2seq(**settings: Any) -> Seq2Seq:
    basis = {"tokenizer": "words", "random_state": 0, "settings": QUICK}
    return Seq2Seq(**{"model": "attentive", **basis, **settings})


def make_one_epoch_seq2seq(**overrides: Any) -> Seq2Seq:
    """One that takes one pass, where nothing need be learned."""
    settings = {**QUICK, "training.epochs": 1, **overrides.pop("settings", {})}
    return make_seq2seq(settings=settings, **overrides)


@pytest.fixture(scope="module")
def fitted() -> Seq2Seq:
    """Only to be asked."""
    return make_seq2seq().fit(SOURCES, TARGETS)


def test_fit_and_predict(fitted: Seq2Seq) -> None:
    answers = fitted.predict(SOURCES)
    assert answers.shape == (80,)
    assert {type(answer) for answer in answers} == {str}
    assert np.mean(answers == np.array(TARGETS, dtype=object)) > 0.7
    # a source has its answer whatever stands beside it, be that empty
    assert [fitted.predict([source])[0] for source in SOURCES[:3]] == answers[:3].tolist()
    assert fitted.predict(["", SOURCES[0]])[1] == answers[0]


def test_score_is_corpus_chrf(fitted: Seq2Seq) -> None:
    sources, targets = SOURCES[:20], [*TARGETS[:18], "something else", "또 다른 것"]
    expected = CHRF().corpus_score(fitted.predict(sources).tolist(), [targets]).score
    assert fitted.score(sources, targets) == pytest.approx(expected)
    assert 0 < expected < 100
    assert fitted.score(sources, fitted.predict(sources)) == pytest.approx(100)


def test_score_respects_lowercase_setting() -> None:
    model = make_one_epoch_seq2seq(settings={"translate.lowercase": True}).fit(SOURCES, TARGETS)
    shouted = [answer.upper() or "X" for answer in model.predict(SOURCES)]
    assert model.score(SOURCES, shouted) == model.score(SOURCES, [t.lower() for t in shouted])


def test_predict_nbest(fitted: Seq2Seq) -> None:
    result = fitted.predict_nbest(SOURCES[:6], 4)
    assert [len(some) for some in result] == [4] * 6
    for some in result:
        assert len({one.text for one in some}) > 1
        assert [one.score for one in some] == sorted((one.score for one in some), reverse=True)
    # within the beam of the settings the first is what predict gives
    first = [some[0].text for some in fitted.predict_nbest(SOURCES, 2)]
    assert first == fitted.predict(SOURCES).tolist()
    with pytest.raises(MunjangError, match="nbest"):
        fitted.predict_nbest(SOURCES, 0)


def test_same_random_state_gives_same_model() -> None:
    def scores(model: Seq2Seq) -> list[float]:
        return [some[0].log_probability for some in model.predict_nbest(SOURCES[:20], 1)]

    def twice(*states: Any) -> list[list[float]]:
        return [
            scores(make_one_epoch_seq2seq(random_state=state).fit(SOURCES, TARGETS))
            for state in states
        ]

    first, repeated, other = twice(0, 0, 1)
    assert first == repeated != other
    drawn, drawn_again = twice(np.random.RandomState(3), np.random.RandomState(3))
    assert first != drawn == drawn_again


@pytest.mark.parametrize(
    "collect",
    [tuple, np.array, lambda texts: np.array(texts, dtype=object), pl.Series, iter],
    ids=["tuple", "str array", "object array", "polars", "iterator"],
)
def test_string_collections_give_same_answers(collect: Any, fitted: Seq2Seq) -> None:
    actual, expected = (
        make_one_epoch_seq2seq().fit(kind(SOURCES), kind(TARGETS)) for kind in (collect, list)
    )
    assert actual.scores_.cross_entropy == expected.scores_.cross_entropy
    assert fitted.predict(collect(SOURCES)).tolist() == fitted.predict(SOURCES).tolist()


@pytest.mark.parametrize(
    "check",
    [
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
    ],
)
def test_scikit_learn_checks_without_numbers(check: str) -> None:
    getattr(estimator_checks, check)("Seq2Seq", make_seq2seq())


def test_scikit_learn_tags() -> None:
    tags = Seq2Seq().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.one_d_array) == (True, True)
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required
    assert not is_classifier(Seq2Seq())
    assert not is_regressor(Seq2Seq())


def test_clone_and_get_params(fitted: Seq2Seq) -> None:
    assert Seq2Seq().get_params()["model"] is None
    assert Seq2Seq("transformer").get_params()["model"] == "transformer"
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "model_")
    assert copied.set_params(model="seq2seq").model == "seq2seq"
    assert fitted.model == "attentive"


def test_settings_reach_the_recipe() -> None:
    listed = [f"{key}={'null' if value is None else value}" for key, value in QUICK.items()]
    characters = {"tokenizer": {"target": {"name": "characters"}}}
    recipe = (
        make_one_epoch_seq2seq(settings=characters, valid=0.2).fit(SOURCES, TARGETS).model_.recipe
    )
    assert (recipe.model_name, recipe.model.dim, recipe.training.epochs) == ("attentive", 16, 1)
    assert (recipe.tokenizer.source.name, recipe.tokenizer.target.name) == ("words", "characters")
    assert recipe.data.validation_split == 0.2
    others = [*listed, "training.epochs=1", "model.name=seq2seq"]
    recipe = make_seq2seq(model=None, settings=others).fit(SOURCES, TARGETS).model_.recipe
    assert (recipe.model_name, recipe.model.dim, recipe.training.epochs) == ("seq2seq", 16, 1)


def test_valid_data() -> None:
    valid = (SOURCES[:10], TARGETS[:10])
    model = make_one_epoch_seq2seq(valid=valid).fit(SOURCES[10:], TARGETS[10:])
    assert model.scores_.rows == 10
    assert model.model_.metrics["training"]["rows"] == 70
    with pytest.raises(ValueError, match="expected a share of the rows"):
        make_seq2seq(valid="dev.tsv").fit(SOURCES, TARGETS)


def test_pipeline_and_grid_search() -> None:
    strip = FunctionTransformer(lambda texts: [text.strip("!") for text in texts])
    pipeline = make_pipeline(strip, make_seq2seq())
    grid = {"seq2seq__settings": [{**QUICK, "training.epochs": epochs} for epochs in (1, 20)]}
    shouted = [f"{source}!" for source in SOURCES]
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(shouted, TARGETS)
    assert search.best_params_["seq2seq__settings"]["training.epochs"] == 20
    assert 50 < search.best_score_ <= 100
    assert search.score(shouted, TARGETS) > 80


def test_pickle_holds_files_of_the_folder(fitted: Seq2Seq) -> None:
    files = fitted.__getstate__()["model_"]
    assert {type(content) for content in files.values()} == {bytes}
    assert {"target_tokenizer.json", "target_vocabulary.json", "manifest.json"} <= set(files)
    dumped = pickle.dumps(fitted)
    assert b"torch" not in dumped.replace(files["metrics.json"], b"")
    back = pickle.loads(dumped)
    assert back.predict(SOURCES).tolist() == fitted.predict(SOURCES).tolist()
    assert back.scores_ == fitted.scores_
    assert pickle.loads(pickle.dumps(make_seq2seq())).get_params() == make_seq2seq().get_params()


def test_pickle_with_shared_vocabulary() -> None:
    model = make_one_epoch_seq2seq(settings={"tokenizer.shared_vocabulary": True}).fit(
        TARGETS, TARGETS
    )
    assert "target_vocabulary.json" not in model.__getstate__()["model_"]
    back = pickle.loads(pickle.dumps(model))
    assert back.predict(TARGETS).tolist() == model.predict(TARGETS).tolist()


def test_saved_folder_gives_same_answers(fitted: Seq2Seq, tmp_path: Path) -> None:
    folder = fitted.save(tmp_path / "model")
    loaded = munjang.load(folder)
    assert [answer.text for answer in loaded.predict(SOURCES)] == fitted.predict(SOURCES).tolist()
    with pytest.raises(MunjangError, match="finished model is here already"):
        fitted.save(folder)
    fitted.save(folder, overwrite=True)


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ("하나", ["one"], "string object received"),
        (SOURCES, "one", "targets: .*string object received"),
        (np.array([["a", "b"]]), ["one"], "1D array-like"),
        ([], [], "0 sample"),
        (["a", None], ["b", "c"], r"texts\[1\].*NoneType"),
        (["a", "b"], ["c", 1.5], r"targets: texts\[1\].*float"),
        (SOURCES, TARGETS[:-1], "inconsistent numbers of samples"),
        (SOURCES, None, "target y is None"),
        ([*SOURCES, ""], [*TARGETS, "one"], "row 81"),
        ([*SOURCES, "하나"], [*TARGETS, ""], "row 81"),
    ],
)
def test_invalid_input_is_refused(sources: Any, targets: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_seq2seq().fit(sources, targets)


def test_skipped_pairs_are_counted() -> None:
    model = make_one_epoch_seq2seq(settings={"data.skip_bad_rows": True}).fit(
        [*SOURCES, ""], [*TARGETS, "one"]
    )
    assert sum(model.model_.metrics["training"]["skipped"].values()) == 1


def test_model_name_in_settings() -> None:
    named = make_one_epoch_seq2seq(model=None, settings={"model.name": "seq2seq"}).fit(
        SOURCES, TARGETS
    )
    assert named.model_.recipe.model_name == "seq2seq"
    assert fit_default().model_.recipe.model_name == "transformer"


def fit_default() -> Seq2Seq:
    settings = {"training.epochs": 1, "model.dim": 8, "model.heads": 1, "training.threads": 1}
    return Seq2Seq(tokenizer="words", settings=settings, random_state=0).fit(SOURCES, TARGETS)


def test_invalid_settings_are_refused() -> None:
    with pytest.raises(MunjangError, match="did you mean 'epochs'"):
        make_seq2seq(settings={"training.epoch": 1}).fit(SOURCES, TARGETS)
    with pytest.raises(MunjangError, match="mapping or a list"):
        make_seq2seq(settings="training.epochs=1").fit(SOURCES, TARGETS)
    with pytest.raises(MunjangError, match="did you mean 'attentive'"):
        make_seq2seq(model="atentive").fit(SOURCES, TARGETS)
    for settings in ({"model.name": "seq2seq"}, ["model.name=seq2seq"]):
        with pytest.raises(MunjangError, match="give one of the two"):
            Seq2Seq("attentive", settings=settings).fit(SOURCES, TARGETS)


def test_predict_before_fit_raises_not_fitted_error(tmp_path: Path) -> None:
    for ask in (
        lambda: make_seq2seq().predict(["하나"]),
        lambda: make_seq2seq().predict_nbest(["하나"], 2),
        lambda: make_seq2seq().score(["하나"], ["one"]),
        lambda: make_seq2seq().save(tmp_path),
    ):
        with pytest.raises(NotFittedError):
            ask()


def test_verbose_prints_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    make_one_epoch_seq2seq().fit(SOURCES, TARGETS)
    assert capsys.readouterr() == ("", "")
    make_one_epoch_seq2seq(verbose=True).fit(SOURCES, TARGETS)
    assert "80 pairs" in capsys.readouterr().out
