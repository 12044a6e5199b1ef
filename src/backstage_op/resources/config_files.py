"""The app-configs that the backend really reads, and what is in them.

A file that a later mount replaces does not count, and one mounted in its place
does: only what the process will see can say which URL or variable it uses.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from .contents import Contents
from .pod_template import CLAIM, Mount, PodContribution
from .scope import Part, Scope


class ReadFile(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a ConfigMap or Secret that the backend reads as app-config."""

    kind: str
    name: str
    key: str
    data: bytes


def of(scope: Scope, parts: Sequence[Part]) -> tuple[ReadFile, ...]:
    """Return the files in the order in which they are read; a later one wins."""
    contributions = [
        part.contribution
        for part in parts
        if part.contribution and part.contribution.containers.has_backend
    ]
    mounts = _mounts(contributions)
    contents = Contents(scope, parts)
    found = []
    for path in _paths(contributions):
        mount, key = _mount_of(path, mounts)
        if mount is None or mount.kind == CLAIM:
            continue
        data = (contents.of(mount.kind, mount.name) or {}).get(key)
        if data is not None:
            found.append(ReadFile(kind=mount.kind, name=mount.name, key=key, data=data))
    return tuple(found)


def _paths(contributions: Iterable[PodContribution]) -> Iterable[str]:
    """Return what is read; a file that is named again moves to the end."""
    paths: dict[str, None] = {}
    for contribution in contributions:
        for path in contribution.config_files:
            paths.pop(path, None)
            paths[path] = None
    return paths


def _mounts(contributions: Iterable[PodContribution]) -> Mapping[str, Mount]:
    return {
        mount.path: mount
        for contribution in contributions
        for mount in contribution.mounts
    }


def _mount_of(path: str, mounts: Mapping[str, Mount]) -> tuple[Mount | None, str]:
    """Return the mount that shows a file, and the entry that it is."""
    if (mount := mounts.get(path)) is not None:
        return mount, mount.sub_path
    directory = posixpath.dirname(path)
    return mounts.get(directory), posixpath.basename(path)
