"""All methods: batches do not show, limits hold, attention belongs to its tokens, clear errors."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from munjang.decoding.decode import decode_sources
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, MunjangError
from munjang.models.decoder import StepOutput
from munjang.text.vocabulary import EOS, GO, OOV, PAD
from tests.unit.decoding import reference
from tests.unit.decoding.small_models import PrefixState, TableModel, TinyRecurrent, pad_rows
from tests.unit.decoding.test_beam import SOURCES, assert_same_answers

pytestmark = pytest.mark.usefixtures("one_thread")

METHODS = [
    {"method": "beam", "beam": 4, "nbest": 3},
    {"method": "beam", "beam": 4, "nbest": 3, "early_stopping": True},
    {"method": "greedy"},
    {"method": "sample", "nbest": 3, "temperature": 0.8, "top_k": 9, "top_p": 0.9},
]


@pytest.fixture(params=METHODS, ids=lambda method: "-".join(map(str, method.values())))
def method(request: Any) -> dict[str, Any]:
    options: dict[str, Any] = request.param
    return options


@settings(max_examples=60)
@given(
    vocabulary=st.integers(4, 20),
    ending=st.sampled_from([-2.0, 0.0, 1.0]),
    tied=st.booleans(),
    ngram=st.integers(0, 2),
    shortest=st.integers(0, 3),
    coverage=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 999),
)
def test_greedy_and_beam_of_one_equal_reference(
    vocabulary: int,
    ending: float,
    tied: bool,
    ngram: int,
    shortest: int,
    coverage: float,
    seed: int,
) -> None:
    model = TableModel(vocabulary, seed, ending=ending, tied=tied)
    for method in ({"method": "greedy"}, {"beam": 1}):
        options = DecodingSettings(
            **method,
            no_repeat_ngram_size=ngram,
            min_length=shortest,
            max_length=9,
            extra_steps=3,
            max_length_ratio=1.5,
            coverage_penalty=coverage,
        )
        result = decode_sources(model, *pad_rows(SOURCES), options)
        for source, hypotheses in zip(SOURCES, result, strict=True):
            assert_same_answers(hypotheses, [reference.greedy(model, source, options)])


def to_ids(result: list[list[Hypothesis]]) -> list[list[tuple[int, ...]]]:
    return [[h.ids for h in hypotheses] for hypotheses in result]


@pytest.mark.parametrize("kind", [TableModel, TinyRecurrent])
@pytest.mark.parametrize("seed", range(3))
def test_answers_do_not_depend_on_batch(kind: Any, seed: int, method: dict[str, Any]) -> None:
    """Alone, in a batch, in another order, beside more padding."""
    model = kind(30, seed)
    options = DecodingSettings(**method, max_length=12)
    numbers = [40, 3, 17, 8, 99, 5]
    batched = decode_sources(model, *pad_rows(SOURCES), options, rows=numbers, seed=seed)
    order = [3, 0, 5, 4, 2, 1]
    shuffled = decode_sources(
        model,
        *pad_rows([SOURCES[i] for i in order], 4),
        options,
        rows=[numbers[i] for i in order],
        seed=seed,
    )
    for index, source in enumerate(SOURCES):
        [single] = decode_sources(
            model, *pad_rows([source]), options, rows=[numbers[index]], seed=seed
        )
        for other in (batched[index], shuffled[order.index(index)]):
            assert [h.ids for h in other] == [h.ids for h in single]
            assert [h.score for h in other] == pytest.approx([h.score for h in single], rel=1e-4)


def test_log_probability_is_sum_over_tokens(method: dict[str, Any]) -> None:
    """Read once more from the beginning, by a model with a real state."""
    model = TinyRecurrent(25, 1).requires_grad_(False)
    options = DecodingSettings(**method, max_length=15)
    source, mask = pad_rows(SOURCES)
    actual = decode_sources(model, source, mask, options)
    for index, hypotheses in enumerate(actual):
        for hypothesis in hypotheses:
            generated = [*hypothesis.ids, *([EOS] if hypothesis.finished else [])]
            state = model.begin(source[index : index + 1], mask[index : index + 1])
            total = 0.0
            for before, token in zip([GO, *generated], generated, strict=False):
                stepped = model.step(state, torch.tensor([[before]]))
                total += float(stepped.logits.log_softmax(-1)[0, 0, token])
                state = stepped.state
            assert hypothesis.log_probability == pytest.approx(total, rel=1e-4)
            expected = total / ((5 + len(generated)) / 6) ** options.length_penalty
            assert hypothesis.score == pytest.approx(expected, rel=1e-4)


@settings(max_examples=25)
@given(
    index=st.integers(0, len(METHODS) - 1),
    longest=st.integers(1, 20),
    ratio=st.sampled_from([0.0, 0.4, 1.0, 2.5]),
    extra=st.integers(1, 5),
)
def test_length_limits_end_decoding(index: int, longest: int, ratio: float, extra: int) -> None:
    model = TableModel(12, ending=-1000.0)
    options = DecodingSettings(
        **METHODS[index], max_length=longest, max_length_ratio=ratio, extra_steps=extra
    )
    result = decode_sources(model, *pad_rows(SOURCES), options)
    for source, hypotheses in zip(SOURCES, result, strict=True):
        limit = min(longest, int(ratio * len(source)) + extra)
        assert {len(h.ids) for h in hypotheses} == {limit}
        assert not any(h.finished for h in hypotheses)
    assert len(model.steps) == max(reference.max_length_of(source, options) for source in SOURCES)


def test_reserved_tokens_are_never_generated(method: dict[str, Any]) -> None:
    class Tempted(TableModel):
        def _logits(self, source: tuple[int, ...], prefix: tuple[int, ...]) -> Tensor:
            logits = super()._logits(source, prefix)
            logits[[PAD, OOV, GO]] += 8.0
            return logits

    for unknown in (False, True):
        options = DecodingSettings(**method, max_length=8, allow_unknown=unknown)
        result = to_ids(decode_sources(Tempted(9), *pad_rows(SOURCES), options))
        generated = {i for hypotheses in result for ids in hypotheses for i in ids}
        assert not generated & {PAD, GO, EOS}
        assert (OOV in generated) == unknown


def test_no_repeat_ngram_size_and_min_length(method: dict[str, Any]) -> None:
    for n in (1, 2, 3):
        options = DecodingSettings(**method, no_repeat_ngram_size=n, min_length=3, max_length=14)
        for seed in range(5):
            for hypotheses in to_ids(
                decode_sources(TableModel(9, seed), *pad_rows(SOURCES), options)
            ):
                for ids in hypotheses:
                    runs = [ids[i : i + n] for i in range(len(ids) - n + 1)]
                    assert len(runs) == len(set(runs))
                    assert len(ids) >= 3


@pytest.mark.parametrize("coverage", [0.0, 0.2])
def test_attention_has_one_row_per_token(method: dict[str, Any], coverage: float) -> None:
    """Through parents that changed and rows that left; as long as the source alone."""
    options = DecodingSettings(**method, max_length=9, coverage_penalty=coverage)
    for seed in range(5):
        model = TableModel(14, seed)
        result = decode_sources(model, *pad_rows(SOURCES, 3), options, with_attention=True)
        for source, hypotheses in zip(SOURCES, result, strict=True):
            for h in hypotheses:
                assert h.attention is not None
                assert h.attention.shape == (len(h.ids), len(source))
                for index, row in enumerate(h.attention):
                    assert torch.equal(row, model.attention(source, h.ids[:index]))


def test_attention_is_returned_only_if_requested_and_available(
    method: dict[str, Any],
) -> None:
    for attends, with_attention, coverage in (
        (True, False, 0.2),
        (True, False, 0.0),
        (False, True, 0.0),
    ):
        options = DecodingSettings(**method, max_length=6, coverage_penalty=coverage)
        model = TableModel(9, attends=attends)
        result = decode_sources(model, *pad_rows(SOURCES), options, with_attention=with_attention)
        assert all(h.attention is None for hypotheses in result for h in hypotheses)


def test_coverage_penalty_without_attention_is_refused(method: dict[str, Any]) -> None:
    options = DecodingSettings(**method, coverage_penalty=0.2)
    with pytest.raises(ConfigError, match=r"coverage_penalty is 0\.2, but this model attends"):
        decode_sources(TableModel(9, attends=False), *pad_rows(SOURCES), options)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_non_finite_logits_are_refused(method: dict[str, Any], broken: float) -> None:
    class Broken(TableModel):
        def step(self, state: PrefixState, ids: Tensor) -> StepOutput:
            stepped = super().step(state, ids)
            if len(self.steps) == 2:
                stepped.logits[-1, -1, 5] = broken
            return stepped

    with pytest.raises(MunjangError, match="NaN or infinity at step 2 of decoding"):
        decode_sources(Broken(9, ending=-9.0), *pad_rows(SOURCES), DecodingSettings(**method))


def test_no_sources_and_empty_sources(method: dict[str, Any]) -> None:
    options = DecodingSettings(**method, extra_steps=4)
    none = torch.zeros(0, 3, dtype=torch.int64)
    assert decode_sources(TableModel(9), none, none.bool(), options) == []
    empty = torch.zeros(2, 3, dtype=torch.int64)
    result = decode_sources(
        TableModel(9, ending=-50.0), empty, empty.bool(), options, with_attention=True
    )
    assert [len(hypotheses[0].ids) for hypotheses in result] == [4, 4]


def test_decoding_does_not_modify_logits(method: dict[str, Any]) -> None:
    class Constant(TableModel):
        def step(self, state: PrefixState, ids: Tensor) -> StepOutput:
            stepped = super().step(state, ids)
            return StepOutput(weights.expand(*ids.shape, -1), stepped.state)

    weights = torch.randn(9)
    before = weights.clone()
    decode_sources(
        Constant(9), *pad_rows(SOURCES), DecodingSettings(**method, max_length=5, min_length=2)
    )
    assert torch.equal(weights, before)


def test_decoding_computes_no_gradients() -> None:
    model = TinyRecurrent(10, 0)
    seen = []
    model.out.register_forward_hook(lambda _m, _i, out: seen.append(out.requires_grad))
    decode_sources(model, *pad_rows(SOURCES), DecodingSettings(max_length=3))
    assert seen
    assert not any(seen)
