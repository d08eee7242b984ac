"""Facts of encoded pairs for `metrics.json` and for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from munjang.data.pairs.dataset import PairDataset
from munjang.data.pairs.settings import PairTokenizerSettings
from munjang.data.pairs.tokenizer_pair import TokenizerPair
from munjang.data.table import Table
from munjang.reporting import pluralize
from munjang.text.columns import TokenColumn, values_and_offsets
from munjang.text.tokenizer import fit_notes
from munjang.text.vocabulary import OOV


def measure_pairs(
    parts: Mapping[str, Table],
    datasets: Mapping[str, PairDataset],
    tokenizers: TokenizerPair,
    settings: PairTokenizerSettings,
) -> dict[str, Any]:
    """Return sizes of the data, both vocabularies and OOV rates.

    Args:
        parts: tables of the training part and the validation part, by `train` and `valid`.
        datasets: their encoded pairs, without those that are too long.
        tokenizers: fitted tokenizers.
        settings: settings of the tokenizers.
    """
    train, valid = datasets["train"], datasets["valid"]
    return {
        "rows": len(train),
        "valid_rows": len(valid),
        "files": ", ".join(Path(name).name for name in parts["train"].files),
        "source_tokenizer": settings.source.name,
        "target_tokenizer": settings.target.name,
        "shared_vocabulary": tokenizers.shared,
        "source_vocabulary": tokenizers.source.vocabulary.size,
        "target_vocabulary": tokenizers.target.vocabulary.size,
        "source_tokens": len(values_and_offsets(train.source_ids)[0]),
        "tokens": int(train.lengths[:, 1].sum()),
        "source_oov_rate": _oov_rate(valid.source_ids),
        "target_oov_rate": _oov_rate(valid.target_ids),
        "left_out": len(parts["train"]) - len(train),
        "valid_left_out": len(parts["valid"]) - len(valid),
        "skipped": dict(parts["train"].skipped),
    }


def tokenizer_notes(tokenizers: TokenizerPair) -> list[str]:
    """Return notes on how the tokenizers were fitted, those of a shared one once."""
    sides = dict.fromkeys((tokenizers.source, tokenizers.target))
    return [line for tokenizer in sides for line in fit_notes(tokenizer)]


def describe_pairs(facts: Mapping[str, Any], settings: PairTokenizerSettings) -> list[str]:
    """Return vocabularies, OOV rates and pairs left out for people."""
    if facts["shared_vocabulary"]:
        lines = [
            f"tokens of both sides: {facts['source_tokenizer']}, vocabulary "
            f"{facts['source_vocabulary']:,}"
        ]
    else:
        lines = [
            f"tokens of the {side}: {facts[f'{side}_tokenizer']}, vocabulary "
            f"{facts[f'{side}_vocabulary']:,}"
            for side in ("source", "target")
        ]
    lines.append(
        f"out of vocabulary in validation: {facts['source_oov_rate']:.2%} of the sources, "
        f"{facts['target_oov_rate']:.2%} of the targets"
    )
    left_out = facts["left_out"] + facts["valid_left_out"]
    if left_out:
        lines.append(
            f"left out {pluralize(left_out, 'pair')} with more than {settings.source.max_length} "
            f"source or {settings.target.max_length} target tokens"
        )
    return lines


def _oov_rate(column: TokenColumn) -> float:
    values, _ = values_and_offsets(column)
    return float((values == OOV).mean()) if len(values) else 0.0
