"""The files of a tokenizer in an export."""

import json
from dataclasses import dataclass
from typing import Any

from munjang.export.hf.fast.build import build_fast
from munjang.export.hf.reading import Reading
from munjang.export.hf.slow_tokenizers import describe_slow
from munjang.folder.save import to_json
from munjang.text.huggingface.library import LibraryTokenizer
from munjang.text.vocabulary import EOS, GO, OOV, PAD, RESERVED

JSON, CONFIG = "tokenizer.json", "tokenizer_config.json"
_MASK = "[MASK]"


@dataclass(frozen=True)
class TokenizerFiles:
    """A tokenizer in an export.

    Attributes:
        files: content of files by name.
        class_name: its class in the tokenization file; None if the package `tokenizers` runs it.
    """

    files: dict[str, str]
    class_name: str | None


def describe_tokenizer(
    reading: Reading, *, padding_side: str = "right", slow: bool = False
) -> TokenizerFiles:
    """Return the files of a tokenizer.

    Args:
        reading: how the model reads texts.
        padding_side: where shorter texts of a batch are padded.
        slow: leave out the fast tokenizer, even if there is one.

    Raises:
        ConfigError: the tokenizer needs a package that an export does without.
    """
    library = None if slow else build_fast(reading)
    settings = _settings(reading, padding_side)
    if library is not None:
        config = {"tokenizer_class": "PreTrainedTokenizerFast", **settings}
        files = {JSON: to_json(json.loads(library.to_str()), indent=1)}
    else:
        files, own = describe_slow(reading)
        config = {**own, **settings}
    class_name = None if library is not None else config["tokenizer_class"]
    return TokenizerFiles({**files, CONFIG: to_json(config, indent=2)}, class_name)


def _settings(reading: Reading, padding_side: str) -> dict[str, Any]:
    """Return what tokenizer_config.json says of every tokenizer."""
    names = _special_names(reading)
    settings: dict[str, Any] = {
        "pad_token": names[PAD],
        "unk_token": names[OOV],
        "model_max_length": reading.longest,
        "padding_side": padding_side,
        # a text that spells a special token is a text
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    if reading.spelled_words is not None:
        settings["model_input_names"].append("letters")
    if not reading.line_breaks:
        settings |= {"bos_token": names[GO], "eos_token": names[EOS]}
    if reading.add_go_eos:
        settings |= {"cls_token": names[GO], "sep_token": names[EOS]}
    if reading.masks is not None:
        # a tokenizer that does not know it reads it as OOV
        known = reading.tokenizer.vocabulary.tokens[reading.masks["id"]]
        settings["mask_token"] = _MASK if reading.masks["id"] == OOV else known
    return settings


def _special_names(reading: Reading) -> list[str]:
    own = reading.tokenizer
    special = own.special_tokens if isinstance(own, LibraryTokenizer) else {}
    return [special.get(name, name) for name in RESERVED]
