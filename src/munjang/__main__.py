"""Entry point of the command `munjang` and of `python -m munjang`.

Signal handlers are set before the command line is imported, which takes a while.
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
