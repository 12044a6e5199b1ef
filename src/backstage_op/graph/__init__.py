"""A dependency graph of idempotent steps, walked concurrently.

Nothing here knows Kubernetes or Backstage: a node is a key, the keys it
needs, and an async function that returns an outcome. May be used by anything.
"""

from .node import Gate, Need, Node, Outcome, Status, Step
from .plan import Plan
from .runner import OnOutcome, Report, Runner

__all__ = [
    "Gate",
    "Need",
    "Node",
    "OnOutcome",
    "Outcome",
    "Plan",
    "Report",
    "Runner",
    "Status",
    "Step",
]
