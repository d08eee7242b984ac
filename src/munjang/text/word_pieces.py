"""Which tokens continue a word, read from the marks that the tokens of a vocabulary carry.

▁재미 ##있다 !! ▁2 번    spaces as ▁ (or Ġ): a word goes on until the next one
play ##ing .            BERT's ##: a word goes on as long as ## follows
재 미 있 다 ␣ 영 화      spaces as tokens: a word begins with its space
"""

import numpy as np

from munjang.text.segmentation.codepoints import Bools
from munjang.text.vocabulary import RESERVED, Vocabulary

# A space in SentencePiece and here, and in the byte-level tokenizers of GPT-2 and RoBERTa.
_SPACE_MARKS = ("\u2581", "\u0120")
_CONTINUATION = "##"
# A mark of spaces is one if at least this share of the tokens has it: a text may hold a ▁ as well.
_LEAST_SHARE = 0.01


def has_space_marks(vocabulary: Vocabulary) -> bool:
    """Return whether tokens carry the space before them as a ▁ or Ġ."""
    tokens = vocabulary.tokens[len(RESERVED) :]
    marked = sum(token.startswith(_SPACE_MARKS) for token in tokens)
    return marked > 0 and marked >= _LEAST_SHARE * len(tokens)


def find_continuations(vocabulary: Vocabulary) -> Bools | None:
    """Return True for each id that continues the word of the token before it, [size].

    Reserved ids begin a word. None if the tokens do not say it; then each is a word of its own.
    """
    tokens = vocabulary.tokens[len(RESERVED) :]
    if any(token[:1].isspace() for token in tokens):
        continues = [not token[:1].isspace() for token in tokens]
    elif has_space_marks(vocabulary):
        continues = [not token.startswith(_SPACE_MARKS) for token in tokens]
    else:
        continues = [token.startswith(_CONTINUATION) for token in tokens]
    if not any(continues):
        return None
    table = np.zeros(vocabulary.size, dtype=np.bool_)
    table[len(RESERVED) :] = continues
    return table
