"""The runner of an export as one file, made of the parts in `runner/` that its model needs."""

from collections.abc import Mapping
from typing import Any

from munjang.export.joined import join_parts

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
    return _TITLE.replace("{example}", example) + join_parts(
        [f"{PACKAGE}.{name}" for name in wanted]
    )
