"""JoeyNMT's side of the translation benchmark, a job a process; see translate.py.

Run by the Python that JoeyNMT is installed in. Nothing of it is changed: configuration, data,
batches, model, training loop and search are its own, called as `joeynmt train` and `joeynmt
translate` call them. What is added only looks on: a subclass of `TrainManager` that tells the clock
of each step, and ends the training when enough was seen.
"""

import importlib.metadata
import logging
import shutil
from pathlib import Path
from typing import Any

import torch
from joeynmt.config import parse_global_args
from joeynmt.helpers import make_model_dir
from joeynmt.prediction import predict, prepare
from joeynmt.training import TrainManager

from joey_weights import convert_weights
from translation import (
    ALPHA,
    BATCH_TOKENS,
    BEAM,
    BETAS,
    CLIP,
    DROPOUT,
    FEED_FORWARD,
    HEADS,
    LAYERS,
    MOST_STEPS,
    RATE,
    SMOOTHING,
    SOURCE,
    TARGET,
    WIDTH,
    Answer,
    Clock,
    main,
    peak_memory,
    read_lines,
    time_decoding,
)

NEVER = 10**9  # steps between validations: none is to fall into the clock


def make_config(work: Path, folder: Path, batch: int) -> dict[str, Any]:
    """Return the YAML settings of JoeyNMT: `folder` of the model, `batch` of decoding."""
    part = {
        "type": "transformer", "num_layers": LAYERS, "num_heads": HEADS, "hidden_size": WIDTH,
        "ff_size": FEED_FORWARD, "dropout": DROPOUT, "layer_norm": "pre",
        "embeddings": {"embedding_dim": WIDTH, "scale": True, "dropout": DROPOUT},
    }  # fmt: skip
    sides = {
        key: {"lang": side, "level": "word", "voc_file": str(work / f"words.{side}")}
        for key, side in (("src", SOURCE), ("trg", TARGET))
    }
    return {
        "name": "peer",
        "model_dir": str(folder),
        "use_cuda": False,
        "data": {"train": str(work / "train"), "dev": str(work / "dev"), **sides},
        "training": {
            "optimizer": "adam", "adam_betas": BETAS, "learning_rate": RATE,
            "scheduling": "warmupinversesquareroot", "learning_rate_warmup": 400,
            "clip_grad_norm": CLIP, "batch_type": "token", "batch_size": BATCH_TOKENS,
            "normalization": "tokens", "label_smoothing": SMOOTHING, "epochs": 1000,
            "validation_freq": NEVER, "logging_freq": 100,
        },
        "testing": {
            "beam_size": BEAM, "beam_alpha": ALPHA, "max_output_length": MOST_STEPS,
            "batch_type": "sentence", "batch_size": batch, "generate_unk": False,
        },
        "model": {
            "tied_softmax": True, "initializer": "xavier_uniform", "embed_initializer": "normal",
            "embed_init_weight": WIDTH**-0.5, "encoder": part, "decoder": part,
        },
    }  # fmt: skip


class Watched(TrainManager):
    """JoeyNMT's own training, whose steps are told to a clock.

    A step goes from one `_train_step` to the next: forward, backward, clipping, update, schedule,
    and the making of the next batch.
    """

    clock: Clock
    tokens: int | None = None

    def _train_step(self, batch: Any) -> Any:
        if self.tokens is not None and self.clock.after(self.tokens):
            self.stats.is_max_update = True  # its own way to end, behind this step
        self.tokens = batch.ntokens
        return super()._train_step(batch)


def train(work: str, threads: int, seconds: float) -> Answer:
    """Steps of `TrainManager.train_and_validate` by the clock."""
    torch.set_num_threads(threads)
    folder = Path(work) / "joey"
    make_model_dir(folder, overwrite=True)
    args = parse_global_args(make_config(Path(work), folder, 1), mode="train")
    model, train_data, dev_data, _ = prepare(args, rank=0, mode="train")
    manager = Watched(
        rank=0, model=model, model_dir=args.model_dir, device=args.device, n_gpu=args.n_gpu,
        num_workers=args.num_workers, autocast=args.autocast, seed=args.seed,
        train_args=args.train, dev_args=args.test,
    )  # fmt: skip
    manager.clock = Clock(seconds)
    before = peak_memory()
    manager.train_and_validate(train_data=train_data, valid_data=dev_data)
    return {
        **manager.clock.answer(),
        "before": before,
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabularies": {SOURCE: len(model.src_vocab), TARGET: len(model.trg_vocab)},
    }


def decode(work: str, threads: int, sentences: int, batches: list[int]) -> Answer:
    """Texts to texts by `predict`, beside reading files and weights; for each size of a batch."""
    torch.set_num_threads(threads)
    folder = Path(work) / "joey"
    make_model_dir(folder, overwrite=True)
    state = convert_weights(Path(work) / "weights.npz", LAYERS)
    torch.save({"model_state": state}, folder / "best.ckpt")
    args = parse_global_args(make_config(Path(work), folder, 1), mode="translate")
    model, _, _, data = prepare(args, rank=0, mode="translate")
    # our sources have no end, so the weights never saw one
    encode = data.sequence_encoder[SOURCE]
    data.sequence_encoder[SOURCE] = lambda texts, bos, eos: encode(texts, bos=bos, eos=False)
    before = peak_memory()
    texts = read_lines(Path(work) / f"test.{SOURCE}")[:sentences]

    def answers(some: list[str], batch: int) -> list[str]:
        data.reset_cache()
        for text in some:
            data.set_item(text)
        return predict(
            model=model, data=data, compute_loss=False, device=args.device, rank=0,
            n_gpu=args.n_gpu, normalization="none", num_workers=args.num_workers,
            args=args.test._replace(batch_size=batch), autocast=args.autocast,
        )[2]  # fmt: skip

    by_size = [
        time_decoding(lambda some, size=size: answers(some, size), texts) for size in batches
    ]
    shutil.rmtree(folder)
    return {"by_size": by_size, "before": before}


def versions() -> Answer:
    """Return the versions of JoeyNMT and of its PyTorch."""
    return {name: importlib.metadata.version(name) for name in ("joeynmt", "torch")}


if __name__ == "__main__":
    logging.disable(logging.DEBUG)
    main({f.__name__: f for f in (train, decode, versions)})
