"""Words and their vectors, of models and of files: neighbors, analogies, similarity, export."""
