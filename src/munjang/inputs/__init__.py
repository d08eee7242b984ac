"""What a row is before the network: one text, an image, a source and a target text."""
