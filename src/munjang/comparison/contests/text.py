"""Tasks that give a text a target: classify, regress and multilabel share their data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from munjang.comparison.contests.contest import Contest, Given, Parts, Sources, without
from munjang.comparison.stored import part_file, read_part

if TYPE_CHECKING:
    from munjang.data.table import Table
    from munjang.recipe import Recipe
    from munjang.telling import Say

COLUMNS = ("text", "label")


class TextContest(Contest):
    """A task on encoders of one text.

    Attributes:
        stratified: Whether a split keeps the proportions of the labels.
    """

    stratified: ClassVar[bool] = False

    def networks(self) -> tuple[str, ...]:
        """Return the names of the encoders of texts."""
        from munjang.models.registry import ARCHITECTURES

        return tuple(ARCHITECTURES)

    def split(self, sources: Sources, given: Given, say: "Say") -> Parts:
        """Read, check and split; equal texts are never in two parts."""
        from functools import partial

        from munjang.comparison.parts import read_sources, report_sizes, split_table
        from munjang.defaults import make_recipe
        from munjang.errors import ConfigError
        from munjang.preparation import read_and_say

        common = make_recipe("mean", "other", 0, without(given, "model"))
        if common.labels is not None:
            raise ConfigError(
                "labels: a comparison finds the labels in DATA; leave this setting out"
            )
        reader = common.task_class.reader(common.task_settings)
        read = partial(read_and_say, columns=common.data, read_labels=reader, say=say)
        table, held_out = read_sources(sources, read)
        self.check_table(table, common, least=3 - len(held_out))
        tables = split_table(
            table, held_out, common.data.valid, common.seed, stratify=self.stratified
        )
        parts = self.check_parts(tables, table, common)
        report_sizes(parts, say)
        return parts

    def check_table(self, table: "Table", recipe: "Recipe", least: int) -> None:
        """Raise `DataError` about labels of which nothing can be learned, or too few for a split.

        Args:
            table: All rows of the data.
            recipe: The settings that all models share.
            least: How many parts the rows are split into.
        """
        recipe.task_class.check(table, least=least)

    def check_parts(self, tables: "dict[str, Table]", table: "Table", recipe: "Recipe") -> Parts:
        """Return the parts, their labels known and named alike.

        Args:
            tables: The three parts.
            table: All rows of the data.
            recipe: The settings that all models share.

        Raises:
            DataError: A given part has a label that the data lacks.
        """
        return Parts(tables)

    def digest(self, parts: Parts) -> str:
        """Return the SHA-256 of texts and labels."""
        from munjang.comparison.parts import digest_tables

        return digest_tables(parts)

    def write(self, parts: Parts, folder: Path) -> None:
        """Write Parquet files with the columns `text` and `label`, and the labels in order."""
        from munjang.comparison.parts import write_tables

        write_tables(parts, folder, COLUMNS)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run."""
        text_column, label_column = COLUMNS
        columns = {"text_column": text_column, "label_column": label_column}
        return {**without(given, "data", "seed"), "data": columns}

    def check(self, model: str, given: Given, parts: Parts) -> None:
        """Make the recipe of a network, which raises `ConfigError`."""
        from munjang.defaults import make_recipe, script_of

        texts = parts["train"].texts
        make_recipe(model, script_of(texts), len(texts), given)

    def prepare(self, folder: Path, model: str, given: Given, say: "Say") -> Any:
        """Prepare a training on the parts in a folder."""
        from munjang.preparation import prepare

        train, valid = (str(part_file(folder, name)) for name in ("train", "valid"))
        return prepare(train, valid, model, given, say)

    def inputs(self, folder: Path) -> Sequence[str]:
        """Return the texts of the test part."""
        return read_part(folder, "test").inputs
