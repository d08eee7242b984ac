"""The program of the page: plain JavaScript files, one after another."""

from functools import cache
from importlib.resources import files

# In the order of their use of each other.
RUNTIME = ("arrays", "characters", "tokenizers", "embeddings", "layers", "networks", "answers")
PAGE = "page"


@cache
def read_script(*names: str) -> str:
    """Return files of JavaScript as one program in strict mode, without comments."""
    folder = files("munjang.export.web") / "page"
    sources = ((folder / f"{name}.js").read_text(encoding="utf-8") for name in names)
    lines = (line.strip() for source in sources for line in source.splitlines())
    return "\n".join(['"use strict";', *(x for x in lines if x and not x.startswith("//"))]) + "\n"
