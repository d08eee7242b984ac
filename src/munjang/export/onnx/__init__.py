"""Models as graphs of ONNX, with a runner that needs neither PyTorch nor this project."""
