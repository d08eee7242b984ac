"""Contracts of language models: any way of reading a text gives the same predictions."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from munjang.decoding.continuous import ContinuousBatch
from munjang.decoding.running_text import running_step, to_decoding, to_running
from munjang.decoding.settings import DecodingSettings
from munjang.models.language import recurrent
from munjang.registry import find_architectures
from munjang.text.vocabulary import EOS, GO, OOV, PAD

VOCABULARY, CONTEXT = 11, 8
ROWS = {row.name: row for row in find_architectures("stream", "decoder")}


def make_model(name: str, **settings: object) -> torch.nn.Module:
    """Return a small network in evaluation mode."""
    torch.manual_seed(0)
    config = ROWS[name].config_class()
    small = {"dim": 12, "ngram_buckets": 64, **settings}
    small |= {"context": CONTEXT, "heads": 2} if name == "transformer" else {"hidden_dim": 10}
    return ROWS[name].load()(config(**small), VOCABULARY).eval()


def random_ids(*shape: int, seed: int = 1) -> Tensor:
    """Return ids that texts may have."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(EOS, VOCABULARY, shape, generator=generator)


def logits_of_prefix(model: torch.nn.Module, ids: Tensor) -> Tensor:
    """Return the next logits after `ids` [tokens], read at once from the beginning."""
    projected, _ = model.read(model.begin(1), ids[None])
    return projected.logits()[-1]


def logits_of_forward(model: torch.nn.Module, ids: Tensor) -> Tensor:
    """Return the next logits after `ids` [tokens] by `forward`, of a transformer on its window."""
    start = 0
    if hasattr(model, "context"):
        half = model.context // 2
        start = max(0, (len(ids) - 1) // half - 1) * half
    padded = torch.cat([ids.new_zeros(model.before), ids])
    previous, window = padded[start : start + model.before], ids[start:]
    return model(window[None], previous[None], torch.tensor(True)).logits()[-1]


@pytest.mark.parametrize("ngrams", [1, 3])
@pytest.mark.parametrize("name", ROWS)
@torch.inference_mode()
def test_reading_a_prefix_of_any_length_predicts_what_forward_predicts(
    name: str, ngrams: int
) -> None:
    model = make_model(name, layers=2, ngrams=ngrams)
    ids = random_ids(5 * CONTEXT + 3)
    for tokens in range(1, len(ids) + 1):
        found = logits_of_prefix(model, ids[:tokens])
        expected = logits_of_forward(model, ids[:tokens])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("prompt", [1, CONTEXT - 1, CONTEXT, 3 * CONTEXT + 2])
@pytest.mark.parametrize("name", ROWS)
@torch.inference_mode()
def test_greedy_text_is_that_of_a_loop_over_whole_prefixes(name: str, prompt: int) -> None:
    model = make_model(name, layers=2)
    expected = random_ids(prompt)
    state = model.begin(1)
    if prompt > 1:
        _, state = model.read(state, expected[None, :-1])
    settings = DecodingSettings(method="greedy", allow_unknown=True)
    batch = ContinuousBatch(running_step(model.step), settings)
    steps = 4 * CONTEXT
    batch.join(state, torch.tensor([steps]), first_ids=to_decoding(expected[-1:]))
    found = torch.cat([to_running(step.ids[0]) for step in batch])
    for _ in range(steps):
        logits = logits_of_forward(model, expected)
        logits[[PAD, OOV, GO]] = -torch.inf
        expected = torch.cat([expected, logits.argmax()[None]])
    assert found.tolist() == expected[prompt:].tolist()


@pytest.mark.parametrize("ngrams", [1, 3])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", ROWS)
@torch.inference_mode()
def test_steps_predict_what_reading_the_prefix_predicts(
    name: str, layers: int, ngrams: int
) -> None:
    model = make_model(name, layers=layers, ngrams=ngrams)
    ids = random_ids(5 * CONTEXT + 3)
    state = model.begin(1)
    for place in range(len(ids)):
        output = model.step(state, ids[place].view(1, 1))
        state = output.state
        expected = logits_of_prefix(model, ids[: place + 1])
        torch.testing.assert_close(output.logits[0, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_one_token_is_read_with_and_without_gradients_alike(name: str, rows: int) -> None:
    model = make_model(name, layers=2)
    vectors = torch.randn(rows, 1, 12)
    state = torch.randn_like(model.recurrent.zero_state(rows))
    with torch.no_grad():
        found = model.recurrent(vectors, state)
    if rows:
        torch.testing.assert_close(found, model.recurrent(vectors, state))
    assert [part.shape for part in found] == [(rows, 1, 10), state.shape]


@pytest.mark.parametrize("name", ROWS)
@torch.inference_mode()
def test_steps_may_follow_a_prompt_of_any_length(name: str) -> None:
    model = make_model(name, layers=2)
    ids = random_ids(3 * CONTEXT + 2)
    for prompt in range(1, len(ids)):
        _, state = model.read(model.begin(1), ids[None, :prompt])
        for place in range(prompt, min(prompt + CONTEXT + 2, len(ids))):
            output = model.step(state, ids[place].view(1, 1))
            state = output.state
            expected = logits_of_prefix(model, ids[: place + 1])
            torch.testing.assert_close(output.logits[0, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ngrams", [1, 3])
@pytest.mark.parametrize("name", ROWS)
@torch.inference_mode()
def test_prompts_are_read_together_as_alone(
    name: str, ngrams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurrent, "_PROMPT_TOKENS", 12)  # several parts
    model = make_model(name, layers=2, ngrams=ngrams)
    lengths = [5, 0, 3 * CONTEXT + 2, 5, CONTEXT, 1, 0, 6]
    prompts = [random_ids(length, seed=place) for place, length in enumerate(lengths)]
    nexts = random_ids(len(prompts), 1, seed=99)
    found = model.step(model.read_prompts(prompts), nexts).logits
    for prompt, first, logits in zip(prompts, nexts, found, strict=True):
        expected = logits_of_prefix(model, torch.cat([prompt, first]))
        torch.testing.assert_close(logits[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ROWS)
@torch.inference_mode()
def test_losses_are_those_of_all_prefixes(name: str) -> None:
    model = make_model(name)
    for tokens in (2, 3, CONTEXT, CONTEXT + 1, CONTEXT + 2, 2 * CONTEXT, 5 * CONTEXT + 3):
        ids = random_ids(tokens, seed=tokens)
        expected = [
            cross_entropy(logits_of_prefix(model, ids[:place])[None], ids[place, None])
            for place in range(1, tokens)
        ]
        found = model.negative_log_likelihoods(ids)
        torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@torch.inference_mode()
def test_a_long_text_is_scored_in_parts_after_a_warm_up(name: str) -> None:
    model = make_model(name)
    ids = random_ids(64 * 256 + 77)
    found = model.negative_log_likelihoods(ids)
    whole = model._read_parts(ids[None], 0)[0]
    assert found.shape == whole.shape
    torch.testing.assert_close(found, whole, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_training_carries_the_state_from_batch_to_batch(name: str) -> None:
    model = make_model(name).train()
    ids, begins = random_ids(3, 12), torch.tensor(True)
    before = model.before
    padded = torch.cat([torch.zeros(3, before, dtype=torch.int64), ids], dim=1)
    whole = model(ids, padded[:, :before], begins).logits().view(3, 12, -1)
    parts = [
        model(
            ids[:, start : start + 4], padded[:, start : start + before], torch.tensor(start == 0)
        )
        for start in (0, 4, 8)
    ]
    joined = torch.cat([part.logits().view(3, 4, -1) for part in parts], dim=1)
    torch.testing.assert_close(joined, whole, rtol=1e-4, atol=1e-5)
    assert not model.carried["state"].requires_grad
    again = model(ids, padded[:, :before], begins).logits().view(3, 12, -1)
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ROWS)
def test_no_prediction_depends_on_a_later_token(name: str) -> None:
    model = make_model(name, layers=2, ngrams=3)
    ids, none = random_ids(2, CONTEXT), torch.zeros(2, 2, dtype=torch.int64)
    changed = ids.clone()
    changed[:, 5:] = EOS + (changed[:, 5:] - EOS + 1) % (VOCABULARY - EOS)
    first, second = (
        model(part, none, torch.tensor(True)).logits().view(2, CONTEXT, -1)
        for part in (ids, changed)
    )
    torch.testing.assert_close(first[:, :5], second[:, :5])
    assert not torch.allclose(first[:, 5], second[:, 5])


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_join_at_a_step_get_the_answers_that_they_get_alone(name: str) -> None:
    model = make_model(name, layers=2)
    settings = DecodingSettings(method="greedy", allow_unknown=True)
    prompts = [random_ids(n, seed=n) for n in (1, 4, CONTEXT, 2 * CONTEXT + 1)]
    steps = 3 * CONTEXT

    def join(batch: ContinuousBatch, prompt: Tensor) -> int:
        state = model.begin(1)
        if len(prompt) > 1:
            _, state = model.read(state, prompt[None, :-1])
        first = to_decoding(prompt[-1:])
        return batch.join(state, torch.tensor([steps]), first_ids=first)[0]

    with torch.inference_mode():
        alone = []
        for prompt in prompts:
            batch = ContinuousBatch(running_step(model.step), settings)
            join(batch, prompt)
            alone.append([step.ids[0, 0].item() for step in batch])
        together: dict[int, list[int]] = {}
        batch, waiting = ContinuousBatch(running_step(model.step), settings), list(prompts)
        join(batch, waiting.pop(0))
        for number, step in enumerate(batch):
            for key, ids in step.ids_by_key().items():
                together.setdefault(key, []).extend(ids)
            if waiting and number % 3 == 1:
                join(batch, waiting.pop(0))
    assert [together[key] for key in sorted(together)] == alone
    assert all(EOS not in ids and len(ids) == steps for ids in alone)


def test_a_line_break_is_a_token_like_any_other() -> None:
    ids = torch.tensor([EOS, OOV, 7])
    assert to_running(torch.tensor([OOV, 7])).tolist() == [EOS, 7]
    assert to_decoding(ids).tolist() == [OOV, EOS, 7]
