"""Load exports with transformers alone, offline and where munjang cannot be imported.

Reads a list of jobs from standard input, and writes a list of results to the file that is its
argument. It runs in a process of its own, and imports nothing of the tests.
"""

import os
import pickle
import sys
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


class WithoutMunjang:
    """An importer that has no munjang."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0] == "munjang":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, WithoutMunjang())

import torch  # noqa: E402
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_num_threads(1)


def numbers_of(auto: str, outputs: Any, mask: Any) -> list[Any]:
    """The outputs of each row of a batch."""
    if auto == "AutoModel":
        states = [
            row[kept].numpy() for row, kept in zip(outputs.last_hidden_state, mask, strict=True)
        ]
        return list(zip(outputs.pooler_output.numpy(), states, strict=True))
    if auto in ("AutoModelForMaskedLM", "AutoModelForCausalLM"):
        return [row[kept].numpy() for row, kept in zip(outputs.logits, mask, strict=True)]
    return list(outputs.logits.numpy())


def run(job: dict[str, Any]) -> dict[str, Any]:
    auto, folder = job["auto"], job["folder"]
    load = {"trust_remote_code": True} if job["has_code"] else {}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **load)
    model, info = getattr(transformers, auto).from_pretrained(
        folder, output_loading_info=True, **load
    )
    model.eval()
    given = {}
    if auto == "AutoModelForSeq2SeqLM":
        given = {"decoder_input_ids": torch.tensor([job["answer"]])}

    def tokenize(rows: list[Any], side: str | None = None) -> Any:
        columns = [rows] if isinstance(rows[0], str) else [list(c) for c in zip(*rows, strict=True)]
        options = {} if side is None else {"padding_side": side}
        return tokenizer(*columns, truncation=True, padding=True, return_tensors="pt", **options)

    def outputs(rows: list[Any], side: str | None = None) -> tuple[list[Any], list[Any]]:
        batch = tokenize(rows, side)
        mask = batch["attention_mask"].bool()
        more = {key: value.expand(len(rows), -1) for key, value in given.items()}
        with torch.no_grad():
            found = numbers_of(auto, model(**batch, **more), mask)
        ids = [
            row[kept].long().tolist() for row, kept in zip(batch["input_ids"], mask, strict=True)
        ]
        return ids, found

    values = job["values"]
    alone = [outputs([value]) for value in values]
    result = {
        "class": type(model).__name__,
        "fast": tokenizer.is_fast,
        "missing": sorted(info["missing_keys"]) + sorted(info["mismatched_keys"]),
        "id2label": getattr(model.config, "id2label", None),
        "problem_type": getattr(model.config, "problem_type", None),
        "ids": [ids[0] for ids, _ in alone],
        "alone": [found[0] for _, found in alone],
        "right": outputs(values, "right")[1],
        "left": outputs(values, "left")[1],
    }
    if job["prompts"]:
        batch = tokenizer(job["prompts"], truncation=True, padding=True, return_tensors="pt")
        written = model.generate(**batch, do_sample=False, **job["options"])
        if auto == "AutoModelForCausalLM":
            written = written[:, batch["input_ids"].shape[1] :]
        result["written"] = written.tolist()
        decoder = tokenizer
        if "decoder" in job:
            decoder = transformers.AutoTokenizer.from_pretrained(job["decoder"], **load)
        result["texts"] = decoder.batch_decode(written, skip_special_tokens=True)
    if auto == "AutoModelForSequenceClassification" and isinstance(values[0], str):
        labels = {
            "regression": torch.tensor([1.0]),
            "multi_label_classification": torch.ones(1, model.config.num_labels),
        }
        target = labels.get(model.config.problem_type, torch.tensor([0]))
        model.train()
        loss = model(**tokenize(values[:1]), labels=target).loss
        loss.backward()
        result["loss"] = loss.item()
    if job["pipeline"]:
        task = {"AutoModelForMaskedLM": "fill-mask"}.get(auto, "text-classification")
        pipeline = transformers.pipeline(task, model=model.eval(), tokenizer=tokenizer)
        more = {} if task == "fill-mask" else {"truncation": True}
        result["pipeline"] = [pipeline(value, **more) for value in values]
        if task != "fill-mask":
            result["pipeline"] = [answers[0] for answers in result["pipeline"]]
    if job.get("saved"):
        model.save_pretrained(job["saved"])
        tokenizer.save_pretrained(job["saved"])
        again = getattr(transformers, auto).from_pretrained(job["saved"], **load).eval()
        token = transformers.AutoTokenizer.from_pretrained(job["saved"], **load)
        with torch.no_grad():
            batch = token(values[:3], truncation=True, padding=True, return_tensors="pt")
            result["saved"] = numbers_of(auto, again(**batch), batch["attention_mask"].bool())
    return result


if __name__ == "__main__":
    jobs = pickle.load(sys.stdin.buffer)
    results = [run(job) for job in jobs]
    assert "munjang" not in sys.modules
    Path(sys.argv[1]).write_bytes(pickle.dumps(results))
