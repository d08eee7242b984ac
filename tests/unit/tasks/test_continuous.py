"""Texts that are written together: each the same as alone, and as `generate` or `predict` says."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import munjang
from munjang.errors import ConfigError, DataError
from munjang.model import Model
from munjang.tasks.continuous import ContinuousTexts
from tests.system.servers import (
    SENTENCES,
    train_classifier,
    train_language_model,
    train_translator,
)

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPTS = ["가나", "", "아자차카 ", "가나다 라\n", "모르는 글자 쀍", "\u1112\u1161\u11ab"]


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return munjang.load(train_language_model(tmp_path_factory.mktemp("language") / "m"))


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return munjang.load(train_translator(tmp_path_factory.mktemp("translator") / "m"))


def write(model: Model, wanted: dict[str, tuple[int, int]], joins: list[int]) -> dict[str, str]:
    """Return texts that join one after the other, after so many steps each."""
    texts = ContinuousTexts(model)
    keys: dict[int, str] = {}
    written = dict.fromkeys(wanted, "")
    waiting = list(zip(wanted.items(), joins, strict=True))
    while waiting or len(texts):
        if waiting and (waiting[0][1] <= 0 or not len(texts)):
            (value, (length, seed)), _ = waiting.pop(0)
            keys[texts.join(value, length=length, seed=seed)] = value
            continue
        waiting = [(each, steps - 1) for each, steps in waiting]
        for key, part in texts.step().items():
            written[keys[key]] += part.text
    return written


@settings(max_examples=15)
@given(st.lists(st.integers(0, 5), min_size=6, max_size=6), st.integers(1, 40))
def test_language_models_write_what_generate_writes(
    language: Model, joins: list[int], length: int
) -> None:
    wanted = {prompt: (length, number) for number, prompt in enumerate(PROMPTS)}
    written = write(language, wanted, joins)
    for prompt, (_, seed) in wanted.items():
        whole = "".join(language.generate(prompt, length=length, seed=seed))
        assert whole.endswith(written[prompt])
        added = whole[len(whole) - len(written[prompt]) :]
        assert added == written[prompt]


def test_translations_are_greedy_answers(translator: Model) -> None:
    greedy = translator.with_decoding({"method": "greedy", "beam": 1})
    sources = [*SENTENCES, "", "unknown words here", "the small red dog runs to the house"]
    answers = {source: greedy.predict([source])[0].text for source in sources}
    written = write(translator, dict.fromkeys(sources, (200, 0)), [0, 1, 2, 0, 3, 0, 1, 2])
    assert written == answers


@pytest.mark.parametrize("prompt", [["가나"], None, 3, b"x"])
def test_prompts_that_are_no_strings_are_refused(language: Model, prompt: Any) -> None:
    with pytest.raises(DataError, match="prompt: expected a string, got"):
        language.generate(prompt)


def test_reasons_to_finish(language: Model) -> None:
    texts = ContinuousTexts(language)
    texts.join("가나", length=3)
    parts = [texts.step()[0] for _ in range(3)]
    assert [part.finish_reason for part in parts] == [None, None, "length"]
    key = texts.join("가나", length=500, stop=["\n"])
    reason, text = None, ""
    while reason is None:
        part = texts.step()[key]
        reason, text = part.finish_reason, text + part.text
    assert reason == "stop"
    assert "\n" not in text
    assert len(texts) == 0


def test_cancelled_text_leaves_the_others_as_they_are(language: Model) -> None:
    texts = ContinuousTexts(language)
    keys = [texts.join(prompt, length=12, seed=5) for prompt in ("가나", "아자", "타파")]
    texts.step()
    texts.cancel([keys[1], 99])
    assert set(texts.step()) == {keys[0], keys[2]}


def test_text_that_is_cancelled_before_its_first_step_is_never_read(language: Model) -> None:
    texts = ContinuousTexts(language)
    keys = [texts.join(prompt, length=12, seed=5) for prompt in ("가나", "아자", "타파")]
    texts.cancel([keys[0]])
    assert len(texts) == 2
    assert set(texts.step()) == set(keys[1:])
    texts.cancel(keys)
    assert len(texts) == 0


def test_models_without_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="writes no text"):
        ContinuousTexts(munjang.load(train_classifier(tmp_path / "m")))
