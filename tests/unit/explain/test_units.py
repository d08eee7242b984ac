"""Units of states: the places where each is highest are those of a slow search."""

import numpy as np
import pytest
import torch

from munjang.errors import ConfigError
from munjang.explain import highest as module
from munjang.explain.token_rows import encode_rows, read_rows
from munjang.explain.units import compute_units
from munjang.model import Model
from munjang.tasks.heads import find_encoders
from tests.unit.explain.models import LABELS, TEXTS, small_language_model, small_model

pytestmark = pytest.mark.usefixtures("one_thread")


def slow_states(model: Model, text: str) -> np.ndarray:
    """The hidden states of one text, [tokens, units]."""
    (batch,) = model.input.encode_values([text]).dataset().in_order_of_length()
    network = model.input.encode_values([text]).adapt(model.network)
    with torch.no_grad():
        states: torch.Tensor = find_encoders(network)[0].states(*batch.inputs)
    return states[0].numpy()


@pytest.mark.parametrize("name", ["rnn", "lstm", "transformer"])
@pytest.mark.parametrize("batch", [8, 4096])
def test_places_are_the_highest_of_a_slow_search(
    name: str, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH_TOKENS", batch)
    model = small_model(name)
    rows = read_rows(model, (TEXTS, LABELS), labeled=True)
    units = compute_units(model, rows, unit=3, places=4)
    assert (units.texts, units.labels, units.totals) == (60, ("bad", "good", "so-so"), (20,) * 3)
    maxima = [slow_states(model, text)[:, 3].max() for text in TEXTS]
    order = np.argsort(-np.asarray(maxima), kind="stable")
    (unit,) = units.units
    found = [place.activation for place in unit.places]
    assert found == pytest.approx([maxima[n] for n in order[:4]], abs=1e-5)
    for place in unit.places:
        text = TEXTS[place.row - 1]
        assert place.label == LABELS[place.row - 1]
        around = f"{place.before} {place.token} {place.after}"
        inside = around.replace("⟨go⟩", "").replace("⟨eos⟩", "").strip()
        assert inside in text
    best = order[: units.counted]
    assert units.counted == 6
    expected = [sum(LABELS[n] == label for n in best) for label in units.labels]
    assert list(unit.counts) == expected


def test_separation_is_the_share_of_variance_between_classes() -> None:
    model = small_model("gru")
    rows = read_rows(model, (TEXTS, LABELS), labeled=True)
    units = compute_units(model, rows, most_units=1000)
    assert len(units.units) == units.width
    maxima = np.stack([slow_states(model, text).max(0) for text in TEXTS])
    means = {label: maxima[[one == label for one in LABELS]].mean(0) for label in set(LABELS)}
    between = np.stack([means[label] for label in LABELS]).var(0)
    shares = between / maxima.var(0)
    for unit in units.units:
        assert unit.separation == pytest.approx(shares[unit.number], abs=1e-4)
    ranked = [unit.separation for unit in units.units]
    assert ranked == sorted(ranked, key=lambda share: -share)  # type: ignore[operator]


def test_without_labels_the_answers_are_the_classes() -> None:
    model = small_model("gru")
    rows = read_rows(model, (TEXTS, LABELS))
    units = compute_units(model, rows)
    answers = [answer.label for answer in model.predict(TEXTS)]
    assert units.totals == tuple(answers.count(label) for label in units.labels)


def test_running_text_has_units_without_classes() -> None:
    model = small_language_model("lstm")
    units = compute_units(model, read_rows(model, (TEXTS, LABELS)), most_rows=10, most_units=2)
    assert (units.labels, units.texts) == ((), 10)
    assert all(unit.separation is None and len(unit.places) == 10 for unit in units.units)


def test_only_some_texts_are_read_and_no_states_are_kept() -> None:
    model = small_model("gru")
    rows = read_rows(model, (TEXTS, LABELS), labeled=True)
    assert compute_units(model, rows, most_rows=7).texts == 7
    chosen = encode_rows(model, rows, most=7, seed=1)
    assert len(set(chosen.places.tolist())) == 7
    assert encode_rows(model, rows, most=7, seed=1).places.tolist() == chosen.places.tolist()


def test_unknown_units_are_refused() -> None:
    model = small_model("gru")
    rows = read_rows(model, (TEXTS, LABELS), labeled=True)
    with pytest.raises(ConfigError, match="unit: expected a number from 0 to 255, got 256"):
        compute_units(model, rows, unit=256)
