"""All input and output with the API server.

What lives here speaks HTTP, and nothing above it does: every error of the
HTTP library and of the server leaves as one of :mod:`backstage_op.errors`.
What objects should look like, and when they are written, is decided elsewhere.
"""

from .applied import has_applied, has_set, has_written, is_applied
from .cache import Cache, OnChange
from .client import FIELD_MANAGER, Client
from .connection import Connection, load
from .failures import (
    ADMISSION_POLICY,
    ADMISSION_WEBHOOK,
    END_OF_NAMESPACE,
    EXCEEDED_QUOTA,
)
from .kinds import (
    BACKSTAGE,
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    HTTP_ROUTE,
    INGRESS,
    JOB,
    LEASE,
    NETWORK_POLICY,
    OWNED,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    ROUTE,
    SECRET,
    SERVICE,
    SERVICE_MONITOR,
    STATEFUL_SET,
    SUBJECT_ACCESS_REVIEW,
    TOKEN_REVIEW,
    ResourceKind,
    find_kind,
    kind_of,
)
from .observed import Observed, OwnerReference
from .openshift import ingress_domain
from .reflector import OnWatch, Reflector, Sink
from .served import KIND_NOT_SERVED
from .transport import MOST_AT_ONCE, OnRequest, RequestInfo, WriteGate

__all__ = [
    "ADMISSION_POLICY",
    "ADMISSION_WEBHOOK",
    "BACKSTAGE",
    "CONFIG_MAP",
    "DEPLOYMENT",
    "END_OF_NAMESPACE",
    "EVENT",
    "EXCEEDED_QUOTA",
    "FIELD_MANAGER",
    "HTTP_ROUTE",
    "INGRESS",
    "JOB",
    "KIND_NOT_SERVED",
    "LEASE",
    "MOST_AT_ONCE",
    "NETWORK_POLICY",
    "OWNED",
    "PERSISTENT_VOLUME_CLAIM",
    "POD",
    "REPLICA_SET",
    "ROUTE",
    "SECRET",
    "SERVICE",
    "SERVICE_MONITOR",
    "STATEFUL_SET",
    "SUBJECT_ACCESS_REVIEW",
    "TOKEN_REVIEW",
    "Cache",
    "Client",
    "Connection",
    "Observed",
    "OnChange",
    "OnRequest",
    "OnWatch",
    "OwnerReference",
    "Reflector",
    "RequestInfo",
    "ResourceKind",
    "Sink",
    "WriteGate",
    "find_kind",
    "has_applied",
    "has_set",
    "has_written",
    "ingress_domain",
    "is_applied",
    "kind_of",
    "load",
]
