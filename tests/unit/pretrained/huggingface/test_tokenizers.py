"""Tokenizers of checkpoints: ids are those of transformers, offsets those of the text."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from munjang.errors import ConfigError, FolderError
from munjang.pretrained.huggingface.tokenizer import read_tokenizer
from munjang.text.huggingface.files import bert_state
from munjang.text.huggingface.tokenizer import HuggingFaceTokenizer
from munjang.text.vocabulary import RESERVED
from tests.checkpoints import SPECIAL, TOKENS
from tests.unit.text.strategies import hostile_text

WORDS = "".join(f"{token}\n" for token in TOKENS)
TEXTS = [
    "The film",
    "영화가",
    unicodedata.normalize("NFD", "영화가 여"),
    "Café CAFE cafe\u0301",
    "영\u0000화 \ufffd 漢字 film1 ",
    "İ \U0001f44d\U0001f3fd !!",
    "",
    "   ",
    "a" * 101 + " the",
    "[MASK] [SEP]",
]


def encode(tokenizer: HuggingFaceTokenizer, text: str) -> list[int]:
    return [int(tokenizer.huggingface_ids[n]) for n in tokenizer.encode_text(text)]


def write_folder(path: Path, **files: Any) -> Path:
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        ending = ".txt" if name == "vocab" else ".json"
        (path / (name + ending)).write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "given_settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"tokenize_chinese_chars": False},
    ],
    ids=str,
)
def test_vocab_txt_alone_gives_ids_of_transformers(
    given_settings: dict[str, Any], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    given_settings = {"tokenizer_class": "BertTokenizer", **given_settings}
    folder = write_folder(tmp_path, vocab=WORDS, tokenizer_config=given_settings)
    theirs = transformers.BertTokenizer.from_pretrained(folder)
    ours = read_tokenizer(folder)
    texts = [text for text in TEXTS if "[" not in text]
    for text in texts:
        assert encode(ours, text) == theirs(text, add_special_tokens=False)["input_ids"], text


def test_padding_and_truncation_of_the_file_are_ignored(tmp_path: Path) -> None:
    state = bert_state({t: n for n, t in enumerate(TOKENS)}, SPECIAL, nfc=False)
    state["truncation"] = {
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Right",
    }
    state["padding"] = {
        "strategy": {"Fixed": 128},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    tokenizer = read_tokenizer(write_folder(tmp_path, tokenizer=state))
    assert encode(tokenizer, "the film good bad") == [6, 7, 9, 10]


def test_decomposed_hangul_keeps_its_offsets(tmp_path: Path) -> None:
    tokenizer = read_tokenizer(write_folder(tmp_path, vocab=WORDS))
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, "the 영 café")
        result = tokenizer.encode_with_offsets(pl.Series([text]))
        (ids,), (starts,), (ends,) = (
            c.to_pylist() for c in (result.ids, result.starts, result.ends)
        )
        names = [tokenizer.vocabulary.tokens[n] for n in ids]
        assert names == ["the", "ᄋ", "##ᅧ", "##ᆼ", "cafe"]
        slices = [text[a:b] for a, b in zip(starts, ends, strict=True)]
        assert slices[0] == "the"
        assert unicodedata.normalize("NFC", slices[4]) == "café"
        if form == "NFC":
            assert slices[1:4] == ["영"] * 3
        else:
            assert slices[1:4] == ["ᄋ", "ᅧ", "ᆼ"]


@given(text=hostile_text())
@settings(max_examples=100, deadline=None)
def test_offsets_are_inside_the_text_and_ordered(text: str) -> None:
    state = bert_state({t: n for n, t in enumerate(TOKENS)}, SPECIAL, nfc=True)
    tokenizer = HuggingFaceTokenizer.from_state(state)
    result = tokenizer.encode_with_offsets(pl.Series([text], dtype=pl.String))
    (starts,), (ends,) = result.starts.to_pylist(), result.ends.to_pylist()
    assert all(0 <= a <= b <= len(text) for a, b in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    assert ends == sorted(ends)


def test_other_special_tokens_are_read_from_settings(tmp_path: Path) -> None:
    words = WORDS.replace("[CLS]", "<s>").replace("[SEP]", "</s>").replace("[PAD]", "<nul>")
    named = {"cls_token": {"content": "<s>"}, "sep_token": "</s>", "pad_token": "<nul>"}
    folder = write_folder(tmp_path, vocab=words, special_tokens_map={**named, "unk_token": "[UNK]"})
    special = read_tokenizer(folder).special_tokens
    assert special == dict(zip(RESERVED, ["<nul>", "[UNK]", "<s>", "</s>"], strict=True))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "neither is there"),
        ({"vocab": "a\nb\n"}, "there is no line '[PAD]' for the pad_token"),
        ({"vocab": WORDS + "the\n"}, "the token 'the' is there twice"),
        ({"vocab": WORDS, "tokenizer_config": "[1]"}, "expected a JSON object"),
        ({"vocab": WORDS, "tokenizer_config": "{"}, "not valid JSON"),
        (
            {"vocab": WORDS, "tokenizer_config": {"do_lower_case": "yes"}},
            "do_lower_case: expected true or false, got 'yes'",
        ),
        ({"tokenizer": "[]"}, "expected the JSON of a Hugging Face tokenizer"),
        (
            {
                "tokenizer": bert_state({t: n for n, t in enumerate(TOKENS)}, SPECIAL, nfc=False),
                "tokenizer_config": {"do_lower_case": False},
            },
            "do_lower_case is False, and tokenizer.json has lowercase True; make them equal",
        ),
    ],
)
def test_invalid_files_are_refused_in_one_line(
    files: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises((FolderError, ConfigError)) as raised:
        read_tokenizer(write_folder(tmp_path, **files))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
