"""Two texts per row: reading, encoding, datasets."""
