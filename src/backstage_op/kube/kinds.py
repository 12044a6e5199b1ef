"""The kinds this package reads or writes, and the paths that serve them."""

from __future__ import annotations

from typing import Final, final

import msgspec

from backstage_op.document import ObjectRef


@final
class ResourceKind(msgspec.Struct, frozen=True):
    """One kind of object, as the API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of a collection (no name) or of one object.

        An empty namespace addresses all namespaces.
        """
        root = "/api/" if "/" not in self.api_version else "/apis/"
        parts = [root + self.api_version]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)

    def ref(self, namespace: str, name: str) -> ObjectRef:
        """Return the identity of an object of this kind."""
        return ObjectRef(
            self.api_version, self.kind, namespace if self.namespaced else "", name
        )


CONFIG_MAP: Final = ResourceKind("v1", "ConfigMap", "configmaps")
SECRET: Final = ResourceKind("v1", "Secret", "secrets")
SERVICE: Final = ResourceKind("v1", "Service", "services")
PERSISTENT_VOLUME_CLAIM: Final = ResourceKind(
    "v1", "PersistentVolumeClaim", "persistentvolumeclaims"
)
DEPLOYMENT: Final = ResourceKind("apps/v1", "Deployment", "deployments")
STATEFUL_SET: Final = ResourceKind("apps/v1", "StatefulSet", "statefulsets")
ROUTE: Final = ResourceKind("route.openshift.io/v1", "Route", "routes")
CLUSTER_INGRESS: Final = ResourceKind(
    "config.openshift.io/v1", "Ingress", "ingresses", namespaced=False
)
BACKSTAGE: Final = ResourceKind("rhdh.redhat.com/v1alpha5", "Backstage", "backstages")

OWNED: Final = (
    CONFIG_MAP,
    SECRET,
    SERVICE,
    PERSISTENT_VOLUME_CLAIM,
    DEPLOYMENT,
    STATEFUL_SET,
    ROUTE,
)
"""The kinds of the objects that belong to a ``Backstage``."""

_BY_IDENTITY: Final = {(k.api_version, k.kind): k for k in (*OWNED, BACKSTAGE)}


def kind_of(ref: ObjectRef) -> ResourceKind:
    """Return the kind of an object.

    Raises:
        KeyError: this package does not handle objects of that kind.
    """
    return _BY_IDENTITY[ref.api_version, ref.kind]
