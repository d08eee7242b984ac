"""Decoding begins from any state: prompts of different lengths, or nothing at all."""

import math
from bisect import bisect_right
from itertools import accumulate

import numpy as np
import pytest
import torch

from munjang.decoding.constraints import max_steps
from munjang.decoding.decode import decode
from munjang.decoding.hypotheses import Hypothesis
from munjang.decoding.sampling import uniform
from munjang.decoding.settings import DecodingSettings
from munjang.text.vocabulary import EOS, GO
from tests.unit.decoding import reference
from tests.unit.decoding.language_model import PROMPTS, TinyLanguageModel
from tests.unit.decoding.small_models import Prefix

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = pytest.mark.parametrize("seed", range(5))
LIMITS = {"max_length": 12, "max_length_ratio": 1.5, "extra_steps": 3}


def decode_prompts(
    model: TinyLanguageModel, prompts: list[Prefix], options: DecodingSettings, **settings: object
) -> list[list[Hypothesis]]:
    """Of each prompt, decoded together."""
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    last = torch.tensor([prompt[-1] for prompt in prompts])
    state = model.prompted(prompts)
    limits = max_steps(lengths, options)
    return decode(model.step, state, limits, options, first_ids=last, **settings)


def assert_same_answers(actual: list[Hypothesis], expected: list[reference.Answer]) -> None:
    assert [(h.ids, h.finished) for h in actual] == [(a[0], a[3]) for a in expected]
    assert [h.score for h in actual] == pytest.approx([a[1] for a in expected], abs=1e-4)
    assert [h.log_probability for h in actual] == pytest.approx([a[2] for a in expected], abs=1e-4)
    assert all(h.attention is None for h in actual)


@SEEDS
@pytest.mark.parametrize(
    "settings",
    [{}, {"no_repeat_ngram_size": 2}, {"min_length": 3, "no_repeat_ngram_size": 1}],
    ids=str,
)
def test_beam_search_of_prompts_equals_reference(seed: int, settings: dict[str, int]) -> None:
    model = TinyLanguageModel(14, seed)
    options = DecodingSettings(beam=4, nbest=3, length_penalty=0.7, **LIMITS, **settings)
    for prompt, result in zip(PROMPTS, decode_prompts(model, PROMPTS, options), strict=True):
        assert_same_answers(result, reference.beam_search(model, prompt, options))


@SEEDS
def test_greedy_decoding_of_prompts_equals_reference(seed: int) -> None:
    model = TinyLanguageModel(14, seed)
    options = DecodingSettings(method="greedy", min_length=2, **LIMITS)
    result = decode_prompts(model, PROMPTS, options, with_attention=True)
    for prompt, hypotheses in zip(PROMPTS, result, strict=True):
        assert_same_answers(hypotheses, [reference.greedy(model, prompt, options)])


def reference_samples(
    model: TinyLanguageModel, prompt: Prefix, options: DecodingSettings, seed: int, row: int
) -> list[reference.Answer]:
    """Token by token: the one at which the running sum of probabilities passes the number drawn."""
    samples = []
    for sample in range(options.nbest):
        prefix: Prefix = ()
        total, finished = 0.0, False
        for step in range(reference.max_length_of(prompt, options)):
            values = model.log_probabilities(prompt, prefix)
            allowed = reference.allowed_ids(prefix, model.words, options)
            sums = list(accumulate(math.exp(values[i] / options.temperature) for i in allowed))
            drawn = uniform(seed, np.array([row]), step, options.nbest)[0, sample]
            token = allowed[bisect_right(sums, drawn * sums[-1])]
            total += values[token]
            finished = token == EOS
            if finished:
                break
            prefix = (*prefix, token)
        samples.append(reference.score_answer(model, prompt, prefix, total, finished, options))
    return reference.best_answers(samples, options)


@SEEDS
def test_sampling_of_prompts_equals_reference(seed: int) -> None:
    model = TinyLanguageModel(14, seed)
    options = DecodingSettings(method="sample", nbest=3, temperature=0.9, **LIMITS)
    numbers = [7, 0, 99, 3, 4, 12]
    result = decode_prompts(model, PROMPTS, options, seed=seed, rows=numbers)
    for row, prompt, hypotheses in zip(numbers, PROMPTS, result, strict=True):
        assert_same_answers(hypotheses, reference_samples(model, prompt, options, seed, row))


@pytest.mark.parametrize(
    "settings", [{"beam": 3, "nbest": 2}, {"method": "greedy"}, {"method": "sample", "nbest": 2}]
)
def test_initial_state_equals_prompt_of_go(settings: dict[str, object]) -> None:
    model = TinyLanguageModel(14, 1)
    options = DecodingSettings.parse({**settings, **LIMITS})
    limits = max_steps(torch.tensor([1, 1]), options)
    from_nothing = decode(model.step, model.nothing(2), limits, options)
    assert from_nothing == decode_prompts(model, [(GO,), (GO,)], options)


def test_length_limits_are_per_row() -> None:
    """Return the same prompt, truncated to the length of each row."""
    model = TinyLanguageModel(14, 0)
    with torch.no_grad():
        model.out.bias[EOS] = -50.0
    for settings in ({"beam": 3}, {"method": "greedy"}, {"method": "sample"}):
        options = DecodingSettings.parse(settings)
        limits = torch.tensor([4, 1, 9])
        result = decode(model.step, model.nothing(3), limits, options, rows=[5, 5, 5])
        assert [len(best[0].ids) for best in result] == [4, 1, 9]
        assert not any(best[0].finished for best in result)


def test_mismatched_arguments_are_refused() -> None:
    model, options = TinyLanguageModel(14, 0), DecodingSettings()
    two = torch.tensor([3, 3])
    with pytest.raises(ValueError, match="limits of 1 step or more, got 0"):
        decode(model.step, model.nothing(2), torch.tensor([3, 0]), options)
    with pytest.raises(ValueError, match="one first id per row, 2, got 1"):
        decode(model.step, model.nothing(2), two, options, first_ids=torch.tensor([4]))
