"""Write the parts of the pages that repeat the code: settings, search spaces, file tree, layers.

    python docs/generate.py [--check]

A page marks the place with `<!-- settings: cnn -->` (an architecture, with its defaults by script),
`<!-- settings: training -->` (a section of config.yaml), `<!-- settings: parallel.transformer -->`
(an architecture or section of that input, where the text input has one of the same name),
`<!-- space: text -->` (the search spaces of an input), `<!-- tree: src/munjang -->` or
`<!-- layers: pyproject.toml -->`, `<!-- limits: serve -->`, and ends it with `<!-- end -->`. The
names that shells complete are written as well (`munjang.cli.completion`). With --check nothing is
written, and the exit code is 1 if a page is out of date.
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

from munjang.cli import completion
from munjang.cli.completion import BASELINE, SETTING
from munjang.comparison.contests import all_contests
from munjang.config import Settings, merge
from munjang.data.settings import TokenizerSettings
from munjang.defaults.image import image_defaults
from munjang.defaults.parallel import PairTexts, parallel_defaults
from munjang.defaults.text import script_defaults
from munjang.models.encoder import EncoderConfig
from munjang.models.sequence_to_sequence.model import EncoderDecoderConfig
from munjang.recipe import Recipe, parse_recipe, with_names
from munjang.registry import ARCHITECTURES, INPUTS, TASKS
from munjang.serving.limits import Limits
from munjang.text.script import Script
from munjang.training.settings import TrainingSettings
from munjang.tuning.parameters import Choice, Span
from munjang.tuning.spaces import SPACES_BY_INPUT

FEW, MANY = 10_000, 150_000
TOKENS = 300_000
FITTING = 77
HANGING = {"subsequent_indent": " " * 23, "drop_whitespace": True, "break_long_words": False}
AROUND = {"tokenizer": TokenizerSettings, "training": TrainingSettings}
PLACE = re.compile(
    r"(<!-- (settings|space|tree|layers|limits): (\S+) -->\n).*?(<!-- end -->)", re.DOTALL
)
ROOT = Path(__file__).parent.parent


def settings(name: str) -> str:
    """Return the table of an architecture or of a section, `NAME` or `INPUT.NAME`."""
    input_name, _, rest = name.partition(".")
    inputs = [input_name] if rest and input_name in INPUTS.names else INPUTS.names
    name = rest if len(inputs) == 1 else name
    for kind in inputs:
        if any(row.name == name and kind in row.takes for row in ARCHITECTURES.rows):
            return ARCHITECTURE_TABLES[kind](name)
    section = section_of(name.split("."), inputs)
    return table(("setting", "default", "meaning"), rows_of(section))


def limits(name: str) -> str:
    """Return the table of the limits of a server."""
    return table(("limit", "default", "meaning"), rows_of(Limits))


def rows_of(section: type[Settings]) -> list[tuple[str, ...]]:
    """Return name, default and meaning of each setting of a section."""
    return [
        (key, written(field.get_default(call_default_factory=True)), meaning(field))
        for key, field in section.model_fields.items()
        if kind_of(field) is None  # a section in the section has a table of its own
    ]


def section_of(path: list[str], inputs: list[str]) -> type[Settings]:
    """Return the class of a section of one of the inputs, of a task or of every recipe."""
    first, *inner = path
    parts = [INPUTS.require(name) for name in inputs] + list(TASKS.rows)
    sections = [row.load().sections for row in parts] + [
        {key: kind_of(field) for key, field in Recipe.model_fields.items()}
    ]
    section = next((found[first] for found in sections if found.get(first)), None)
    for key in inner:
        section = section and kind_of(section.model_fields[key])
    if section is None:
        raise SystemExit(f"no architecture and no section of settings is named {'.'.join(path)}")
    return section


def kind_of(field: FieldInfo) -> type[Settings] | None:
    """Return the class of a section, None of a single setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def recipe_of(name: str, input_name: str, defaults: Mapping[str, Any], task: str) -> Recipe:
    """Return the recipe of an architecture with some defaults."""
    given = with_names({"input": input_name, "task": task, "model": {"name": name}})
    row = TASKS.require(task)
    metric = {"training": {"metric": row.metrics[0]}}
    own = merge(defaults, row.load().defaults(given))
    return parse_recipe(merge(merge(metric, own), given))


def text_recipe(name: str, script: Script, rows: int) -> Recipe:
    """Return the recipe of a classifier of so many texts of a script."""
    defaults = script_defaults({"task": "classify", "model": {"name": name}}, script, rows)
    return recipe_of(name, "text", defaults, "classify")


def parallel_table(name: str) -> str:
    """Return the settings of an encoder-decoder, its own first, and its other defaults."""
    defaults = parallel_defaults({"model": {"name": name}}, PairTexts(tokens=TOKENS))
    recipe = recipe_of(name, "parallel", defaults, "translate")
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
        f"Other defaults on {TOKENS:,} target tokens, where they differ from those of all "
        f"architectures:\n\n{table(('setting', 'default'), around)}"
    )


def image_table(name: str) -> str:
    """Return the settings of an image architecture, with their defaults on small images."""
    large, small = (
        recipe_of(
            name,
            "image",
            image_defaults({"model": {"name": name}}, FEW, (side, side)),
            "classify",
        ).model
        for side in (64, 8)
    )
    fields = {key: field for key, field in type(small).model_fields.items() if key != "name"}
    rows = [
        (key, *(written(getattr(model, key)) for model in (large, small)), meaning(fields[key]))
        for key in fields
    ]
    return table(("setting of `model`", "default", "on images under 16x16", "meaning"), rows)


def text_table(name: str) -> str:
    """Return the settings of a text encoder, its own first, with their defaults on Korean text."""
    kind = type(text_recipe(name, "other", FEW).model)
    own = [key for key in kind.model_fields if key not in inherited(kind)]
    rows = [
        (key, *by_script(name, "model", key), meaning(kind.model_fields[key]))
        for key in [*own, *(key for key in kind.model_fields if key not in own)]
        if key != "name"
    ]
    found = table(("setting of `model`", "default", "on Korean text", "meaning"), rows)
    heads = ("setting", "default", "on Korean text")
    return (
        f"{found}\nOther defaults, where they differ from those of all architectures:\n\n"
        f"{table(heads, changed(name))}"
    )


ARCHITECTURE_TABLES = {"text": text_table, "parallel": parallel_table, "image": image_table}


def changed(name: str) -> list[tuple[str, str, str]]:
    """Return the settings of tokenizer and training that the architecture or the script changes."""
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
    """Return a setting on other text and on Korean."""
    other, korean = (by_rows(name, script, section, key) for script in ("other", "korean"))
    return other, korean


def by_rows(name: str, script: Script, section: str, key: str) -> str:
    """Return a setting, and on how many texts if that makes a difference."""
    few, many = (
        written(getattr(getattr(text_recipe(name, script, rows), section), key))
        for rows in (FEW, MANY)
    )
    return few if few == many else f"{few} on {FEW:,} texts, {many} on {MANY:,}"


def inherited(settings: type[Settings]) -> set[str]:
    """Return the names of the settings that nearly all text encoders have."""
    bases = [base for base in settings.__mro__ if base.__module__ == EncoderConfig.__module__]
    return {key for base in bases for key in getattr(base, "model_fields", {})}


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown, the first column as code."""
    lines = [" | ".join(heads), "|".join("---" for _ in heads)]
    lines += [" | ".join((f"`{first}`", *rest)) for first, *rest in rows]
    return "".join(f"| {line} |\n" for line in lines)


def written(value: Any) -> str:
    """Return a value as config.yaml has it."""
    if isinstance(value, int) and value >= 2**12 and value & (value - 1) == 0:
        return f"{value} (2^{value.bit_length() - 1})"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return str(list(value) if isinstance(value, tuple) else value).replace("|", r"\|")


def meaning(field: FieldInfo) -> str:
    """Return the description of a setting, with its possible names unless it has them."""
    description = field.description or ""
    names = [str(name) for name in get_args(field.annotation)]
    is_open = get_origin(field.annotation) is Literal and any(
        name not in description for name in names
    )
    return description + (f" ({', '.join(names)})" if is_open else "")


def space(input_name: str) -> str:
    """Return what a search tries of each setting of an input's architectures."""
    spaces = SPACES_BY_INPUT[input_name]
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
    """Return the values of a part of the space in words."""
    if isinstance(part, Choice):
        return ", ".join(map(written, part.values))
    low, high = map(written, part.ends())
    return f"{low} to {high}" + (", by factors" if part.log else "")


def tree(name: str) -> str:
    """Return every file below a folder with the first line of its docstring, the top level last."""
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
    """Return the first line of a file's docstring; its first clause if it is too long."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    phrase = docstring.split("\n")[0].removesuffix(".")
    return phrase if len(phrase) <= FITTING else re.split(r"[.:;] ", phrase, maxsplit=1)[0]


def layers(name: str) -> str:
    """Return the contract of import-linter, the highest layer first."""
    project = tomllib.loads((ROOT / name).read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "```text\n" + "\n".join(row.replace("munjang.", "") for row in rows) + "\n```\n"


def names() -> str:
    """Return `names.tsv`: all settings and baselines, for the completion in a shell."""
    rows: dict[str, tuple[list[str], FieldInfo]] = {}
    for field in ("seed", "training", "pretrained", "distillation"):
        add_settings(rows, field, Recipe.model_fields[field])
    for row in (*INPUTS.rows, *TASKS.rows):
        for section, kind in row.load().sections.items():
            for key, field in kind.model_fields.items():
                add_settings(rows, f"{section}.{key}", field)
    for row in ARCHITECTURES.rows:
        for key, field in row.config_class().model_fields.items():
            if key != "name":
                add_settings(rows, f"model.{key}", field, row.name)
    settings = sorted(
        (key, ",".join(dict.fromkeys(models)), ",".join(values(field)), field.description or "")
        for key, (models, field) in rows.items()
    )
    baselines = dict.fromkeys(name for _, contest in all_contests() for name in contest.baselines)
    lines = [(SETTING, *row) for row in settings]
    lines += [(BASELINE, name, "", "", "a baseline") for name in sorted(baselines)]
    return "".join("\t".join(" ".join(cell.split()) for cell in line) + "\n" for line in lines)


def add_settings(
    rows: dict[str, tuple[list[str], FieldInfo]], key: str, field: FieldInfo, *models: str
) -> None:
    """Add a setting, or those of a section, to the architectures that have each."""
    kinds = [kind_of(field), *get_args(field.annotation)]
    section = next((k for k in kinds if isinstance(k, type) and issubclass(k, Settings)), None)
    if section is None:
        rows.setdefault(key, ([], field))[0].extend(models)
        return
    for name, inner in section.model_fields.items():
        add_settings(rows, f"{key}.{name}", inner, *models)


def values(field: FieldInfo) -> list[str]:
    """Return the possible values of a setting, or else its default if that is one value."""
    kinds = [field.annotation, *get_args(field.annotation)]
    options = [name for kind in kinds if get_origin(kind) is Literal for name in get_args(kind)]
    if options:
        return [str(option) for option in options]
    default = field.get_default(call_default_factory=False)
    if isinstance(default, bool):
        return ["true", "false"]
    is_plain = isinstance(default, str | int | float) and not re.search(r"[\s,]", str(default))
    return [str(default)] if is_plain and default != "" else []


WRITERS = {
    "settings": settings,
    "space": space,
    "tree": tree,
    "layers": layers,
    "limits": limits,
}


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
    file, listed = Path(completion.__file__).with_name(completion.FILE), names()
    if not file.exists() or file.read_text(encoding="utf-8") != listed:
        stale.append(file.name)
        if "--check" not in sys.argv:
            file.write_text(listed, encoding="utf-8")
    print(f"changed: {', '.join(stale) or 'no page'}")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
