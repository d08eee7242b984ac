"""Characters that Unicode normalization leaves alone."""

import re

# Whole blocks of characters that NFC neither changes nor composes with a neighbor: ASCII to the
# spacing modifiers, dashes and quotes, arrows, shapes and dingbats, kana, Hangul compatibility
# jamo, the unified ideographs, the Hangul syllables and the common emoji.
# Both Polars and Python read this as a pattern.
INERT_UNDER_NFC = (
    "\\x00-\u02ff\u2010-\u205e\u2190-\u2328\u2500-\u27bf\u3001-\u3029\u3041-\u3098\u30a0-\u30ff"
    "\u3131-\u318e\u4e00-\u9fff\uac00-\ud7a3\ufe0f\uff01-\uff5e\U0001f300-\U0001faff"
)
BEFORE_INERT = re.compile(f"[{INERT_UNDER_NFC}]")
"""Split points: the normal form of the text before a match does not depend on what follows."""
