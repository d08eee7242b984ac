"""Base of the inputs that have one tokenizer, and the files in which a model folder keeps it."""

from dataclasses import dataclass
from typing import Any, Self

from munjang.folder.layout import TOKENIZER, VOCABULARY
from munjang.folder.rebuild import load_tokenizer
from munjang.folder.sealed import SealedFolder
from munjang.inputs.input import Input
from munjang.recipe import Recipe
from munjang.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenizedInput(Input):
    """An input with one tokenizer.

    Attributes:
        tokenizer: fitted tokenizer.
    """

    tokenizer: Tokenizer

    @classmethod
    def file_names(cls, recipe: Recipe) -> tuple[str, ...]:
        """Return the files of the tokenizer."""
        return (TOKENIZER, VOCABULARY)

    @classmethod
    def load(cls, folder: SealedFolder, recipe: Recipe) -> Self:
        """Return the input with the tokenizer of a folder."""
        settings = recipe.section("tokenizer")
        tokenizer = load_tokenizer(
            folder, TOKENIZER, VOCABULARY, name=settings.name, settings=settings.settings
        )
        return cls(recipe, tokenizer)

    def files(self) -> dict[str, Any]:
        """Return tokenizer and vocabulary."""
        return {
            TOKENIZER: self.tokenizer.to_json(),
            VOCABULARY: self.tokenizer.vocabulary.to_json(),
        }

    @property
    def size(self) -> int:
        """The vocabulary size."""
        return self.tokenizer.vocabulary.size
