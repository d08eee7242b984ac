"""Use of an export: lines for the terminal, and the card, `README.md` of its folder."""

from collections.abc import Mapping

from munjang import __version__
from munjang.model import Model
from munjang.reporting import escape_markdown

_ANSWERS: Mapping[str, str] = {
    "AutoModelForSequenceClassification": "logits = model(**batch).logits",
    "AutoModelForMaskedLM": "logits = model(**batch).logits",
    "AutoModel": "vectors = model(**batch).pooler_output",
    "AutoModelForCausalLM": "ids = model.generate(**batch)",
    "AutoModelForSeq2SeqLM": "ids = model.generate(**batch)",
}
_DECODED = "texts = tokenizer.batch_decode(ids, skip_special_tokens=True)"


def show_use(auto: str, folder: str, *, has_code: bool, has_target: bool) -> list[str]:
    """Return lines of Python that load an export and use it.

    Args:
        auto: the class of transformers that loads it.
        folder: its path.
        has_code: whether there are files of Python in it.
        has_target: whether texts are decoded by another tokenizer.
    """
    trust = ", trust_remote_code=True" if has_code else ""
    lines = [
        f"from transformers import {auto}, AutoTokenizer",
        f'tokenizer = AutoTokenizer.from_pretrained("{folder}"{trust})',
        f'model = {auto}.from_pretrained("{folder}"{trust})',
        'batch = tokenizer(["..."], truncation=True, padding=True, return_tensors="pt")',
        _ANSWERS[auto],
    ]
    if "generate" in lines[-1]:
        decoded = _DECODED
        if has_target:
            lines.append(f'target = AutoTokenizer.from_pretrained("{folder}/target"{trust})')
            decoded = decoded.replace("tokenizer.", "target.")
        lines.append(decoded)
    return lines


def write_card(model: Model, lines: list[str], notes: list[str]) -> str:
    """Return the content of README.md.

    Args:
        model: the model.
        lines: of `show_use`.
        notes: what the export does not hold, a line each.
    """
    name = escape_markdown(f"{model.recipe.model_name}, {model.recipe.task}")
    code = "\n".join(lines)
    parts = [
        f"# {name}",
        f"Written by munjang {__version__} for Hugging Face transformers, version 5 or later. The "
        "files of Python need PyTorch and transformers, and nothing of munjang.",
        f"```python\n{code}\n```",
    ]
    if notes:
        parts.append("\n".join(f"- {escape_markdown(note)}" for note in notes))
    return "\n\n".join(parts) + "\n"
