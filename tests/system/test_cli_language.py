"""Language models by the command line: training, evaluation, next tokens, generated texts."""

import json
from pathlib import Path

import pytest

from tests.system.commands import invoke, run
from tests.system.comparisons import compare_here

SIZES = {
    "model.dim": 16,
    "model.ngram_buckets": 512,
    "training.threads": 1,
    "training.learning_rate": 0.01,
    "training.batch_size": 8,
    "data.window": 16,
    "language.ngram_order": 4,
}
LINES = ["가나다 라마바사", "아자차카 타파하", "", "가나다 타파하"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(LINES * 60) + "\n", "utf-8")
    return path


def train(text: Path, out: Path, *options: str) -> str:
    sizes = [part for key, value in SIZES.items() for part in ("--set", f"{key}={value}")]
    result = invoke("train", text, "--task", "language", "--out", out, *sizes, *options)
    assert result.code == 0, result.err
    return result.err + result.out


@pytest.fixture(scope="module")
def model(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language") / "m"
    printed = train(text, folder, "--set", "training.epochs=30", "--set", "model.hidden_dim=32")
    assert "Kneser-Ney" in printed
    assert "each token is predicted from all tokens before it" in printed
    return folder


def test_repetitive_text_is_learned_and_scored(model: Path, text: Path) -> None:
    result = invoke("evaluate", model, text, "--json")
    scores = json.loads(result.out)
    assert scores["cross_entropy"] < 0.5
    assert scores["bits_per_byte"] < scores["bits_per_character"]


def test_predict_gives_next_tokens(model: Path) -> None:
    result = invoke("predict", model, "가나", "아자차카 ", "--top", "1")
    assert [line.split("\t")[0::2] for line in result.out.splitlines()] == [
        ["1", "다"],
        ["2", "타"],
    ]


@pytest.mark.parametrize("tokenizer", ["jamo", "bytes"])
@pytest.mark.parametrize("name", ["gru", "transformer"])
def test_generated_text_is_whole_syllables(
    text: Path, tmp_path: Path, tokenizer: str, name: str
) -> None:
    options = ["--model", name, "--tokenizer", tokenizer, "--set", "training.max_steps=3"]
    printed = train(text, tmp_path / "m", *options)
    assert ("by sliding windows" in printed) == (name == "transformer")
    result = invoke("generate", tmp_path / "m", "--prompt", "새 글자 쀍", "--length", "40")
    assert result.code == 0, result.err
    assert result.out.startswith("새 글자 쀍"[:-1])


def test_same_seed_repeats_text_and_stop_ends_it(model: Path) -> None:
    # hot enough that another seed draws other words
    options = ["--prompt", "가나", "--length", "60", "--temperature", "3"]
    once, again, other = (
        command("generate", model, *options, "--seed", seed).out
        for command, seed in ((invoke, "1"), (run, "1"), (invoke, "2"))
    )
    assert once == again != other
    line = invoke("generate", model, "--prompt", "가나", "--length", "60", "--stop", "\\n").out
    assert line.count("\n") == 1
    assert line.startswith("가나다 ")


def test_greedy_text_follows_the_training_text(model: Path) -> None:
    options = ["--set", "decoding.method=greedy", "--length", "12"]
    assert invoke("generate", model, "--prompt", "아자", *options).out.startswith(
        "아자차카 타파하\n"
    )


def test_explain_shows_surprisal_and_the_most_surprising_words(model: Path) -> None:
    result = invoke("explain", model, "가나다 라마바사\n아자차카 라마바사")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("가나다 라마바사⏎\n아자차카 라마바사\n")
    assert "bits per character" in result.out
    table = result.out[result.out.index("most surprising words") :]
    words = [row.split()[0] for row in table.splitlines()[2:] if row.split()]
    assert set(words) == {"가나다", "라마바사", "아자차카"}
    assert words[0] == "라마바사", "the text has 타파하 there"


def test_explain_as_json_has_the_sum_of_all_pieces(model: Path) -> None:
    values = json.loads(invoke("explain", model, "가나다 타파하", "--json").out)
    assert values["text"] == "가나다 타파하"
    assert values["nats"] == pytest.approx(
        sum(piece["nats"] for piece in values["pieces"]), abs=1e-3
    )
    assert [word["text"] for word in values["words"]] == ["가나다", "타파하"]


@pytest.mark.parametrize(("name", "beginning"), [("a.html", "<!doctype"), ("a.svg", "<svg")])
def test_explain_writes_pages_and_pictures(
    model: Path, tmp_path: Path, name: str, beginning: str
) -> None:
    result = invoke("explain", model, "가나다 <b>", "--out", tmp_path / name)
    assert (result.code, result.out) == (0, "")
    written = (tmp_path / name).read_text("utf-8")
    assert written.lower().startswith(beginning)
    assert "<b>" not in written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("가나", "--layer", "0"), "--layer: is for --view attention; the view here is surprisal"),
        (("가나", "--view", "atention"), "unknown view 'atention'; did you mean 'attention'?"),
        (("가나", "--out", "a.gif"), "ends in one of .html, .svg, .png, .json"),
        (("",), "got an empty one"),
        (("가나", "다라"), "expected one text to explain, got 2"),
    ],
)
def test_explain_refuses_what_language_models_lack(
    model: Path, options: tuple[str, ...], message: str
) -> None:
    result = invoke("explain", model, *options)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err


def test_a_classifier_continues_no_text(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    rows = [
        f'"가나다{end} {n}","x"\n"아자차카 {n}{end}","y"\n'
        for n in range(30)
        for end in ("", "\n타")
    ]
    data.write_text("text,label\n" + "".join(rows), "utf-8")
    invoke("train", data, "--model", "mean", "--out", tmp_path / "m", "--set", "training.epochs=1")
    result = invoke("generate", tmp_path / "m")
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert "continues no texts" in result.err
    result = invoke("explain", tmp_path / "m", "good", "--view", "surprisal")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "--view surprisal: is for language models; this model has why, attention" in result.err


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labeled texts of the words of `LINES`, some of them of two lines."""
    path = tmp_path_factory.mktemp("table") / "reviews.csv"
    rows = [
        f'"가나다{end} {n}","x"\n"아자차카 {n}{end}","y"\n'
        for n in range(30)
        for end in ("", "\n타")
    ]
    path.write_text("text,label\n" + "".join(rows), "utf-8")
    return path


def test_classifier_begins_from_a_language_model(model: Path, table: Path, tmp_path: Path) -> None:
    out, few = tmp_path / "classifier", ("--set", "training.threads=1")
    result = invoke("train", table, "--from", model, "--out", out, *few)
    assert result.code == 0, result.err
    assert f"weights: begin from {model} (lstm, task language)" in result.err
    assert "left over, not used: adapter.bias, adapter.weight, bias" in result.err
    result = invoke("predict", out, "가나다 1", "아자차카\n타")
    assert result.code == 0, result.err
    assert [line.split("\t")[0] for line in result.out.splitlines()] == ["x", "y"]
    assert invoke("evaluate", out, table, "--json").code == 0


def test_compared_classifier_begins_from_a_language_model(
    model: Path, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "compared"
    result = compare_here(
        *("compare", table, "--task", "classify", "--models", "majority", "--from", model),
        *("--out", out, "--seeds", 1, "--budget", "2000 tokens", "--set", "training.threads=1"),
    )
    assert result.code == 0, result.err
    rows = json.loads((out / "compare.json").read_text())["standings"]
    assert {row["name"] for row in rows} == {"majority", f"lstm from {model}"}


def test_attention_of_all_tokens_cannot_begin_from_a_causal_one(
    text: Path, table: Path, tmp_path: Path
) -> None:
    causal, out = tmp_path / "causal", tmp_path / "out"
    train(text, causal, "--model", "transformer", "--set", "training.max_steps=2")
    result = invoke("train", table, "--from", causal, "--out", out)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()[-1:]
    assert "those of the encoder transformer to all; begin from lstm, gru or rnn" in line
    assert not out.exists()
