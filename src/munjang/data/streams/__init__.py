"""Running text as one stream of tokens, which is read from its beginning to its end."""
