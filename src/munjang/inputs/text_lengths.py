"""Lengths of texts: tokens kept, and the limits of positions and buckets."""

from munjang.recipe import Recipe


def check_lengths(recipe: Recipe) -> None:
    """Refuse lengths that leave no room for tokens, or that exceed the positions of the model.

    Raises:
        ValueError: naming the setting.
    """
    tokenizer = recipe.section("tokenizer")
    kept = count_kept_tokens(recipe)
    if kept < 1:
        raise ValueError(
            f"training.length_buckets: the last boundary ({recipe.training.length_buckets}) leaves "
            "no room "
            "for a token between GO and EOS; raise it, or set tokenizer.add_go_eos to false"
        )
    positions, longest = _model_positions(recipe), kept + tokenizer.added_tokens
    if positions is not None and longest > positions:
        raise ValueError(
            f"tokenizer.max_length: a text may have {longest} tokens"
            f"{', GO and EOS included' if tokenizer.add_go_eos else ''}, and the positions of "
            f"the model end at {positions}; lower it{_ways_to_more_positions(recipe)}"
        )


def _ways_to_more_positions(recipe: Recipe) -> str:
    """Return how a model gets more positions; "" if it begins from one that has so many."""
    if recipe.pretrained.folder is not None:
        return ""
    if "positions" not in type(recipe.model).model_fields:
        return ", or raise model.max_positions"
    return ", raise model.max_positions, or set model.positions to sinusoidal or rotary"


def count_kept_tokens(recipe: Recipe) -> int:
    """Return how many tokens of a text are kept: `max_length`, or the last bucket if smaller."""
    tokenizer = recipe.section("tokenizer")
    boundaries = recipe.training.bucketing().boundaries
    if boundaries is None:
        return int(tokenizer.max_length)
    return int(min(tokenizer.max_length, boundaries[-1] - tokenizer.added_tokens))


def limit_tokens(recipe: Recipe) -> int | None:
    """Return the most tokens of a text, signs counted, GO and EOS not; None: no limit.

    Buckets and learned positions are limits for all tokens, signs included.
    """
    boundaries = recipe.training.bucketing().boundaries
    limits = [boundaries[-1]] if boundaries is not None else []
    if (positions := _model_positions(recipe)) is not None:
        limits.append(positions)
    return min(limits) - recipe.section("tokenizer").added_tokens if limits else None


def _model_positions(recipe: Recipe) -> int | None:
    return getattr(recipe.model, "most_tokens", None)
