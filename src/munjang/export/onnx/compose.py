"""The runner of an export as one file, made of the parts in `runner/` that its model needs."""

import ast
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

PACKAGE = "munjang.export.onnx.runner"
_TITLE = '''"""Answers of a model that munjang exported, by numpy, onnxruntime and tokenizers alone.

    from munjang_onnx import load
    model = load("FOLDER")
    model.predict([{example}])

    python munjang_onnx.py FOLDER < texts.txt
"""
'''

# The part that holds the class for each name in `munjang.json`.
TOKENIZER_PARTS: Mapping[str, str] = {
    "words": "words",
    "characters": "symbols",
    "jamo": "symbols",
    "bytes": "symbols",
    "subwords": "pieces",
    "library": "pieces",
}
INPUT_PARTS: Mapping[str, str] = {"text": "rows", "two_texts": "pairs"}
TASK_PARTS: Mapping[str, str] = {
    "classify": "labels",
    "multilabel": "labels",
    "regress": "labels",
    "similarity": "vectors",
    "masked_lm": "masks",
    "language": "language",
    "translate": "translation",
}


def compose_runner(settings: Mapping[str, Any]) -> str:
    """Return the source of `munjang_onnx.py` for the content of a `munjang.json`."""
    tokenizers = [settings["tokenizer"], settings.get("target_tokenizer")]
    wanted = [
        *(TOKENIZER_PARTS[tokenizer["name"]] for tokenizer in tokenizers if tokenizer),
        INPUT_PARTS[settings["input"]["kind"]],
        TASK_PARTS[settings["task"]],
        "script",
    ]
    example = '("...", "...")' if settings["input"]["kind"] == "two_texts" else '"..."'
    return _TITLE.replace("{example}", example) + join_parts(wanted)


def join_parts(wanted: list[str]) -> str:
    """Return the source of some parts and of those that they import, each once, in order."""
    order: dict[str, ast.Module] = {}
    sources: dict[str, str] = {}

    def add(name: str) -> None:
        if name in sources:
            return
        sources[name] = (files(PACKAGE) / f"{name}.py").read_text("utf-8")
        tree = ast.parse(sources[name])
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                add(str(node.module).removeprefix(f"{PACKAGE}."))
        order[name] = tree

    for name in wanted:
        add(name)
    imports = _merge_imports(order.values())
    bodies = [_body(sources[name], tree) for name, tree in order.items()]
    return "\n".join(["", *imports, "", "", "\n\n\n".join(bodies)]) + "\n"


def _merge_imports(trees: Any) -> list[str]:
    """Return the lines of all imports of other packages, those of the standard library first."""
    whole: set[str] = set()
    names: dict[str, set[str]] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Import):
                whole.add(ast.unparse(node))
            elif isinstance(node, ast.ImportFrom) and not str(node.module).startswith(PACKAGE):
                names.setdefault(str(node.module), set()).update(a.name for a in node.names)
    others = ("numpy", "onnxruntime", "tokenizers")
    standard = sorted(line for line in whole if line.split()[1].split(".")[0] not in others)
    given = [f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)]
    return [*standard, *given, "", *sorted(whole - set(standard))]


def _body(source: str, tree: ast.Module) -> str:
    """Return the source of a part without its docstring and imports; the former as a comment."""
    last = max(node.end_lineno or 0 for node in tree.body[:1])
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            last = max(last, node.end_lineno or 0)
    rest = "\n".join(source.splitlines()[last:]).strip("\n")
    return f"# {(ast.get_docstring(tree) or '').splitlines()[0]}\n\n{rest}"
