"""What the controllers of a cluster do, for the fake API server."""

from __future__ import annotations

import anyio
from tests.support.apiserver import ApiServer

from backstage_op.document import Document

_WORKLOADS = ("deployments", "statefulsets")
_ROLLOUT_SECONDS = 0.5


async def roll_out(server: ApiServer) -> None:
    """Bring every workload up shortly after it changed, until cancelled."""
    while True:
        changed = server.changed
        for key, live in server.items():
            status = _finished(live)
            if key.plural in _WORKLOADS and live.get("status") != status:
                await anyio.sleep(_ROLLOUT_SECONDS)
                if now := server.get(key):
                    server.put(key, {**now, "status": _finished(now)})
        await changed.wait()


def _finished(live: Document) -> Document:
    replicas = live.get("spec", {}).get("replicas", 1)
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    generation = live["metadata"]["generation"]
    return {"observedGeneration": generation} | dict.fromkeys(counts, replicas)
