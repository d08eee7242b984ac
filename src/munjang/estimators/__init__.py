"""scikit-learn estimators over `munjang.api`: one per input and task."""

from munjang.estimators.classifiers import ImageClassifier, TextClassifier
from munjang.estimators.multilabel import TextMultilabelClassifier
from munjang.estimators.regressor import TextRegressor
from munjang.estimators.seq2seq import Seq2Seq
from munjang.estimators.similarity import TextSimilarity
from munjang.estimators.two_texts import TextPairClassifier, TextPairRegressor

__all__ = [
    "ImageClassifier",
    "Seq2Seq",
    "TextClassifier",
    "TextMultilabelClassifier",
    "TextPairClassifier",
    "TextPairRegressor",
    "TextRegressor",
    "TextSimilarity",
]
