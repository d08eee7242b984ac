"""Language models: the next token from those before it."""
