"""The way in, of `python -m munjang` and of the command `munjang` alike.

Ctrl-C is taken care of first, and only then the command line imported, which takes a while. Before
that Python itself is starting, and what it says of Ctrl-C then is its own.
"""

from typing import NoReturn

from munjang.stopping import exit_on_signals


def main() -> NoReturn:
    """Run the command line and exit."""
    exit_on_signals()
    from munjang.cli import main as run

    run()


if __name__ == "__main__":
    main()
