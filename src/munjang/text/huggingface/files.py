"""Hugging Face tokenizers from files and from JSON, and back, with errors of one line."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from munjang.errors import ConfigError, MunjangError
from munjang.parsing import UnreadableError, parse_json
from munjang.text.huggingface.bounds import SLOTS, check_bounds

FILE = "tokenizer.json"
# Longer words are unknown to BERT.
LONGEST_BERT_WORD = 100
_MOST_FILE_BYTES = 64_000_000
# No trained vocabulary needs more quotes per token in the model folder:
# `munjang.folder.rebuild`.
_QUOTES_PER_TOKEN, _MORE_QUOTES = 24, 1_000
# All settings of the library's models except "dropout", which makes encoding random.
_MODEL_KEYS = {
    "type",
    "vocab",
    "merges",
    "unk_token",
    "unk_id",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "max_input_chars_per_word",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
}
_NEEDS_UNKNOWN = {"WordPiece", "WordLevel"}


def read_state(place: str | Path) -> dict[str, Any]:
    """Read the values in a `tokenizer.json`.

    Args:
        place: the file, or a folder that holds one.

    Raises:
        ConfigError: there is none, or it is no such JSON within the bounds.
    """
    path = Path(place)
    if path.is_dir():
        if not (path / FILE).is_file():
            raise ConfigError(
                f"{path}: this folder holds no {FILE}; write one with "
                "transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)"
            )
        path = path / FILE
    if not path.is_file():
        raise ConfigError(
            f"{path}: there is no such file or folder; save one with tokenizer.save('{FILE}') of "
            "Hugging Face tokenizers, then set tokenizer.settings.file"
        )
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_FILE_BYTES + 1)
        state = parse_json(data, most_bytes=_MOST_FILE_BYTES)
        if not isinstance(state, dict):
            raise ConfigError(
                f"expected the JSON of a Hugging Face tokenizer, got {str(state)[:40]}"
            )
        check_bounds(state)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnreadableError, ConfigError) as error:
        raise ConfigError(f"{path}: {error}") from None
    return state


def bert_state(
    ids: Mapping[str, int],
    special: Mapping[str, str],
    *,
    nfc: bool,
    clean_text: bool = True,
    handle_chinese_chars: bool = True,
    strip_accents: bool | None = None,
    lowercase: bool = True,
) -> dict[str, Any]:
    """Return the JSON of a WordPiece tokenizer as BERT's.

    Args:
        ids: id of each token.
        special: its tokens by the names of transformers: `pad_token`, `unk_token`, `cls_token`,
            `sep_token`, `mask_token`; one that is not in `ids` is left out.
        nfc: whether texts are composed first.
        clean_text: whether control characters are removed.
        handle_chinese_chars: whether each Chinese character is a word.
        strip_accents: whether accents are removed; None: if texts are lower-cased. That
            decomposes Hangul, too.
        lowercase: whether texts are lower-cased.
    """
    normalizer: dict[str, Any] = {
        "type": "BertNormalizer",
        "clean_text": clean_text,
        "handle_chinese_chars": handle_chinese_chars,
        "strip_accents": strip_accents,
        "lowercase": lowercase,
    }
    if nfc:
        normalizer = {"type": "Sequence", "normalizers": [{"type": "NFC"}, normalizer]}
    cls, sep = special["cls_token"], special["sep_token"]
    first = [
        _special_piece(cls, 0),
        {"Sequence": {"id": "A", "type_id": 0}},
        _special_piece(sep, 0),
    ]
    second = [{"Sequence": {"id": "B", "type_id": 1}}, _special_piece(sep, 1)]
    ends = {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (cls, sep)}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": token, "special": True, **plain}
            for number, token in sorted((ids[t], t) for t in set(special.values()) if t in ids)
        ],
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": first,
            "pair": [*first, *second],
            "special_tokens": ends,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": special["unk_token"],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": LONGEST_BERT_WORD,
            "vocab": dict(ids),
        },
    }


def _special_piece(token: str, segment: int) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": segment}}


def build_tokenizer(state: Mapping[str, Any]) -> Tokenizer:
    """Build the tokenizer that the values describe, to encode texts one by one as they are.

    Truncation, padding and dropout are off: how much is kept of a text and how rows are padded is
    decided by the project, and the same text always gives the same ids. Special tokens that a text
    spells are read as text.

    Args:
        state: values that `check_bounds` has passed.

    Raises:
        ConfigError: the library refuses them.
    """
    model = {key: value for key, value in state["model"].items() if key in _MODEL_KEYS}
    values = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": state.get("added_tokens") or [],
        **{slot: state.get(slot) for slot in SLOTS},
        "model": model,
    }
    with library_errors(ConfigError, "the tokenizer cannot be built"):
        tokenizer = Tokenizer.from_str(json.dumps(values))
        tokenizer.encode_special_tokens = True
        _check_unknown(tokenizer)
        added = tokenizer.encode("a", add_special_tokens=True).ids
        if not all(map(tokenizer.id_to_token, added)):
            raise ConfigError("post_processor: it adds an id that no token has")
    return tokenizer


def _check_unknown(tokenizer: Tokenizer) -> None:
    model = tokenizer.model
    unknown = getattr(model, "unk_token", None)
    if type(model).__name__ in _NEEDS_UNKNOWN and model.token_to_id(str(unknown)) is None:
        raise ConfigError(
            f"model.unk_token: {str(unknown)[:80]!r} is not in model.vocab; unknown words would "
            "have no id"
        )


def state_of(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return the values that describe a tokenizer, in the library's own form.

    Raises:
        ConfigError: it has parts written in Python, or more than a model folder can keep.
    """
    with library_errors(ConfigError, "the tokenizer cannot be saved"):
        text = tokenizer.to_str()
    # as it will stand in the model folder, within the bounds that this is read with
    data = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        state: dict[str, Any] = parse_json(data)
    except UnreadableError as error:
        raise ConfigError(f"the tokenizer is too large for a model folder: {error}") from None
    allowed = _QUOTES_PER_TOKEN * tokenizer.get_vocab_size() + _MORE_QUOTES
    if data.count(b'"') > allowed:
        raise ConfigError(
            f"the tokenizer holds more texts than its {tokenizer.get_vocab_size():,} tokens have "
            "use for"
        )
    return state


@contextmanager
def library_errors(kind: type[MunjangError], what: str) -> Iterator[None]:
    """Turn whatever the library raises into one error of `kind` that begins with `what`.

    A panic in Rust is no `Exception`, and its class has no name that can be imported.
    """
    try:
        yield
    except MunjangError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise kind(f"{what}: {reason}") from None
