"""The Kneser-Ney n-gram model, against a slow one of dictionaries."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from munjang.baselines.kneser_ney import FILES, KneserNey
from munjang.baselines.ngram_levels import USUAL_DISCOUNTS, estimate_discounts
from munjang.decoding.settings import DecodingSettings
from munjang.errors import ConfigError, DataError, FolderError
from munjang.folder.manifest import write_manifest

SIZE = 5
tokens = st.lists(st.integers(0, SIZE - 1), max_size=60)
orders = st.integers(1, 6)


def discounts_of(counts: Iterable[int]) -> tuple[float, float, float]:
    return estimate_discounts(np.array(list(counts), dtype=np.int32))


class SlowModel:
    """Interpolated modified Kneser-Ney smoothing, as the papers write it."""

    def __init__(self, ids: Sequence[int], size: int, order: int) -> None:
        self.size, self.order = size, order
        self.counts: dict[int, Counter[tuple[int, ...]]] = {}
        for length in range(1, order + 1):
            before: dict[tuple[int, ...], list[Any]] = defaultdict(list)
            for start in range(len(ids) - length + 1):
                gram = tuple(ids[start : start + length])
                before[gram].append(ids[start - 1] if start else "start of the stream")
            self.counts[length] = Counter(
                {
                    gram: len(tokens) if length == order else len(set(tokens))
                    for gram, tokens in before.items()
                }
            )
        self.discounts = {
            length: [0, *discounts_of(counts.values())] for length, counts in self.counts.items()
        }

    def probability(self, token: int, context: Sequence[int]) -> float:
        history = tuple(context)[max(0, len(context) - self.order + 1) :]
        return self._probability(token, history)

    def _probability(self, token: int, history: tuple[int, ...]) -> float:
        length = len(history) + 1
        shorter = self._probability(token, history[1:]) if history else 1 / self.size
        following = {
            gram[-1]: count for gram, count in self.counts[length].items() if gram[:-1] == history
        }
        if not following:
            return shorter
        total = sum(following.values())
        discount = self.discounts[length]
        left = sum(discount[min(count, 3)] for count in following.values()) / total
        count = following.get(token, 0)
        return (count - discount[min(count, 3)]) / total + left * shorter


@given(ids=tokens, asked=tokens, context=st.none() | tokens, order=orders)
@example(ids=[], asked=[0, 4], context=[1], order=3)
@example(ids=[2], asked=[2, 2, 0], context=None, order=4)
@example(ids=[0, 1, 0, 1, 1], asked=[0, 1, 0, 1, 1, 0], context=[0, 1], order=3)
@example(ids=[1, 1, 2, 1, 1, 1, 2, 2, 1, 3, 1, 1, 2] * 4, asked=[1, 2, 1, 1], context=None, order=2)
def test_every_probability_is_that_of_the_definition(
    ids: list[int], asked: list[int], context: list[int] | None, order: int
) -> None:
    model, slow = KneserNey.fit(ids, SIZE, order), SlowModel(ids, SIZE, order)
    whole = [*(context or []), *asked]
    start = len(whole) - len(asked)
    expected = [slow.probability(whole[n], whole[:n]) for n in range(start, len(whole))]
    logs = model.log_probabilities(asked, context)
    assert logs.dtype == np.float64
    assert np.exp(logs) == pytest.approx(expected, rel=1e-9)


@given(ids=tokens, context=st.none() | tokens, order=orders, size=st.integers(SIZE, 9))
def test_after_any_context_probabilities_sum_to_1_and_none_is_0(
    ids: list[int], context: list[int] | None, order: int, size: int
) -> None:
    model = KneserNey.fit(ids, size, order)
    probabilities = model.next_probabilities(context)
    assert probabilities.shape == (size,)
    assert probabilities.min() > 0
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    alone = [model.log_probabilities([token], context)[0] for token in range(size)]
    assert np.log(probabilities) == pytest.approx(alone, rel=1e-9)


@given(ids=tokens, asked=tokens, order=orders, cut=st.integers(0, 60), chunk=st.integers(1, 9))
def test_the_parts_of_a_stream_score_as_the_whole(
    ids: list[int], asked: list[int], order: int, cut: int, chunk: int
) -> None:
    model = KneserNey.fit(ids, SIZE, order)
    whole = model.log_probabilities(asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("munjang.baselines.kneser_ney._CHUNK", chunk)
        assert np.array_equal(model.log_probabilities(asked), whole)
    parts = model.log_probabilities(asked[:cut]), model.log_probabilities(asked[cut:], asked[:cut])
    assert np.array_equal(np.concatenate(parts), whole)


def test_of_a_vocabulary_of_one_the_only_token_is_certain() -> None:
    for ids in [], [0], [0, 0, 0]:
        model = KneserNey.fit(ids, 1, 3)
        assert model.log_probabilities([0, 0]) == pytest.approx([0, 0], abs=1e-12)
        assert list(model.sample(3)) == [0, 0, 0]


def test_an_empty_stream_gives_the_uniform_distribution() -> None:
    model = KneserNey.fit([], 4, 3)
    assert model.next_probabilities([1, 2]) == pytest.approx([0.25] * 4)
    assert model.parameters == 0
    assert model.log_probabilities([]).shape == (0,)


def test_a_token_of_many_contexts_is_likelier_in_a_new_one_than_a_frequent_one() -> None:
    # "Francisco" is frequent, and only ever follows "San"
    san, francisco, glasses = 0, 1, 2
    ids = [san, francisco] * 20 + [3, glasses, 4, glasses, 5, glasses, 6, glasses]
    model = KneserNey.fit(ids, 8, 2)
    after_new = model.next_probabilities([7])
    assert after_new[glasses] > after_new[francisco]
    assert model.next_probabilities([san]).argmax() == francisco


def test_discounts_are_those_of_the_counts_of_counts() -> None:
    counts = [1] * 40 + [2] * 10 + [3] * 5 + [4] * 2 + [17] * 3
    share = 40 / 60
    expected = (1 - 2 * share * 10 / 40, 2 - 3 * share * 5 / 10, 3 - 4 * share * 2 / 5)
    assert discounts_of(counts) == pytest.approx(expected)


def test_discounts_of_few_counts_are_one_discount_or_the_usual_ones() -> None:
    assert discounts_of([1, 1, 2]) == (0.5, 0.5, 0.5), "no 3 and no 4"
    # there are more of 3 than of 2: the formula would give D(2) < 0
    assert discounts_of([1] * 4 + [2] * 2 + [3] * 9 + [4]) == (0.5, 0.5, 0.5)
    assert discounts_of([]) == discounts_of([1, 1, 1]) == USUAL_DISCOUNTS
    assert discounts_of([2, 2, 9]) == USUAL_DISCOUNTS


@given(counts=st.lists(st.integers(1, 9)))
def test_no_discount_is_0_or_more_than_the_count(counts: list[int]) -> None:
    first, second, third = discounts_of(counts)
    assert 0 < first < 1
    assert 0 < second < 2
    assert 0 < third < 3


def test_the_order_is_that_of_the_lowest_held_out_loss() -> None:
    random = np.random.default_rng(0)
    # the next token mostly follows from the two before it, and one says less than none
    ids = [0, 1]
    for noise in random.random(3000):
        ids.append((ids[-1] + 2 * ids[-2] + (noise < 0.3)) % SIZE)
    train, held_out = ids[:2500], ids[2500:]
    model = KneserNey.fit_best(train, held_out, SIZE)
    losses = {n: KneserNey.fit(train, SIZE, n).cross_entropy(held_out) for n in range(1, 9)}
    assert model.order == min(losses, key=losses.__getitem__) == 3
    assert model.cross_entropy(held_out) == losses[3]
    assert KneserNey.fit_best(train, held_out, SIZE, orders=[5, 2]).order == 5


def test_samples_follow_the_probabilities_and_the_seed() -> None:
    model = KneserNey.fit([0, 1, 0, 2, 0, 1, 0, 1, 3, 0] * 5, SIZE, 2)
    drawn = [next(model.sample(1, [0], seed=seed)) for seed in range(2000)]
    shares = np.bincount(drawn, minlength=SIZE) / len(drawn)
    assert shares == pytest.approx(model.next_probabilities([0]), abs=0.04)
    assert list(model.sample(20, seed=3)) == list(model.sample(20, seed=3))
    assert list(model.sample(20, seed=3)) != list(model.sample(20, seed=4))


def test_samples_keep_to_their_settings() -> None:
    model = KneserNey.fit([0, 1, 0, 2, 0, 1, 0, 1, 3, 0] * 5, SIZE, 2)
    greedy = DecodingSettings(method="greedy")
    state, expected = [0], []
    for _ in range(6):
        expected.append(int(model.next_probabilities(state).argmax()))
        state.append(expected[-1])
    assert list(model.sample(6, [0], settings=greedy)) == expected
    one = DecodingSettings(method="sample", top_k=1)
    assert list(model.sample(6, [0], settings=one)) == expected
    assert not {0, 4} & set(model.sample(300, excluded=[0, 4]))
    with pytest.raises(ConfigError, match="sample or greedy"):
        next(model.sample(1, settings=DecodingSettings(method="beam")))
    with pytest.raises(ConfigError, match="all tokens are excluded"):
        next(model.sample(1, excluded=range(SIZE)))


def test_what_is_no_stream_of_the_vocabulary_is_refused() -> None:
    with pytest.raises(DataError, match="row 2: id 5 is not in this vocabulary of 5 tokens"):
        KneserNey.fit([0, 1, 5], SIZE, 2)
    model = KneserNey.fit([0, 1], SIZE, 2)
    with pytest.raises(DataError, match="id -1 is not"):
        model.log_probabilities([-1])
    with pytest.raises(DataError, match="id 7 is not"):
        model.next_probabilities([7])
    with pytest.raises(DataError, match="expected ids"):
        model.log_probabilities([0.5])
    for order in 0, 17:
        with pytest.raises(ConfigError, match=f"expected 1 to 16, got {order}"):
            KneserNey.fit([0, 1], SIZE, order)
    with pytest.raises(ConfigError, match="got none"):
        KneserNey.fit_best([0], [0], SIZE, orders=[])
    with pytest.raises(DataError, match="held-out tokens"):
        KneserNey.fit_best([0], [], SIZE)


@given(ids=tokens, order=orders)
def test_a_saved_model_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, ids: list[int], order: int
) -> None:
    model = KneserNey.fit(ids, SIZE, order)
    again = KneserNey.load(model.save(tmp_path_factory.mktemp("model")))
    assert (again.order, again.parameters) == (model.order, model.parameters)
    asked = [*ids, 0, 1, 2, 3, 4, 0]
    assert np.array_equal(again.log_probabilities(asked), model.log_probabilities(asked))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return KneserNey.fit([0, 1, 2, 0, 1, 3], SIZE, 3).save(tmp_path / "model")


def _alter(folder: Path, change: Any) -> None:
    path = folder / "model.safetensors"
    arrays = load_file(path)
    change(arrays)
    save_file(arrays, path)
    write_manifest(folder, FILES, "0")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a["keys"].__setitem__(0, 4), "does not number"),
        (lambda a: a["keys"].__setitem__(0, -1), "does not number"),
        (lambda a: a["keys"].__setitem__(-1, 10**12), "does not number"),
        (lambda a: a["counts"].__setitem__(1, 0), "a number below 1"),
        (lambda a: a.update(keys=a["keys"][1:]), "keys"),
        (lambda a: a.pop("counts"), "'counts' is missing"),
    ],
)
def test_arrays_that_are_no_ngrams_are_refused(saved: Path, change: Any, message: str) -> None:
    _alter(saved, change)
    with pytest.raises(FolderError, match=message):
        KneserNey.load(saved)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "pairs"}, "expected kneser_ney"),
        ({"sizes": None}, "sizes"),
        ({"sizes": []}, "expected 1 to 16"),
        ({"sizes": [4, -1, 5]}, "expected numbers of n-grams"),
        ({"vocabulary_size": 0}, "expected a number of tokens"),
        ({"vocabulary_size": True}, "expected a number of tokens"),
        ({"sizes": [4, 4, 10**9]}, "keys"),
        ({"more": 1}, "expected vocabulary_size and sizes"),
    ],
)
def test_settings_that_are_no_ngrams_are_refused(saved: Path, values: Any, message: str) -> None:
    path = saved / "baseline.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    write_manifest(saved, FILES, "0")
    with pytest.raises(FolderError, match=message):
        KneserNey.load(saved)


def test_an_altered_folder_is_refused(saved: Path) -> None:
    path = saved / "baseline.json"
    path.write_text(path.read_text().replace("5", "6"))
    with pytest.raises(FolderError, match="baseline"):
        KneserNey.load(saved)


def test_a_text_that_is_its_own_code_is_predicted_better_by_longer_ngrams(
    data_folder: Path,
) -> None:
    text = (data_folder / "shakespeare" / "input.txt").read_text(encoding="utf-8")
    characters = sorted(set(text))
    ids = np.searchsorted(characters, list(text)).astype(np.int32)
    cut = int(0.9 * len(ids))
    model = KneserNey.fit(ids[:cut], len(characters), 6)
    assert 1.4 < model.cross_entropy(ids[cut:], ids[:cut]) < 1.53, "nats per character"
    assert model.next_probabilities(ids[: cut + 5]).sum() == pytest.approx(1, abs=1e-9)
    assert math.isfinite(model.cross_entropy([0, 1, 0, 1, 0]))
