"""Wait for a control plane, and say what keeps it: the process that ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from backstage_op import errors

from .commands import Layout
from .control import Control

_START_SECONDS: Final = 180.0
_POLL_SECONDS: Final = 0.02


class PortTakenError(errors.SandboxError):
    """Somebody took a port between our look and our use of it."""


def wait_until(
    condition: Callable[[], bool], what: str, control: Control, layout: Layout
) -> None:
    """Return when a condition holds; ``what`` names it.

    Raises:
        PortTakenError: a process ended, because somebody took its port.
        errors.SandboxError: a process ended, or it took too long.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        failed = control.failure()
        if failed is not None:
            raise _failure(*failed, layout)
        if time.monotonic() > deadline:
            raise errors.SandboxError(
                f"{what}: not so within {_START_SECONDS:.0f} s;"
                f" see the logs in {layout.directory}"
            )
        time.sleep(_POLL_SECONDS)


def _failure(name: str, code: int, layout: Layout) -> errors.SandboxError:
    log = layout.log(name)
    text = log.read_text(encoding="utf-8", errors="replace")
    if "address already in use" in text:
        return PortTakenError(f"{name}: address already in use")
    last = text.strip().splitlines()[-1:] or ["it wrote nothing"]
    return errors.SandboxError(
        f"{name} ended with code {code}: {last[0][:256]}; see {log}"
    )
