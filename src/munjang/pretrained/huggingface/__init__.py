"""Checkpoints of Hugging Face transformers in and out: BERT, in safetensors."""

from munjang.pretrained.huggingface.importing import import_checkpoint, is_checkpoint
from munjang.pretrained.huggingface.pooling import check_choice

__all__ = ["check_choice", "import_checkpoint", "is_checkpoint"]
