"""The ServiceMonitor by which Prometheus reads the portal's metrics."""

from __future__ import annotations

from typing import Final, final

from backstage_op import api
from backstage_op.document import Document, ObjectRef

from . import naming
from .base import Kinds, RuntimeObject

KEY: Final = "service-monitor"
KINDS: Final[Kinds] = (("monitoring.coreos.com/v1", "ServiceMonitor"),)

_PORT: Final = "http-metrics"


@final
class AppServiceMonitor(RuntimeObject, frozen=True, kw_only=True):
    """The ServiceMonitor of the portal: it selects the Services of the instance."""

    monitoring: api.Monitoring

    @property
    def ref(self) -> ObjectRef:
        """The identity of the ServiceMonitor."""
        name = naming.service_monitor_name(self.instance.name)
        return ObjectRef(*KINDS[0], self.instance.namespace, name)

    def desired(self) -> Document:
        """Return the ServiceMonitor."""
        endpoint = {"port": _PORT, "path": "/metrics"}
        if self.monitoring.interval:
            endpoint["interval"] = self.monitoring.interval
        manifest: Document = {
            "apiVersion": self.ref.api_version,
            "kind": self.ref.kind,
            "metadata": {"labels": dict(self.monitoring.labels)},
            "spec": {
                "namespaceSelector": {"matchNames": [self.instance.namespace]},
                "selector": {"matchLabels": naming.common_labels(self.instance.name)},
                "endpoints": [endpoint],
            },
        }
        return naming.stamped(manifest, self.instance, self.ref.name)
