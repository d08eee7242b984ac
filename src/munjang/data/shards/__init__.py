"""Text of any size: read as a stream, encoded once into files that are mapped into memory."""
