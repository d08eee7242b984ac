"""Restoring a trained subword model from its JSON, which anybody may have written.

The JSON of Hugging Face tokenizers can hold much more than Munjang writes: normalizers, padding,
added tokens, pre-tokenizers. Some of it changes predictions, and some crashes the process. So the
JSON is never passed to the library. Pieces, merges and scores are checked and put into a new model,
and all other settings must be those of a new model of that kind. (A tokenizer that is taken as it
is, with all its parts, is `munjang.text.huggingface`.)
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
# Scores are log-probabilities; sums of larger ones would overflow.
_LARGEST_SCORE = 10_000.0


def restore_model(kind: str, state: Mapping[str, Any], tokens: Sequence[str]) -> Tokenizer:
    """Restore the subword model whose pieces are `tokens`.

    Args:
        kind: bpe, unigram or wordpiece.
        state: the JSON of a `tokenizers.Tokenizer`.
        tokens: tokens of the vocabulary, in the order of their ids.

    Raises:
        FolderError: it is no such model, has settings that Munjang does not write, or has other
            pieces.
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
    kind: str, given: Mapping[str, Any], plain: Mapping[str, Any], *, but: str, and_but: str = ""
) -> None:
    """Raise unless all settings are those of a new model, which may have more of them."""
    for key in (but, and_but):
        if key in plain and key not in given:
            raise _wrong(kind, key)
    for key, value in given.items():
        if key not in (but, and_but) and (key not in plain or not _is_same(value, plain[key])):
            raise _wrong(kind, key)


def _is_same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


def _wrong(kind: str, key: str) -> FolderError:
    return FolderError(
        f"tokenizer.json: {key[:80]!r} is not what munjang writes for a {kind} model; copy the "
        "folder again or train anew"
    )


def _other_tokens(kind: str) -> FolderError:
    return FolderError(
        f"the {kind} model in tokenizer.json and vocabulary.json do not hold the same tokens; take "
        "both from one folder"
    )


def _ids(kind: str, vocab: Any, tokens: list[str]) -> dict[str, int]:
    """Return the ids of pieces after checking that they are those of `tokens`."""
    if not isinstance(vocab, dict) or set(map(type, vocab.values())) - {int}:
        raise _wrong(kind, "vocab")
    if vocab != {token: number for number, token in enumerate(tokens)}:
        raise _other_tokens(kind)
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
        raise _other_tokens("unigram")
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
