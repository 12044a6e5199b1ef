"""The Service that a StatefulSet needs, and that a Deployment has no use for."""

from __future__ import annotations

import pytest

from backstage_op import resources
from backstage_op.document import Document, ObjectRef

from .builders import LABELS, OWNER, composed, inputs

_STATEFUL = {"deployment": {"kind": "StatefulSet"}}


def test_a_stateful_set_has_a_headless_service_before_it() -> None:
    composition = resources.compose(inputs(_STATEFUL))

    assert composition.documents["headless-service"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "headless-backstage-my",
            "namespace": "team",
            "labels": LABELS,
            "ownerReferences": [OWNER],
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"rhdh.redhat.com/app": "backstage-my"},
        },
    }
    (workload,) = (made for made in composition.objects if made.key == "deployment")
    assert "headless-service" in {need.key for need in workload.needs}


def test_a_deployment_has_none() -> None:
    assert "headless-service" not in composed()


@pytest.mark.parametrize(
    ("live", "patch", "named"),
    [
        (None, {}, "headless-backstage-my"),
        ("headless-backstage-my", {}, "headless-backstage-my"),
        ("", {}, ""),
        ("of-before", {}, "of-before"),
        (None, {"serviceName": "mine"}, "mine"),
        ("", {"serviceName": "mine"}, "mine"),
    ],
    ids=["new", "ours", "none", "another", "asked for", "asked for later"],
)
def test_a_stateful_set_that_is_there_keeps_the_service_that_it_names(
    live: str | None, patch: Document, named: str
) -> None:
    spec = {"deployment": {"kind": "StatefulSet", "patch": {"spec": patch}}}

    workload = None if live is None else resources.LiveWorkload(service_name=live)

    documents = composed(spec, live_workload=workload)

    assert documents["deployment"]["spec"]["serviceName"] == named
    assert ("headless-service" in documents) == (named == "headless-backstage-my")


def test_the_service_of_no_other_instance_has_its_name() -> None:
    mine = resources.compose(inputs(_STATEFUL, name="a"))
    other = resources.compose(inputs(_STATEFUL, name="headless-backstage-a"))

    def names(composition: resources.Composition) -> set[ObjectRef]:
        return {made.ref for made in composition.objects}

    assert names(mine).isdisjoint(names(other))
