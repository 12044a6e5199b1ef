"""Who plays in the demo: the control plane, the operator, its audience's eyes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

from backstage_op import errors, sandbox
from backstage_op.document import Document

ROOT: Final = Path(__file__).parent.parent
OPERATOR_NAMESPACE: Final = "backstage-op-system"
OPERATOR_ACCOUNT: Final = "backstage-op"
NAMESPACE: Final = "demo"

_DEADLINE_SECONDS: Final = 180.0
_ANSWER_SECONDS: Final = 30.0
_END_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.03


class DemoError(errors.OperatorError):
    """What was promised did not happen."""


@final
class OperatorProcess:
    """``backstage-op run``, with the rights of its ServiceAccount and no others."""

    def __init__(self, box: sandbox.Sandbox) -> None:
        kubeconfig = box.service_account_kubeconfig(
            OPERATOR_NAMESPACE, OPERATOR_ACCOUNT
        )
        self._port, self._metrics_port = _free_port(), _free_port()
        self.log: Final = box.directory / "operator.log"
        command = [sys.executable, "-m", "backstage_op", "run"]
        command += ["--kubeconfig", str(kubeconfig)]
        command += ["--health-probe-bind-address", f"127.0.0.1:{self._port}"]
        command += ["--metrics-bind-address", f"127.0.0.1:{self._metrics_port}"]
        # Over loopback only: nobody else can read them.
        command += ["--metrics-secure=false"]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Return when its caches are synced."""
        wait_until(self._is_ready, "the operator is ready")

    def reconciles(self) -> int:
        """Return how many reconciles it has done, by its metrics."""
        url = f"http://127.0.0.1:{self._metrics_port}/metrics"
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            int(float(line.rpartition(" ")[2]))
            for line in lines
            if line.startswith("backstage_op_reconciles_total{")
        )

    def stop(self) -> None:
        """End it as a kubelet would, and expect a clean end."""
        self._process.terminate()
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise DemoError("the operator does not stop") from None
        if code != 0:
            raise DemoError(f"the operator ended with exit code {code}: {self.log}")

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise DemoError(f"the operator ended early: {self.log.read_text()}")
        url = f"http://127.0.0.1:{self._port}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS):
                return True
        except (urllib.error.URLError, OSError):
            return False


def writes(box: sandbox.Sandbox, offset: int) -> list[sandbox.AuditEvent]:
    """Return what the operator wrote, by the audit log, since an offset."""
    user = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR_ACCOUNT}"
    reads = ("get", "list", "watch")
    return [
        event
        for event in box.audit_events(offset)
        if event.user == user and event.verb not in reads
    ]


def condition(backstage: Document, name: str) -> Document:
    """Return a condition of the resource; empty if it has none of that name."""
    status = backstage.get("status") or {}
    for found in status.get("conditions") or ():
        if found["type"] == name:
            return dict(found)
    return {}


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Poll until something is so.

    Raises:
        DemoError: it is not so within three minutes.
    """
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoError(f"waited {_DEADLINE_SECONDS:.0f} s in vain until {what}")
        time.sleep(_POLL_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
