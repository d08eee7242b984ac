"""Parsers of untrusted JSON and YAML, with bounds on size, depth and number of values.

They run no code, and a few lines cannot fill the memory: aliases, merge keys, tags and repeated
keys are refused, and bounds are checked before values are built. Files of Munjang are far below.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

YAML_CHARACTERS = 16_000_000
YAML_VALUES = 200_000
YAML_LISTS = 50_000
DEPTH = 32
# A longer plain scalar is text, not a number.
_LONGEST_NUMBER = 1_000

JSON_BYTES = 32_000_000
# In memory a value takes up to about 60 bytes, a list or an object about 200.
JSON_VALUES = 2_200_000
JSON_LISTS = 600_000

# libyaml if PyYAML was built with it: the same language, ten times as fast.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = SafeConstructor()
_MERGE = "tag:yaml.org,2002:merge"
# An escape of a surrogate, after an even number of backslashes.
_SURROGATE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")


class UnreadableError(ValueError):
    """The reason why a text cannot be parsed; the caller adds the name of its file."""


def parse_json(
    data: bytes,
    *,
    most_bytes: int = JSON_BYTES,
    most_values: int = JSON_VALUES,
    most_lists: int = JSON_LISTS,
    most_strings: int = JSON_VALUES,
    nan_is_null: bool = False,
) -> Any:
    """Parse one JSON document in UTF-8 as plain values.

    Args:
        data: the document.
        most_bytes: most bytes of the document.
        most_values: most values; commas in strings count, too.
        most_lists: most lists and objects.
        most_strings: most strings that are expected; a few times as many are accepted, as strings
            may contain quotes.
        nan_is_null: read NaN and infinity as None rather than refuse them.

    Raises:
        UnreadableError: the document is not JSON, a key occurs twice, or a bound is exceeded.
    """
    if len(data) > most_bytes:
        raise UnreadableError(f"{len(data):,} bytes, where up to {most_bytes:,} are read")
    lists = data.count(b"[") + data.count(b"{")
    if data.count(b",") + lists > most_values or lists > most_lists:
        raise UnreadableError("too many values")
    if data.count(b'"') > 8 * most_strings + 1_000:
        raise UnreadableError(f"more texts than the {most_strings:,} that there is use for")
    try:
        values = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_refuse_repeated_keys,
            parse_constant=_null if nan_is_null else _refuse_constant,
        )
        if _SURROGATE.search(data):
            json.dumps(values, ensure_ascii=False).encode("utf-8")
    except UnreadableError:
        raise
    except RecursionError:
        raise UnreadableError("nested too deep") from None
    except UnicodeEncodeError:
        raise UnreadableError("a string holds half of a surrogate pair") from None
    except ValueError as error:  # of json, of UTF-8, or of a number with thousands of digits
        raise UnreadableError(f"this is not valid JSON: {error}") from None
    return values


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise UnreadableError("a key occurs twice in it")
    return values


def _null(constant: str) -> None:
    del constant


def _refuse_constant(constant: str) -> None:
    raise UnreadableError(f"{constant} is no number of JSON")


def parse_yaml(text: str) -> Any:
    """Parse one YAML document as plain values; an empty one is None.

    Raises:
        UnreadableError: the document is not YAML, has an alias, an anchor, a merge key, a tag or a
            repeated key, or exceeds a bound; the line is named.
    """
    if len(text) > YAML_CHARACTERS:
        raise UnreadableError(f"{len(text):,} characters, where up to {YAML_CHARACTERS:,} are read")
    if text.count("[") + text.count("{") > YAML_LISTS:
        raise UnreadableError(f"more than {YAML_LISTS:,} lists and mappings")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            builder.add(event)
    except (yaml.YAMLError, UnicodeError) as error:
        raise UnreadableError(f"this is not valid YAML: {' '.join(str(error).split())}") from None
    return builder.root


@dataclass
class _Open:
    """A list or a mapping that is being read.

    Attributes:
        values: values so far.
        key: key of the next value of a mapping.
        has_key: True if the next item is the value of `key`.
    """

    values: Any
    key: Any = None
    has_key: bool = False


@dataclass
class _Builder:
    """Builder of values from YAML events, without recursion."""

    root: Any = None
    documents: int = 0
    count: int = 0
    open: list[_Open] = field(default_factory=list)

    def add(self, event: Any) -> None:
        """Process the next event."""
        if isinstance(event, yaml.NodeEvent):
            self._refuse_indirect(event)
            if isinstance(event, yaml.ScalarEvent):
                self._put(_scalar(event), event)
            else:
                self._begin([] if isinstance(event, yaml.SequenceStartEvent) else {}, event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise UnreadableError(f"{_line(event)}: a second document begins here")

    def _begin(self, values: list[Any] | dict[Any, Any], event: Any) -> None:
        self._put(values, event)
        self.open.append(_Open(values))
        if len(self.open) > DEPTH:
            raise UnreadableError(f"{_line(event)}: nested more than {DEPTH} deep")

    def _refuse_indirect(self, event: Any) -> None:
        if event.anchor is not None:
            raise UnreadableError(
                f"{_line(event)}: anchors and aliases (& and *) are not read; write the value out"
            )
        if event.tag not in (None, "!"):  # a lone ! marks a scalar as text
            raise UnreadableError(
                f"{_line(event)}: this is not valid YAML here: tags (!) are not read"
            )
        self.count += 1
        if self.count > YAML_VALUES:
            raise UnreadableError(f"{_line(event)}: more than {YAML_VALUES:,} values")

    def _put(self, value: Any, event: Any) -> None:
        if not self.open:
            self.root = value
            return
        parent = self.open[-1]
        if isinstance(parent.values, list):
            parent.values.append(value)
        elif parent.has_key:
            parent.values[parent.key] = value
            parent.has_key = False
        else:
            parent.key, parent.has_key = self._key(value, parent.values, event), True

    def _key(self, value: Any, before: Iterable[Any], event: Any) -> Any:
        if isinstance(value, list | dict):
            raise UnreadableError(f"{_line(event)}: this is not valid YAML here: a key is one word")
        if event.implicit[0] and _tag(event.value) == _MERGE:
            raise UnreadableError(f"{_line(event)}: merge keys (<<) are not read; write them out")
        if value in before:
            raise UnreadableError(f"{_line(event)}: the key {str(value)[:80]!r} occurs twice")
        return value


def _scalar(event: Any) -> Any:
    """Return the value of a plain scalar in YAML 1.1; quoted scalars are text."""
    if not event.implicit[0] or len(event.value) > _LONGEST_NUMBER:
        return event.value
    tag = _tag(event.value)
    construct = SafeConstructor.yaml_constructors.get(tag)
    if tag is None or construct is None:
        return event.value
    try:
        return construct(_SCALARS, yaml.ScalarNode(tag, event.value))
    except (ValueError, OverflowError):  # such as 2026-99-99, or a float of two points
        raise UnreadableError(
            f"{_line(event)}: {event.value[:80]!r} is no value; in quotes it is text"
        ) from None


def _tag(value: str) -> str | None:
    """Return the tag that a plain scalar resolves to, such as int; None for text."""
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(value[:1], []):
        if pattern.match(value):
            return str(tag)
    return None


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"
