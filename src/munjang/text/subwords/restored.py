"""A trained model of subwords out of its JSON: its pieces alone, put into a model of our own.

The JSON of Hugging Face's tokenizers may say much more than Munjang ever writes: normalisers,
padding, added tokens, pre-tokenizers. Some of it changes answers, and some ends the process. So the
library is never given the JSON. Pieces, merges and scores are looked at, and all else must be what
a fresh model of the kind has.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer, models

from munjang.errors import FolderError
from munjang.text.subwords.training import CONTINUATION
from munjang.text.vocabulary import OOV, RESERVED

_OOV_NAME = RESERVED[OOV]
# Logarithms of probabilities; sums of larger ones would leave the numbers that there are.
_LARGEST_SCORE = 10_000.0


def restored(kind: str, state: Mapping[str, Any], tokens: Sequence[str]) -> Tokenizer:
    """The model of subwords whose pieces are `tokens`.

    Args:
        kind: bpe, unigram or wordpiece.
        state: the JSON of a `tokenizers.Tokenizer`.
        tokens: of the vocabulary beside it, in the order of their ids.

    Raises:
        FolderError: it is no such model, says more than Munjang writes, or has other pieces.
    """
    fresh, build = _KINDS[kind]
    plain = json.loads(Tokenizer(fresh()).to_str())
    _compare(kind, state, plain, but="model")
    model = state["model"]
    if not isinstance(model, dict):
        raise _wrong(kind, "model")
    _compare(kind, model, plain["model"], but="vocab", and_but="merges")
    try:
        return Tokenizer(build(model, list(tokens)))
    except FolderError:
        raise
    except Exception as error:  # the library raises nothing more precise
        raise FolderError(f"tokenizer.json holds no {kind} model: {error}") from None


def _compare(
    kind: str, found: Mapping[str, Any], plain: Mapping[str, Any], *, but: str, and_but: str = ""
) -> None:
    """Refuse what a fresh model does not say. That may say more: what a later release added."""
    for key in (but, and_but):
        if key in plain and key not in found:
            raise _wrong(kind, key)
    for key, value in found.items():
        if key not in (but, and_but) and (key not in plain or not _same(value, plain[key])):
            raise _wrong(kind, key)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _wrong(kind: str, key: str) -> FolderError:
    return FolderError(
        f"tokenizer.json: {key[:80]!r} is not as it stands in a {kind} model that munjang wrote"
    )


def _others(kind: str) -> FolderError:
    return FolderError(
        f"the {kind} model in tokenizer.json and vocabulary.json do not hold the same tokens; take "
        "both from one folder"
    )


def _ids(kind: str, vocab: Any, tokens: list[str]) -> dict[str, int]:
    """Ids of pieces, which are those of the tokens."""
    if not isinstance(vocab, dict) or set(map(type, vocab.values())) - {int}:
        raise _wrong(kind, "vocab")
    if vocab != {token: number for number, token in enumerate(tokens)}:
        raise _others(kind)
    return vocab


def _bpe(model: Mapping[str, Any], tokens: list[str]) -> models.Model:
    vocab, merges = _ids("bpe", model["vocab"], tokens), model["merges"]
    if not isinstance(merges, list):
        raise _wrong("bpe", "merges")
    pairs = []
    for merge in merges:
        if not isinstance(merge, list) or len(merge) != 2 or set(map(type, merge)) != {str}:
            raise _wrong("bpe", "merges")
        left, right = merge
        if not (left in vocab and right in vocab and left + right in vocab):
            raise _wrong("bpe", "merges")
        pairs.append((left, right))
    if len(set(pairs)) < len(pairs):
        raise _wrong("bpe", "merges")
    return models.BPE(vocab=vocab, merges=pairs, unk_token=_OOV_NAME)


def _wordpiece(model: Mapping[str, Any], tokens: list[str]) -> models.Model:
    vocab = _ids("wordpiece", model["vocab"], tokens)
    return models.WordPiece(
        vocab=vocab, unk_token=_OOV_NAME, continuing_subword_prefix=CONTINUATION
    )


def _unigram(model: Mapping[str, Any], tokens: list[str]) -> models.Model:
    vocab = model["vocab"]
    if not isinstance(vocab, list) or not all(
        isinstance(piece, list) and list(map(type, piece)) == [str, float] for piece in vocab
    ):
        raise _wrong("unigram", "vocab")
    if [piece for piece, _ in vocab] != tokens:
        raise _others("unigram")
    scored = [(piece, score) for piece, score in vocab]
    if not all(math.isfinite(score) and abs(score) <= _LARGEST_SCORE for _, score in scored):
        raise _wrong("unigram", "vocab")
    return models.Unigram(scored, unk_id=OOV)


def _fresh_unigram() -> models.Model:
    return models.Unigram([(name, 0.0) for name in RESERVED], unk_id=OOV)


_KINDS: dict[str, tuple[Callable[[], models.Model], Callable[..., models.Model]]] = {
    "bpe": (lambda: models.BPE(unk_token=_OOV_NAME), _bpe),
    "wordpiece": (
        lambda: models.WordPiece(unk_token=_OOV_NAME, continuing_subword_prefix=CONTINUATION),
        _wordpiece,
    ),
    "unigram": (_fresh_unigram, _unigram),
}
