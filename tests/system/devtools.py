"""A page in a headless browser that is typed into, by the Chrome DevTools Protocol over pipes."""

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.system.commands import TIMEOUT

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe"),
)
# The browser reads commands at the descriptor 3, and answers at 4.
_WITH_PIPES = """
import os, sys
ends = [os.dup(int(end)) for end in sys.argv[1:3]]
for end, number in zip(ends, (3, 4)):
    os.dup2(end, number)
    os.set_inheritable(number, True)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class OpenPage:
    """A page that is open in a browser.

    Attributes:
        requests: addresses that the page asked for, itself included.
        console: what the browser noted of it, and errors of its program.
    """

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._number, self._pending, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.console: list[str] = []

    def open(self, address: str, *, width: int, height: int, dark: bool) -> None:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def send(self, method: str, **values: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found
            self._note(answer)
        raise TimeoutError(method)

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._pending:
            if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self._read, 2**16)
            assert part, "the browser ended"
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        values = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        if event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.console.append(json.dumps(values))
        if event.get("method") == "Log.entryAdded":
            self.console.append(values["entry"]["text"])

    def ask(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        found = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + TIMEOUT
        while not self.ask(condition):
            assert time.monotonic() < deadline, condition
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """The visible text of an element."""
        found: str = self.ask(f"document.querySelector({json.dumps(selector)}).innerText")
        return found

    def type(self, text: str) -> None:
        """Write into what has the focus, as a keyboard or a paste does."""
        self.send("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press a key that has a name, such as Tab."""
        for kind in ("keyDown", "keyUp"):
            codes = {"Tab": 9, "Enter": 13}
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            values = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], **text}
            self.send("Input.dispatchKeyEvent", type=kind, **values)

    def save_picture(self, path: Path) -> None:
        """Save a picture of the whole page."""
        found = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def open_page(
    browser: str,
    page: Path,
    folder: Path,
    *,
    width: int = 1000,
    height: int = 900,
    dark: bool = False,
) -> Iterator[OpenPage]:
    """Open a file in a browser without a network, which ends with the block."""
    browser_reads, we_write = os.pipe()
    we_read, browser_writes = os.pipe()
    inherited = (browser_reads, browser_writes)
    wrapper = [sys.executable, "-SE", "-c", _WITH_PIPES, *map(str, inherited)]
    command = [*wrapper, browser, *_FLAGS, f"--user-data-dir={folder / 'profile'}"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, pass_fds=inherited, stdout=quiet, stderr=quiet) as process:
        for end in inherited:
            os.close(end)
        try:
            opened = OpenPage(we_write, we_read)
            opened.open(page.as_uri(), width=width, height=height, dark=dark)
            yield opened
        finally:
            process.kill()
            os.close(we_write)
            os.close(we_read)
