"""The progress of a training, of a comparison or a search, as a bar: terminal or notebook."""
