"""Exit codes of a process that was asked to end."""

import pytest

from munjang.cli.outcome import exit_codes, resumable
from munjang.stopping import Terminated, exit_code


def test_ctrl_c_and_sigterm_have_their_own_exit_codes() -> None:
    assert exit_code(KeyboardInterrupt()) == 130
    assert exit_code(Terminated()) == 143


def test_advice_keeps_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    def stop(error: BaseException) -> None:
        with resumable(lambda: "run this again"):
            raise error

    assert exit_codes(lambda: stop(Terminated())) == 143
    assert exit_codes(lambda: stop(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "munjang: stopped; run this again\n" * 2
