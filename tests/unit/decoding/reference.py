"""Slow and obvious: one sentence at a time, plain Python, and no rule for stopping early."""

import itertools
import math
from collections.abc import Iterator

from munjang.decoding.settings import DecodingSettings
from munjang.text.vocabulary import EOS, GO, OOV, PAD
from tests.unit.decoding.small_models import Prefix, TableModel

# ids, score, log-probability, finished
Answer = tuple[Prefix, float, float, bool]


def max_length_of(source: Prefix, options: DecodingSettings) -> int:
    relative = math.floor(options.max_length_ratio * len(source)) + options.extra_steps
    return min(options.max_length, relative)


def allowed_ids(prefix: Prefix, words: int, options: DecodingSettings) -> list[int]:
    never = {PAD, GO} if options.allow_unknown else {PAD, GO, OOV}
    left = [i for i in range(words) if i not in never]
    if len(prefix) < options.min_length:
        left.remove(EOS)
    n = options.no_repeat_ngram_size
    if n:
        seen = {prefix[i : i + n] for i in range(len(prefix) - n + 1)}
        left = [i for i in left if (*prefix, i)[-n:] not in seen]
    return left or [EOS]


def score_answer(
    model: TableModel,
    source: Prefix,
    prefix: Prefix,
    total: float,
    finished: bool,
    options: DecodingSettings,
) -> Answer:
    length = len(prefix) + finished
    score = total / (((5 + length) / 6) ** options.length_penalty)
    if options.coverage_penalty:
        rows = [model.attention(source, prefix[:i]).tolist() for i in range(length)]
        for token in range(len(source)):
            taken = sum(row[token] for row in rows)
            score += options.coverage_penalty * math.log(min(max(taken, 1e-6), 1.0))
    return prefix, score, total, finished


def best_answers(answers: list[Answer], options: DecodingSettings) -> list[Answer]:
    return sorted(answers, key=lambda a: (not a[3], -a[1]))[: options.nbest]


def beam_search(model: TableModel, source: Prefix, options: DecodingSettings) -> list[Answer]:
    """as `munjang.decoding.beam` describes it, without the exact rule for stopping."""
    live: list[tuple[Prefix, float]] = [((), 0.0)]
    ended: list[Answer] = []
    for _ in range(max_length_of(source, options)):
        candidates = []
        for rank, (prefix, total) in enumerate(live):
            log_probabilities = model.log_probabilities(source, prefix)
            for i in allowed_ids(prefix, model.words, options):
                key = (-(total + log_probabilities[i]), rank, -log_probabilities[i], i)
                candidates.append((key, prefix, i, total + log_probabilities[i]))
        candidates = sorted(candidates)[: 2 * options.beam]
        for _, prefix, i, total in candidates[: options.beam]:
            if i == EOS:
                ended.append(score_answer(model, source, prefix, total, True, options))
        going = [((*prefix, i), total) for _, prefix, i, total in candidates if i != EOS]
        live = going[: options.beam]
        if options.early_stopping and len(ended) >= options.beam:
            return best_answers(ended, options)
    cut = [score_answer(model, source, prefix, total, False, options) for prefix, total in live]
    return best_answers(ended + cut, options)


def greedy(model: TableModel, source: Prefix, options: DecodingSettings) -> Answer:
    prefix: Prefix = ()
    total = 0.0
    for _ in range(max_length_of(source, options)):
        log_probabilities = model.log_probabilities(source, prefix)
        best = max(allowed_ids(prefix, model.words, options), key=lambda i: log_probabilities[i])
        total += log_probabilities[best]
        if best == EOS:
            return score_answer(model, source, prefix, total, True, options)
        prefix = (*prefix, best)
    return score_answer(model, source, prefix, total, False, options)


def exhaustive_search(model: TableModel, source: Prefix, options: DecodingSettings) -> list[Answer]:
    """All answers there are, best first."""
    return best_answers(list(_all_answers(model, source, options)), options)


def _all_answers(model: TableModel, source: Prefix, options: DecodingSettings) -> Iterator[Answer]:
    limit = max_length_of(source, options)
    words = [i for i in range(model.words) if i not in (PAD, OOV, GO, EOS)]
    for length in range(limit + 1):
        for prefix in itertools.product(words, repeat=length):
            tokens = (*prefix, EOS) if length < limit else prefix
            total = 0.0
            for index, i in enumerate(tokens):
                total += model.log_probabilities(source, prefix[:index])[i]
            yield score_answer(model, source, prefix, total, length < limit, options)
