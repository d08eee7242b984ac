"""The runner of an export, one file made of the modules that its model needs."""

from collections.abc import Mapping
from typing import Any

from munjang.export.compose import join_modules
from munjang.runners.classes import find_classes

_TITLE = """Answers of a model that munjang exported, by numpy, onnxruntime and tokenizers alone.

    from munjang_onnx import load
    model = load("FOLDER")
    model.predict([{example}])

    python munjang_onnx.py FOLDER < texts.txt
"""


def compose_runner(settings: Mapping[str, Any]) -> str:
    """Return the source of `munjang_onnx.py` for the content of a `munjang.json`."""
    example = '("...", "...")' if settings["input"]["kind"] == "two_texts" else '"..."'
    title = _TITLE.replace("{example}", example)
    public = ["predict", "generate", *(["embed"] if settings.get("poolings") else [])]
    return join_modules(title, [*find_classes(settings), "munjang.runners.onnx.script"], public)
