"""Special tokens for the reserved ids, and the translation of ids."""

from typing import Any

import numpy as np
import pytest

from munjang.errors import ConfigError
from munjang.text.huggingface.special_tokens import IdMap, find_special_tokens
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from tests.huggingface_tokenizers import train_tokenizer


def find_tokens(tokens: list[str], **state: Any) -> dict[str, str]:
    ids = {token: number for number, token in enumerate(tokens)}
    return find_special_tokens({"model": {"unk_token": None}, **state}, ids)


def make_template(*pieces: str) -> dict[str, Any]:
    single = [
        {"Sequence": {"id": "A", "type_id": 0}}
        if piece == "A"
        else {"SpecialToken": {"id": piece, "type_id": 0}}
        for piece in pieces
    ]
    return {"type": "TemplateProcessing", "single": single}


def test_file_settings_take_precedence_over_usual_names() -> None:
    tokens = ["<pad>", "[PAD]", "pad me", "<s>", "begin", "</s>", "end", "what"]
    assert find_tokens(
        tokens,
        padding={"pad_token": "pad me"},
        model={"unk_token": "what"},
        post_processor=make_template("begin", "A", "end"),
    ) == {"<pad>": "pad me", "<oov>": "what", "<go>": "begin", "<eos>": "end"}
    assert find_tokens(tokens) == {"<pad>": "<pad>", "<go>": "<s>", "<eos>": "</s>"}


@pytest.mark.parametrize(
    ("processor", "go", "eos"),
    [
        ({"type": "BertProcessing", "sep": ["b", 1], "cls": ["a", 0]}, "a", "b"),
        ({"type": "RobertaProcessing", "sep": ["b", 1], "cls": ["a", 0]}, "a", "b"),
        (make_template("A", "b"), None, "b"),
        (make_template("a", "A"), "a", None),
        (make_template("a", "b", "A"), None, None),
        (make_template("a"), None, None),
        ({"type": "ByteLevel"}, None, None),
        (
            {"type": "Sequence", "processors": [{"type": "ByteLevel"}, make_template("a", "A")]},
            "a",
            None,
        ),
        (None, None, None),
    ],
)
def test_post_processor_defines_go_and_eos(processor: Any, go: str | None, eos: str | None) -> None:
    special = find_tokens(["a", "b"], post_processor=processor)
    assert (special.get("<go>"), special.get("<eos>")) == (go, eos)


def test_each_token_has_one_role() -> None:
    special = find_tokens(
        ["<|endoftext|>"], post_processor=make_template("<|endoftext|>", "A", "<|endoftext|>")
    )
    assert special == {"<go>": "<|endoftext|>"}


def test_note_names_known_and_missing_tokens() -> None:
    bert = HuggingFaceTokenizer.from_tokenizer(train_tokenizer("bert", ["the film"]))
    assert bert.notes == (
        "tokenizer huggingface: it has [PAD] for <pad>, [UNK] for <oov>, [CLS] for <go>, "
        "[SEP] for <eos>",
    )
    gpt = HuggingFaceTokenizer.from_tokenizer(train_tokenizer("byte_level", ["the film"]))
    assert gpt.notes == (
        "tokenizer huggingface: it has no token for <pad>, <oov>, <go>, <eos>: added",
    )


def test_id_map_translates_both_ways() -> None:
    ids = {"a": 0, "[PAD]": 1, "b": 7, "</s>": 3, "<go>": 4}
    between = IdMap.build(ids, {"<pad>": "[PAD]", "<eos>": "</s>"})
    assert between.tokens == ("<pad>", "<oov>", "<go>", "<eos>", "a", "b")
    assert between.theirs.tolist() == [1, -1, -1, 3, 0, 7]
    text = between.of_text(np.array([0, 7, 1, 3, 4, 2]))
    assert text.tolist() == [4, 5, 1, 1, 1, 1]
    added = np.array([False, False, True, True])
    assert between.of_text(np.array([0, 7, 1, 3]), added).tolist() == [4, 5, 0, 3]


def test_empty_vocabulary_is_refused() -> None:
    with pytest.raises(ConfigError, match="no token"):
        IdMap.build({}, {})
