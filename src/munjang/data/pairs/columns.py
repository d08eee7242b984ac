"""Choice of the columns of sources and targets: named, or inferred and reported."""

import math
import re
from collections.abc import Iterator, Sequence

from munjang.data.readers.columns import (
    Choice,
    count_distinct,
    find_column,
    is_number,
    mean_length,
    resolve_column,
    resolve_columns,
    split_column_name,
)
from munjang.data.readers.header import join_names
from munjang.data.readers.records import Kinds, Records
from munjang.errors import DataError
from munjang.names import column_key

SOURCE_AND_TARGET: Kinds = ("source", "target")

Names = tuple[str, ...]

# Usual names of the two sides, the most specific first.
FAMILIES: tuple[tuple[Names, Names], ...] = (
    (("source", "src"), ("target", "tgt", "trg")),
    (("원문", "원본"), ("번역문", "번역")),
    (("question", "q", "질문"), ("answer", "a", "답변", "대답", "답")),
    (("input", "prompt"), ("output", "response")),
)
# A text and its summary; a headline in two languages is a pair of languages instead.
SUMMARIES = (
    ("description", "text", "body", "content", "article", "document", "본문", "내용"),
    ("headline", "title", "summary", "제목", "요약"),
)
# Without codes that usually name something else: id, no, is, as, to.
LANGUAGES = (
    *("en", "ko", "de", "fr", "es", "it", "pt", "nl", "ja", "zh", "ru", "ar", "he", "vi", "th"),
    *("tr", "pl", "cs", "sv", "da", "fi", "hu", "uk", "hi", "el", "ro"),
    *("eng", "kor", "deu", "ger", "fra", "fre", "spa", "jpn", "zho", "rus"),
    *("english", "korean", "german", "french", "spanish", "japanese", "chinese", "russian"),
    *("영어", "한국어", "독일어", "프랑스어", "스페인어", "일본어", "중국어", "영문", "국문"),
)
USUAL = (
    *(name for family in (*FAMILIES, SUMMARIES) for side in family for name in side),
    *LANGUAGES,
)
ROW_NUMBER_NAMES = ("", "id", "idx", "index", "no", "번호")

_SENTENCE = re.compile(r"[.?!。]$|\s\S+\s")


def choose_pair_columns(
    records: Records, source: str | None, target: str | None, *, need_targets: bool
) -> Choice:
    """Choose the columns of a file of pairs.

    Args:
        records: the records of the file.
        source: name of the source column; "title+body" joins two columns; inferred if None.
        target: name of the target column; inferred if None.
        need_targets: whether a file without a target column is an error. If False, targets are
            taken only from a column that is named or has a usual name.

    Returns:
        The sources as `text` and the targets as `label`.

    Raises:
        DataError: no column has that name, or it is not clear which columns are meant.
    """
    names, file = records.names, records.file
    if source is not None:
        source = "+".join(resolve_columns(names, source, "source", file=file))
    if target is not None:
        target = resolve_column(names, target, "target", file=file)
    if source is not None and target in split_column_name(records.names, source):
        raise _ambiguous(records, f"the column {target!r} is named for both sources and targets")
    chosen, why = (source, target), ""
    if source is None or target is None:
        chosen, why = _guess(records, source, target, need_targets)
    assert chosen[0] is not None
    resolve_columns(names, chosen[0], "source", file=file)
    if chosen[1] is not None:
        resolve_column(names, chosen[1], "target", file=file)
    notes = tuple(
        f"{kind} column: {name} (inferred: {why})"
        for kind, given, name in zip(SOURCE_AND_TARGET, (source, target), chosen, strict=True)
        if given is None and name is not None and name != kind
    )
    return Choice(chosen[0], chosen[1], notes)


def _guess(
    records: Records, source: str | None, target: str | None, need_targets: bool
) -> tuple[tuple[str | None, str | None], str]:
    """Return both columns, given or inferred, and why; the target is None if not needed."""
    pair = _find_usual_names(records.names, source, target)
    if pair is not None:
        return pair, "by its name"
    unused = _unused_names(records.names, source, target)
    if not need_targets and (source is not None or len(unused) == 1):
        return (source or unused[0], target), "the only column"
    _reject_missing_header(records)
    wanted = (source is None) + (target is None and need_targets)
    texts = _text_columns(records, unused, wanted)
    if len(texts) != wanted:
        for name in unused:  # naming one of two equal names cannot choose between them
            resolve_column(records.names, name, "source", file=records.file)
    if len(texts) < wanted:
        raise _ambiguous(records, f"found no {'target' if source or unused else 'source'} column")
    if len(texts) > 2 or (len(texts) == 2 and (source or target)):
        problem = "it is not clear which columns hold the sources and the targets"
        raise _ambiguous(records, f"{problem} ({', '.join(texts)} may)")
    if wanted == 2:
        return (texts[0], texts[1]), "the two columns of texts, the first is the source"
    why = "the first column of texts" if len(texts) == 2 else "the only other column of texts"
    return (source or texts[0], target or (texts[0] if need_targets else None)), why


def _find_usual_names(
    names: Sequence[str], source: str | None, target: str | None
) -> tuple[str, str] | None:
    """Return two columns with usual names that agree with those given, if any."""
    unused = _unused_names(names, source, target)
    for sources, targets in _usual_names(names):
        first = find_column(unused, sources) if source is None else source
        second = find_column(unused, targets) if target is None else target
        if first is None or second is None:
            continue
        if column_key(first) in sources and column_key(second) in targets:
            return first, second
    return None


def _usual_names(names: Sequence[str]) -> Iterator[tuple[Names, Names]]:
    """Yield the usual names of both sides; the first of two languages is the source."""
    yield from FAMILIES
    languages = [column_key(name) for name in names if column_key(name) in LANGUAGES]
    if len(languages) == 2:
        yield (languages[0],), (languages[1],)
        yield (languages[1],), (languages[0],)
    yield SUMMARIES


def _unused_names(names: Sequence[str], source: str | None, target: str | None) -> list[str]:
    taken = (*split_column_name(names, source or ""), target)
    return [name for name in names if name and name not in taken]


def _text_columns(records: Records, names: Sequence[str], wanted: int) -> list[str]:
    """Return the columns of strings: no numbers and, if there is a choice, no categories."""
    named = [name for name in names if column_key(name) not in ROW_NUMBER_NAMES]
    texts = [name for name in named if not math.isinf(mean_length(records.column(name)))]
    if len(texts) == wanted == 1:
        return texts
    few = min(100, len(records.rows) // 2)
    return [name for name in texts if count_distinct(records.column(name)) > few]


def _reject_missing_header(records: Records) -> None:
    """Refuse a file without a header, whose first pair would be lost."""
    if any(is_number(name) or _SENTENCE.search(name) for name in records.names):
        raise DataError(
            "expected a header, but the first row looks like data "
            f"({join_names(records.names)}): put a line such as "
            "source,target on top, or name the columns with --source-column and --target-column "
            "(source_column=..., target_column=...)",
            file=records.file,
        )


def _ambiguous(records: Records, problem: str) -> DataError:
    plain = tuple(records.names) == ("text",)
    cure = "name them with --source-column and --target-column (source_column=..., ...)"
    if plain:
        cure = (
            "give the targets, line by line, as a file of their own: AlignedFiles(source, target)"
        )
    return DataError(
        f"{problem}; the columns are {join_names(records.names)}: {cure}", file=records.file
    )
