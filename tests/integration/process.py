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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from tests.support.limits import GIVE_UP_SECONDS

_ANSWER_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
_ALLOWED: Final = ("PATH", "HOME", "LANG", "PYTHONPATH")


def run_command(*arguments: str) -> list[str]:
    """Return a command line of this interpreter's ``backstage-op``."""
    return [sys.executable, "-m", "backstage_op", *arguments]


def clean_environment(**variables: str) -> dict[str, str]:
    """Return an environment that knows no cluster but those in ``variables``."""
    kept = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
    return {**kept, **variables}


def wait_until(is_so: Callable[[], bool], what: Callable[[], str] | str) -> None:
    """Poll until something is so; fail with ``what`` if it never is."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(what if isinstance(what, str) else what())
        time.sleep(_POLL_SECONDS)


@final
class OperatorProcess:
    """One operator, with its probes and metrics on ports of loopback."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        flags: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._health, self.metrics_port = _free_ports()
        self._log = log
        command = run_command(
            "run",
            f"--kubeconfig={kubeconfig}",
            f"--health-probe-bind-address=127.0.0.1:{self._health}",
            f"--metrics-bind-address=127.0.0.1:{self.metrics_port}",
            "--metrics-secure=false",
            *flags,
        )
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=clean_environment(**(environment or {})),
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
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as response:
                code: int = response.status
                return code
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:
            return 0

    def metrics(self) -> dict[str, float]:
        """Return its numbers: name with labels, as exposed, to value."""
        url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as response:
            lines = response.read().decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    def reconciles(self) -> int:
        """Return how many reconciles it has ended, whatever their result."""
        name = "backstage_op_reconciles_total"
        return int(sum(v for k, v in self.metrics().items() if k.startswith(name)))

    def is_leader(self) -> bool:
        """Whether it says that it is the one that works."""
        return self.metrics()["backstage_op_is_leader"] == 1

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it stand still for the time of a ``with``."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def stop(self) -> None:
        """Send SIGTERM, and expect a clean end."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(GIVE_UP_SECONDS)
        assert code == 0, self.log

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self._process.kill()
        self._process.wait(GIVE_UP_SECONDS)

    def _is_ready(self) -> bool:
        code = self._process.poll()
        assert code is None, f"the operator ended with {code}: {self.log}"
        return self.probe("readyz") == 200


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for listener in (one, two):
            listener.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
