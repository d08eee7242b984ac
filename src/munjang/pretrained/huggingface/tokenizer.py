"""The tokenizer of a checkpoint: `tokenizer.json` as it is, or BERT's from `vocab.txt`; and back.

Padding and truncation that `tokenizer.json` asks for are ignored: batches are padded to their
longest row, and how long a text may be follows from the model.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from munjang.config import shown
from munjang.errors import FolderError
from munjang.folder.save import to_json
from munjang.pretrained.huggingface.files import read_lines, read_values
from munjang.text.huggingface.files import FILE, bert_state, read_state
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.masks import MASK_TOKENS
from munjang.text.vocabulary import EOS, GO, OOV, PAD, RESERVED

VOCABULARY = "vocab.txt"
_SETTINGS, _SPECIAL = "tokenizer_config.json", "special_tokens_map.json"
# Their name of the role of a reserved token, and BERT's usual token.
_ROLES = {
    RESERVED[PAD]: ("pad_token", "[PAD]"),
    RESERVED[OOV]: ("unk_token", "[UNK]"),
    RESERVED[GO]: ("cls_token", "[CLS]"),
    RESERVED[EOS]: ("sep_token", "[SEP]"),
}
# Settings of the tokenizer class, and the part of the normalizer that each is.
_NORMALIZER = {
    "do_lower_case": "lowercase",
    "tokenize_chinese_chars": "handle_chinese_chars",
    "strip_accents": "strip_accents",
}


def read_tokenizer(folder: Path) -> HuggingFaceTokenizer:
    """Read the tokenizer of a checkpoint.

    Raises:
        FolderError: there is none, it lacks a special token of BERT, or its files contradict each
            other.
        ConfigError: as `munjang.text.huggingface.files.read_state`.
    """
    settings = _read_settings(folder)
    if (folder / FILE).exists():
        state = read_state(folder / FILE)
        _check_agreement(folder, settings, state)
    elif (folder / VOCABULARY).exists():
        state = _from_vocabulary(folder, settings)
    else:
        raise FolderError(
            f"{folder}: expected the tokenizer in {FILE} or {VOCABULARY}, and neither is there; "
            "copy the files of the tokenizer, too"
        )
    roles = {ours: settings.get(theirs) for ours, (theirs, _) in _ROLES.items()}
    named = {ours: token for ours, token in roles.items() if isinstance(token, str)}
    special = named if len(named) == len(_ROLES) else None
    tokenizer = HuggingFaceTokenizer.from_state(state, special)
    ids = tokenizer.huggingface_ids
    missing = [theirs for place, (theirs, _) in enumerate(_ROLES.values()) if ids[place] < 0]
    if missing:
        raise FolderError(
            f"{folder}: the tokenizer has no {', '.join(missing)}; name it in {_SETTINGS}"
        )
    return tokenizer


def check_mask_token(folder: Path) -> None:
    """Refuse a mask token that is not found by its name.

    Raises:
        FolderError: the token is named.
    """
    mask = _read_settings(folder).get("mask_token", MASK_TOKENS[0])
    if mask not in MASK_TOKENS:
        raise FolderError(
            f"{folder / _SETTINGS}: mask_token: expected {' or '.join(MASK_TOKENS)}, got "
            f"{shown(mask)}"
        )


def write_tokenizer(
    tokenizer: LibraryTokenizer, longest: int, *, reads_masks: bool = True
) -> dict[str, str]:
    """Return the files of a tokenizer by name.

    Args:
        tokenizer: the tokenizer.
        longest: most tokens of a row, [CLS] and [SEP] included.
        reads_masks: whether a special token that a text spells, such as [MASK], is one.
    """
    state = tokenizer.library_state
    special = {_ROLES[ours][0]: token for ours, token in tokenizer.special_tokens.items()}
    mask = next((token for token in MASK_TOKENS if token in tokenizer.vocabulary.tokens), None)
    if mask is not None:
        special["mask_token"] = mask
    settings = {
        # the class that reads tokenizer.json as it is; BertTokenizer builds a normalizer anew
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": not reads_masks,
        **special,
    }
    files = {
        FILE: to_json({**state, "padding": None, "truncation": None}),
        _SETTINGS: to_json(settings, indent=2),
        _SPECIAL: to_json(special, indent=2),
    }
    vocab = state["model"]["vocab"]
    if isinstance(vocab, Mapping) and sorted(vocab.values()) == list(range(len(vocab))):
        files[VOCABULARY] = "".join(f"{token}\n" for token in sorted(vocab, key=vocab.__getitem__))
    return files


def _read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of the tokenizer; tokens as text."""
    settings: dict[str, Any] = {}
    for name in (_SPECIAL, _SETTINGS):
        if (folder / name).exists():
            settings |= read_values(folder / name)
    for key, value in settings.items():
        if isinstance(value, Mapping) and isinstance(value.get("content"), str):
            settings[key] = value["content"]
    return settings


def _check_agreement(folder: Path, settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Refuse settings of the class that contradict the normalizer, as either may be meant."""
    normalizer = state.get("normalizer")
    if not isinstance(normalizer, Mapping) or normalizer.get("type") != "BertNormalizer":
        return
    for theirs, part in _NORMALIZER.items():
        if theirs in settings and settings[theirs] != normalizer.get(part):
            raise FolderError(
                f"{folder / _SETTINGS}: {theirs} is {shown(settings[theirs])}, and {FILE} has "
                f"{part} {shown(normalizer.get(part))}; make them equal"
            )


def _from_vocabulary(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tokenizer that transformers' BertTokenizer makes of `vocab.txt`."""
    path = folder / VOCABULARY
    tokens = read_lines(path)
    ids = {token: number for number, token in enumerate(tokens)}
    if len(ids) < len(tokens):
        twice = next(token for number, token in enumerate(tokens) if ids[token] != number)
        raise FolderError(f"{path}: the token {twice[:80]!r} is there twice")
    special = {
        theirs: settings.get(theirs) or usual
        for theirs, usual in (*_ROLES.values(), ("mask_token", MASK_TOKENS[0]))
    }
    for role, token in special.items():
        if token not in ids and role != "mask_token":
            raise FolderError(f"{path}: there is no line {shown(token)} for the {role}")
    options: dict[str, Any] = {}
    for theirs, part in _NORMALIZER.items():
        usual = None if theirs == "strip_accents" else True
        options[part] = settings.get(theirs, usual)
        if not isinstance(options[part], bool) and options[part] is not usual:
            raise FolderError(
                f"{folder / _SETTINGS}: {theirs}: expected true or false, got "
                f"{shown(options[part])}"
            )
    state = bert_state(ids, special, nfc=False, **options)
    return dict(json.loads(json.dumps(state)))
