"""Binaries that were fetched or built before, kept for the next time.

One folder a set of versions. An entry counts only if its size and digest are
those that were recorded when it was complete: whatever was cut short, or
damaged later, is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

import msgspec

_MANIFEST: Final = "manifest.json"


class _Entry(msgspec.Struct, frozen=True):
    size: int
    sha256: str


@final
class Store:
    """The binaries of one set of versions."""

    def __init__(self, cache: Path, versions: str) -> None:
        self.folder: Final = cache / "controlplane" / versions

    def find(self, name: str) -> Path | None:
        """Return a binary that is complete and unharmed, else None."""
        entry = self._entries().get(name)
        path = self.folder / name
        if entry is None or not os.access(path, os.X_OK):
            return None
        if path.stat().st_size != entry.size or _digest(path) != entry.sha256:
            return None
        return path

    def put(self, name: str, source: Path) -> Path:
        """Move a complete file of the same file system into the store."""
        source.chmod(0o755)
        entry = _Entry(source.stat().st_size, _digest(source))
        path = self.folder / name
        source.replace(path)
        entries = {**self._entries(), name: entry}
        draft = self.folder / f"{_MANIFEST}.new"
        draft.write_bytes(msgspec.json.encode(entries))
        draft.replace(self.folder / _MANIFEST)
        return path

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep other processes out; gives whether one had to be waited for.

        The kernel gives the lock back when its holder ends in any way.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            waited = False
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = True
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield waited

    def sweep(self) -> None:
        """Remove what processes that were killed left behind; call it locked."""
        for folder in self.folder.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)

    def _entries(self) -> dict[str, _Entry]:
        try:
            content = (self.folder / _MANIFEST).read_bytes()
            return msgspec.json.decode(content, type=dict[str, _Entry])
        except (OSError, msgspec.MsgspecError):
            return {}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
