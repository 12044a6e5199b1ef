"""A real control plane as local processes: etcd to scheduler, no containers.

It is for tests, for trying the operator, and for measuring it: the API server
and its controllers are the real ones; nodes, pods and volumes are played by
KWOK, so that pods become ready and no image is ever run. Everything listens on
loopback. The command line, the tests, the demo and the benchmark use this package;
the operator does not.
"""

from .admin import load
from .assets import obtain, stored_kubectl
from .audit import AuditEvent, read_events
from .cluster import Sandbox
from .named import end, find
from .starting import start

__all__ = [
    "AuditEvent",
    "Sandbox",
    "end",
    "find",
    "load",
    "obtain",
    "read_events",
    "start",
    "stored_kubectl",
]
