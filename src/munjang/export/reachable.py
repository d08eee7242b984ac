"""Definitions that are reached from some of them, by the names in their source."""

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise


class Definition:
    """A statement at the top of a module, or in a class.

    Attributes:
        names: names that it defines; of a class its own.
        members: statements of a class, those that are kept.
        bases: names in the bases of a class.

    Args:
        module: name of its module.
        node: the statement.
        lines: of the module.
    """

    def __init__(self, module: str, node: ast.stmt, lines: Sequence[str]) -> None:
        self.module, self.node, self.lines = module, node, lines
        self.names = set(_defined(node))
        body, bases = (node.body, node.bases) if isinstance(node, ast.ClassDef) else ([], [])
        self.bases = _mentioned(bases)
        self.members = [Definition(module, each, lines) for each in body]

    @property
    def is_block(self) -> bool:
        """True for a function or a class."""
        return isinstance(self.node, ast.FunctionDef | ast.ClassDef)

    def is_wanted(self, module: str, name: str) -> bool:
        """Return whether it is a definition, or the entry of one in a table; "" names all."""
        if self.module != module:
            return False
        is_entry = not self.names and name in _mentioned([self.node])
        return not name or name in self.names or is_entry

    def is_kept_with(self, attributes: Collection[str]) -> bool:
        """Return whether a member of a class is kept if these attributes are used anywhere."""
        is_field = isinstance(self.node, ast.AnnAssign) and self.node.value is None
        is_special = any(name.startswith("__") for name in self.names)
        return not self.names or is_field or is_special or not self.names.isdisjoint(attributes)

    def nodes(self) -> Iterator[ast.AST]:
        """Yield the nodes whose names are used, for a class without its members."""
        if isinstance(self.node, ast.ClassDef):
            yield from (*self.node.bases, *self.node.decorator_list)
        else:
            yield self.node

    def source(self) -> str:
        """Return its source with the comment before it, for a class that of the kept members."""
        if not isinstance(self.node, ast.ClassDef):
            return "\n".join(self.lines[_first_line(self.node, self.lines) : self.node.end_lineno])
        head = _first_line(self.node, self.lines), self.node.body[0].lineno - 1
        body = [*self.lines[slice(*head)], self.members[0].source()]
        for before, member in pairwise(self.members):
            is_apart = member.is_block or before is self.members[0]  # the docstring
            body += ["", member.source()] if is_apart else [member.source()]
        return "\n".join(body)


def find_reachable(
    definitions: Sequence[Definition], roots: Iterable[Definition], public: Collection[str]
) -> list[Definition]:
    """Return the definitions that are reached from some, with the members that are.

    A class that extends one of another package keeps all, as that package may call them.

    Args:
        definitions: all of them.
        roots: those to begin from.
        public: names of methods that are kept, whatever uses them.
    """
    kept, used, attributes = set(roots), set[str](), set(public)
    members = {each: each.members for each in definitions}
    whole = _find_foreign(definitions)
    before = -1
    while before != (before := len(used) + len(attributes) + len(kept)):
        for each in kept:
            each.members = [
                one for one in members[each] if each in whole or one.is_kept_with(attributes)
            ]
        used, attributes = find_names(kept), attributes | _find_attributes(kept)
        kept |= {each for each in definitions if not each.names.isdisjoint(used)}
    return [each for each in definitions if each in kept]


def find_names(definitions: Iterable[Definition]) -> set[str]:
    """Return the names that definitions mention."""
    return _mentioned(node for each in _with_members(definitions) for node in each.nodes())


def _find_foreign(definitions: Sequence[Definition]) -> set[Definition]:
    """Return the classes that extend one which is no definition, the base before the class."""
    own, found, names = set[str](), set[Definition](), set[str]()
    for each in definitions:
        if not each.bases.isdisjoint(names) or not each.bases <= own:
            found.add(each)
            names |= each.names
        own |= each.names
    return found


def _find_attributes(definitions: Iterable[Definition]) -> set[str]:
    nodes = (node for each in _with_members(definitions) for node in each.nodes())
    return {n.attr for node in nodes for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def _with_members(definitions: Iterable[Definition]) -> Iterator[Definition]:
    for each in definitions:
        yield from (each, *each.members)


def _mentioned(nodes: Iterable[ast.AST]) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    for target in targets:
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        yield from (part.id for part in parts if isinstance(part, ast.Name))


def _first_line(node: ast.stmt, lines: Sequence[str]) -> int:
    """Return the number of the first line, from 0, with decorators and a comment before it."""
    decorators = getattr(node, "decorator_list", [])
    first: int = min([node.lineno, *(each.lineno for each in decorators)]) - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first
