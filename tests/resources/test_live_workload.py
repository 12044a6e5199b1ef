"""What the next state of a workload is computed from is found where it is."""

from __future__ import annotations

from typing import Any

import pytest

from backstage_op import resources


def test_the_digests_of_a_workload_are_read_where_they_are() -> None:
    template = {
        "metadata": {"annotations": {"rhdh.redhat.com/ext-config-hash": "live"}}
    }

    found = resources.read_live_workload(
        {
            "kind": "Deployment",
            "metadata": {"labels": {"rhdh.redhat.com/config-hash": "noted"}},
            "spec": {"template": template},
        }
    )

    assert found == resources.LiveWorkload(checksum="live", noted_checksum="noted")


@pytest.mark.parametrize(
    ("kind", "spec", "name"),
    [
        ("StatefulSet", {"serviceName": "one"}, "one"),
        ("StatefulSet", {"serviceName": ""}, ""),
        ("StatefulSet", {}, ""),
        ("Deployment", {}, None),
    ],
)
def test_only_a_stateful_set_names_a_service(
    kind: str, spec: dict[str, Any], name: str | None
) -> None:
    found = resources.read_live_workload({"kind": kind, "spec": spec})

    assert found == resources.LiveWorkload(service_name=name)
