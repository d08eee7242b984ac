"""How many examples a property is tried on."""

from typing import Any

from hypothesis import settings


def examples(thorough: int, **others: Any) -> settings:
    """So many in `make test-all`; in `make test` a third, but five: other ones each time."""
    quick = max(min(5, thorough), thorough // 3)
    is_thorough = settings.get_current_profile_name() == "thorough"
    return settings(max_examples=thorough if is_thorough else quick, **others)
