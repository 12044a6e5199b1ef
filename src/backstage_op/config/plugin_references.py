"""Packages that are named by a plugin of a layer below, and what they stand for.

``ref://NAME`` stands for the package of the plugin of that name, and so does
``oci://ANYWHERE/NAME:{{inherit}}``, which may add ``!PATH`` for another path in
the image. A reference looks down only, at packages that are none themselves:
there is no cycle that could be followed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from backstage_op import errors

from . import plugins
from .plugins import PluginList

REF: Final = "ref://"
INHERIT: Final = ":{{inherit}}"

_OCI: Final = "oci://"
_HTTP: Final = ("https://", "http://")
_LOCAL: Final = "./"
_ARCHIVES: Final = (".tgz", ".tar.gz")
_VERSION: Final = re.compile(r"-[0-9](?!.*-[0-9]).*")
_MOST_NAMED: Final = 10


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Lists without references, as far as these can be followed.

    Attributes:
        lists: The layers, the lowest first. An entry that cannot be followed is
            left out.
        faults: Why not, one for each such entry.
    """

    lists: tuple[PluginList, ...]
    faults: tuple[errors.PluginsError, ...]


class _Below:
    """The plugins of all layers below one, by package and by name."""

    def __init__(self, entries: Iterable[dict[str, Any]]) -> None:
        self.entries = {entry["package"]: entry for entry in entries}
        self.named: dict[str, list[str]] = {}
        for package in self.entries:
            if name := name_of(package):
                self.named.setdefault(name, []).append(package)


def resolve(lists: Sequence[PluginList]) -> Resolved:
    """Replace the references of each layer by the packages of the layers below."""
    faults: list[errors.PluginsError] = []
    done: list[PluginList] = []
    below = _Below(())
    for layer in lists:
        entries = []
        for entry, place in zip(layer.plugins, layer.places, strict=True):
            try:
                package = _package(entry["package"], place, below)
            except errors.PluginsError as error:
                faults.append(error)
                continue
            entries.append((place, {**entry, "package": package}))
        done.append(
            msgspec.structs.replace(
                layer,
                text=None,
                plugins=tuple(entry for _, entry in entries),
                places=tuple(place for place, _ in entries),
            )
        )
        below = _Below(plugins.merge(done).plugins)
    return Resolved(lists=tuple(done), faults=tuple(faults))


def name_of(package: str) -> str:
    """Return the name of the plugin in a package, empty if it has none.

    It is the last part of the path, without the tag or digest of an image, and
    without the version and ending of an archive.
    """
    location = package.rpartition("!")[0] or package
    if location.startswith(_OCI):
        image = location.removeprefix(_OCI).partition("@")[0]
        return image.rpartition("/")[2].partition(":")[0]
    if location.startswith(_HTTP):
        file = location.partition("?")[0].rpartition("/")[2]
        for ending in _ARCHIVES:
            file = file.removesuffix(ending)
        return _VERSION.sub("", file)
    if location.startswith(_LOCAL):
        return location.rpartition("/")[2]
    return ""


def _package(package: str, place: str, below: _Below) -> str:
    if package.startswith(REF):
        return _found(package.removeprefix(REF), place, below)
    if INHERIT not in package:
        return package
    reference, _, path = package.partition("!")
    found = _found(name_of(reference.replace(INHERIT, "")), place, below)
    if not path:
        return found
    if not found.startswith(_OCI):
        raise errors.PluginsError(
            place, f'"{found}" is no image and has no path in it; remove "!{path}"'
        )
    return f"{found.partition('!')[0]}!{path}"


def _found(name: str, place: str, below: _Below) -> str:
    if not name:
        raise errors.PluginsError(
            place, "names no plugin; write the name of one of a layer below"
        )
    candidates = below.named.get(name, [])
    if not candidates:
        raise errors.PluginsError(
            place, f'no plugin "{name}" in the layers below; {_known(name, below)}'
        )
    if len(candidates) > 1:
        # One that somebody turned on is meant rather than those that are off.
        enabled = [p for p in candidates if plugins.is_enabled(below.entries[p])]
        candidates = enabled if len(enabled) == 1 else candidates
    if len(candidates) > 1:
        raise errors.PluginsError(
            place,
            f'"{name}" may be any of {", ".join(candidates)}; write the package',
        )
    return candidates[0]


def _known(name: str, below: _Below) -> str:
    names = sorted(below.named)
    if not names:
        return "there is none; write the package"
    more = ""
    if len(names) > _MOST_NAMED:
        more = f" … ({len(names)} in all)"
        near = difflib.get_close_matches(name, names, n=_MOST_NAMED)
        names = near or names[:_MOST_NAMED]
    return f"use one of {', '.join(names)}{more}, or write the package"
