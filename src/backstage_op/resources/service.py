"""The Service in front of the portal's pods."""

from __future__ import annotations

from typing import Final, final

from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Kinds, RuntimeObject

KEY: Final = "service"
CONFIG_KEY: Final = "service.yaml"
KINDS: Final[Kinds] = (("v1", "Service"),)


@final
class AppService(RuntimeObject, frozen=True, kw_only=True):
    """The Service of the portal.

    ``is_internal`` turns a NodePort into a ClusterIP: something else exposes it.
    """

    manifest: Document
    is_internal: bool = False

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Service."""
        name = naming.service_name(self.instance.name)
        return ObjectRef("v1", "Service", self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the Service, selecting the portal's pods."""
        document = naming.stamped(self.manifest, self.instance, self.ref.name)
        spec = document.setdefault("spec", {})
        spec["selector"] = (spec.get("selector") or {}) | naming.app_label(
            self.instance.name
        )
        if self.is_internal and spec.get("type") == "NodePort":
            spec["type"] = "ClusterIP"
            for port in spec.get("ports") or ():
                port.pop("nodePort", None)
        return document
