"""Rows that join and leave between steps have the answers that they have alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.decoding.constraints import max_steps
from munjang.decoding.continuous import ContinuousBatch
from munjang.decoding.decode import decode
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.errors import MunjangError
from munjang.text.vocabulary import EOS
from tests.unit.decoding.language_model import PROMPTS, TinyLanguageModel
from tests.unit.decoding.small_models import TableModel, TinyRecurrent, pad_rows
from tests.unit.decoding.test_beam import SOURCES

pytestmark = pytest.mark.usefixtures("one_thread")

METHODS: list[dict[str, Any]] = [
    {"method": "greedy"},
    {"method": "greedy", "no_repeat_ngram_size": 2, "min_length": 3},
    {"method": "sample"},
    {"method": "sample", "nbest": 3, "temperature": 0.8, "top_p": 0.9, "no_repeat_ngram_size": 1},
]
every_method = pytest.mark.parametrize("method", METHODS, ids=str)
# state, limits and first ids of some rows
Request = tuple[Any, torch.Tensor, torch.Tensor | None]


def source_requests(model: Any, options: DecodingSettings) -> Callable[[list[int]], Request]:
    def request(rows: list[int]) -> Request:
        source, mask = pad_rows([SOURCES[row] for row in rows])
        return model.begin(source, mask), max_steps(mask.sum(1), options), None

    return request


def prompt_requests(
    model: TinyLanguageModel, options: DecodingSettings
) -> Callable[[list[int]], Request]:
    def request(rows: list[int]) -> Request:
        prompts = [PROMPTS[row] for row in rows]
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        last = torch.tensor([prompt[-1] for prompt in prompts])
        return model.prompted(prompts), max_steps(lengths, options), last

    return request


def make_model_and_request(
    kind: str, options: DecodingSettings
) -> tuple[Any, Callable[[list[int]], Request]]:
    """A model, and what makes the first state of some of its six rows."""
    if kind == "language":
        language = TinyLanguageModel(14, 3)
        return language, prompt_requests(language, options)
    model = TableModel(14, 3) if kind == "table" else TinyRecurrent(14, 3)
    return model, source_requests(model, options)


def make_options(method: dict[str, Any]) -> DecodingSettings:
    return DecodingSettings.parse(
        {**method, "max_length": 9, "max_length_ratio": 1.0, "extra_steps": 3}, where="decoding"
    )


def assert_same_hypotheses(actual: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [(h.ids, h.finished) for h in actual] == [(h.ids, h.finished) for h in expected]
    assert [h.score for h in actual] == pytest.approx([h.score for h in expected], abs=1e-4)
    for one, other in zip(actual, expected, strict=True):
        assert (one.attention is None) == (other.attention is None)
        if one.attention is not None and other.attention is not None:
            torch.testing.assert_close(one.attention, other.attention)


@every_method
@pytest.mark.parametrize("kind", ["table", "recurrent", "language"])
@settings(max_examples=12)
@given(
    joins=st.lists(st.integers(0, 8), min_size=6, max_size=6),
    groups=st.lists(st.integers(1, 3), min_size=6, max_size=6),
    seed=st.integers(0, 99),
)
def test_joined_rows_have_same_answers_as_single_rows(
    method: dict[str, Any], kind: str, joins: list[int], groups: list[int], seed: int
) -> None:
    """Groups of rows join, each after so many steps of the batch."""
    options = make_options(method)
    model, request = make_model_and_request(kind, options)
    waiting, first = [], 0
    for size, step in zip(groups, joins, strict=True):
        rows = list(range(first, min(6, first + size)))
        first += size
        if rows:
            waiting.append((step, rows))
    batch = ContinuousBatch(model.step, options, seed=seed, with_attention=True)
    row_of, finished, steps = {}, {}, 0
    while waiting or len(batch):
        for group in [group for group in waiting if group[0] <= steps]:
            waiting.remove(group)
            state, limits, first_ids = request(group[1])
            numbers = [row + 10 for row in group[1]]
            keys = batch.join(state, limits, first_ids=first_ids, rows=numbers)
            row_of.update(zip(keys, group[1], strict=True))
        if len(batch):
            for key, hypotheses in batch.step().finished.items():
                finished[row_of[key]] = hypotheses
        steps += 1
    assert sorted(finished) == list(range(6))
    for row, hypotheses in finished.items():
        state, limits, first_ids = request([row])
        [alone] = decode(
            model.step, state, limits, options, first_ids=first_ids, seed=seed, rows=[row + 10],
            with_attention=True,
        )  # fmt: skip
        assert_same_hypotheses(hypotheses, alone)


@every_method
def test_tokens_are_streamed_as_generated(method: dict[str, Any]) -> None:
    """Token after token they are the answers, which come when a row leaves."""
    options = make_options(method)
    model, request = make_model_and_request("language", options)
    batch = ContinuousBatch(model.step, options)
    state, limits, first_ids = request([0, 1, 2])
    assert batch.join(state, limits, first_ids=first_ids) == range(3)
    streamed: dict[int, list[list[int]]] = {key: [] for key in batch.keys}
    for step in batch:
        for key, ids in step.ids_by_key().items():
            assert len(ids) == options.nbest
            streamed[key].append(ids)
        for key, hypotheses in step.finished.items():
            columns = zip(*streamed[key], strict=True)
            texts = [tuple(i for i in column if i != EOS) for column in columns]
            assert sorted(texts) == sorted(h.ids for h in hypotheses)
            assert key not in batch.keys
    assert len(batch) == 0


@every_method
def test_cancelled_row_leaves_without_changing_others(method: dict[str, Any]) -> None:
    options = make_options(method)
    for kind in ("table", "language"):
        model, request = make_model_and_request(kind, options)
        state, limits, first_ids = request([0, 2, 5])
        expected = decode(model.step, state, limits, options, first_ids=first_ids)
        batch = ContinuousBatch(model.step, options)
        batch.join(state, limits, first_ids=first_ids)
        finished = dict(batch.step().finished)
        batch.cancel([1, 77])
        assert 1 not in batch.keys
        for step in batch:
            finished.update(step.finished)
        for key in (0, 2):
            assert_same_hypotheses(finished[key], expected[key])
        batch.cancel([0])
        assert batch.keys == []


def test_empty_batch_continues_with_new_keys() -> None:
    options = make_options({"method": "greedy"})
    model, request = make_model_and_request("recurrent", options)
    batch = ContinuousBatch(model.step, options)
    for expected_keys in (range(2), range(2, 4)):
        state, limits, _ = request([3, 1])
        assert batch.join(state, limits) == expected_keys
        finished = {key: best for step in batch for key, best in step.finished.items()}
        assert sorted(finished) == list(expected_keys)
    state, limits, _ = request([3, 1])
    assert batch.join(state.keep(torch.tensor([0])), limits[:0]) == range(4, 4)


@pytest.mark.parametrize(
    "method",
    [
        {"method": "greedy"},
        {"method": "sample"},
        {"method": "sample", "temperature": 0.7, "top_k": 3},
        {"method": "sample", "top_p": 0.8, "allow_unknown": True},
    ],
    ids=str,
)
def test_a_lone_hypothesis_takes_the_steps_of_the_batch(
    method: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, joined after three steps, and alone again once the other row is cancelled."""
    options = make_options(method)
    model, request = make_model_and_request("language", options)

    def answers() -> list[Any]:
        found: list[Any] = []
        for row in range(6):
            batch = ContinuousBatch(model.step, options, seed=row)
            state, limits, first_ids = request([row])
            [key] = batch.join(state, limits, first_ids=first_ids)
            while len(batch):
                if len(found) % 5 == 3:
                    state, limits, first_ids = request([5 - row])
                    batch.join(state, limits, first_ids=first_ids)
                step = batch.step()
                if len(found) % 5 == 4:
                    batch.cancel([each for each in batch.keys if each != key])
                found.append((step.ids_by_key(), step.finished.get(key)))
        return found

    found = answers()
    monkeypatch.setattr("munjang.decoding.continuous.can_be_alone", lambda *_: False)
    expected = answers()
    assert [ids for ids, _ in found] == [ids for ids, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert_same_hypotheses(one, other)


@pytest.mark.parametrize("rows", [1, 2])
def test_broken_logits_are_refused_and_name_the_step(rows: int) -> None:
    model = TinyLanguageModel(14, 0)
    options = make_options({"method": "sample", "min_length": 0})
    taken = []

    def step(state: Any, ids: torch.Tensor) -> Any:
        output = model.step(state, ids)
        taken.append(ids)
        output.logits[..., EOS] = -torch.inf  # no row ends
        if len(taken) == 2:
            output.logits[-1, 0, 7] = torch.inf
        return output

    batch = ContinuousBatch(step, options)
    batch.join(model.nothing(rows), torch.full((rows,), 9))
    batch.step()
    with pytest.raises(MunjangError, match="at step 2 of decoding"):
        batch.step()


def test_long_running_batch_drops_unused_states() -> None:
    """Ever new rows join; the cache stays as wide as the oldest row."""
    options = DecodingSettings(method="greedy", min_length=5)
    model = TinyLanguageModel(14, 0)
    widths = []

    def step(state: Any, ids: torch.Tensor) -> Any:
        widths.append(state.cache.width)
        return model.step(state, ids)

    batch = ContinuousBatch(step, options)
    for _ in range(40):
        batch.join(model.nothing(1), torch.tensor([5]))
        batch.step()
    assert len(batch) == 4
    assert max(widths) == 4


def test_unsupported_methods_and_empty_steps_are_refused() -> None:
    model = TinyLanguageModel(14, 0)
    with pytest.raises(ValueError, match="got beam search with beam 5"):
        ContinuousBatch(model.step, DecodingSettings())
    batch = ContinuousBatch(model.step, DecodingSettings(beam=1))
    with pytest.raises(ValueError, match="no row is active"):
        batch.step()
