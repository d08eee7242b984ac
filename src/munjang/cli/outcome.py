"""How a command ends: what is said on standard error, and the exit code."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from munjang.cli.output import OUTPUT, fitting, flush, note, one_line
from munjang.errors import MunjangError
from munjang.stopping import ENDED_BY_SIGNAL, exit_code

DONE, FAILED, MISTAKE = 0, 1, 2
# What the system says of a disk, of a person's share of it and of one file that can grow no more.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
OUT_OF_MEMORY = "out of memory; a smaller model.dim, fewer model.ngram_buckets or a smaller training.batch_size helps"


class Command(TyperCommand):
    """A command whose help, its examples too, fits the terminal."""

    def get_help(self, ctx: Any) -> str:
        """The help in lines of the terminal's width."""
        return fitting(super().get_help(ctx), sys.stdout)


class Group(TyperGroup):
    """Likewise a group of commands."""

    def get_help(self, ctx: Any) -> str:
        """The help in lines of the terminal's width."""
        return fitting(super().get_help(ctx), sys.stdout)


class Commands(Group):
    """The commands, with every known way to fail turned into an exit code.

    It stands inside of Typer's own handling, which would swallow the text of a `KeyboardInterrupt`
    and end a closed pipe with 1.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        code = exit_codes(lambda: super(Commands, self).invoke(ctx))
        raise typer.Exit(code)


def exit_codes(run: Callable[[], Any]) -> int:
    """Call `run`; tell a mistake of the user in one line. A bug keeps its traceback."""
    try:
        code = run()
        flush()
    except typer.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        _drop_output()
        return 0
    except KeyboardInterrupt as stop:
        note(f"munjang: {one_line(str(stop)) or 'stopped'}")
        return exit_code(stop)
    except MunjangError as error:
        note(f"munjang: {one_line(str(error))}")
        return MISTAKE
    except OSError as error:
        if error.filename == OUTPUT:
            _drop_output()
        note(f"munjang: {one_line(_told(error))}")
        return MISTAKE
    except Exception as error:
        if _is_out_of_memory(error):
            note(f"munjang: {OUT_OF_MEMORY}")
            return MISTAKE
        # The base class of Typer's usage errors has moved over its versions; this method has not.
        if not hasattr(error, "format_message"):
            raise
        note(f"munjang: {_usage(error)}")
        return MISTAKE
    return code if isinstance(code, int) else 0


@contextmanager
def resumable(goes_on: Callable[[], str]) -> Iterator[None]:
    """Within, a full disk, and Ctrl-C that has no words of its own, tell how to go on.

    Args:
        goes_on: gives these words, when it is over.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        if str(stop):
            raise
        raise KeyboardInterrupt(f"stopped; {goes_on()}") from None
    except OSError as error:
        if error.errno not in FULL:
            raise
        said = f"{os.strerror(error.errno)}; make room, then {goes_on()}"
        raise OSError(error.errno, said, error.filename) from None


def end(code: int) -> NoReturn:
    """Leave with an exit code."""
    if code > ENDED_BY_SIGNAL:
        # Python may still remember the interrupt, where C code saw it pass, and end the process
        # with a signal instead of our code.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _drop_output() -> None:
    """Whoever read our output has had enough: let nothing complain when Python flushes it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _is_out_of_memory(error: Exception) -> bool:
    """PyTorch says so on a CPU with a plain `RuntimeError`, and on a GPU with a kin of it."""
    if isinstance(error, MemoryError):
        return True
    told = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in told or "out of memory" in told
    )


def _told(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    command = "munjang" if context is None else context.command_path
    message = one_line(error.format_message()).rstrip(".")
    if command == "munjang predict" and hasattr(error, "option_name"):
        message += (
            "; a text that begins with - stands behind --, as in munjang predict FOLDER -- -1"
        )
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"
