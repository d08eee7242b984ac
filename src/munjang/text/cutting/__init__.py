"""From the bytes of a column of texts to words and their counts, without a Python string a text."""
