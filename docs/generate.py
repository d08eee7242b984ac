"""Write what the pages repeat of the code: settings, the tree of files, the order of imports.

    python docs/generate.py [--check]

A page marks the place with `<!-- settings: cnn -->` (a model, with its defaults by script),
`<!-- settings: training -->` (a section of config.yaml), `<!-- settings: pairs.transformer -->` (a
model or section from text to text, where another has its name), `<!-- space: models -->` (what a
search tries), `<!-- tree: src/munjang -->` or `<!-- layers: pyproject.toml -->`, and ends it with
`<!-- end -->`. With --check nothing is written, and the exit code is 1 when a page is out of date.
"""

import ast
import re
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from munjang.image_recipe import make_image_recipe
from munjang.models.registry import ARCHITECTURES, IMAGE_ARCHITECTURES, PAIR_ARCHITECTURES
from munjang.pair_recipe import PairRecipe, PairTexts, make_pair_recipe
from pydantic.fields import FieldInfo

from munjang.config import Settings
from munjang.data.pairs.settings import SideSettings
from munjang.defaults import Script, make_recipe
from munjang.models.encoder import EncoderConfig
from munjang.models.sequence_to_sequence.model import EncoderDecoderConfig
from munjang.recipe import Recipe, TokenizerSettings
from munjang.training.settings import TrainingSettings
from munjang.tuning.parameters import Choice, Span
from munjang.tuning.spaces import IMAGE_SPACES, PAIR_SPACES, SPACES

FEW, MANY = 10_000, 150_000
TOKENS = 300_000
FITTING = 77
HANGING = {"subsequent_indent": " " * 23, "drop_whitespace": True, "break_long_words": False}
AROUND = {"tokenizer": TokenizerSettings, "training": TrainingSettings}
PLACE = re.compile(r"(<!-- (settings|space|tree|layers): (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
ROOT = Path(__file__).parent.parent


def settings(name: str) -> str:
    """The table of a model or of a section."""
    if name in ARCHITECTURES:
        return model_table(name)
    if name in IMAGE_ARCHITECTURES:
        return image_table(name)
    model = name.removeprefix("pairs.")
    if model in PAIR_ARCHITECTURES:
        return pair_table(model)
    section = section_of(name)
    fields = type(section).model_fields
    rows = [
        (key, written(value), meaning(fields[key]))
        for key, value in section
        if not isinstance(value, Settings)  # it has a table of its own
    ]
    return table(("setting", "default", "meaning"), rows)


def section_of(name: str) -> Settings:
    """A section of config.yaml as it is when nothing is set."""
    if name == "images":
        return type(make_image_recipe("image_cnn", FEW, {}).images)()
    if name == "pairs.tokenizer.source":
        return SideSettings()
    pairs = name in PairRecipe.model_fields and name not in Recipe.model_fields
    kind = PairRecipe if pairs or name.startswith("pairs.") else Recipe
    found: Settings = kind.model_fields[name.removeprefix("pairs.")].default
    return found


def pair_table(name: str) -> str:
    """The settings of a model from text to text, its own first, and what else it changes."""
    recipe = make_pair_recipe(name, PairTexts(tokens=TOKENS), {})
    shared, fields = EncoderDecoderConfig.model_fields, type(recipe.model).model_fields
    rows = [
        (key, written(getattr(recipe.model, key)), meaning(fields[key]))
        for key in sorted(fields, key=lambda key: key in shared)
        if key != "name"
    ]
    around = [
        (f"training.{key}", written(value))
        for key, value in recipe.training
        if value != TrainingSettings.model_fields[key].default
    ]
    return (
        f"{table(('setting of `model`', 'default', 'meaning'), rows)}\n"
        f"Around it, on {TOKENS:,} target tokens, where it differs from what all models start "
        f"with:\n\n{table(('setting', 'default'), around)}"
    )


def image_table(name: str) -> str:
    """The settings of a model of images, with what they are on small ones."""
    small, large = (make_image_recipe(name, FEW, {}, size=(side, side)).model for side in (8, 64))
    fields = {key: field for key, field in type(small).model_fields.items() if key != "name"}
    rows = [
        (key, *(written(getattr(model, key)) for model in (large, small)), meaning(fields[key]))
        for key in fields
    ]
    return table(("setting of `model`", "default", "on images under 16x16", "meaning"), rows)


def model_table(name: str) -> str:
    """The settings of a model, its own first, with what they are on Korean text."""
    kind = type(make_recipe(name, "other", FEW, {}).model)
    own = [key for key in kind.model_fields if key not in inherited(kind)]
    rows = [
        (key, *by_script(name, "model", key), meaning(kind.model_fields[key]))
        for key in [*own, *(key for key in kind.model_fields if key not in own)]
        if key != "name"
    ]
    found = table(("setting of `model`", "default", "on Korean text", "meaning"), rows)
    heads = ("setting", "default", "on Korean text")
    return (
        f"{found}\nAround it, where it differs from what all models start with:\n\n"
        f"{table(heads, changed(name))}"
    )


def changed(name: str) -> list[tuple[str, str, str]]:
    """The settings of tokenizer and training that the model or the script changes."""
    rows = [
        (section, key, written(field.default), by_script(name, section, key))
        for section, settings in AROUND.items()
        for key, field in settings.model_fields.items()
        if not field.default_factory
    ]
    return [
        (f"{section}.{key}", *values)
        for section, key, usual, values in rows
        if set(values) != {usual}
    ]


def by_script(name: str, section: str, key: str) -> tuple[str, str]:
    """A setting on other text and on Korean."""
    other, korean = (by_rows(name, script, section, key) for script in ("other", "korean"))
    return other, korean


def by_rows(name: str, script: Script, section: str, key: str) -> str:
    """A setting, and on how many texts if that makes a difference."""
    few, many = (
        written(getattr(getattr(make_recipe(name, script, rows, {}), section), key))
        for rows in (FEW, MANY)
    )
    return few if few == many else f"{few} on {FEW:,} texts, {many} on {MANY:,}"


def inherited(settings: type[Settings]) -> set[str]:
    """Names of the settings of the embedding and the bag, which nearly all models have."""
    bases = [base for base in settings.__mro__ if base.__module__ == EncoderConfig.__module__]
    return {key for base in bases for key in getattr(base, "model_fields", {})}


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Markdown, the first column as code."""
    lines = [" | ".join(heads), "|".join("---" for _ in heads)]
    lines += [" | ".join((f"`{first}`", *rest)) for first, *rest in rows]
    return "".join(f"| {line} |\n" for line in lines)


def written(value: Any) -> str:
    """A value as config.yaml has it."""
    if isinstance(value, int) and value >= 2**12 and value & (value - 1) == 0:
        return f"{value} (2^{value.bit_length() - 1})"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return str(list(value) if isinstance(value, tuple) else value).replace("|", r"\|")


def meaning(field: FieldInfo) -> str:
    """The description, and the names that may be given unless it tells them itself."""
    said = field.description or ""
    names = [str(name) for name in get_args(field.annotation)]
    untold = get_origin(field.annotation) is Literal and any(name not in said for name in names)
    return said + (f" ({', '.join(names)})" if untold else "")


def space(inputs: str) -> str:
    """Return what a search tries of each setting, and for which models."""
    spaces = {"models": SPACES, "pairs": PAIR_SPACES, "images": IMAGE_SPACES}[inputs]
    models: dict[tuple[str, str], list[str]] = {}
    for model, parts in spaces.items():
        for key, part in parts.items():
            models.setdefault((key, tried(part)), []).append(model)
    rows = [
        (key, values, "all" if len(names) == len(spaces) else ", ".join(names))
        for (key, values), names in models.items()
    ]
    return table(("setting", "searched", "models"), rows)


def tried(part: Choice | Span) -> str:
    """The values of a part of the space in words."""
    if isinstance(part, Choice):
        return ", ".join(map(written, part.values))
    low, high = map(written, part.ends())
    return f"{low} to {high}" + (", by factors" if part.log else "")


def tree(name: str) -> str:
    """Every file below a folder with the first line of its docstring, the top level last."""
    top = ROOT / name
    found: dict[Path, list[str]] = {}
    for file in sorted(top.rglob("*.py")):
        phrase = first_line(file)
        if phrase:
            found.setdefault(file.parent, []).append(f"  {file.name:<20} {phrase}")
    blocks = []
    for folder in sorted(found, key=lambda folder: (folder == top, folder)):
        lines = [f"{folder.relative_to(top.parent)}/", *found[folder]]
        blocks.append("\n".join(textwrap.fill(line, 100, **HANGING) for line in lines))
    return "```text\n" + "\n\n".join(blocks) + "\n```\n"


def first_line(file: Path) -> str:
    """What a file says of itself, on one line if its first clause says it."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    phrase = said.split("\n")[0].removesuffix(".")
    return phrase if len(phrase) <= FITTING else re.split(r"[.:;] ", phrase, maxsplit=1)[0]


def layers(name: str) -> str:
    """The contract of import-linter, the highest layer first."""
    project = tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "```text\n" + "\n".join(row.replace("munjang.", "") for row in rows) + "\n```\n"


WRITERS = {"settings": settings, "space": space, "tree": tree, "layers": layers}


def main() -> int:
    """Rewrite or check every page."""
    stale = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        fresh = PLACE.sub(lambda m: f"{m[1]}\n{WRITERS[m[2]](m[3])}\n{m[4]}", text)
        if fresh != text:
            stale.append(page.name)
            if "--check" not in sys.argv:
                page.write_text(fresh, encoding="utf-8")
    print(f"changed: {', '.join(stale) or 'no page'}")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
