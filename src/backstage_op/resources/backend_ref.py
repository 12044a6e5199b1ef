"""Which Service, and which port of it, leads to the portal's pods."""

from __future__ import annotations

from typing import Final

import msgspec

from backstage_op.document import Document

from . import naming
from .base import Instance

_HTTP_PORT: Final = "http-backend"
_DEFAULT_PORT: Final = 80


class BackendRef(msgspec.Struct, frozen=True, kw_only=True):
    """The portal's Service as what leads to it from outside names it.

    ``placeholder`` is the name that the Service has in the configuration:
    manifests that name it mean the Service of the instance.
    """

    name: str
    port: int
    placeholder: str = ""

    def is_meant_by(self, name: str | None) -> bool:
        """Tell whether a manifest that names this Service, or none, means ours."""
        return not name or name in (self.placeholder, self.name)


def of(instance: Instance, manifest: Document) -> BackendRef:
    """Return the reference to the Service that is made from a manifest."""
    ports = (manifest.get("spec") or {}).get("ports") or []
    chosen = next((p for p in ports if p.get("name") == _HTTP_PORT), None)
    port = (chosen or (ports[0] if ports else {})).get("port", _DEFAULT_PORT)
    return BackendRef(
        name=naming.service_name(instance.name),
        port=port,
        placeholder=(manifest.get("metadata") or {}).get("name") or "",
    )
