"""Bounds on a `tokenizer.json` that anybody may have written.

The library reads such a file without running code from it, but a file may ask for more time and
memory than there is. These are bounded before the library sees it:

- the file: bytes, JSON values, depth (`munjang.parsing`), number of tokens, the length of each;
- the model: ids, scores, and the word length up to which WordPiece searches, as its search takes
  time that is quadratic in it;
- normalizer, pre-tokenizer, post-processor and decoder: number of components, length of strings,
  and how many times longer a chain of `Replace` can make a text;
- regular expressions: number, length, no backreferences or recursion, no repetition of a
  repetition such as `(a+)+`.

What stays: a pattern of another slow kind, such as `(a|a)*b`. Oniguruma gives up after ten million
steps per match, about a third of a second, and the text is then refused with one `DataError`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from munjang.errors import ConfigError
from munjang.text.vocabulary import MOST_TOKENS

LONGEST_TOKEN = 1_000  # characters
LONGEST_WORD = 1_000  # characters of a word that WordPiece searches; the library's default is 100
LARGEST_ID = 4_000_000
DEEPEST = 32  # lists and objects in one another in a slot
LARGEST_SCORE = 1e6
MOST_COMPONENTS = 64  # per slot
LONGEST_STRING = 4_096  # characters of a string in a component
LONGEST_CHARSMAP = 8_000_000  # characters of SentencePiece's table of characters, in base64
MOST_GROWTH = 64  # times longer than before
MOST_REGEXES = 64
MOST_REPEATS = 10  # of a group in a regular expression, as in {1,3}, before it counts as unbounded

SLOTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


def check_bounds(state: Mapping[str, Any]) -> None:
    """Check the JSON of a `tokenizers.Tokenizer`.

    Args:
        state: the values in a `tokenizer.json`.

    Raises:
        ConfigError: a bound is passed; the place in the file is named.
    """
    model = state.get("model")
    if not isinstance(model, Mapping) or "vocab" not in model:
        raise ConfigError(
            "expected the JSON of a Hugging Face tokenizer, which has model.vocab; save one with "
            "tokenizer.save('tokenizer.json')"
        )
    _check_model(model)
    _check_added_tokens(state.get("added_tokens") or [])
    for slot in SLOTS:
        _check_slot(slot, state.get(slot))


def _check_model(model: Mapping[str, Any]) -> None:
    vocab = model["vocab"]
    if isinstance(vocab, Mapping):
        _check_tokens(vocab)
        _check_ids(vocab.values())
    elif isinstance(vocab, list):
        if not all(isinstance(piece, list) and len(piece) == 2 for piece in vocab):
            raise ConfigError("model.vocab: expected pairs of a piece and a score")
        _check_tokens([piece for piece, _ in vocab])
        for _, score in vocab:
            if type(score) not in (int, float) or not abs(score) <= LARGEST_SCORE:
                raise ConfigError(
                    f"model.vocab: expected scores between -{LARGEST_SCORE:,.0f} and "
                    f"{LARGEST_SCORE:,.0f}, got {str(score)[:80]}"
                )
    else:
        raise ConfigError("model.vocab: expected tokens with ids, or pieces with scores")
    _check_merges(model.get("merges", []))
    longest = model.get("max_input_chars_per_word", 0)
    if type(longest) is not int or longest > LONGEST_WORD:
        raise ConfigError(
            f"model.max_input_chars_per_word: expected up to {LONGEST_WORD:,}, got "
            f"{str(longest)[:80]}"
        )
    for key in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        _check_string(f"model.{key}", model.get(key) or "", LONGEST_TOKEN)


def _check_merges(merges: Any) -> None:
    if not isinstance(merges, list):
        raise ConfigError("model.merges: expected a list of pairs")
    for merge in merges:
        parts = merge if isinstance(merge, list) else [merge]
        for part in parts:
            _check_string("model.merges", part, 2 * LONGEST_TOKEN + 1)


def _check_tokens(tokens: Any) -> None:
    if len(tokens) > MOST_TOKENS:
        raise ConfigError(f"model.vocab: {len(tokens):,} tokens; up to {MOST_TOKENS:,} are read")
    for token in tokens:
        _check_string("model.vocab", token, LONGEST_TOKEN)


def _check_ids(ids: Any) -> None:
    numbers = list(ids)
    if set(map(type, numbers)) - {int} or not all(0 <= n <= LARGEST_ID for n in numbers):
        raise ConfigError(f"model.vocab: expected ids from 0 to {LARGEST_ID:,}")
    if len(set(numbers)) < len(numbers):
        raise ConfigError("model.vocab: two tokens have the same id")


def _check_added_tokens(added: Any) -> None:
    if not isinstance(added, list) or not all(isinstance(token, Mapping) for token in added):
        raise ConfigError("added_tokens: expected a list of tokens")
    if len(added) > MOST_TOKENS:
        raise ConfigError(f"added_tokens: {len(added):,} tokens; up to {MOST_TOKENS:,} are read")
    for token in added:
        _check_string("added_tokens", token.get("content"), LONGEST_TOKEN)
        _check_ids([token.get("id")])


def _check_slot(slot: str, component: Any) -> None:
    """Check the components of one slot, which may be nested."""
    values = list(_walk(component, slot))
    components = sum(isinstance(value, Mapping) and "type" in value for _, value in values)
    if components > MOST_COMPONENTS:
        raise ConfigError(f"{slot}: {components} components; up to {MOST_COMPONENTS} are read")
    regexes = 0
    growth = 1.0
    for key, value in values:
        if isinstance(value, str):
            longest = LONGEST_CHARSMAP if key == "precompiled_charsmap" else LONGEST_STRING
            _check_string(f"{slot}.{key}", value, longest)
        if key == "Regex":
            regexes += 1
            _check_regex(slot, value)
        if isinstance(value, Mapping) and value.get("type") in ("Replace", "Prepend"):
            growth *= _growth(value)
        if key == "length" and value == 0:
            raise ConfigError(f"{slot}.length: expected 1 or more, got 0")
    if regexes > MOST_REGEXES:
        raise ConfigError(f"{slot}: {regexes} regular expressions; up to {MOST_REGEXES} are read")
    if growth > MOST_GROWTH:
        raise ConfigError(
            f"{slot}: replacing makes a text up to {growth:,.0f} times longer; up to "
            f"{MOST_GROWTH} times is allowed"
        )


def _walk(value: Any, key: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield all values of a JSON tree, each with the key that it is found under."""
    yield key, value
    if depth > DEEPEST:
        raise ConfigError(f"nested more than {DEEPEST} deep; see {key[:80]!r}")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _walk(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, key, depth + 1)


def _growth(component: Mapping[str, Any]) -> float:
    """Return how many times longer a text can get, if it is not short.

    A regular expression may match the empty string between all characters.
    """
    if component["type"] == "Prepend":
        return 1.0
    content, pattern = component.get("content"), component.get("pattern")
    plain = pattern.get("String") if isinstance(pattern, Mapping) else None
    written = len(content) if isinstance(content, str) else 0
    if isinstance(plain, str):
        return max(1.0, written / max(1, len(plain)))
    return max(1.0, float(written))


def _check_string(place: str, value: Any, longest: int) -> None:
    if not isinstance(value, str):
        raise ConfigError(f"{place}: expected text, got {str(value)[:80]}")
    if len(value) > longest:
        raise ConfigError(f"{place}: {len(value):,} characters; up to {longest:,} are read")


_BACKWARD = re.compile(r"(?<!\\)(?:\\\\)*(?:\\[1-9]|\\[kg][<'{]|\(\?[PR&(0-9+-])")
_REPEATED = re.compile(r"[*+]|\{(\d*)(,?)(\d*)\}")


def _check_regex(slot: str, pattern: Any) -> None:
    """Refuse patterns whose time is exponential in the text, as far as their form tells."""
    if not isinstance(pattern, str):
        raise ConfigError(f"{slot}: a regular expression is no text")
    shown = pattern[:80]
    if _BACKWARD.search(pattern):
        raise ConfigError(
            f"{slot}: backreferences and recursion in regular expressions are not read: {shown!r}"
        )
    if has_nested_repetition(pattern):
        raise ConfigError(
            f"{slot}: a repetition of a repetition, such as (a+)+, can take exponential time: "
            f"{shown!r}"
        )


def has_nested_repetition(pattern: str) -> bool:
    """Return whether a group that holds an unbounded repetition is itself repeated."""
    open_groups = [False]  # per open group: whether it holds a repetition
    place, closed = 0, False  # closed: the last item is a group with a repetition
    while place < len(pattern):
        character = pattern[place]
        found = _REPEATED.match(pattern, place)
        if found and place > 0 and pattern[place - 1] != "(":
            if _is_many(found):
                if closed:
                    return True
                open_groups[-1] = True
            place = found.end()
            continue
        if character in "?" and place > 0:
            place += 1  # lazy, optional, or the mark of a group: repeats nothing more than once
            continue
        closed = False
        if character == "\\":
            place += 2
        elif character == "[":
            place = _end_of_class(pattern, place)
        else:
            if character == "(":
                open_groups.append(False)
            elif character == ")" and len(open_groups) > 1:
                closed = open_groups.pop()
                open_groups[-1] |= closed
            place += 1
    return False


def _is_many(repetition: re.Match[str]) -> bool:
    if repetition[0] in ("*", "+"):
        return True
    least, comma, most = repetition.groups()
    return not (least or most) or (comma and not most) or int((most or least)[:6]) > MOST_REPEATS


def _end_of_class(pattern: str, place: int) -> int:
    """Return where the character class that begins at `place` ends; classes may be nested."""
    depth = 0
    start = place
    while place < len(pattern):
        character = pattern[place]
        if character == "\\":
            place += 1
        elif character == "[":
            depth += 1
        elif character == "]" and place > start + 1:
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return place
