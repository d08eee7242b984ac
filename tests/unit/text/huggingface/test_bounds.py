"""Hostile `tokenizer.json` files end in an error of one line, quickly."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from munjang.errors import ConfigError, DataError
from munjang.text.huggingface import bounds
from munjang.text.huggingface.bounds import has_nested_repetition
from munjang.text.registry import make_tokenizer
from tests.huggingface_tokenizers import train_tokenizer

State = dict[str, Any]
BERT: State = json.loads(train_tokenizer("bert", ["the film"]).to_str())
BYTES: State = json.loads(train_tokenizer("byte_level", ["the film"]).to_str())
GROWING_REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}


def make_nested(depth: int) -> Any:
    return json.loads('{"a":' * depth + "1" + "}" * depth)


def make_split(regex: str) -> State:
    pattern = {
        "type": "Split",
        "pattern": {"Regex": regex},
        "behavior": "Isolated",
        "invert": False,
    }
    return {**BYTES, "pre_tokenizer": pattern}


def with_model(state: State, **values: Any) -> State:
    return {**state, "model": {**state["model"], **values}}


def make_unigram(*pieces: list[Any]) -> State:
    return {"model": {"type": "Unigram", "vocab": list(pieces), "unk_id": 0}}


def with_component(name: str, component: Any) -> State:
    return {**BERT, name: component}


def make_sequence(*components: State) -> State:
    return with_component("normalizer", {"type": "Sequence", "normalizers": list(components)})


UNKNOWN_SPECIAL_IDS = {"type": "BertProcessing", "sep": ["x", 999], "cls": ["y", 998]}
CHARSMAP = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}

HOSTILE: dict[str, tuple[State | list[Any] | str, str]] = {
    "nothing": ("", "not valid JSON"),
    "half": (json.dumps(BERT)[:500], "not valid JSON"),
    "deep": ("[" * 100_000, "nested too deep"),
    "a list": ([1], "expected the JSON"),
    "no model": ({"version": "1.0"}, r"model\.vocab"),
    "deep slot": (with_component("normalizer", make_nested(40)), "nested more than 32 deep"),
    "unknown part": (with_component("normalizer", {"type": "Evil"}), "cannot be built"),
    "large id": (with_model(BERT, vocab={"a": 4_000_000_000}), "expected ids from 0"),
    "negative id": (with_model(BERT, vocab={"a": -1}), "expected ids from 0"),
    "id twice": (with_model(BERT, vocab={"a": 1, "[UNK]": 1}), "the same id"),
    "no ids": (with_model(BERT, vocab={"a": "b"}), "expected ids from 0"),
    "long token": (with_model(BERT, vocab={"a" * 1_001: 0}), r"1,001 characters"),
    "no unknown": (with_model(BERT, unk_token="nowhere"), r"unk_token: 'nowhere' is not in"),
    "long words": (with_model(BERT, max_input_chars_per_word=10**9), "max_input_chars_per_word"),
    "strange merge": (with_model(BYTES, merges=[["a", "nowhere"]]), "cannot be built"),
    "no merge": (with_model(BYTES, merges=[5]), r"model\.merges"),
    "panic": (with_model(BYTES, continuing_subword_prefix="가가가"), "cannot be built"),
    "score": (make_unigram(["<unk>", -1e300]), "expected scores"),
    "no number": ('{"model": {"vocab": [["a", NaN]]}}', "NaN"),
    "no piece": (make_unigram(["a"]), "pairs of a piece and a score"),
    "unk_id": (with_model(make_unigram(["a", 0.0]), unk_id=9), "cannot be built"),
    "added": (with_component("added_tokens", [{"id": 0}]), "added_tokens: expected text"),
    "added id": (with_component("post_processor", UNKNOWN_SPECIAL_IDS), "an id that no token has"),
    "growth": (make_sequence(*[GROWING_REPLACE] * 40), "times longer"),
    "components": (make_sequence(*[{"type": "NFC"}] * 99), "100 components"),
    "no length": (
        with_component("pre_tokenizer", {"type": "FixedLength", "length": 0}),
        "1 or more",
    ),
    "charsmap": (with_component("normalizer", CHARSMAP), "cannot be built"),
    "long string": (make_sequence({"type": "Prepend", "prepend": "a" * 5_000}), "5,000 characters"),
    "repetition": (make_split("(a+)+$"), "repetition of a repetition"),
    "backreference": (make_split(r"(a)\1"), "backreferences"),
    "parenthesis": (make_split("("), "cannot be built"),
    "long regex": (make_split("a" * 5_000), "5,000 characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    state, message = HOSTILE[name]
    path = tmp_path / "tokenizer.json"
    path.write_text(state if isinstance(state, str) else json.dumps(state), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as raised:
        make_tokenizer("huggingface", file=str(path)).fit(pl.Series(["a"]))
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400 + len(str(path))


def test_slow_pattern_ends_with_one_line_error(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(make_split("(a|a)*$")), encoding="utf-8")
    tokenizer = make_tokenizer("huggingface", file=str(path)).fit(pl.Series(["film"]))
    with pytest.raises(DataError, match=r"fails on a text.*limit") as raised:
        tokenizer.encode_text("a" * 60 + "b")
    assert "\n" not in str(raised.value)
    assert len(tokenizer.encode_text("film"))


def test_unused_keys_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    strange = {"more": make_nested(60), "padding": {"pad_token": ["x"]}, "truncation": "all"}
    path.write_text(json.dumps({**BERT, **strange}), encoding="utf-8")
    tokenizer = make_tokenizer("huggingface", file=str(path)).fit(pl.Series(["the film"]))
    assert tokenizer.vocabulary.tokens[:4] == ("<pad>", "<oov>", "<go>", "<eos>")


@pytest.mark.parametrize(
    ("bound", "change"),
    [
        ("MOST_TOKENS", lambda state: state),
        ("MOST_REGEXES", lambda state: make_split("a")),
    ],
)
def test_counts_are_bounded(
    bound: str, change: Callable[[State], State], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = change(BERT)
    bounds.check_bounds(state)
    monkeypatch.setattr(bounds, bound, 0)
    with pytest.raises(ConfigError, match="up to 0 are read"):
        bounds.check_bounds(state)


# the patterns of GPT-2, Llama 3 and o200k, and others without a repetition of a repetition
PLAIN = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{M}]*[\p{Ll}\p{Lm}\p{M}]+(?i:'s|'t|'re)?|\p{N}{1,3}",
    r"\d{1,3}(?=(?:\d{3})*\b)",
    "(?:x{1,3}){2,5}",
    " {2,}",
    "(a+)?b",
    "[(a+)+]*",
    r"\(a+\)+",
    "(?:[^\\[\\]]+)",
]
NESTED = ["(a+)+", "(?:a*)*", "((a+)b)*", "(a{2,})+", "(a+){2,}", "(a+){99}", "(a|b+c)*", "(a+)*+"]


@pytest.mark.parametrize("pattern", PLAIN)
def test_simple_pattern_is_accepted(pattern: str) -> None:
    assert not has_nested_repetition(pattern)
    bounds.check_bounds(make_split(pattern))


@pytest.mark.parametrize("pattern", NESTED)
def test_nested_repetition_is_detected(pattern: str) -> None:
    assert has_nested_repetition(pattern)
