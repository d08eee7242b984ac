"""How character n-grams make vectors: one row per scheme."""

from collections.abc import Mapping
from typing import Literal

from munjang.layers.fasttext_embedding import FastTextEmbedding
from munjang.layers.subword_embedding import SubwordEmbedding
from munjang.layers.subword_table import SubwordTable

SubwordScheme = Literal["sum", "fasttext"]

SUBWORD_SCHEMES: Mapping[SubwordScheme, type[SubwordTable]] = {
    "sum": SubwordEmbedding,
    "fasttext": FastTextEmbedding,
}

# For help texts of settings.
SCHEME_HELP = (
    "sum: the n-grams of every token are added to its row; fasttext: as in fastText and gensim, "
    "known words have a row of their own, and others the mean of their n-grams"
)
