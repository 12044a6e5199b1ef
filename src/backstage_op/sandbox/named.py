"""Sandboxes that run on after the command that started them, by their directory."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from backstage_op import errors

from .control import Control


def find(directory: Path) -> Mapping[str, int] | None:
    """Return the processes of the sandbox in a directory, None if none runs."""
    if not directory.is_dir():
        return None
    try:
        status = Control(directory).status()
    except errors.SandboxError:
        return None
    return {"supervisor": status.pid, **status.processes}


def end(directory: Path) -> bool:
    """Stop the sandbox in a directory, and remove its data.

    Only the supervisor is asked; it ends what it started and nothing else.
    Returns whether one was running.
    """
    was_running = find(directory) is not None
    if was_running:
        Control(directory).stop()
    shutil.rmtree(directory, ignore_errors=True)
    return was_running
