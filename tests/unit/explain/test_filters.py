"""Filters of a cnn: slots sum to the pre-activation, parts to the margin, and nothing is lost."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from munjang.api import train
from munjang.errors import ConfigError, MunjangError
from munjang.explain.filter_bank import open_filters
from munjang.explain.filters import compute_filters
from munjang.explain.text_filters import compute_text_filters
from munjang.explain.token_rows import encode_rows, read_rows
from munjang.model import Model
from tests.synthetic import pad_rows
from tests.unit.explain.models import LABELS, TEXTS, small_model
from tests.unit.explain.networks import VOCABULARY, make_network
from tests.unit.text.strategies import hostile_text

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = ("model.filters=5", "model.kernel_sizes=[2,3]", "training.epochs=6",
            "training.learning_rate=0.02")  # fmt: skip


def cnn(*overrides: str) -> Model:
    return small_model("cnn", *SETTINGS, *overrides)


def slow_pre_activations(model: Model, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Values [places, filters] and slots [places, filters, widest] by plain loops."""
    bank = open_filters(model.network)
    row = torch.tensor([ids])
    with torch.no_grad():
        vectors = bank.embed(row, torch.ones_like(row, dtype=torch.bool))[0].double().numpy()
    values, slots, first = np.zeros((len(ids), 10)), np.zeros((len(ids), 10, 3)), 0
    for convolution in bank.convolutions:
        weight = convolution.weight.detach().double().numpy()
        for number in range(5):
            for place in range(len(ids)):
                for slot in range(convolution.width):
                    token = place + slot - convolution.left
                    if 0 <= token < len(ids):
                        part = float(vectors[token] @ weight[slot, :, number])
                        slots[place, first + number, slot] = part
                own = slots[place, first + number].sum() + float(convolution.bias[number].detach())
                values[place, first + number] = own
        first += 5
    return values, slots


rows_of_ids = st.lists(
    st.lists(st.integers(4, VOCABULARY - 1), min_size=1, max_size=7), min_size=1, max_size=4
)


@settings(max_examples=10)
@given(rows=rows_of_ids, extra=st.integers(0, 3), filler=st.integers(0, VOCABULARY - 1))
def test_slots_sum_to_pre_activations_whatever_the_padding(
    rows: list[list[int]], extra: int, filler: int
) -> None:
    bank = open_filters(make_network("cnn"))
    ids, mask = pad_rows(rows, extra=extra, filler=filler)
    with torch.no_grad():
        vectors = bank.embed(ids, mask)
        values = bank.pre_activations(vectors)
        sums = [bank.slots(c, vectors).sum(-1) + c.bias for c in bank.convolutions]
        torch.testing.assert_close(torch.cat(sums, dim=-1), values, atol=1e-5, rtol=1e-5)
        for number, row in enumerate(rows):
            single = bank.pre_activations(bank.embed(*pad_rows([row])))[0]
            torch.testing.assert_close(values[number, : len(row)], single, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("overrides", [(), ("model.pooling=max+mean", "model.activation=tanh")])
def test_parts_of_filters_sum_to_the_margin(overrides: tuple[str, ...]) -> None:
    model = cnn(*overrides)
    for text in TEXTS[:8]:
        filters = compute_text_filters(model, text)
        logits = sorted(model.logits(text)[0].tolist())
        assert filters.margin == pytest.approx(logits[-1] - logits[-2], abs=1e-4)
        assert filters.answer == model.predict(text)[0].label
        parts = sum(one.contribution for one in filters.maxima)
        assert parts + filters.rest == pytest.approx(filters.margin, abs=1e-4)
        values, slots = slow_pre_activations(model, list(filters.tokens.ids))
        assert {one.number for one in filters.maxima} == set(range(10))
        for one in filters.maxima:
            assert one.value == pytest.approx(values[:, one.number].max(), abs=1e-4)
            place = one.place + (len(one.tokens) - 1) // 2
            own = slots[place, one.number, : len(one.tokens)]
            assert one.slots == pytest.approx(own.tolist(), abs=1e-4)


def test_binary_margin_speaks_for_the_answer() -> None:
    texts = [t for t, label in zip(TEXTS, LABELS, strict=True) if label != "so-so"]
    labels = [label for label in LABELS if label != "so-so"]
    quick = ["model.dim=8", "model.filters=4", "training.epochs=1", "training.threads=1"]
    model = train((texts, labels), model="cnn", tokenizer="words", overrides=quick).model
    answers = set()
    for text in texts[:20]:
        filters = compute_text_filters(model, text)
        answers.add(filters.answer)
        assert filters.answer == model.predict(text)[0].label
        assert {filters.answer, filters.against} == {"bad", "good"}
        assert filters.margin == pytest.approx(abs(float(model.logits(text))), abs=1e-4)


def test_ngrams_are_the_maxima_of_a_slow_search() -> None:
    model = cnn()
    rows = read_rows(model, (TEXTS, LABELS))
    result = compute_filters(model, rows, ngrams=3)
    chosen = encode_rows(model, rows, most=1000)
    found: list[dict[tuple[str, ...], float]] = [{} for _ in range(10)]
    counts: list[dict[tuple[str, ...], int]] = [{} for _ in range(10)]
    highest: list[list[float]] = [[] for _ in range(10)]
    for number in range(len(chosen)):
        ids = chosen.row(number).tolist()
        values, _ = slow_pre_activations(model, ids)
        for filter_ in range(10):
            width, place = (2, 3)[filter_ // 5], int(values[:, filter_].argmax())
            window = range(place - (width - 1) // 2, place - (width - 1) // 2 + width)
            tokens = tuple(chosen.token(ids[n]) if 0 <= n < len(ids) else "·" for n in window)
            value = values[place, filter_]
            highest[filter_].append(value)
            found[filter_][tokens] = max(value, found[filter_].get(tokens, -np.inf))
            counts[filter_][tokens] = counts[filter_].get(tokens, 0) + 1
    for one in result.filters:
        expected = sorted(found[one.number].items(), key=lambda item: -item[1])[:3]
        assert [n.value for n in one.ngrams] == pytest.approx([v for _, v in expected], abs=1e-4)
        for ngram in one.ngrams:
            assert ngram.texts == counts[one.number][ngram.tokens]
            assert sum(ngram.slots) + one.bias == pytest.approx(ngram.value, abs=1e-4)
        if one.threshold is not None:
            reached = np.mean(np.asarray(highest[one.number]) >= one.threshold)
            assert one.share == pytest.approx(reached)


def test_thresholds_keep_the_class_of_a_filter_and_negatives_miss_them_by_one_token() -> None:
    model = cnn()
    rows = read_rows(model, (TEXTS, LABELS))
    result = compute_filters(model, rows)
    answers = [answer.label for answer in model.predict(TEXTS)]
    seen = 0
    for one in result.filters:
        if one.threshold is None:
            assert one.share == 0
            assert not one.negatives
            continue
        base = answers.count(one.label) / len(answers)
        maxima = [slow_pre_activations(model, encode_rows(model, rows, most=99).row(n).tolist())[0]
                  [:, one.number].max() for n in range(len(TEXTS))]  # fmt: skip
        reached = [a for a, m in zip(answers, maxima, strict=True) if m >= one.threshold]
        assert len(reached) >= 5
        assert reached.count(one.label) / len(reached) >= (1 + base) / 2 - 1e-9
        for ngram in one.negatives:
            seen += 1
            assert ngram.value < one.threshold <= ngram.value - min(ngram.slots) + 1e-5
            assert ngram.value == pytest.approx(sum(ngram.slots) + one.bias, abs=1e-4)
        assert len({ngram.tokens for ngram in one.negatives}) == len(one.negatives)
    assert seen, "some n-gram was lowered"
    assert result.agreement is not None
    assert 0.5 <= result.agreement <= 1
    assert compute_filters(model, rows, most_rows=20).texts == 20


def test_other_models_are_refused() -> None:
    for name, overrides, message in (
        ("gru", (), r"this model \(gru\) has no filters"),
        ("cnn", ("model.pooling=mean",), "model.pooling is mean"),
        ("cnn", ("model.activation=gelu",), "not monotonic"),
    ):
        with pytest.raises(ConfigError, match=message):
            compute_text_filters(small_model(name, *overrides), "영화")


@settings(max_examples=15)
@given(text=hostile_text())
def test_any_text_has_filters_or_one_error(text: str) -> None:
    try:
        filters = compute_text_filters(cnn(), text[:60])
    except MunjangError:
        return
    assert len(filters.maxima) == 10
    assert all(len(one.tokens) == len(one.slots) for one in filters.maxima)
