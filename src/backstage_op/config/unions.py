"""Fields of which an object has one: a patch that sets another replaces the first.

A strategic merge would leave both, which the API server refuses: a volume that
is an ``emptyDir`` and a claim, a ``Recreate`` with the bounds of a rolling
update. Whoever writes such a patch means the one that the patch names.
"""

from __future__ import annotations

from typing import Final

from backstage_op.document import Document

_PROBE: Final = frozenset({"exec", "grpc", "httpGet", "tcpSocket"})
_HOOK: Final = frozenset({"exec", "httpGet", "sleep", "tcpSocket"})

_ALTERNATIVES: Final[dict[str, frozenset[str]]] = {
    "env": frozenset({"value", "valueFrom"}),
    "livenessProbe": _PROBE,
    "postStart": _HOOK,
    "preStop": _HOOK,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "valueFrom": frozenset(
        {
            "configMapKeyRef",
            "fieldRef",
            "fileKeyRef",
            "resourceFieldRef",
            "secretKeyRef",
        }
    ),
}
"""The object at a field, or in the list of that name, has one of these."""

_VOLUMES: Final = "volumes"
"""Whatever a volume has besides its name says what it is."""

_DEPENDENT: Final[dict[str, tuple[str, str]]] = {
    "appArmorProfile": ("Localhost", "localhostProfile"),
    "seccompProfile": ("Localhost", "localhostProfile"),
    "strategy": ("RollingUpdate", "rollingUpdate"),
    "updateStrategy": ("RollingUpdate", "rollingUpdate"),
}
"""The type of an object that may have a certain field: no other type may."""


def settle(field: str, merged: Document, patch: Document) -> None:
    """Remove from a merged object what the patch has chosen something else for.

    Args:
        field: What the object is the value of, or an item of.
        merged: The result of the merge; changed in place.
        patch: What was merged into it.
    """
    chosen = {key for key, value in patch.items() if value is not None}
    alternatives = _alternatives(field, merged)
    if chosen & alternatives:
        for key in alternatives - chosen:
            merged.pop(key, None)
    if field in _DEPENDENT:
        kind, dependent = _DEPENDENT[field]
        if "type" in chosen and patch["type"] != kind and dependent not in chosen:
            merged.pop(dependent, None)


def _alternatives(field: str, merged: Document) -> frozenset[str]:
    if field == _VOLUMES:
        return frozenset(merged) - {"name"}
    return _ALTERNATIVES.get(field, frozenset())
