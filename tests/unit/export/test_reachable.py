"""What is left of modules: the definitions that are reached from some of them."""

import ast
from typing import Any

from munjang.export.compose import join_modules
from munjang.export.reachable import Definition, find_reachable

SOURCE = '''
# of the table
TABLE: dict[str, type] = {}
_UNUSED = 1
LIMIT = 9  # of letters


class Base:
    """A base."""

    # whether it is quick
    quick = True
    slow = False

    def __init__(self) -> None:
        self.known = LIMIT

    def read(self) -> int:
        """Read."""
        return self.known

    def write(self) -> int:
        return helper()


class Kept(Base):
    """A class."""

    def read(self) -> int:
        return 1 if self.quick else super().read()


class Other(Base):
    """Another class."""


def helper() -> int:
    return 2


TABLE["kept"] = Kept
TABLE["other"] = Other
'''


# Classes of another package are called by it.
FOREIGN = '''
class Layer(nn.Module):
    """A layer."""

    def forward(self) -> int:
        return 1


class Kept(Layer):
    """A layer of ours."""

    def extra_repr(self) -> str:
        return helper()


class Own:
    """A class without a base."""

    def extra_repr(self) -> str:
        return ""


def helper() -> str:
    return repr(Own())
'''


def keep(root: str, *public: str, source: str = SOURCE) -> str:
    lines = source.splitlines()
    definitions = [Definition("m", node, lines) for node in ast.parse(source).body]
    roots = [each for each in definitions if each.is_wanted("m", root)]
    return "\n".join(each.source() for each in find_reachable(definitions, roots, public))


def test_only_what_is_named_is_kept() -> None:
    kept = keep("Kept", "read")
    for part in ("class Base", "class Kept", "LIMIT = 9  # of letters", "def read", "def __init__"):
        assert part in kept
    for part in ("class Other", "_UNUSED", "def write", "def helper", "slow", '"other"'):
        assert part not in kept
    assert "# of the table\nTABLE: dict" in kept
    assert (
        '    """A base."""\n\n    # whether it is quick\n    quick = True\n\n    def __init__'
        in kept
    )
    assert 'TABLE["kept"] = Kept' in kept


def test_a_public_method_brings_what_it_uses() -> None:
    kept = keep("Kept", "read", "write")
    assert "def write" in kept
    assert "def helper" in kept


def test_classes_that_extend_those_of_other_packages_are_whole() -> None:
    kept = keep("Kept", source=FOREIGN)
    for part in ("def forward", "return helper()", "def helper", "class Own"):
        assert part in kept
    assert kept.count("def extra_repr") == 1


def test_what_is_left_runs() -> None:
    scope: dict[str, type] = {}
    exec(keep("Kept", "read"), scope)
    assert scope["TABLE"]["kept"]().read() == 1


def test_a_module_is_whole_if_asked_for() -> None:
    source = join_modules("Title.", ["munjang.text.plain.jamo"])
    assert source.startswith('"""Title."""\n\nfrom collections.abc import Iterator\n')
    scope: dict[str, object] = {}
    exec(source, scope)
    split: Any = scope["split_syllables"]
    assert "".join(split("한 글")) == "\u1112\u1161\u11ab \u1100\u1173\u11af"


def test_a_module_stands_in_for_an_interface() -> None:
    parts = "munjang.export.hf.modelling"
    source = join_modules("", [f"{parts}.head:Head"], instead={f"{parts}.encoder": f"{parts}.cnn"})
    assert source.count("class Encoder(") == 1
    assert "conv" in source
    assert "NotImplementedError" not in source[source.index("class Encoder(") :]
