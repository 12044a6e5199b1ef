"""The packages of enabled plugins, as the plugin installer reads them.

One line a package: where it is and, if the list gives one, a space and its
integrity. The installer splits lines by blanks and hands them to a shell, so
what could be more than one word there is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from backstage_op import errors

from . import plugins
from .plugins import PluginList

_HEAD: Final = "# Packages of the enabled plugins, each with its integrity, if given.\n"
_SCHEMES: Final = ("oci://", "https://", "http://")
_LOCAL: Final = "./"
_WORD: Final = re.compile(r"[^\s'\"\\]+")
_INTEGRITY: Final = re.compile(r"sha(256|384|512)-[A-Za-z0-9+/]+={0,2}")


class Packages(msgspec.Struct, frozen=True, kw_only=True):
    """The file for the installer, and what keeps plugins out of it."""

    text: str
    faults: tuple[errors.PluginsError, ...]


def of(resolved: PluginList) -> Packages:
    """Return the packages of a list without references, in its order."""
    lines = []
    faults: list[errors.PluginsError] = []
    for entry, place in zip(resolved.plugins, resolved.places, strict=True):
        if not plugins.is_enabled(entry):
            continue
        faults += [errors.PluginsError(place, problem) for problem in _problems(entry)]
        words = (entry["package"], entry.get("integrity", ""))
        lines.append(" ".join(word for word in words if word))
    text = _HEAD + "".join(f"{line}\n" for line in lines)
    return Packages(text=text, faults=tuple(faults))


def _problems(entry: dict[str, Any]) -> Iterator[str]:
    package: str = entry["package"]
    if package.startswith(_LOCAL):
        yield (
            "the plugin installer takes no local paths; publish the plugin as an "
            "image or an archive, or disable it"
        )
    elif not package.startswith(_SCHEMES):
        yield (
            f"package: expected one of {', '.join(_SCHEMES)} or ref://NAME; "
            "correct it or disable the plugin"
        )
    elif not _WORD.fullmatch(package):
        yield "package: blanks, quotes and backslashes are not allowed; remove them"
    integrity: str = entry.get("integrity", "")
    if integrity and not _INTEGRITY.fullmatch(integrity):
        yield (
            "integrity: expected sha256, sha384 or sha512, a dash and a digest in "
            "base64; correct it"
        )
