"""Write the parts of the pages that repeat the code: settings, search spaces, imports, files.

    python docs/generate.py [--check]

A page marks a generated part with one of these lines and ends it with `<!-- end -->`:

    <!-- settings: cnn -->                   a model of texts, with its defaults by script
    <!-- settings: image_cnn -->             a model of images
    <!-- settings: parallel.transformer -->  an encoder-decoder
    <!-- settings: training -->              a section of config.yaml
    <!-- settings: parallel.data -->         a section of config.yaml of the input `parallel`
    <!-- space: text -->                     what a search tries for the models of an input
    <!-- tree: src/munjang -->               the files, with the first line of their docstrings
    <!-- layers: pyproject.toml -->          the contract of import-linter

With --check nothing is written, and the exit code is 1 if a page is out of date.
"""

import ast
import re
import sys
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from munjang.config import Settings, merge
from munjang.defaults.image import image_defaults
from munjang.defaults.parallel import PairTexts, parallel_defaults
from munjang.defaults.text import script_defaults
from munjang.models.encoder import EncoderConfig
from munjang.models.sequence_to_sequence.model import EncoderDecoderConfig
from munjang.recipe import PretrainedSettings, Recipe, parse_recipe, with_names
from munjang.registry import INPUTS, TASKS, find_architectures
from munjang.text.script import Script
from munjang.training.settings import TrainingSettings
from munjang.tuning.parameters import Choice, Span
from munjang.tuning.spaces import IMAGE_SPACES, PAIR_SPACES, SPACES

FEW, MANY = 10_000, 150_000
TOKENS = 300_000
FITTING = 77
HANGING = {"subsequent_indent": " " * 23, "drop_whitespace": True, "break_long_words": False}
PLACE = re.compile(r"(<!-- (settings|space|tree|layers): (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
ROOT = Path(__file__).parent.parent


def settings(name: str) -> str:
    """Return the table of a model or of a section."""
    prefix, _, rest = name.rpartition("parallel.")
    assert not prefix
    if name in {row.name for row in find_architectures("text", "pooled")}:
        return text_table(name)
    if name in {row.name for row in find_architectures("image", "pooled")}:
        return image_table(name)
    if rest in {row.name for row in find_architectures("parallel", "decoder")}:
        return pair_table(rest)
    section = sections("parallel")[rest] if name.startswith("parallel.") else sections("")[name]
    rows = [
        (key, format_value(field.get_default(call_default_factory=True)), describe(field))
        for key, field in section.model_fields.items()
        if not isinstance(field.default, Settings)  # it has a table of its own
    ]
    return table(("setting", "default", "meaning"), rows)


def sections(input_name: str) -> dict[str, type[Settings]]:
    """Return the sections of config.yaml by name: of one input, or of all but `parallel`."""
    known: dict[str, type[Settings]] = {
        "training": TrainingSettings,
        "pretrained": PretrainedSettings,
    }
    for row in (INPUTS.require(name) for name in (input_name or "image", input_name or "text")):
        known.update(row.load().sections)
    for task in TASKS.rows:
        known.update(task.load().sections)
    for name, section in list(known.items()):
        for key, field in section.model_fields.items():
            if isinstance(field.default, Settings):
                known[f"{name}.{key}"] = type(field.default)
    return known


def make(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Recipe:
    """Return the recipe of some settings on top of defaults and those of the task."""
    named = with_names(given)
    task = TASKS.require(named["task"]).load()
    return parse_recipe(merge(merge(defaults, task.defaults(named)), named))


def pair_table(name: str) -> str:
    """Return the settings of an encoder-decoder, its own first, and other changed defaults."""
    given = {"task": "translate", "model": {"name": name}}
    metric = {"training": {"metric": TASKS.require("translate").metrics[0]}}
    recipe = make(given, merge(metric, parallel_defaults(given, PairTexts(tokens=TOKENS))))
    shared, fields = EncoderDecoderConfig.model_fields, type(recipe.model).model_fields
    rows = [
        (key, format_value(getattr(recipe.model, key)), describe(fields[key]))
        for key in sorted(fields, key=lambda key: key in shared)
        if key != "name"
    ]
    around = [
        (f"training.{key}", format_value(value))
        for key, value in recipe.training
        if value != TrainingSettings.model_fields[key].default
    ]
    return (
        f"{table(('setting of `model`', 'default', 'meaning'), rows)}\n"
        f"Other defaults that differ from those of all models, on {TOKENS:,} target tokens:\n\n"
        f"{table(('setting', 'default'), around)}"
    )


def image_table(name: str) -> str:
    """Return the settings of a model of images, with their defaults on small ones."""
    given = {"input": "image", "model": {"name": name}}
    small, large = (make(given, image_defaults(given, FEW, (side, side))).model for side in (8, 64))
    fields = {key: field for key, field in type(small).model_fields.items() if key != "name"}
    rows = [
        (key, *(format_value(getattr(model, key)) for model in (large, small)), describe(field))
        for key, field in fields.items()
    ]
    return table(("setting of `model`", "default", "on images under 16x16", "meaning"), rows)


def text_recipe(name: str, script: Script, rows: int) -> Recipe:
    """Return the recipe of a text model with the defaults for a script and a number of rows."""
    given = {"model": {"name": name}}
    return make(given, script_defaults(given, script, rows))


def text_table(name: str) -> str:
    """Return the settings of a text model, its own first, with their defaults on Korean text."""
    kind = type(text_recipe(name, "other", FEW).model)
    own = [key for key in kind.model_fields if key not in inherited(kind)]
    rows = [
        (key, *by_script(name, "model", key), describe(kind.model_fields[key]))
        for key in [*own, *(key for key in kind.model_fields if key not in own)]
        if key != "name"
    ]
    own_table = table(("setting of `model`", "default", "on Korean text", "meaning"), rows)
    heads = ("setting", "default", "on Korean text")
    return (
        f"{own_table}\nOther defaults that differ from those of all models:\n\n"
        f"{table(heads, changed(name))}"
    )


def changed(name: str) -> list[tuple[str, str, str]]:
    """Return the settings of tokenizer and training that the model or the script changes."""
    rows = [
        (section, key, format_value(field.default), by_script(name, section, key))
        for section in ("tokenizer", "training")
        for key, field in sections("")[section].model_fields.items()
        if not field.default_factory
    ]
    return [
        (f"{section}.{key}", *values)
        for section, key, usual, values in rows
        if set(values) != {usual}
    ]


def by_script(name: str, section: str, key: str) -> tuple[str, str]:
    """Return the default of a setting on other text and on Korean."""
    other, korean = (by_rows(name, script, section, key) for script in ("other", "korean"))
    return other, korean


def by_rows(name: str, script: Script, section: str, key: str) -> str:
    """Return the default of a setting, with the number of texts if that makes a difference."""
    few, many = (
        format_value(getattr(getattr(text_recipe(name, script, rows), section), key))
        for rows in (FEW, MANY)
    )
    return few if few == many else f"{few} on {FEW:,} texts, {many} on {MANY:,}"


def inherited(settings: type[Settings]) -> set[str]:
    """Return the names of the settings of the embedding, which nearly all models have."""
    bases = [base for base in settings.__mro__ if base.__module__ == EncoderConfig.__module__]
    return {key for base in bases for key in getattr(base, "model_fields", {})}


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table, its first column as code."""
    lines = [" | ".join(heads), "|".join("---" for _ in heads)]
    lines += [" | ".join((f"`{first}`", *rest)) for first, *rest in rows]
    return "".join(f"| {line} |\n" for line in lines)


def format_value(value: Any) -> str:
    """Return a value as config.yaml has it."""
    if isinstance(value, int) and value >= 2**12 and value & (value - 1) == 0:
        return f"{value} (2^{value.bit_length() - 1})"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return str(list(value) if isinstance(value, tuple) else value).replace("|", r"\|")


def describe(field: FieldInfo) -> str:
    """Return the description, and the possible names unless the description has them."""
    text = field.description or ""
    names = [str(name) for name in get_args(field.annotation)]
    missing = get_origin(field.annotation) is Literal and any(name not in text for name in names)
    return text + (f" ({', '.join(names)})" if missing else "")


def space(input_name: str) -> str:
    """Return what a search tries of each setting, and for which models."""
    spaces = {"text": SPACES, "parallel": PAIR_SPACES, "image": IMAGE_SPACES}[input_name]
    models: dict[tuple[str, str], list[str]] = {}
    for model, parameters in spaces.items():
        for key, parameter in parameters.items():
            models.setdefault((key, describe_values(parameter)), []).append(model)
    rows = [
        (key, values, "all" if len(names) == len(spaces) else ", ".join(names))
        for (key, values), names in models.items()
    ]
    return table(("setting", "searched", "models"), rows)


def describe_values(parameter: Choice | Span) -> str:
    """Return the values of a parameter of the search in words."""
    if isinstance(parameter, Choice):
        return ", ".join(map(format_value, parameter.values))
    low, high = map(format_value, parameter.ends())
    return f"{low} to {high}" + (", log scale" if parameter.log else "")


def tree(name: str) -> str:
    """Return every file below a folder with the first line of its docstring, the top level last."""
    top = ROOT / name
    lines_by_folder: dict[Path, list[str]] = {}
    for file in sorted(top.rglob("*.py")):
        phrase = first_line(file)
        if phrase:
            lines_by_folder.setdefault(file.parent, []).append(f"  {file.name:<20} {phrase}")
    blocks = []
    for folder in sorted(lines_by_folder, key=lambda folder: (folder == top, folder)):
        lines = [f"{folder.relative_to(top.parent)}/", *lines_by_folder[folder]]
        blocks.append("\n".join(textwrap.fill(line, 100, **HANGING) for line in lines))
    return "```text\n" + "\n\n".join(blocks) + "\n```\n"


def first_line(file: Path) -> str:
    """Return the first line of a file's docstring, cut at its first clause if it is long."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    phrase = docstring.split("\n")[0].removesuffix(".")
    return phrase if len(phrase) <= FITTING else re.split(r"[.:;] ", phrase, maxsplit=1)[0]


def layers(name: str) -> str:
    """Return the contract of import-linter, the highest layer first."""
    project = tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "```text\n" + "\n".join(row.replace("munjang.", "") for row in rows) + "\n```\n"


WRITERS = {"settings": settings, "space": space, "tree": tree, "layers": layers}


def main() -> int:
    """Rewrite or check every page; return the exit code."""
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
