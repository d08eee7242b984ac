"""Deterministic training of subword models with the library Hugging Face tokenizers.

Each function takes pre-tokens and returns a `tokenizers.Tokenizer` whose ids 0 ... 3 are the
reserved ones. It has no normalizer and no pre-tokenizer: it is called with single pre-tokens. No
pre-token holds a reserved name as a whole (its <, letters and > are separate), so a text that
contains "<pad>" never gets the id of padding.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from munjang.text.segmentation.codepoints import CODE_POINTS, Bools
from munjang.text.subwords.pretokens import Pretokens
from munjang.text.subwords.training_pretokens import unigram_seeds
from munjang.text.vocabulary import OOV, RESERVED

CONTINUATION = "##"
_OOV_NAME = RESERVED[OOV]
_BATCH = 10_000
_SEEDS = 1_000_000  # seed pieces of unigram: the library's default


def known_characters(pretokens: Pretokens, *, min_frequency: int, limit: int) -> Bools:
    """Return a table [0x110000] of the characters that get ids: frequent ones, up to `limit`.

    Ties are broken by the lower code point. The space is never known: it stands for a ▁ in the text
    itself, and training uses it to separate pre-tokens.
    """
    counts = np.bincount(pretokens.points, minlength=CODE_POINTS)
    counts[ord(" ")] = 0
    order = np.argsort(-counts, kind="stable")[:limit]
    known = np.zeros(CODE_POINTS, dtype=bool)
    known[order[counts[order] >= max(min_frequency, 1)]] = True
    return known


def _reachable(pretokens: Pretokens, max_size: int) -> int:
    """Bound the vocabulary size by the number of merges that the texts allow.

    The library allocates the whole vocabulary before the first merge. Each merge shortens the text,
    and a character has at most two forms.
    """
    return min(max_size, len(RESERVED) + 3 * len(pretokens.points) + 1)


def train_bpe(pretokens: Pretokens, *, min_frequency: int, max_size: int) -> Tokenizer:
    """Train byte-pair encoding on characters (Sennrich et al. 2016)."""
    known = known_characters(
        pretokens, min_frequency=min_frequency, limit=(max_size - len(RESERVED)) // 2
    )
    trainer = trainers.BpeTrainer(
        vocab_size=_reachable(pretokens, max_size),
        min_frequency=min_frequency,
        special_tokens=list(RESERVED),
        show_progress=False,
    )
    trained = _train(models.BPE(unk_token=_OOV_NAME), trainer, pretokens.join_with_spaces(known))
    return Tokenizer(trained.model)


def train_wordpiece(
    pretokens: Pretokens,
    *,
    min_frequency: int,
    max_size: int,
    special: Sequence[str] = RESERVED,
    unknown: str = _OOV_NAME,
) -> Tokenizer:
    """Train WordPiece as in BERT: merges as in BPE, encoding by longest match from the left.

    Args:
        pretokens: pre-tokens of the texts.
        min_frequency: rarer characters and merges get no id.
        max_size: largest size of the vocabulary.
        special: tokens with the ids from 0 on.
        unknown: which of them stands for unknown words.
    """
    # A character can take two ids, at the start of a pre-token and inside one.
    known = known_characters(
        pretokens, min_frequency=min_frequency, limit=(max_size - len(special)) // 4
    )
    inside = np.ones(len(pretokens.points), dtype=bool)
    inside[pretokens.starts[:-1]] = False
    continuing = np.unique(pretokens.points[inside])
    # The library numbers these in the order of a hash map, which differs between runs, and breaks
    # ties between merges by number. As "special tokens" they get fixed numbers.
    forms = [CONTINUATION + chr(point) for point in continuing[known[continuing]].tolist()]
    trainer = trainers.WordPieceTrainer(
        vocab_size=_reachable(pretokens, max_size),
        min_frequency=min_frequency,
        special_tokens=[*special, *forms],
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    model = models.WordPiece(unk_token=unknown, continuing_subword_prefix=CONTINUATION)
    return Tokenizer(_train(model, trainer, pretokens.join_with_spaces(known)).model)


def train_unigram(pretokens: Pretokens, *, min_frequency: int, max_size: int) -> Tokenizer:
    """Train a unigram language model (Kudo 2018), with deterministic scores and order."""
    known = known_characters(
        pretokens, min_frequency=min_frequency, limit=(max_size - len(RESERVED)) // 2
    )
    if not known.any():
        return Tokenizer(models.Unigram([(name, 0.0) for name in RESERVED], unk_id=OOV))
    seeds = unigram_seeds(pretokens, max_size=max_size, usual=_SEEDS)
    trainer = trainers.UnigramTrainer(  # type: ignore[call-arg]  # seed_size is not in its stub
        vocab_size=max_size,
        seed_size=seeds.count,
        special_tokens=list(RESERVED),
        unk_token=_OOV_NAME,
        show_progress=False,
    )
    trained = _train(models.Unigram(), trainer, seeds.pretokens.join_with_spaces(known))
    pieces = json.loads(trained.to_str())["model"]["vocab"]
    return Tokenizer(models.Unigram(_settle(pieces), unk_id=OOV))


def _settle(pieces: list[list[Any]]) -> list[tuple[str, float]]:
    """Make trained unigram scores deterministic; sort by falling score, then by piece.

    The library sums floats in the order of a hash map, so scores differ by about 1e-15 between
    runs: they are rounded. It also assigns to single characters that training had pruned the lowest
    score plus 0.0001 times their index in a hash map: they get the lowest score.
    """
    reserved, learned = pieces[: len(RESERVED)], pieces[len(RESERVED) :]
    single = sum(len(piece) == 1 for piece, _ in learned)
    lowest = min((score for _, score in learned), default=0.0)
    band = lowest + 0.0001 * single
    settled = [
        (piece, round(lowest if len(piece) == 1 and score <= band else score, 6))
        for piece, score in learned
    ]
    settled.sort(key=lambda scored: (-scored[1], scored[0]))
    return [(name, 0.0) for name, _ in reserved] + settled


def _train(model: models.Model, trainer: trainers.Trainer, spaced: pl.Series) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    tokenizer.train_from_iterator(_batches(spaced), trainer)
    return tokenizer


def _batches(texts: pl.Series) -> Iterator[list[str]]:
    for first in range(0, len(texts), _BATCH):
        yield texts[first : first + _BATCH].to_list()
