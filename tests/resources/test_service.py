from __future__ import annotations

from .builders import LABELS, OWNER, SERVICE, composed


def test_the_service_is_the_manifest_and_selects_the_portals_pods() -> None:
    manifest = SERVICE | {"spec": SERVICE["spec"] | {"selector": {"mine": "kept"}}}

    assert composed(files={"service.yaml": manifest})["service"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "backstage-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "spec": {
            "ports": [{"name": "http", "port": 80}],
            "selector": {"mine": "kept", "rhdh.redhat.com/app": "backstage-my"},
        },
    }
