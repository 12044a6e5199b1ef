"""The process that owns the control plane's processes.

Nothing outlives it: its children are killed by the kernel when it ends in any
way, and it ends when its parent does, unless it was told to detach. It only
ever signals processes it started itself.

Run as a script with the standard library alone, so that it starts at once;
:mod:`.control` speaks to it over the socket ``control.sock`` of its directory.
A connection carries one request, a line of JSON, and one answer.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, final

SOCKET_NAME: Final = "control.sock"
FAILURE_NAME: Final = "failure.json"

_PR_SET_PDEATHSIG: Final = 1
_CLIENT_TIMEOUT_SECONDS: Final = 30.0

_libc: Final = ctypes.CDLL(None, use_errno=True)


@final
class Supervisor:
    """Starts processes on request and ends them all together."""

    def __init__(self, directory: Path, *, parent: int, remove: bool) -> None:
        self._directory = directory
        self._remove = remove
        self._running = True
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._pidfds: dict[str, int] = {}
        self._commands: dict[str, tuple[Sequence[str], Path]] = {}
        self._selector = selectors.DefaultSelector()
        self._parent_fd: int | None = os.pidfd_open(parent)
        self._last_client: socket.socket | None = None

    def run(self) -> None:
        """Serve requests until told to stop, orphaned, or a child ends."""
        # A socket path holds 107 characters; a name in the current directory fits.
        os.chdir(self._directory)
        with (
            contextlib.closing(self._selector),
            socket.socket(socket.AF_UNIX) as listener,
        ):
            listener.bind(SOCKET_NAME)
            listener.listen()
            self._watch(listener, lambda: self._serve(listener))
            self._watch_signals()
            if self._parent_fd is not None:
                self._watch(self._parent_fd, self._stop)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            while self._running:
                for key, _ in self._selector.select():
                    key.data()
            self._end_children()
        self._clean_up()

    def _watch(self, file: Any, react: Callable[[], None]) -> None:
        self._selector.register(file, selectors.EVENT_READ, react)

    def _watch_signals(self) -> None:
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._signal_sockets = (reader, writer)
        self._watch(reader, self._stop)

    def _stop(self) -> None:
        self._running = False

    def _serve(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.settimeout(_CLIENT_TIMEOUT_SECONDS)
        try:
            with client.makefile("rb") as reader:
                request = json.loads(reader.readline())
            answer = self._answer(request)
            client.sendall(json.dumps(answer).encode() + b"\n")
        except (OSError, ValueError, KeyError) as exc:
            with contextlib.suppress(OSError):
                client.sendall(json.dumps({"error": str(exc)}).encode() + b"\n")
        if self._running:
            client.close()
        else:
            # Closed by our end: who asked to stop sees when all is over.
            self._last_client = client

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["do"]:
            case "spawn":
                self._spawn(request["name"], request["argv"], Path(request["log"]))
            case "restart":
                self._restart(request["name"])
            case "detach":
                self._detach()
            case "stop":
                self._stop()
            case _:
                pass
        return {
            "pid": os.getpid(),
            "processes": {name: child.pid for name, child in self._children.items()},
        }

    def _spawn(self, name: str, argv: Sequence[str], log: Path) -> None:
        if name in self._children:
            raise ValueError(f"{name} runs already")
        supervisor = os.getpid()

        def die_with_supervisor() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != supervisor:
                os._exit(1)

        with log.open("ab") as output:
            child = subprocess.Popen(  # noqa: S603 - our own command line
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_supervisor,  # noqa: PLW1509 - one thread only
            )
        self._children[name] = child
        self._commands[name] = (argv, log)
        self._pidfds[name] = os.pidfd_open(child.pid)
        self._watch(self._pidfds[name], lambda: self._child_ended(name))

    def _restart(self, name: str) -> None:
        """Kill a child, which is no failure this once, and start it again."""
        child = self._children.pop(name)
        self._selector.unregister(self._pidfds[name])
        os.close(self._pidfds.pop(name))
        child.kill()
        child.wait()
        self._spawn(name, *self._commands[name])

    def _child_ended(self, name: str) -> None:
        failure = {"name": name, "code": self._children[name].wait()}
        # Whoever looks meanwhile sees all of it, or nothing.
        unfinished = Path(f"{FAILURE_NAME}.new")
        unfinished.write_text(json.dumps(failure), encoding="utf-8")
        unfinished.replace(FAILURE_NAME)
        self._remove = False
        self._stop()

    def _detach(self) -> None:
        if self._parent_fd is not None:
            self._selector.unregister(self._parent_fd)
            os.close(self._parent_fd)
            self._parent_fd = None

    def _end_children(self) -> None:
        # The data is thrown away, and the audit log is written before each
        # answer: there is nothing that a slow, orderly end would save.
        for child in reversed(self._children.values()):
            child.kill()
        for child in self._children.values():
            child.wait()

    def _clean_up(self) -> None:
        Path(SOCKET_NAME).unlink(missing_ok=True)
        if self._remove:
            os.chdir("/")
            shutil.rmtree(self._directory, ignore_errors=True)


def main(arguments: Sequence[str]) -> None:
    """Run a supervisor for the directory given on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--remove", action="store_true")
    options = parser.parse_args(arguments)
    supervisor = Supervisor(
        options.directory, parent=options.parent, remove=options.remove
    )
    if os.getppid() != options.parent:
        return  # orphaned before it could watch: whoever wanted this is gone
    supervisor.run()


if __name__ == "__main__":
    main(sys.argv[1:])
