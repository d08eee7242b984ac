"""Texts that compared language models write after the same prompt."""

from collections.abc import Sequence
from typing import Any

# Characters of the prompt at most, and about those that follow it.
_PROMPT, _LENGTH = 200, 200
# Tokens per character at most: the bytes of a character in UTF-8, or the jamo of a syllable.
_TOKENS = 4
_SEED = 0


def choose_prompt(lines: Sequence[str]) -> str:
    """Return the first line that is not blank, with its line break; a long one is cut."""
    first = next((line for line in lines if line.strip()), "")
    return first + "\n" if len(first) <= _PROMPT else first[:_PROMPT]


def continue_prompt(model: Any, prompt: str) -> str:
    """Return what a model writes after a prompt, with the same seed for all models.

    Args:
        model: a language model, or a baseline that has `generate`.
        prompt: in NFC.
    """
    wanted = len(prompt) + _LENGTH
    text = ""
    for part in model.generate(prompt, length=_TOKENS * _LENGTH, seed=_SEED):
        text += part
        if len(text) >= wanted:
            break
    return text[len(prompt) : wanted]
