"""Settings that have another name now, by dotted key."""

from collections.abc import Mapping

RENAMED: Mapping[str, str] = {
    "training.batch_rows": "training.batch_size",
    "training.evaluations_per_epoch": "training.validations_per_epoch",
    "training.embedding_optimiser": "training.embedding_optimizer",
    "training.leave_out": "training.ensemble_leave_out",
    "training.averaging": "training.average_after",
    "training.buckets": "training.length_buckets",
    "model.buckets": "model.ngram_buckets",
    "model.spelling": "model.subword_ngrams",
    "model.spelling_buckets": "model.subword_buckets",
    "model.members": "model.ensemble_size",
    "model.linear_share": "model.linear_weight",
    "model.widths": "model.kernel_sizes",
    "model.hidden": "model.hidden_dim",
    "model.variational": "model.variational_dropout",
    "model.feed_forward": "model.feed_forward_dim",
    "model.longest": "model.max_positions",
    "model.kernel": "model.kernel_size",
    "model.pool": "model.pool_size",
    "model.pooled": "model.final_pooling",
    "model.shift": "model.random_shift",
    "model.tie_output": "model.tie_embeddings",
    "translate.decoded_rows": "translate.validation_rows",
    "translate.decoded_seed": "translate.validation_seed",
    "decoding.early_stop": "decoding.early_stopping",
    "decoding.no_repeat_ngram": "decoding.no_repeat_ngram_size",
    "decoding.max_extra": "decoding.extra_steps",
    "decoding.max_ratio": "decoding.max_length_ratio",
    "data.max_ratio": "data.max_length_ratio",
    "data.valid": "data.validation_split",
    "tokenizer.ends": "tokenizer.add_go_eos",
    "tokenizer.too_long": "tokenizer.long_sources",
    "tokenizer.shared": "tokenizer.shared_vocabulary",
    "vectors.file": "pretrained.vectors",
    "vectors.freeze": "pretrained.freeze",
    "vectors.skip_bad_lines": "pretrained.skip_bad_lines",
    "images.mode": "image.mode",
    "images.size": "image.size",
}


def find_renamed(key: str, value: object = None) -> tuple[str, str] | None:
    """Return the old and the new key of a renamed setting, or None if it was not renamed.

    Args:
        key: dotted key that is unknown now.
        value: its value; of a whole section the first renamed setting in it counts.
    """
    if key in RENAMED:
        return key, RENAMED[key]
    inner = [f"{key}.{name}" for name in value] if isinstance(value, Mapping) else []
    for old in inner:
        if old in RENAMED:
            return old, RENAMED[old]
    sections = (new.partition(".")[0] for old, new in RENAMED.items() if old.startswith(f"{key}."))
    section = next(sections, None)
    return None if section in (None, key) else (key, section)
