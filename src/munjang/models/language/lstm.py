"""Language model of a long short-term memory (LSTM).

Papers: Hochreiter and Schmidhuber (1997), "Long short-term memory"; Zaremba et al. (2014),
"Recurrent neural network regularization". The best one for a small text and a few minutes. Use
`transformer` instead with much text and time.
"""

from typing import Literal

from munjang.models.language.recurrent import RecurrentLanguageConfig, RecurrentLanguageModel


class LstmLanguageConfig(RecurrentLanguageConfig):
    """Settings of the language model `lstm`."""

    name: Literal["lstm"] = "lstm"


class LstmLanguage(RecurrentLanguageModel):
    """Stacked LSTM layers; the formula is `munjang.layers.cells.lstm_step`."""

    def __init__(self, config: LstmLanguageConfig, vocabulary_size: int) -> None:
        super().__init__("lstm", config, vocabulary_size)
