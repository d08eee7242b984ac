"""Exported models that answer without PyTorch: by onnxruntime, or by CTranslate2.

`munjang serve` imports these modules. For an exported folder `munjang.export.compose` joins those
that its model needs to one file, so they import nothing but each other, `munjang.text.plain` and
the packages of the runner, and their names differ; folders for transformers have the tokenizers and
readers of texts alone. A module adds its classes to the tables `TOKENIZERS`, `READERS` or `MODELS`.
"""
