"""``backstage-op run`` as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, final

_DEADLINE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_ALLOWED: Final = ("PATH", "HOME", "LANG")


def run_command(*arguments: str) -> list[str]:
    """Return a command line of this interpreter's ``backstage-op``."""
    return [sys.executable, "-m", "backstage_op", *arguments]


def clean_environment(**variables: str) -> dict[str, str]:
    """Return an environment that knows no cluster but those in ``variables``."""
    kept = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    return {**kept, **variables}


def wait_until(is_so: Callable[[], bool], what: Callable[[], str] | str) -> None:
    """Poll until something is so; fail with ``what`` after half a minute."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(what if isinstance(what, str) else what())
        time.sleep(_POLL_SECONDS)


@final
class OperatorProcess:
    """One operator, with its probes and metrics on ports of loopback."""

    def __init__(self, kubeconfig: Path, log: Path, flags: Sequence[str] = ()) -> None:
        self._health, self._metrics = _free_ports()
        self._log = log
        command = run_command(
            "run",
            f"--kubeconfig={kubeconfig}",
            f"--health-probe-bind-address=127.0.0.1:{self._health}",
            f"--metrics-bind-address=127.0.0.1:{self._metrics}",
            "--metrics-secure=false",
            *flags,
        )
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=clean_environment(),
            )

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return self._log.read_text()

    def wait_ready(self) -> None:
        """Return when its caches are synced."""
        wait_until(self._is_ready, lambda: f"the operator is not ready: {self.log}")

    def probe(self, name: str) -> int:
        """Return what a probe answers; 0 if nobody does."""
        url = f"http://127.0.0.1:{self._health}/{name}"
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                code: int = response.status
                return code
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def metrics(self) -> dict[str, float]:
        """Return its numbers: name with labels, as exposed, to value."""
        url = f"http://127.0.0.1:{self._metrics}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            lines = response.read().decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    def reconciles(self) -> int:
        """Return how many reconciles it has ended, whatever their result."""
        name = "backstage_op_reconciles_total"
        return int(sum(v for k, v in self.metrics().items() if k.startswith(name)))

    def stop(self) -> float:
        """Send SIGTERM, expect a clean end, and return how many seconds it took."""
        start = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(_DEADLINE_SECONDS)
        seconds = time.monotonic() - start
        assert code == 0, self.log
        return seconds

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self._process.kill()
        self._process.wait(_DEADLINE_SECONDS)

    def _is_ready(self) -> bool:
        code = self._process.poll()
        assert code is None, f"the operator ended with {code}: {self.log}"
        return self.probe("readyz") == 200


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for listener in (one, two):
            listener.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
