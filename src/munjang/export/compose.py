"""Modules joined to one file with what is used of them, which runs without munjang."""

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.resources import files
from itertools import groupby

from munjang.export.reachable import Definition, find_names, find_reachable

_OURS = "munjang."


def join_modules(
    title: str,
    wanted: Iterable[str],
    public: Collection[str] = (),
    instead: Mapping[str, str] | None = None,
) -> str:
    """Return the source of some definitions and of those that they use, in the order of imports.

    Definitions at the top of modules of munjang, and methods and attributes of their classes, are
    left out where nothing names them; classes that extend those of other packages are whole. Names
    at the top of the modules must differ.

    Args:
        title: docstring of the file.
        wanted: definitions as `module:name`; a module stands for all of its own.
        public: names of methods that are kept, whatever uses them.
        instead: modules that stand in for others, which are interfaces, by the names of these.
    """
    roots = [name.partition(":")[::2] for name in wanted]
    modules = _read_modules((module for module, _ in roots), instead or {})
    definitions = [definition for module in modules.values() for definition in module.definitions]
    kept = find_reachable(
        definitions,
        [each for each in definitions if any(each.is_wanted(*root) for root in roots)],
        public,
    )
    parts = [_write_module(module, kept) for module in modules.values()]
    imports = _merge_imports(modules.values(), find_names(kept))
    return "\n\n\n".join([f'"""{title}"""\n\n{imports}', *filter(None, parts)]) + "\n"


class _Module:
    """A module that was read.

    Args:
        name: its name.
        source: its source.
    """

    def __init__(self, name: str, source: str) -> None:
        self.tree = ast.parse(source)
        self.title = (ast.get_docstring(self.tree) or "").splitlines()[0]
        nodes = [n for n in self.tree.body[1:] if not isinstance(n, ast.Import | ast.ImportFrom)]
        lines = source.splitlines()
        self.definitions = [Definition(name, node, lines) for node in nodes]

    def imported(self) -> Iterator[tuple[str, ast.alias]]:
        """Yield imported names with their module, "" for a whole module."""
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = str(node.module) if isinstance(node, ast.ImportFrom) else ""
                yield from ((module, alias) for alias in node.names)


def _read_modules(wanted: Iterable[str], instead: Mapping[str, str]) -> dict[str, _Module]:
    """Return modules by name, each behind those that it imports, or that stand in for these."""
    modules: dict[str, _Module] = {}

    def read(name: str) -> None:
        if name in modules:
            return
        package, _, last = name.rpartition(".")
        module = _Module(name, (files(package) / f"{last}.py").read_text("utf-8"))
        for imported, _ in module.imported():
            if imported.startswith(_OURS):
                read(instead.get(imported, imported))
        modules[name] = module

    for name in wanted:
        read(name)
    return modules


def _merge_imports(modules: Iterable[_Module], used: Collection[str]) -> str:
    """Return the lines of imports of other packages, those of the standard library first."""
    whole: set[str] = set()
    names: dict[str, set[str]] = {}
    for source, alias in (pair for module in modules for pair in module.imported()):
        if source.startswith(_OURS) or (alias.asname or alias.name) not in used:
            continue
        if source:
            names.setdefault(source, set()).add(alias.name)
        else:
            whole.add(ast.unparse(ast.Import([alias])))
    given = [f"from {source} import {', '.join(sorted(names[source]))}" for source in sorted(names)]
    lines = [*sorted(whole), *given]
    groups = [[line for line in lines if _is_standard(line) is first] for first in (True, False)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _is_standard(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _write_module(module: _Module, kept: Collection[Definition]) -> str:
    """Return the kept definitions of a module under its title; "" without any."""
    left = [definition for definition in module.definitions if definition in kept]
    groups = groupby(left, key=lambda each: each.is_block and each)  # of constants, and of blocks
    texts = ["\n".join(each.source() for each in group) for _, group in groups]
    return "\n\n\n".join([f"# {module.title}", *texts]).replace("\n\n\n", "\n\n", 1) if left else ""
