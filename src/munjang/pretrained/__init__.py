"""What weights begin from: word vectors, and weights by name."""
