"""The parts of `munjang_onnx.py`, the runner in the folder of an export.

`munjang.export.onnx.compose` joins the parts that a model needs to one file, so they import nothing
but each other, numpy, onnxruntime and tokenizers, and their names differ. A part adds its classes
to the tables `ENCODERS`, `READERS` or `MODELS`.
"""
