"""The headless Service of a StatefulSet, which gives each of its pods a host name."""

from __future__ import annotations

from typing import Final, final

from backstage_op.document import Document, ObjectRef

from . import naming
from .base import RuntimeObject

KEY: Final = "headless-service"


@final
class HeadlessService(RuntimeObject, frozen=True, kw_only=True):
    """The Service that a new StatefulSet names; no configuration key stands for it."""

    @property
    def ref(self) -> ObjectRef:
        """The identity of the Service."""
        name = naming.headless_service_name(self.instance.name)
        return ObjectRef("v1", "Service", self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the Service; it needs no ports, since it only names pods."""
        manifest = {
            "apiVersion": "v1",
            "kind": "Service",
            "spec": {
                "clusterIP": "None",
                # A pod is reached by its name before it is ready, and after.
                "publishNotReadyAddresses": True,
                "selector": naming.app_label(self.instance.name),
            },
        }
        return naming.stamped(manifest, self.instance, self.ref.name)
