"""`python -m munjang` is `munjang`."""

from munjang.cli import main

main()
