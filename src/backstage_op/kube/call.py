"""What a request is for: the words that errors, metrics and logs use for it."""

from __future__ import annotations

from typing import Final

import msgspec

from .kinds import ResourceKind

EXTENSION: Final = "backstage_op.call"
"""The key under which a request carries its :class:`Call` to the transport."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request, in the words of the API.

    Attributes:
        verb: get, list, watch, create, apply, patch, replace, delete.
        target: ``Kind namespace/name``, or a path.
        resource: The plural, such as ``configmaps``; empty for a bare path.
        kind: The kind, empty for a bare path.
    """

    verb: str
    target: str
    resource: str = ""
    kind: str = ""

    @classmethod
    def of(cls, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> Call:
        """Return the call for an object, or for all of a kind."""
        where = "/".join(part for part in (namespace, name) if part)
        return cls(
            verb=verb,
            target=f"{kind.kind} {where}".strip(),
            resource=kind.plural,
            kind=kind.kind,
        )
