"""One worker: `python -m munjang.many_files.worker`, told what to do on its standard input.

It loads the model once. The process ends when its standard input does: workers of a command that
was killed do not live on.
"""

import os
import queue
import sys
import threading
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import torch

from munjang.errors import MunjangError
from munjang.many_files.messages import (
    BEGIN,
    BUG,
    DONE,
    NOTE,
    PART,
    READY,
    ROWS,
    Message,
    describe_error,
    read_message,
    write_message,
)
from munjang.many_files.plan import Plan
from munjang.many_files.records import PartRecord
from munjang.many_files.stripes import Stripe, write_stripe
from munjang.many_files.works import load_work
from munjang.memory import peak_memory


def serve(tasks: "queue.SimpleQueue[Message]", replies: BinaryIO) -> None:
    """Work on the stripes that arrive, for ever."""
    first = tasks.get()
    plan, out = Plan.from_json(first["plan"]), Path(first["out"])
    work = load_work(plan)
    write_message(replies, {READY: os.getpid()})

    def on_part(number: int, record: PartRecord) -> None:
        write_message(replies, {PART: number, **asdict(record), "memory": peak_memory()})

    while True:
        count = write_stripe(
            work,
            plan,
            out,
            Stripe(**tasks.get()),
            on_part,
            lambda number: write_message(replies, {BEGIN: number}),
            lambda rows: write_message(replies, {ROWS: rows}),
            lambda line: write_message(replies, {NOTE: line}),
        )
        write_message(replies, {DONE: count})


def _take_output() -> BinaryIO:
    """Return the pipe of standard output; what libraries print goes to standard error instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _read_tasks(tasks: "queue.SimpleQueue[Message]") -> None:
    """Hand on what arrives on standard input, and end this process when it closes."""
    while True:
        message = read_message(sys.stdin.buffer)
        if message is None:
            os._exit(1)
        tasks.put(message)


def main() -> None:
    """Work until standard input closes, or until an error, which is the last message."""
    replies = _take_output()
    tasks: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(tasks,), daemon=True).start()
    torch.set_num_threads(1)
    try:
        serve(tasks, replies)
    except (MunjangError, OSError) as error:
        write_message(replies, describe_error(error))
    except Exception:
        write_message(replies, {BUG: traceback.format_exc()})
    os._exit(1)  # the thread that reads may hold standard input


if __name__ == "__main__":
    main()
