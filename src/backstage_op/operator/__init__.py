"""The operator: watches, queue, reconcile, status, and the process around them.

The only layer that knows all others. What belongs to one object is in
``resources``; what speaks to the API server is in ``kube``.
"""

from .gather import Environment, Gatherer
from .live import CachedLive, DirectLive, Live
from .manager import Operator, Options, platform_of
from .reconcile import Reconciler, Result
from .walk import Retry

__all__ = [
    "CachedLive",
    "DirectLive",
    "Environment",
    "Gatherer",
    "Live",
    "Operator",
    "Options",
    "Reconciler",
    "Result",
    "Retry",
    "platform_of",
]
