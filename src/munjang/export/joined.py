"""Source files that need nothing of munjang, joined from parts that each stand once.

A part is a module of munjang that imports other packages and other parts only.
"""

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

_OURS = "munjang."


def join_parts(wanted: Sequence[str], instead: Mapping[str, str] | None = None) -> str:
    """Return the source of some parts and of those that they import, each once, in order.

    Args:
        wanted: names of modules.
        instead: names of modules that stand in for others, which are interfaces.
    """
    order: dict[str, ast.Module] = {}
    sources: dict[str, str] = {}

    def add(name: str) -> None:
        name = (instead or {}).get(name, name)
        if name in sources:
            return
        sources[name] = _read(name)
        tree = ast.parse(sources[name])
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_OURS):
                add(str(node.module))
        order[name] = tree

    for name in wanted:
        add(name)
    imports = _merge_imports(order.values())
    bodies = [_body(sources[name], tree) for name, tree in order.items()]
    return "\n".join(["", *imports, "", "", "\n\n\n".join(bodies)]) + "\n"


def _read(name: str) -> str:
    package, _, module = name.rpartition(".")
    return (files(package) / f"{module}.py").read_text("utf-8")


def _merge_imports(trees: Iterable[ast.Module]) -> list[str]:
    """Return the lines of all imports of other packages, those of the standard library first."""
    whole: set[str] = set()
    names: dict[str, set[str]] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Import):
                whole.add(ast.unparse(node))
            elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith(_OURS):
                names.setdefault(str(node.module), set()).update(a.name for a in node.names)
    standard = sorted(line for line in whole if _is_standard(line.split()[1]))
    given = [f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)]
    return [*standard, *given, "", *sorted(whole - set(standard))]


def _is_standard(module: str) -> bool:
    return module.split(".")[0] in sys.stdlib_module_names


def _body(source: str, tree: Any) -> str:
    """Return the source of a part without its docstring and imports; the former as a comment."""
    last = max(node.end_lineno or 0 for node in tree.body[:1])
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            last = max(last, node.end_lineno or 0)
    rest = "\n".join(source.splitlines()[last:]).strip("\n")
    return f"# {(ast.get_docstring(tree) or '').splitlines()[0]}\n\n{rest}"
