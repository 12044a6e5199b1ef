"""All input and output with the API server.

What lives here speaks HTTP, and nothing above it does: every error of the
HTTP library and of the server leaves as one of :mod:`backstage_op.errors`.
What objects should look like, and when they are written, is decided elsewhere.
"""

from .applied import has_applied, is_applied
from .cache import Cache, OnChange
from .client import FIELD_MANAGER, Client
from .connection import Connection, load
from .discovery import discover, ingress_domain
from .kinds import (
    BACKSTAGE,
    CONFIG_MAP,
    DEPLOYMENT,
    OWNED,
    PERSISTENT_VOLUME_CLAIM,
    ROUTE,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    ResourceKind,
    kind_of,
)
from .observed import Observed, OwnerReference
from .reflector import Reflector, Sink
from .transport import OnRequest, RequestInfo

__all__ = [
    "BACKSTAGE",
    "CONFIG_MAP",
    "DEPLOYMENT",
    "FIELD_MANAGER",
    "OWNED",
    "PERSISTENT_VOLUME_CLAIM",
    "ROUTE",
    "SECRET",
    "SERVICE",
    "STATEFUL_SET",
    "Cache",
    "Client",
    "Connection",
    "Observed",
    "OnChange",
    "OnRequest",
    "OwnerReference",
    "Reflector",
    "RequestInfo",
    "ResourceKind",
    "Sink",
    "discover",
    "has_applied",
    "ingress_domain",
    "is_applied",
    "kind_of",
    "load",
]
