"""The ids that are fixed in every vocabulary, and the text of an unknown token."""

PAD, OOV, GO, EOS = 0, 1, 2, 3
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""The text of an OOV id: Unicode's replacement character."""
