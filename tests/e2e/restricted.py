"""What our own pods say, so that a namespace admits them that is *restricted*."""

from __future__ import annotations

from typing import Any, Final

from backstage_op.document import Document

CONTAINER: Final[Document] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
"""The security context of a container."""


def pod(user: int, **more: Any) -> Document:
    """Return the security context of a pod that runs as a user."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "seccompProfile": {"type": "RuntimeDefault"},
        **more,
    }
