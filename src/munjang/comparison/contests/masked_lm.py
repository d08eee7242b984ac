"""Compare masked language models; a judged row is a line, of which some tokens are masked.

All models have the tokens of one tokenizer, since longer tokens are harder to predict, and are
judged on the same masked tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from munjang.baselines.masked_tokens import MASKED_BASELINES
from munjang.comparison.contests.contest import Contest, Given, Parts, Sources, without
from munjang.data.shards.settings import LinesTokenizerSettings
from munjang.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from munjang.comparison.masked_judge import MaskedJudge
    from munjang.comparison.plan import Job, Plan
    from munjang.comparison.results import Comparison
    from munjang.report.html import Markup
    from munjang.reporting import Report

# Settings of reading, which the parts do not need any more.
_READING = ("text_column", "label_column", "encoding", "skip_bad_rows", "validation_split", "cache")
_TEXT = "text"


class MaskedLmContest(Contest):
    """Masked tokens of texts, one per row of a table."""

    metrics: ClassVar[tuple[str, ...]] = ("cross_entropy", "accuracy")
    also_shown: ClassVar[tuple[str, ...]] = ("cross_entropy", "perplexity", "accuracy")
    baselines = MASKED_BASELINES
    constant = frozenset(MASKED_BASELINES)
    network_imports = ()
    refused: ClassVar[Mapping[str, str]] = {
        "tokenizers": "masked tokens of two tokenizers are not equally hard to predict",
        "from": "a model folder has a tokenizer of its own, whose masked tokens are others than "
        "those of the models beside it (munjang evaluate FOLDER scores it alone)",
    }

    @property
    def constant_answer(self) -> str:
        """Description of a model whose answer does not depend on the row: a verb and its object."""
        return "gives every masked token the same probabilities"

    def digest(self, parts: Parts) -> str:
        """Return the SHA-256 of all texts, in their order."""
        from munjang.comparison.text_parts import digest_columns

        return digest_columns([parts[name][_TEXT] for name in parts.tables])

    def write(self, parts: Parts, folder: Path) -> None:
        """Write each part as a Parquet file with one row per text."""
        from munjang.comparison.text_parts import write_columns

        write_columns({name: parts[name][_TEXT] for name in parts.tables}, folder)

    def settings(self, given: Given, parts: Parts) -> dict[str, Any]:
        """Return the settings of every run: one tokenizer, by default that of `bert`.

        Raises:
            ConfigError: a model folder to begin from, or rows of two lines.
        """
        from munjang.config import merge
        from munjang.defaults.text import script_defaults
        from munjang.recipe import section_of, with_names
        from munjang.text.script import script_of

        if section_of(given, "pretrained").get("folder") is not None:
            raise ConfigError(f"pretrained.folder: {self.refused['from']}; leave it out")
        if section_of(given, "data").get("join_next"):
            raise ConfigError("data.join_next: a comparison judges single lines; leave it out")
        texts = parts["train"][_TEXT]
        named = with_names(self.named(without(given, "model")))
        defaults = script_defaults(named, script_of(texts), len(texts))["tokenizer"]
        tokenizer = merge(defaults, section_of(given, "tokenizer"))
        checked = LinesTokenizerSettings.parse(tokenizer, where="tokenizer")
        data = {**without(section_of(given, "data"), *_READING), "text_column": _TEXT}
        own = {"tokenizer": checked.model_dump(mode="json"), "data": data}
        return {**self.named(without(given, "seed")), **own}

    def training_texts(self, job: "Job", folder: Path) -> "pl.Series":
        """Return the texts from which the networks of a seed learn their tokenizer."""
        return _texts(folder, "train")

    def fit_baseline(self, job: "Job", folder: Path) -> tuple[Any, float]:
        """Count the tokens of the training part."""
        from munjang.baselines.masked_tokens import fit_masked_baseline
        from munjang.comparison.fit import timed

        settings = LinesTokenizerSettings.parse(job.given["tokenizer"], where="tokenizer")
        texts = self.training_texts(job, folder)
        return timed(lambda: fit_masked_baseline(job.candidate.model, texts, settings))

    def answer(self, model: Any) -> Callable[[Sequence[Any]], Any]:
        """Return the function of texts to the likeliest tokens of a [MASK] before each."""
        return lambda texts: model.predict([f"[MASK] {text}" for text in texts])

    def write_answers(self, model: Any, folder: Path, run: Path) -> dict[str, float]:
        """Write the scores of each text; those of all tokens follow from them."""
        from munjang.baselines.masked_tokens import MaskedBaseline
        from munjang.comparison.masked_judge import write_scores

        texts = self.inputs(folder)
        if isinstance(model, MaskedBaseline):
            write_scores(run, model.score_rows(texts))
            return {}
        encoded = model.input.encode_values(texts)
        network = encoded.adapt(model.network)
        write_scores(run, model.task.score_rows(network, encoded.dataset()))
        return {}

    def judge(self, plan: "Plan", folder: Path) -> "MaskedJudge":
        """Return the judge of masked tokens."""
        from munjang.comparison.masked_judge import MaskedJudge

        return MaskedJudge.of(plan, folder)

    def sections(self, comparison: "Comparison") -> "list[Markup]":
        """Return the texts on which the models differ most."""
        from munjang.comparison.masked_sections import masked_sections

        return masked_sections(comparison)

    def notes(self, comparison: "Comparison") -> list[str]:
        """Say what was masked."""
        tokens = comparison.details.tokens
        return [
            f"{tokens:,} masked tokens of the test part, the same for every model of a seed; "
            "cross-entropy is in nats per masked token, and compares models of this comparison only"
        ]


class MaskedLinesContest(MaskedLmContest):
    """Masked tokens of running text."""

    noun = "line"

    def split(self, sources: Sources, given: Given, report: "Report") -> Parts:
        """Read the text once and cut it into train, valid and test, if possible by documents."""
        from munjang.comparison.line_parts import split_lines, to_lines
        from munjang.comparison.parts import report_sizes
        from munjang.inputs.stream import read_text
        from munjang.recipe import check_given

        common = check_given(self.named(without(given, "model")))
        data, valid, test = (
            None if source is None else to_lines(read_text(source, common, report))
            for source in (sources.data, sources.valid, sources.test)
        )
        assert data is not None
        held_out = {name: part for name, part in (("valid", valid), ("test", test)) if part}
        share = common.section("data").validation_split
        parts = Parts(split_lines(data, held_out, share, common.seed))
        report_sizes(parts, report)
        return parts

    def training_texts(self, job: "Job", folder: Path) -> "pl.Series":
        """Return the lines from which the networks of a seed learn their tokenizer: a sample."""
        from munjang.comparison.stored import part_file
        from munjang.data.shards.blocks import LineReader
        from munjang.data.shards.files import find_files
        from munjang.data.shards.scan import scan_lines
        from munjang.data.shards.settings import LinesSettings

        settings = LinesSettings.parse(job.given["data"], where="data")
        path = str(part_file(folder, "train"))
        files = find_files(path, settings.text_column, lambda: folder)
        return scan_lines(LineReader(files, settings), job.seed).sample


def _texts(folder: Path, name: str) -> "pl.Series":
    import polars as pl

    from munjang.comparison.stored import read_part

    return pl.Series(read_part(folder, name).inputs, dtype=pl.String)
