"""Keras' legacy text preprocessing: the same names with the same meaning, without Keras."""

from munjang.text.keras.padding import pad_sequences
from munjang.text.keras.rules import text_to_word_sequence
from munjang.text.keras.tokenizer import Tokenizer, tokenizer_from_json

__all__ = ["Tokenizer", "pad_sequences", "text_to_word_sequence", "tokenizer_from_json"]
