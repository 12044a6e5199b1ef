"""Chromium without a window, told what to do over its debugging pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, final

from .kubectl import wait_until

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_SECONDS: Final = 60.0
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,800",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """Return the browser of this machine, None if there is none."""
    return next((p for p in map(shutil.which, _PROGRAMS) if p), None)


@final
class Browser:
    """One page."""

    def __init__(self, program: str, profile: Path) -> None:
        # The browser reads commands from descriptor 3, and answers on 4.
        from_us, self._commands = os.pipe()
        self._answers, to_us = os.pipe()
        shell = 'exec "$@" 3<&"$BROWSER_IN" 4>&"$BROWSER_OUT"'
        self._process = subprocess.Popen(
            [
                "/bin/bash",
                "-c",
                shell,
                "browser",
                program,
                *_FLAGS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(from_us, to_us),
            env={
                **os.environ,
                "BROWSER_IN": str(from_us),
                "BROWSER_OUT": str(to_us),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        self._number = 0
        self._results: dict[int, Any] = {}
        self._arrived = threading.Condition()
        self._session = ""
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._commands)
        self._process.kill()
        self._process.wait()

    def open(self, url: str) -> None:
        """Go to an address."""
        self._send("Page.navigate", url=url)

    def text(self) -> str:
        """Return what is to be read on the page."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def wait_text(self, words: str) -> None:
        """Return when the page shows some words."""
        wait_until(lambda: words.lower() in self.text().lower(), self.text, _SECONDS)

    def click(self, words: str) -> None:
        """Press the button with these words, as soon as there is one."""
        found = f"find(b => b.innerText.toLowerCase() === {json.dumps(words.lower())})"
        button = f"[...document.querySelectorAll('button')].{found}"
        script = f"(b => b ? (b.click(), true) : false)({button})"
        wait_until(lambda: bool(self.evaluate(script)), self.text, _SECONDS)

    def evaluate(self, script: str) -> Any:
        """Return what a script in the page returns."""
        sent = self._send("Runtime.evaluate", expression=script, returnByValue=True)
        return sent.get("result", {}).get("value")

    def picture(self) -> bytes:
        """Return the page as PNG."""
        return base64.b64decode(self._send("Page.captureScreenshot")["data"])

    def _send(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        number = self._number
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        with self._arrived:
            self._arrived.wait_for(lambda: number in self._results, _SECONDS)
        answer = self._results.pop(number, {"error": "no answer"})
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _read(self) -> None:
        rest = b""
        while chunk := os.read(self._answers, 1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    with self._arrived:
                        self._results[message["id"]] = message
                        self._arrived.notify_all()
        os.close(self._answers)
