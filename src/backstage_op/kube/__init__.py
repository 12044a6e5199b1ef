"""All input and output with the API server.

What lives here speaks HTTP, and nothing above it does: every error of the
HTTP library and of the server leaves as one of :mod:`backstage_op.errors`.
What objects should look like, and when they are written, is decided elsewhere.
"""

from . import kinds
from .applied import is_applied
from .cache import Cache
from .client import FIELD_MANAGER, Client
from .connection import Connection
from .connection import load as load_connection
from .discovery import discover, ingress_domain
from .observed import Observed, OwnerReference
from .reflector import Reflector, Sink
from .transport import RequestInfo

__all__ = [
    "FIELD_MANAGER",
    "Cache",
    "Client",
    "Connection",
    "Observed",
    "OwnerReference",
    "Reflector",
    "RequestInfo",
    "Sink",
    "discover",
    "ingress_domain",
    "is_applied",
    "kinds",
    "load_connection",
]
