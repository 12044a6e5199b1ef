"""The way to speak to a supervisor: start one, find one, ask one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, final

import msgspec

from backstage_op import errors

from . import supervisor

_ANSWER_SECONDS: Final = 60.0


@final
class ProcessStatus(msgspec.Struct, frozen=True):
    """The supervisor's pid and its children's, by name."""

    pid: int
    processes: dict[str, int]


@final
class Control:
    """A connection to the supervisor of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def launch(cls, directory: Path, *, remove: bool) -> Control:
        """Start a supervisor that ends with this process.

        It removes the directory in the end if ``remove`` is set.

        Raises:
            errors.SandboxError: it did not start.
        """
        control = cls(directory)
        control._process = _start_supervisor(directory, remove=remove)
        return control

    def spawn(self, name: str, argv: Sequence[str], log: Path) -> None:
        """Start a process that lives no longer than the supervisor.

        Raises:
            errors.SandboxError: the program cannot be started.
        """
        self._ask({"do": "spawn", "name": name, "argv": list(argv), "log": str(log)})

    def restart(self, name: str) -> None:
        """Kill a process and start it again, as it was started.

        Raises:
            errors.SandboxError: there is none of that name.
        """
        self._ask({"do": "restart", "name": name})

    def detach(self) -> None:
        """Let the supervisor run on after this process."""
        self._ask({"do": "detach"})
        self._process = None

    def status(self) -> ProcessStatus:
        """Return what runs.

        Raises:
            errors.SandboxError: no supervisor answers.
        """
        return self._ask({"do": "status"})

    def stop(self) -> None:
        """End all processes; return when the last one has ended."""
        # It may have ended by itself; its children ended with it.
        with contextlib.suppress(errors.SandboxError):
            self._ask({"do": "stop"}, until_closed=True)
        if self._process is not None:
            self._process.wait(_ANSWER_SECONDS)
            self._process = None

    @property
    def is_running(self) -> bool:
        """Whether a supervisor answers."""
        try:
            self.status()
        except errors.SandboxError:
            return False
        return True

    def failure(self) -> tuple[str, int] | None:
        """Return the process that ended by itself, and its exit code."""
        try:
            text = (self._directory / supervisor.FAILURE_NAME).read_bytes()
        except FileNotFoundError:
            return None
        record = json.loads(text)
        return record["name"], record["code"]

    def _ask(
        self, request: dict[str, Any], *, until_closed: bool = False
    ) -> ProcessStatus:
        try:
            answer = self._exchange(json.dumps(request).encode() + b"\n", until_closed)
        except OSError as exc:
            raise errors.SandboxError(
                f"no sandbox runs in {self._directory}: {exc}"
            ) from exc
        if "error" in answer:
            raise errors.SandboxError(f"sandbox supervisor: {answer['error']}")
        return msgspec.convert(answer, ProcessStatus)

    def _exchange(self, request: bytes, until_closed: bool) -> dict[str, Any]:
        folder = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(_ANSWER_SECONDS)
                # A socket path holds 107 characters; this one always fits.
                client.connect(f"/proc/self/fd/{folder}/{supervisor.SOCKET_NAME}")
                client.sendall(request)
                with client.makefile("rb") as reader:
                    line = reader.readline()
                    if until_closed:
                        reader.read()
        finally:
            os.close(folder)
        if not line:
            raise ConnectionResetError("the supervisor ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _start_supervisor(directory: Path, *, remove: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", supervisor.__file__, str(directory)]
    command += ["--parent", str(os.getpid())]
    if remove:
        command.append("--remove")
    with (directory / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    with process.stdout:
        if process.stdout.readline() != b"ready\n":
            process.wait()
            raise errors.SandboxError(
                "the sandbox's supervisor did not start:"
                f" {_last_line(directory / 'supervisor.log')}"
            )
    return process


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else f"{path} is empty"
