"""Munjang: train, compare, look inside and ship small neural text models from your own text.

Public names are imported when they are first used, so `import munjang` loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from munjang.api import evaluate, import_model, train
    from munjang.client.client import AsyncClient, Client
    from munjang.comparison.run import compare
    from munjang.data.pairs.aligned import AlignedFiles
    from munjang.diagnosis.calibration import calibrate
    from munjang.diagnosis.errors import find_errors
    from munjang.diagnosis.label_issues import find_label_issues
    from munjang.diagnosis.model_report import report_model
    from munjang.diagnosis.relabel import relabel
    from munjang.distillation.run import distil
    from munjang.errors import MunjangError
    from munjang.estimators import (
        ImageClassifier,
        Seq2Seq,
        TextClassifier,
        TextMultilabelClassifier,
        TextPairClassifier,
        TextPairRegressor,
        TextRegressor,
        TextSimilarity,
    )
    from munjang.explain.shapes import shapes
    from munjang.export.ctranslate2.exporting import export_ctranslate2
    from munjang.export.hf.exporting import export_model
    from munjang.export.onnx.exporting import export_onnx
    from munjang.folder.load import load
    from munjang.many_files.api import embed_files, predict_files
    from munjang.many_files.read import read_answers
    from munjang.sentence_vectors.embed import embed
    from munjang.sentence_vectors.search import search
    from munjang.shrinking.run import shrink
    from munjang.text.keras import Tokenizer, pad_sequences, tokenizer_from_json
    from munjang.tuning.run import tune
    from munjang.word_vectors.open_words import load_words

__version__ = "0.1.0"

__all__ = [
    "AlignedFiles",
    "AsyncClient",
    "Client",
    "ImageClassifier",
    "MunjangError",
    "Seq2Seq",
    "TextClassifier",
    "TextMultilabelClassifier",
    "TextPairClassifier",
    "TextPairRegressor",
    "TextRegressor",
    "TextSimilarity",
    "Tokenizer",
    "__version__",
    "calibrate",
    "compare",
    "distil",
    "embed",
    "embed_files",
    "evaluate",
    "export_ctranslate2",
    "export_model",
    "export_onnx",
    "find_errors",
    "find_label_issues",
    "import_model",
    "load",
    "load_words",
    "pad_sequences",
    "predict_files",
    "read_answers",
    "relabel",
    "report_model",
    "search",
    "shapes",
    "shrink",
    "tokenizer_from_json",
    "train",
    "tune",
]

_PLACES = {
    "AlignedFiles": "munjang.data.pairs.aligned",
    "AsyncClient": "munjang.client.client",
    "Client": "munjang.client.client",
    "ImageClassifier": "munjang.estimators",
    "MunjangError": "munjang.errors",
    "Seq2Seq": "munjang.estimators",
    "TextClassifier": "munjang.estimators",
    "TextMultilabelClassifier": "munjang.estimators",
    "TextPairClassifier": "munjang.estimators",
    "TextPairRegressor": "munjang.estimators",
    "TextRegressor": "munjang.estimators",
    "TextSimilarity": "munjang.estimators",
    "Tokenizer": "munjang.text.keras",
    "calibrate": "munjang.diagnosis.calibration",
    "compare": "munjang.comparison.run",
    "distil": "munjang.distillation.run",
    "embed": "munjang.sentence_vectors.embed",
    "embed_files": "munjang.many_files.api",
    "evaluate": "munjang.api",
    "export_ctranslate2": "munjang.export.ctranslate2.exporting",
    "export_model": "munjang.export.hf.exporting",
    "export_onnx": "munjang.export.onnx.exporting",
    "find_errors": "munjang.diagnosis.errors",
    "find_label_issues": "munjang.diagnosis.label_issues",
    "import_model": "munjang.api",
    "load": "munjang.folder.load",
    "load_words": "munjang.word_vectors.open_words",
    "pad_sequences": "munjang.text.keras",
    "predict_files": "munjang.many_files.api",
    "read_answers": "munjang.many_files.read",
    "relabel": "munjang.diagnosis.relabel",
    "report_model": "munjang.diagnosis.model_report",
    "search": "munjang.sentence_vectors.search",
    "shapes": "munjang.explain.shapes",
    "shrink": "munjang.shrinking.run",
    "tokenizer_from_json": "munjang.text.keras",
    "train": "munjang.api",
    "tune": "munjang.tuning.run",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'munjang' has no attribute '{name}'")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
