"""The operator's numbers, in the text format and naming rules of Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, final

import prometheus_client
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from backstage_op import api, kube
from backstage_op.kube import reflector

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST

_PREFIX: Final = "backstage_op_"
_RECONCILE_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
_QUEUE_SECONDS: Final = (0.001, 0.01, 0.1, 1, 10, 100)

_REVISION: Final = "deployment.kubernetes.io/revision"


@final
class Metrics:
    """Counters, gauges and histograms of one operator process.

    They live in a registry of their own, so that several operators in one
    process, as in tests, do not add up.
    """

    def __init__(self) -> None:
        registry = self._registry = prometheus_client.CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> prometheus_client.Counter:
            return prometheus_client.Counter(
                _PREFIX + name, text, labels, registry=registry
            )

        def gauge(name: str, text: str, *labels: str) -> prometheus_client.Gauge:
            return prometheus_client.Gauge(
                _PREFIX + name, text, labels, registry=registry
            )

        def histogram(
            name: str, text: str, buckets: Iterable[float], *labels: str
        ) -> prometheus_client.Histogram:
            return prometheus_client.Histogram(
                f"{_PREFIX}{name}_seconds",
                text,
                labels,
                registry=registry,
                buckets=tuple(buckets),
            )

        self.reconciles = counter(
            "reconciles", "Reconciles by result: done, retry, invalid, error.", "result"
        )
        self.reconcile_seconds = histogram(
            "reconcile_duration", "Time that one reconcile took.", _RECONCILE_SECONDS
        )
        self.nodes = counter(
            "graph_nodes", "Graph nodes by how they ended a walk.", "status"
        )
        self.queue_depth = gauge("queue_depth", "Resources that wait for a reconcile.")
        self.queue_adds = counter("queue_adds", "Resources that began to wait for one.")
        self.queue_seconds = histogram(
            "queue_wait", "Time between due and begun.", _QUEUE_SECONDS
        )
        self.requests = counter(
            "requests",
            "Requests to the API server; code 0 is no answer.",
            "verb",
            "resource",
            "code",
        )
        self.request_seconds = histogram(
            "request_duration",
            "Time until a request was answered, by verb.",
            _REQUEST_SECONDS,
            "verb",
        )
        self.watches_open = gauge("watches_open", "Watches now open.", "resource")
        self.watch_starts = counter(
            "watch_starts", "Watches opened, also again after an end.", "resource"
        )
        self.watch_events = counter(
            "watch_events", "Events of watches by type.", "resource", "type"
        )
        self.rollouts = counter(
            "rollouts",
            "New pod templates of Deployments seen, not counting first ones.",
        )
        self.is_leader = gauge(
            "is_leader", "Whether this process works: 1, or waits for another one: 0."
        )
        prometheus_client.ProcessCollector(registry=registry)

    def on_request(self, request: kube.RequestInfo) -> None:
        """Count a request."""
        code = str(request.code)
        self.requests.labels(request.verb, request.resource, code).inc()
        self.request_seconds.labels(request.verb).observe(request.seconds)

    def on_watch(self, resource: str, what: str) -> None:
        """Count what a watch does."""
        match what:
            case reflector.OPENED:
                self.watches_open.labels(resource).inc()
                self.watch_starts.labels(resource).inc()
            case reflector.CLOSED:
                self.watches_open.labels(resource).dec()
            case _:
                self.watch_events.labels(resource, what).inc()

    def on_owned(self, old: kube.Observed | None, new: kube.Observed | None) -> None:
        """Count a rollout, if the change of an object is one."""
        if old is None or new is None or new.ref.kind != kube.DEPLOYMENT.kind:
            return
        before, after = (item.annotations.get(_REVISION) for item in (old, new))
        if before is not None and after != before:
            self.rollouts.inc()

    def show_instances(self, backstages: kube.Cache) -> None:
        """Count the resources of a cache by state, whenever somebody looks."""
        self._registry.register(_Instances(backstages))

    def text(self) -> bytes:
        """Return all metrics in the text exposition format."""
        return prometheus_client.generate_latest(self._registry)


@final
class _Instances(Collector):
    def __init__(self, backstages: kube.Cache) -> None:
        self._backstages = backstages

    def collect(self) -> Iterator[GaugeMetricFamily]:
        states = Counter(_state(item.document()) for item in self._backstages)
        family = GaugeMetricFamily(
            f"{_PREFIX}instances",
            "Backstage resources by the reason of their condition Deployed.",
            labels=["reason"],
        )
        for reason in sorted(states):
            family.add_metric([reason], states[reason])
        yield family


def _state(backstage: dict[str, Any]) -> str:
    """Return why a resource is deployed or not; empty before its first status."""
    for condition in (backstage.get("status") or {}).get("conditions") or ():
        if condition.get("type") == api.ConditionType.DEPLOYED:
            return str(condition.get("reason"))
    return ""
