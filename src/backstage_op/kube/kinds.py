"""The kinds this package reads or writes, and the paths that serve them."""

from __future__ import annotations

from typing import Final, final

import msgspec

from backstage_op.document import ObjectRef


@final
class ResourceKind(msgspec.Struct, frozen=True):
    """One kind of object, as the API server serves it.

    The API of an ``optional`` kind is an extension that may not be installed.
    """

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    optional: bool = False

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


BACKSTAGE: Final = ResourceKind("rhdh.redhat.com/v1alpha5", "Backstage", "backstages")

CONFIG_MAP: Final = ResourceKind("v1", "ConfigMap", "configmaps")
SECRET: Final = ResourceKind("v1", "Secret", "secrets")
SERVICE: Final = ResourceKind("v1", "Service", "services")
PERSISTENT_VOLUME_CLAIM: Final = ResourceKind(
    "v1", "PersistentVolumeClaim", "persistentvolumeclaims"
)
DEPLOYMENT: Final = ResourceKind("apps/v1", "Deployment", "deployments")
STATEFUL_SET: Final = ResourceKind("apps/v1", "StatefulSet", "statefulsets")
INGRESS: Final = ResourceKind("networking.k8s.io/v1", "Ingress", "ingresses")
NETWORK_POLICY: Final = ResourceKind(
    "networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"
)
ROUTE: Final = ResourceKind("route.openshift.io/v1", "Route", "routes", optional=True)
HTTP_ROUTE: Final = ResourceKind(
    "gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes", optional=True
)
SERVICE_MONITOR: Final = ResourceKind(
    "monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors", optional=True
)

OWNED: Final = (
    CONFIG_MAP,
    SECRET,
    SERVICE,
    PERSISTENT_VOLUME_CLAIM,
    DEPLOYMENT,
    STATEFUL_SET,
    ROUTE,
    INGRESS,
    HTTP_ROUTE,
    NETWORK_POLICY,
    SERVICE_MONITOR,
)
"""The kinds of the objects that belong to a ``Backstage``."""

POD: Final = ResourceKind("v1", "Pod", "pods")
REPLICA_SET: Final = ResourceKind("apps/v1", "ReplicaSet", "replicasets")
JOB: Final = ResourceKind("batch/v1", "Job", "jobs")
EVENT: Final = ResourceKind("events.k8s.io/v1", "Event", "events")
LEASE: Final = ResourceKind("coordination.k8s.io/v1", "Lease", "leases")
TOKEN_REVIEW: Final = ResourceKind(
    "authentication.k8s.io/v1", "TokenReview", "tokenreviews", namespaced=False
)
SUBJECT_ACCESS_REVIEW: Final = ResourceKind(
    "authorization.k8s.io/v1",
    "SubjectAccessReview",
    "subjectaccessreviews",
    namespaced=False,
)
CLUSTER_INGRESS: Final = ResourceKind(
    "config.openshift.io/v1", "Ingress", "ingresses", namespaced=False
)

_BY_IDENTITY: Final = {
    (kind.api_version, kind.kind): kind
    for kind in (
        BACKSTAGE,
        *OWNED,
        POD,
        REPLICA_SET,
        JOB,
        EVENT,
        LEASE,
        TOKEN_REVIEW,
        SUBJECT_ACCESS_REVIEW,
        CLUSTER_INGRESS,
    )
}


def find_kind(ref: ObjectRef) -> ResourceKind | None:
    """Return the kind of an object if it is one of those above."""
    return _BY_IDENTITY.get((ref.api_version, ref.kind))


def kind_of(ref: ObjectRef) -> ResourceKind:
    """Return the kind of an object.

    Raises:
        KeyError: this package does not handle objects of that kind.
    """
    return _BY_IDENTITY[ref.api_version, ref.kind]
