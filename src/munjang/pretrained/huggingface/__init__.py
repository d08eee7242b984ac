"""Checkpoints of Hugging Face transformers in and out: BERT, in safetensors."""

from munjang.pretrained.huggingface.exporting import export_checkpoint
from munjang.pretrained.huggingface.importing import import_checkpoint, is_checkpoint
from munjang.pretrained.huggingface.pooling import check_choice

__all__ = ["check_choice", "export_checkpoint", "import_checkpoint", "is_checkpoint"]
