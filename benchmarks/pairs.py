"""Quality from text to text, from scratch: translations, answers, headlines, by the command line.

Each training is the command that is printed, judged on its test part once, with beam 5:

- multi30k, English to German, all of it in small letters (train 29,000, val, test2016)
- tatoeba-ko, English to Korean (train, valid, test)
- chatbot-ko, Korean questions to answers (a twentieth held out for each part, by a seed)
- agnews-headlines, a headline from the description (train, valid, test)

    python benchmarks/pairs.py --work FOLDER [--data multi30k] [--models transformer attentive]

FOLDER keeps data and models: a model that stands there finished is not trained again, one that was
stopped goes on. BLEU "tokenized" is of words cut by sacremoses, as papers before sacrebleu had it;
the other figures are sacrebleu's own. Headlines have ROUGE-L by rouge-score. Without
either package its column is left out.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from machine import data_folder, describe_machine
from peers import missing, need_data, present


@dataclass(frozen=True)
class Corpus:
    """A corpus of sentence pairs: its files, and settings for all models and for one."""

    language: str
    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    settings: tuple[str, ...]
    models: dict[str, tuple[str, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    published: str = ""


def write_lowercase(work: Path) -> None:
    """multi30k in small letters, as the published figures have it."""
    for part in ("train", "val", "test2016"):
        for language in ("en", "de"):
            text = (data_folder() / "multi30k" / f"{part}.{language}").read_text(encoding="utf-8")
            target = work / f"{part}.{language}"
            target.write_text(text.lower(), encoding="utf-8", newline="\n")


def split_chatbot(work: Path) -> None:
    """A twentieth to validate on, a twentieth to test; the same question never in two parts."""
    import numpy as np
    import polars as pl

    table = pl.read_csv(data_folder() / "chatbot-ko" / "chatbot.csv", columns=["Q", "A"])
    questions = table["Q"].unique(maintain_order=True).to_list()
    order = np.random.default_rng(0).permutation(len(questions))
    twentieth = len(questions) // 20
    held = {
        "test": {questions[k] for k in order[:twentieth]},
        "valid": {questions[k] for k in order[twentieth : 2 * twentieth]},
    }
    for name, selected in held.items():
        table.filter(pl.col("Q").is_in(list(selected))).write_csv(work / f"{name}.csv")
    others = list(held["test"] | held["valid"])
    table.filter(~pl.col("Q").is_in(others)).write_csv(work / "train.csv")


def corpora() -> dict[str, Corpus]:
    """Return the corpora by name; a path without a slash lies in the work folder."""
    tatoeba, headlines = (str(data_folder() / n) for n in ("tatoeba-ko", "agnews-headlines"))
    return {
        "multi30k": Corpus(
            language="de",
            train=("--source", "train.en", "--target", "train.de"),
            valid=("--valid-source", "val.en", "--valid-target", "val.de"),
            test=("--source", "test2016.en", "--target", "test2016.de"),
            settings=(
                "tokenizer.max_size=5000",
                "tokenizer.shared_vocabulary=true",
                "training.batch_tokens=2048",
                "training.metric=bleu",
                "training.average_after=0.7",
                "training.threads=1",
            ),
            models={
                "transformer": ("training.epochs=30", "training.learning_rate=0.003"),
                "attentive": (
                    "training.epochs=16",
                    "training.learning_rate=0.002",
                    "model.dim=256",
                ),
                "seq2seq": ("training.epochs=10", "training.learning_rate=0.002", "model.dim=256"),
            },
            published="Transformer tiny 41.0 (2.6M parameters, lowercased, tokenized)",
        ),
        "tatoeba-ko": Corpus(
            language="ko",
            train=(f"{tatoeba}/train.tsv",),
            valid=("--valid", f"{tatoeba}/valid.tsv"),
            test=(f"{tatoeba}/test.tsv",),
            columns=("--source-column", "en", "--target-column", "ko"),
            settings=("training.epochs=30", "training.threads=1"),
        ),
        "chatbot-ko": Corpus(
            language="ko",
            train=("train.csv",),
            valid=("--valid", "valid.csv"),
            test=("test.csv",),
            columns=("--source-column", "Q", "--target-column", "A"),
            settings=("training.epochs=12", "training.threads=1"),
        ),
        "agnews-headlines": Corpus(
            language="en",
            train=(f"{headlines}/train.tsv",),
            valid=("--valid", f"{headlines}/valid.tsv"),
            test=(f"{headlines}/test.tsv",),
            columns=("--source-column", "description", "--target-column", "title"),
            settings=("training.epochs=20", "training.threads=1"),
        ),
    }


def munjang_command(*arguments: str) -> list[str]:
    """`munjang ...` by this Python."""
    return [sys.executable, "-m", "munjang", *arguments]


def train_arguments(corpus: Corpus, model: str) -> list[str]:
    """Return the arguments of `munjang` that train a model on a corpus."""
    overrides = (*corpus.settings, *corpus.models.get(model, ()))
    settings = [part for setting in overrides for part in ("--set", setting)]
    return [
        "train", "--task", "translate", "--model", model, *corpus.train, *corpus.valid,
        *corpus.columns, *settings, "--out", model,
    ]  # fmt: skip


def evaluate_arguments(corpus: Corpus, model: str) -> list[str]:
    """Return the arguments of `munjang` that evaluate a model on a corpus."""
    return [
        "evaluate", model, *corpus.test, *corpus.columns, "--beam", "5",
        "--set", "decoding.length_penalty=1", "--hypotheses", f"{model}.txt",
    ]  # fmt: skip


def train(corpus: Corpus, model: str, work: Path) -> None:
    """Train into `work/model` unless a finished model stands there."""
    if not (work / model / "manifest.json").exists():
        subprocess.run(
            munjang_command(*train_arguments(corpus, model), "--resume"), cwd=work, check=True
        )


def evaluate(name: str, corpus: Corpus, model: str, work: Path) -> dict:
    """The figures on the test part; its answers stay in `work/model.txt`."""
    typed = munjang_command(*evaluate_arguments(corpus, model), "--json", "--quiet")
    scores = json.loads(subprocess.run(typed, cwd=work, check=True, stdout=-1).stdout)
    metrics = json.loads((work / model / "metrics.json").read_text(encoding="utf-8"))
    answers = (work / f"{model}.txt").read_text(encoding="utf-8").split("\n")[:-1]
    result = {
        "data": name,
        "model": model,
        "parameters": metrics["training"]["parameters"],
        "seconds": metrics["training"]["seconds"],
        "threads": metrics["training"]["threads"],
        "valid_bleu": metrics["validation"]["bleu"],
        "valid_chrf": metrics["validation"]["chrf"],
        **scores,
    }
    if name == "multi30k" and not missing("sacremoses"):
        references = (work / "test2016.de").read_text(encoding="utf-8").split("\n")[:-1]
        result["tokenized_bleu"] = tokenized_bleu(answers, references, corpus.language)
    if name == "agnews-headlines" and not missing("rouge-score"):
        result["rouge_l"] = rouge_l(answers, column_titles(corpus))
    return result


def column_titles(corpus: Corpus) -> list[str]:
    """The headlines that people wrote for the test part."""
    import munjang.data.pairs.read as pairs

    table = pairs.read_pairs(corpus.test[0], source_column="description", target_column="title")
    return table.targets.to_list()


def tokenized_bleu(answers: list[str], references: list[str], language: str) -> float:
    """BLEU of small letters, words cut by Moses' rules on both sides."""
    from sacrebleu.metrics import BLEU
    from sacremoses import MosesTokenizer

    cut = MosesTokenizer(language)

    def words(texts: list[str]) -> list[str]:
        return [cut.tokenize(t.lower(), escape=False, return_str=True) for t in texts]

    bleu = BLEU(tokenize="none", force=True)
    return float(bleu.corpus_score(words(answers), [words(references)]).score)


def rouge_l(answers: list[str], references: list[str]) -> float:
    """Mean F-measure of ROUGE-L, 0 to 100, words stemmed (Lin 2004)."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    scores = [
        scorer.score(reference, answer)["rougeL"].fmeasure
        for answer, reference in zip(answers, references, strict=True)
    ]
    return 100 * sum(scores) / len(scores)


def print_table(result: list[dict]) -> None:
    """One table a corpus, and the samples of each model."""
    known = corpora()
    for name in known:
        rows = [row for row in result if row["data"] == name]
        if not rows:
            continue
        print(f"\n## {name}\n")
        more = {"tokenized_bleu": "BLEU, tokenized", "rouge_l": "ROUGE-L"}
        extra = [key for key in more if key in rows[0]]
        heads = [*(more[key] for key in extra), "BLEU", "chrF", "exact match", "cut"]
        print("| model | parameters | training s (threads) |", *(f" {h} |" for h in heads), sep="")
        print("|---|---|---|", *("---|" for _ in heads), sep="")
        for row in rows:
            figures = [*(f"{row[key]:.2f}" for key in extra), f"{row['bleu']:.2f}"]
            figures += [
                f"{row['chrf']:.2f}",
                f"{row['exact_match']:.3f}",
                f"{row['cut_share']:.3f}",
            ]
            print(
                f"| `{row['model']}` | {row['parameters']:,} | {row['seconds']:,.0f} "
                f"({row['threads']}) |",
                *(f" {figure} |" for figure in figures),
                sep="",
            )
        print("\nIn a folder with the parts named:\n\n```")
        for row in rows:
            print("munjang", *train_arguments(known[name], row["model"]))
            print("munjang", *evaluate_arguments(known[name], row["model"]))
        print("```")
        if known[name].published:
            print(f"\nPublished: {known[name].published}.")
        print(f"\nsacrebleu: {'; '.join(rows[0]['signatures'])}\n")
        for row in rows:
            print(f"Samples of `{row['model']}`:\n")
            for sample in row["samples"]:
                print(f"- {sample['source']} -> **{sample['answer']}** ({sample['reference']})")
            print()


def main() -> None:
    """Prepare, train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", nargs="+", default=list(corpora()))
    parser.add_argument("--models", nargs="+", default=["transformer", "attentive", "seq2seq"])
    parser.add_argument("--finished", action="store_true", help="judge what stands there alone")
    arguments = parser.parse_args()
    makers = {"multi30k": write_lowercase, "chatbot-ko": split_chatbot}
    result = []
    for name in arguments.data:
        need_data(data_folder() / name)
        work = arguments.work / name
        work.mkdir(parents=True, exist_ok=True)
        makers.get(name, lambda _: None)(work)
        for model in arguments.models:
            if arguments.finished and not (work / model / "manifest.json").exists():
                continue
            train(corpora()[name], model, work)
            result.append(evaluate(name, corpora()[name], model, work))
    print(describe_machine() + "\n")
    present(["sacremoses", "rouge-score"])
    print_table(result)


if __name__ == "__main__":
    main()
