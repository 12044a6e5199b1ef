"""The operator as it is measured: a process of its own, with its own rights."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self, final

import anyio
import httpx2

from backstage_op import errors, sandbox

NAMESPACE: Final = "backstage-op-system"
ACCOUNT: Final = "backstage-op"

_POLL_SECONDS: Final = 0.005
_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_KIB: Final = 1024


class BenchError(errors.OperatorError):
    """What was to be measured did not happen."""


@final
class OperatorProcess:
    """``backstage-op run`` with the rights of its ServiceAccount.

    Resource handling: ends the process when left as a context manager.
    """

    def __init__(self, box: sandbox.Sandbox) -> None:
        self.kubeconfig: Final = box.service_account_kubeconfig(NAMESPACE, ACCOUNT)
        self._log: Final = box.directory / "operator.log"
        self._port = _free_port()
        self._start = time.monotonic()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                _command(self.kubeconfig, self._port),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    async def ready_seconds(self) -> float:
        """Wait until ``/readyz`` says yes; return the seconds since the start.

        Raises:
            BenchError: it ended, or did not become ready.
        """
        async with httpx2.AsyncClient(trust_env=False) as http:
            while not await self._is_ready(http):
                if self._process.poll() is not None:
                    raise BenchError(f"the operator ended; see {self._log}")
                if time.monotonic() - self._start > _READY_SECONDS:
                    raise BenchError(f"the operator is not ready; see {self._log}")
                await anyio.sleep(_POLL_SECONDS)
        return time.monotonic() - self._start

    def memory_mib(self) -> float:
        """Return the resident memory of the process now."""
        answer = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self._process.pid)],
            capture_output=True,
            check=True,
            text=True,
        )
        return int(answer.stdout) / _KIB

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has used, to 10 ms.

        Zero where the system has no ``/proc``.
        """
        stat = Path(f"/proc/{self._process.pid}/stat")
        if not stat.exists():
            return 0.0
        # The name, field 2, may hold spaces; it ends with the last parenthesis.
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _is_ready(self, http: httpx2.AsyncClient) -> bool:
        try:
            answer = await http.get(f"http://127.0.0.1:{self._port}/readyz")
        except httpx2.TransportError:
            return False
        return answer.is_success


def _command(kubeconfig: Path, port: int) -> list[str]:
    command = [sys.executable, "-m", "backstage_op", "run"]
    command += ["--kubeconfig", str(kubeconfig)]
    return [*command, "--health-probe-bind-address", f"127.0.0.1:{port}"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
