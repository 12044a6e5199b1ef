from __future__ import annotations

from backstage_op import resources
from backstage_op.graph import Need

from .builders import LABELS, composed, inputs, metadata

_ON = {"monitoring": {"enabled": True}}


def test_the_service_monitor_selects_the_service_of_the_instance() -> None:
    assert composed(_ON)["service-monitor"] == {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": metadata("metrics-my"),
        "spec": {
            "namespaceSelector": {"matchNames": ["team"]},
            "selector": {"matchLabels": LABELS},
            "endpoints": [{"port": "http-metrics", "path": "/metrics"}],
        },
    }


def test_interval_and_labels_are_those_of_the_specification() -> None:
    labels = {"release": "prometheus", "app.kubernetes.io/name": "mine"}
    monitoring = {"enabled": True, "interval": "30s", "labels": labels}

    made = composed({"monitoring": monitoring})["service-monitor"]

    assert made["metadata"]["labels"] == {"release": "prometheus"} | LABELS
    assert made["spec"]["endpoints"] == [
        {"port": "http-metrics", "path": "/metrics", "interval": "30s"}
    ]


def test_it_is_applied_after_the_service() -> None:
    objects = resources.compose(inputs(_ON)).objects

    assert {o.key: o.needs for o in objects}["service-monitor"] == (Need("service"),)
