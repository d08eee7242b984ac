"""Models that onnxruntime runs."""
