"""The Service that a StatefulSet needs, and that a Deployment has no use for."""

from __future__ import annotations

from backstage_op import resources
from backstage_op.document import ObjectRef

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


def test_the_service_of_no_other_instance_has_its_name() -> None:
    mine = resources.compose(inputs(_STATEFUL, name="a"))
    other = resources.compose(inputs(_STATEFUL, name="headless-backstage-a"))

    def names(composition: resources.Composition) -> set[ObjectRef]:
        return {made.ref for made in composition.objects}

    assert names(mine).isdisjoint(names(other))
