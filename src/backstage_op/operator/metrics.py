"""The operator's numbers, in the text format and naming rules of Prometheus."""

from __future__ import annotations

from typing import Final, final

import prometheus_client

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST


@final
class Metrics:
    """Counters and histograms of one operator process.

    They live in a registry of their own, so that several operators in one
    process, as in tests, do not add up.
    """

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        self.reconciles = prometheus_client.Counter(
            "backstage_op_reconciles",
            "Reconciles by result: done, retry, invalid, error.",
            ["result"],
            registry=self._registry,
        )
        self.reconcile_seconds = prometheus_client.Histogram(
            "backstage_op_reconcile_duration_seconds",
            "Time that one reconcile took.",
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
            registry=self._registry,
        )
        self.requests = prometheus_client.Counter(
            "backstage_op_requests",
            "Requests to the API server by verb, resource and status code.",
            ["verb", "resource", "code"],
            registry=self._registry,
        )
        self.nodes = prometheus_client.Counter(
            "backstage_op_graph_nodes",
            "Graph nodes by how they ended a walk.",
            ["status"],
            registry=self._registry,
        )
        self.queue_depth = prometheus_client.Gauge(
            "backstage_op_queue_depth",
            "Resources that wait for a reconcile.",
            registry=self._registry,
        )
        process = prometheus_client.ProcessCollector(registry=None)
        self._registry.register(process)

    def text(self) -> bytes:
        """Return all metrics in the text exposition format."""
        return prometheus_client.generate_latest(self._registry)
