"""A headless browser that a test types and clicks in, by the DevTools protocol over two pipes."""

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.system.browsers import SERIOUS
from tests.system.commands import TIMEOUT

# Seconds after which a page is stuck.
_PATIENCE = 120.0
# Chromium reads commands from descriptor 3 and writes to 4.
_LAUNCH = """
import os, sys
commands, replies = int(sys.argv[1]), int(sys.argv[2])
commands, replies = os.dup(os.dup(commands)), os.dup(os.dup(replies))
os.dup2(commands, 3)
os.dup2(replies, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--remote-debugging-pipe", "--no-startup-window"),
)


class Devtools:
    """Commands to a browser, and its events.

    Args:
        commands: descriptor to write to.
        replies: descriptor to read from.
    """

    def __init__(self, commands: int, replies: int) -> None:
        self._commands, self._replies = commands, replies
        self._number = 0
        self._rest = b""
        self._messages: deque[dict[str, Any]] = deque()
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._number:
                assert "error" not in reply, (method, reply["error"])
                return dict(reply["result"])
            self.events.append(reply)

    def _read(self) -> dict[str, Any]:
        while not self._messages:
            ready, _, _ = select.select([self._replies], [], [], TIMEOUT)
            assert ready, "the browser does not answer"
            part = os.read(self._replies, 1 << 20)
            assert part, "the browser has ended"
            *whole, self._rest = (self._rest + part).split(b"\0")
            self._messages.extend(map(json.loads, whole))
        return self._messages.popleft()


class Tab:
    """A page in a browser."""

    def __init__(self, devtools: Devtools, *, width: int = 1100, language: str = "en") -> None:
        self._devtools = devtools
        context = devtools.call("Target.createBrowserContext")["browserContextId"]
        target = devtools.call(
            "Target.createTarget", url="about:blank", browserContextId=context, width=width
        )
        self._context = context
        attached = devtools.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width)
        agent = devtools.call("Browser.getVersion")["userAgent"]
        self.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command to this page, and return its result."""
        return self._devtools.call(method, self._session, **parameters)

    def close(self) -> None:
        """Close the page and forget its cookies and caches."""
        self._devtools.call("Target.disposeBrowserContext", browserContextId=self._context)

    def resize(self, width: int, height: int = 900) -> None:
        """Set the size of the screen."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def prefer(self, scheme: str) -> None:
        """Prefer a color scheme, light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        """Open an address, and wait until the page and its modules have run."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Return the value of an expression, awaited."""
        reply = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _PATIENCE
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < end, (script, self.run("document.body.innerText"))
            time.sleep(0.02)

    def press(self, key: str, code: int, text: str = "", modifiers: int = 0) -> None:
        """Press and release a key; `code` is its Windows virtual key code."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def enter(self, modifiers: int = 0) -> None:
        """Press Enter."""
        self.press("Enter", 13, "\r", modifiers)

    def type(self, text: str) -> None:
        """Insert a text where the focus is, as a paste does."""
        self.call("Input.insertText", text=text)

    def compose(self, text: str) -> None:
        """Show a text that an input method has not committed."""
        end = len(text)
        self.call("Input.imeSetComposition", text=text, selectionStart=end, selectionEnd=end)

    def set_offline(self, is_offline: bool) -> None:
        """Cut the connection, or restore it."""
        self.call(
            "Network.emulateNetworkConditions",
            **{"offline": is_offline, "latency": 0, "downloadThroughput": -1},
            uploadThroughput=-1,
        )

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of the events of this page so far."""
        self.run("0")
        return [
            event["params"]
            for event in self._devtools.events
            if event.get("sessionId") == self._session and event["method"] == method
        ]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Requests of the page so far, as `method`, `url` and further fields."""
        return [event["request"] for event in self.events("Network.requestWillBeSent")]

    @property
    def console(self) -> list[str]:
        """Errors and warnings that the browser has noted."""
        entries = [event["entry"] for event in self.events("Log.entryAdded")]
        noted = [each["text"] for each in entries if each["level"] in ("error", "warning")]
        for kind in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            noted += [json.dumps(event) for event in self.events(kind)]
        return noted

    def save_downloads(self, folder: Path) -> None:
        """Save files that the page downloads from now on."""
        context = {"browserContextId": self._context, "downloadPath": str(folder)}
        self._devtools.call("Browser.setDownloadBehavior", behavior="allow", **context)

    def save_picture(self, path: Path, *, whole: bool = True) -> None:
        """Save a screenshot as PNG."""
        reply = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(reply["data"]))


@contextmanager
def open_devtools(browser: str, profile: Path) -> Iterator[Devtools]:
    """Start a browser, and end it."""
    read_commands, write_commands = os.pipe()
    read_replies, write_replies = os.pipe()
    inherited = (read_commands, write_replies)
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", _LAUNCH, *map(str, inherited), browser),
            *(*_OPTIONS, f"--user-data-dir={profile}"),
        ],
        pass_fds=inherited,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for descriptor in inherited:
        os.close(descriptor)
    try:
        yield Devtools(write_commands, read_replies)
    finally:
        os.close(write_commands)
        os.close(read_replies)
        process.terminate()
        process.wait(TIMEOUT)


def find_violations(tab: Tab) -> list[object]:
    """Return the serious findings of axe-core: impact, rule, the first place."""
    pytest.importorskip(
        "axe_playwright_python",
        reason="needs axe-core, which make .venv/.installed-dev installs",
        exc_type=ImportError,
    )
    tab.run(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = tab.run(
        "axe.run().then((found) => ({passes: found.passes.length, violations: found.violations"
        ".map((v) => [v.impact, v.id, v.nodes[0].html.slice(0, 200)])}))"
    )
    assert found["passes"] > 5
    return [each for each in found["violations"] if each[0] in SERIOUS]
