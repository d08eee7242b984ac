"""The package ray, which is imported only when a cluster is asked for."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from munjang.errors import ConfigError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def need_ray() -> Any:
    """Return the package ray.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("ray") is None:
        raise ConfigError(
            'cluster: this needs the package ray; install it with: pip install "munjang[ray]"'
        )
    # read at import; Ray would send statistics of its use to its makers
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with keep_signal_handlers():
        import ray
    return ray


@contextmanager
def keep_signal_handlers() -> Iterator[None]:
    """Undo what the block does to the handlers of Ctrl-C and SIGTERM.

    Ray takes SIGTERM when it is imported and when it connects, so that the cleanup of this program
    would not run. Other threads than the main one have no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
