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
from tests.made_tokenizers import made_tokenizer

State = dict[str, Any]
BERT: State = json.loads(made_tokenizer("bert", ["the film"]).to_str())
BYTES: State = json.loads(made_tokenizer("byte_level", ["the film"]).to_str())
GROWS = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}


def nested(depth: int) -> Any:
    return json.loads('{"a":' * depth + "1" + "}" * depth)


def split(regex: str) -> State:
    pattern = {
        "type": "Split",
        "pattern": {"Regex": regex},
        "behavior": "Isolated",
        "invert": False,
    }
    return {**BYTES, "pre_tokenizer": pattern}


def model(state: State, **values: Any) -> State:
    return {**state, "model": {**state["model"], **values}}


def unigram(*pieces: list[Any]) -> State:
    return {"model": {"type": "Unigram", "vocab": list(pieces), "unk_id": 0}}


def slot(name: str, component: Any) -> State:
    return {**BERT, name: component}


def chain(*components: State) -> State:
    return slot("normalizer", {"type": "Sequence", "normalizers": list(components)})


STRANGE_ENDS = {"type": "BertProcessing", "sep": ["x", 999], "cls": ["y", 998]}
CHARSMAP = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}

HOSTILE: dict[str, tuple[State | list[Any] | str, str]] = {
    "nothing": ("", "not valid JSON"),
    "half": (json.dumps(BERT)[:500], "not valid JSON"),
    "deep": ("[" * 100_000, "nested too deep"),
    "a list": ([1], "expected the JSON"),
    "no model": ({"version": "1.0"}, r"model\.vocab"),
    "deep slot": (slot("normalizer", nested(40)), "nested more than 32 deep"),
    "unknown part": (slot("normalizer", {"type": "Evil"}), "cannot be built"),
    "large id": (model(BERT, vocab={"a": 4_000_000_000}), "expected ids from 0"),
    "negative id": (model(BERT, vocab={"a": -1}), "expected ids from 0"),
    "id twice": (model(BERT, vocab={"a": 1, "[UNK]": 1}), "the same id"),
    "no ids": (model(BERT, vocab={"a": "b"}), "expected ids from 0"),
    "long token": (model(BERT, vocab={"a" * 1_001: 0}), r"1,001 characters"),
    "no unknown": (model(BERT, unk_token="nowhere"), r"unk_token: 'nowhere' is not in"),
    "long words": (model(BERT, max_input_chars_per_word=10**9), "max_input_chars_per_word"),
    "strange merge": (model(BYTES, merges=[["a", "nowhere"]]), "cannot be built"),
    "no merge": (model(BYTES, merges=[5]), r"model\.merges"),
    "panic": (model(BYTES, continuing_subword_prefix="가가가"), "cannot be built"),
    "score": (unigram(["<unk>", -1e300]), "expected scores"),
    "no number": ('{"model": {"vocab": [["a", NaN]]}}', "NaN"),
    "no piece": (unigram(["a"]), "pairs of a piece and a score"),
    "unk_id": (model(unigram(["a", 0.0]), unk_id=9), "cannot be built"),
    "added": (slot("added_tokens", [{"id": 0}]), "added_tokens: expected text"),
    "added id": (slot("post_processor", STRANGE_ENDS), "an id that no token has"),
    "growth": (chain(*[GROWS] * 40), "times longer"),
    "components": (chain(*[{"type": "NFC"}] * 99), "100 components"),
    "no length": (slot("pre_tokenizer", {"type": "FixedLength", "length": 0}), "1 or more"),
    "charsmap": (slot("normalizer", CHARSMAP), "cannot be built"),
    "long string": (chain({"type": "Prepend", "prepend": "a" * 5_000}), "5,000 characters"),
    "repetition": (split("(a+)+$"), "repetition of a repetition"),
    "backreference": (split(r"(a)\1"), "backreferences"),
    "parenthesis": (split("("), "cannot be built"),
    "long regex": (split("a" * 5_000), "5,000 characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_line(name: str, tmp_path: Path) -> None:
    state, said = HOSTILE[name]
    path = tmp_path / "tokenizer.json"
    path.write_text(state if isinstance(state, str) else json.dumps(state), encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as raised:
        make_tokenizer("huggingface", file=str(path)).fit(pl.Series(["a"]))
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400 + len(str(path))


def test_a_slow_pattern_ends_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(split("(a|a)*$")), encoding="utf-8")
    tokenizer = make_tokenizer("huggingface", file=str(path)).fit(pl.Series(["film"]))
    with pytest.raises(DataError, match=r"fails on a text.*limit") as raised:
        tokenizer.encode_text("a" * 60 + "b")
    assert "\n" not in str(raised.value)
    assert len(tokenizer.encode_text("film"))


def test_what_is_not_read_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    strange = {"more": nested(60), "padding": {"pad_token": ["x"]}, "truncation": "all"}
    path.write_text(json.dumps({**BERT, **strange}), encoding="utf-8")
    tokenizer = make_tokenizer("huggingface", file=str(path)).fit(pl.Series(["the film"]))
    assert tokenizer.vocabulary.tokens[:4] == ("<pad>", "<oov>", "<go>", "<eos>")


@pytest.mark.parametrize(
    ("bound", "change"),
    [
        ("MOST_TOKENS", lambda state: state),
        ("MOST_REGEXES", lambda state: split("a")),
    ],
)
def test_numbers_of_things_are_bounded(
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
def test_a_plain_pattern_is_read(pattern: str) -> None:
    assert not has_nested_repetition(pattern)
    bounds.check_bounds(split(pattern))


@pytest.mark.parametrize("pattern", NESTED)
def test_a_repetition_of_a_repetition_is_found(pattern: str) -> None:
    assert has_nested_repetition(pattern)
