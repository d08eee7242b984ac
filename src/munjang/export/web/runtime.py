"""The program of the page: plain JavaScript files, one after another."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

# In the order of their use of each other.
RUNTIME = ("arrays", "characters", "tokenizers", "embeddings", "layers", "networks", "answers")
PAGE = "page"
# Files that only some models need, by the `kind` in their description. Each adds itself to a table
# of an earlier file.
EXTENSIONS: Mapping[str, str] = {
    "cnn": "cnn",
    "recurrent": "recurrent",
    "transformer": "transformer",
    "bert_wordpiece": "bert_wordpiece",
    "onnx": "onnx",
}


def choose_scripts(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the files that compute what a description describes."""
    needed = {EXTENSIONS[kind] for kind in _kinds(description) if kind in EXTENSIONS}
    return (*RUNTIME, *sorted(needed))


def _kinds(described: Any) -> Iterator[str]:
    """Yield every `kind` of networks and tokenizers in a description."""
    if isinstance(described, Mapping):
        if isinstance(kind := described.get("kind"), str):
            yield kind
        for part in described.values():
            yield from _kinds(part)
    elif isinstance(described, list):
        for part in described:
            yield from _kinds(part)


@cache
def read_script(*names: str) -> str:
    """Return files of JavaScript as one program in strict mode, without comments."""
    folder = files("munjang.export.web") / "page"
    sources = ((folder / f"{name}.js").read_text(encoding="utf-8") for name in names)
    lines = (line.strip() for source in sources for line in source.splitlines())
    return "\n".join(['"use strict";', *(x for x in lines if x and not x.startswith("//"))]) + "\n"
