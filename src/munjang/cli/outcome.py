"""End of a command: messages on standard error, and the exit code."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from munjang.cli.lists import fill_lists
from munjang.cli.output import OUTPUT, fit_line, flush, note, to_one_line
from munjang.errors import MunjangError
from munjang.stopping import ENDED_BY_SIGNAL, exit_code

DONE, FAILED, MISTAKE = 0, 1, 2
# Error numbers of a full disk, an exceeded quota and a file that cannot grow.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
OUT_OF_MEMORY = (
    "out of memory; a smaller model.dim, fewer model.ngram_buckets or a smaller "
    "training.batch_size helps"
)
# The type that Typer prints behind the name of an argument.
_ARGUMENT_TYPE = re.compile(r"^(  [A-Z]+) <(?:str|list\[str\])>", re.MULTILINE)


class Command(TyperCommand):
    """A command whose help fits the terminal and lists the rows of the registries."""

    def get_help(self, ctx: Any) -> str:
        """Return the help in lines of the terminal's width."""
        self.help = fill_lists(self.help or "")
        for parameter in self.params:
            described: Any = parameter  # arguments and options; the base class has no help
            described.help = fill_lists(described.help or "")
        return fit_line(_without_types(super().get_help(ctx)), sys.stdout)


class Group(TyperGroup):
    """A group of commands whose help fits the terminal."""

    def get_help(self, ctx: Any) -> str:
        """Return the help in lines of the terminal's width."""
        return fit_line(super().get_help(ctx), sys.stdout)


class Commands(Group):
    """All commands; every known failure becomes an exit code.

    It stands inside of Typer's own handling, which would swallow the text of a `KeyboardInterrupt`
    and end a closed pipe with 1.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        code = exit_codes(lambda: super(Commands, self).invoke(ctx))
        raise typer.Exit(code)


def _without_types(text: str) -> str:
    """Blank the types of arguments; the columns stay aligned."""
    return _ARGUMENT_TYPE.sub(lambda match: match[1].ljust(len(match[0])), text)


def exit_codes(run: Callable[[], Any]) -> int:
    """Call `run` and return its exit code.

    A mistake of the user becomes a message of one line; a bug keeps its traceback.
    """
    try:
        code = run()
        flush()
    except typer.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        _drop_output()
        return 0
    except KeyboardInterrupt as stop:
        note(f"munjang: {to_one_line(str(stop)) or 'stopped'}")
        return exit_code(stop)
    except MunjangError as error:
        note(f"munjang: {to_one_line(str(error))}")
        return MISTAKE
    except OSError as error:
        if error.filename == OUTPUT:
            _drop_output()
        note(f"munjang: {to_one_line(_file_and_reason(error))}")
        return MISTAKE
    except Exception as error:
        if _is_out_of_memory(error):
            note(f"munjang: {OUT_OF_MEMORY}")
            return MISTAKE
        # The base class of usage errors differs between versions of Typer; this method does not.
        if not hasattr(error, "format_message"):
            raise
        note(f"munjang: {_usage(error)}")
        return MISTAKE
    return code if isinstance(code, int) else 0


@contextmanager
def resumable(describe_resuming: Callable[[], str]) -> Iterator[None]:
    """Let a full disk, and Ctrl-C without a message of its own, say how to continue.

    Args:
        describe_resuming: returns this part of the message, once the block has ended.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        if str(stop):
            raise
        raise KeyboardInterrupt(f"stopped; {describe_resuming()}") from None
    except OSError as error:
        if error.errno not in FULL:
            raise
        reason = f"{os.strerror(error.errno)}; free some space, then {describe_resuming()}"
        raise OSError(error.errno, reason, error.filename) from None


def end(code: int) -> NoReturn:
    """Exit with this code."""
    if code > ENDED_BY_SIGNAL:
        # An interrupt that C code swallowed may still be pending in Python, which would then end
        # the process with a signal instead of this code.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _drop_output() -> None:
    """Send what is left of the output nowhere, so that the final flush of Python succeeds."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())


def _is_out_of_memory(error: Exception) -> bool:
    """Return whether memory ran out; PyTorch raises a plain `RuntimeError` on a CPU."""
    if isinstance(error, MemoryError):
        return True
    message = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in message or "out of memory" in message
    )


def _file_and_reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    command = "munjang" if context is None else context.command_path
    message = to_one_line(error.format_message()).rstrip(".")
    if command == "munjang predict" and hasattr(error, "option_name"):
        message += "; put a text that begins with - after --, as in munjang predict FOLDER -- -1"
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"
