"""Classifiers that begin from a language model: its tokens, its weights and its states."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from munjang.api import Trained, load, make_loop, train
from munjang.data.streams.encode import encode_prompt
from munjang.errors import ConfigError
from munjang.explain.attention import EOS_LABEL as EOS
from munjang.models.language.recurrent import RecurrentLanguageModel
from munjang.preparation import Prepared, prepare
from munjang.tasks.heads import find_encoders
from tests.synthetic import make_corpus

pytestmark = pytest.mark.usefixtures("one_thread")

RECURRENT = ["rnn", "lstm", "gru"]
QUICK = ["training.batch_size=8", "training.threads=1", "training.max_steps=4"]
SMALL = [*QUICK, "model.dim=6", "data.window=16", "model.ngram_buckets=64"]
TEXTS = [f"a {word} sight\nof {row}" for row in range(10) for word in ("good", "bad")]
LABELS = ["x", "y"] * 10
ODD = [*TEXTS, "", "\n", "\n\na ", "?"]


@pytest.fixture(scope="module")
def language_models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A language model of an architecture and settings; each trained once."""
    root = tmp_path_factory.mktemp("language")
    text = root / "text.txt"
    text.write_text("\n\n".join(make_corpus(60)[0]) + "\n", encoding="utf-8")
    made: dict[tuple[str, ...], Path] = {}

    def folder(*key: str) -> Path:
        if key not in made:
            made[key] = root / f"{key[0]}-{len(made)}"
            model, *more = key
            size = ["model.heads=1"] if model == "transformer" else ["model.hidden_dim=5"]
            overrides = [*SMALL, *size, *more]
            train(text, task="language", model=model, overrides=overrides, out=made[key])
        return made[key]

    return folder


def prepare_from(folder: Any, data: Any = (TEXTS, LABELS), **settings: Any) -> Prepared:
    return prepare(data, None, settings, lambda line: None, from_folder=folder)


def train_from(folder: Any, *overrides: str, **more: Any) -> Trained:
    return train((TEXTS, LABELS), from_folder=folder, overrides=[*QUICK, *overrides], **more)


@pytest.mark.parametrize("model", RECURRENT)
@pytest.mark.parametrize("more", [(), ("model.layers=2", "model.ngrams=3"), ("model.ngrams=1",)])
def test_encoder_has_the_weights_and_the_settings(
    model: str, more: tuple[str, ...], language_models: Any
) -> None:
    source = load(language_models(model, *more))
    prepared = prepare_from(language_models(model, *more))
    (encoder,) = find_encoders(make_loop(prepared).state.model)
    state = source.network.state_dict()
    shared = {n: t for n, t in encoder.state_dict().items() if not n.startswith(("bag", "pool"))}
    assert shared.keys() == {n for n in state if n.startswith(("embedding", "recurrent"))}
    for name, tensor in shared.items():
        assert torch.equal(tensor, state[name]), name
    config = prepared.recipe.model
    assert (config.name, config.directions) == (model, 1)
    assert (prepared.recipe.task, prepared.recipe.input) == ("classify", "text")


@pytest.mark.parametrize("model", RECURRENT)
@pytest.mark.parametrize("more", [(), ("model.layers=2", "model.ngrams=3")])
def test_states_are_those_of_the_language_model(
    model: str, more: tuple[str, ...], language_models: Any
) -> None:
    source = load(language_models(model, *more)).network.eval()
    assert isinstance(source, RecurrentLanguageModel)
    prepared = prepare_from(language_models(model, *more))
    (encoder,) = find_encoders(make_loop(prepared).state.model.eval())
    rows = [torch.from_numpy(encode_prompt(prepared.input.tokenizer, text)).long() for text in ODD]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence(
        [torch.ones_like(row, dtype=torch.bool) for row in rows], batch_first=True
    )
    with torch.no_grad():
        states = encoder.states(ids, mask)
        for row, own in zip(rows, states, strict=True):
            state = source.begin(1)
            vectors = source.token_vectors(row[None], state.previous[:, 0])
            expected, _ = source.recurrent(vectors, state.hidden[:, 0])
            torch.testing.assert_close(own[: len(row)], expected[0])
            # the way of a single text
            alone = encoder(row[None], torch.ones(1, len(row), dtype=torch.bool)).states
            torch.testing.assert_close(alone, expected)


@pytest.mark.parametrize("tokenizer", ["characters", "words", "bytes"])
def test_texts_have_the_ids_of_prompts(tokenizer: str, language_models: Any) -> None:
    folder = language_models("rnn", f"tokenizer.name={tokenizer}")
    prepared = prepare_from(folder)
    prompts: Any = load(folder).input.encode_values(ODD)
    expected = [ids.tolist() for ids in prompts.rows]
    for encoded in (
        prepared.input.encode_values(ODD),
        prepared.input.encode_values(pl.Series(ODD * 20)),
    ):
        batches = encoded.dataset().in_order_of_length()
        ids = {
            int(row): ids[:length].tolist()
            for batch in batches
            for row, ids, length in zip(batch.rows, batch.ids, batch.lengths, strict=True)
        }
        assert [ids[row] for row in range(len(ODD))] == expected


def test_matched_missing_and_left_over_weights_are_told(language_models: Any) -> None:
    prepared = prepare_from(language_models("lstm"), model={"bag_dim": 4})
    assert prepared.pretrained is not None
    facts = prepared.pretrained.facts(prepared.encoded)["pretrained"]
    assert (facts["task"], facts["model"], facts["matched"]) == ("language", "lstm", 5)
    missing = {name for name in facts["missing"] if not name.startswith("encoder.bag.")}
    assert missing == {"head.weight", "head.bias"}
    assert facts["left_over"] == ["adapter.bias", "adapter.weight", "bias"]


@pytest.mark.parametrize("more", [(), ("tokenizer.name=words",)])
def test_classifier_predicts_after_it_was_saved(
    more: tuple[str, ...], language_models: Any, tmp_path: Path
) -> None:
    source = language_models("lstm", *more)
    trained = train_from(source, out=tmp_path / "model")
    loaded = load(tmp_path / "model")
    text = "a good sight\n"
    answer = loaded.predict(text)[0]
    assert answer.label in ("x", "y")
    assert answer == trained.model.predict(text)[0]
    vocabulary = (source / "vocabulary.json").read_bytes()
    assert (tmp_path / "model" / "vocabulary.json").read_bytes() == vocabulary


@pytest.mark.parametrize(
    ("task", "labels"),
    [("regress", [float(i) for i in range(20)]), ("multilabel", [["x"], ["x", "y"]] * 10)],
)
def test_other_tasks_on_texts_begin_from_it(task: str, labels: Any, language_models: Any) -> None:
    prepared = prepare_from(language_models("gru"), (TEXTS, labels), task=task)
    assert prepared.recipe.task == task
    assert prepared.pretrained is not None
    assert prepared.pretrained.facts(prepared.encoded)["pretrained"]["matched"] == 5


def test_frozen_layers_stay_the_same_bits(language_models: Any) -> None:
    trained = train_from(language_models("lstm"), "pretrained.frozen_layers=1")
    source, (encoder,) = load(language_models("lstm")).network, find_encoders(trained.model.network)
    assert torch.equal(encoder.embedding.weight, source.embedding.weight)
    for name, tensor in source.recurrent.state_dict().items():
        assert torch.equal(encoder.recurrent.state_dict()[name], tensor)


def test_attention_names_line_breaks(language_models: Any) -> None:
    trained = train_from(language_models("lstm"), "model.pooling=attention")
    assert trained.model.attention("a\n\nb").source == (EOS, "a", EOS, EOS, "b")


@pytest.mark.parametrize("model", [*RECURRENT, "transformer"])
def test_language_model_goes_on_on_another_text(
    model: str, language_models: Any, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a good sight\n\n" * 60, encoding="utf-8")
    prepared = prepare_from(language_models(model), other, task="language")
    network, source = make_loop(prepared).state.model, load(language_models(model)).network
    for name, tensor in source.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name]), name
    assert prepared.pretrained is not None
    facts = prepared.pretrained.facts(prepared.encoded)["pretrained"]
    assert (facts["missing"], facts["left_over"]) == ([], [])


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "directions": ("lstm", {"model": {"directions": 2}}, "has 1 and 2 is asked for"),
    "width": ("lstm", {"model": {"hidden_dim": 9}}, "has 5 and 9 is asked for"),
    "marks": (
        "lstm",
        {"tokenizer": {"add_go_eos": True}},
        "set add_go_eos or line_breaks to false",
    ),
    "another name": ("lstm", {"model": {"name": "gru"}}, "model.name"),
    "an encoder": ("lstm", {"model": {"name": "cnn"}}, "model.name"),
    "causal": ("transformer", {}, "only to those before them"),
    "causal, what else": ("transformer", {}, "begin from lstm, gru or rnn"),
    "two texts": ("lstm", {"input": "two_texts"}, "only --input text can begin from it"),
    "masked": ("lstm", {"task": "masked_lm"}, "only --input text can begin from it"),
    "images": ("lstm", {"task": "images"}, "the input image cannot begin from it"),
    "freezing": ("lstm", {"pretrained": {"frozen_layers": 2}}, "has 1 layer above its embedding"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str, language_models: Any) -> None:
    model, settings, expected = REFUSED[case]
    with pytest.raises(ConfigError) as error:
        prepare_from(language_models(model), **settings)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_second_direction_is_random_if_partial_weights_are_allowed(language_models: Any) -> None:
    prepared = prepare_from(
        language_models("lstm"),
        model={"directions": 2},
        pretrained={"allow_partial": True},
    )
    (encoder,) = find_encoders(make_loop(prepared).state.model)
    source = load(language_models("lstm")).network
    ahead, own = encoder.recurrent.forwards[0], source.recurrent.forwards[0]
    assert torch.equal(ahead.weight_hh_l0, own.weight_hh_l0)
    assert prepared.pretrained is not None
    facts = prepared.pretrained.facts(prepared.encoded)["pretrained"]
    assert any("backwards" in name for name in facts["missing"])
