"""What the cluster's administrator does not allow is said, and heals when it may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

from . import admission
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

A_FEW: Final = 10
PORTAL: Final = "backstage-my"
WITHOUT_DATABASE: Final[Document] = {"database": {"enableLocalDb": False}}


@pytest.fixture
def refusing(sandbox: Sandbox, namespace: str) -> Iterator[Scene]:
    """A namespace in which the operator may be refused what it has a right to."""
    scene = Scene(sandbox, namespace)
    yield scene
    assert scene.foreign_writes() == []


def _patched(**template: Any) -> Document:
    patch = {"patch": {"spec": {"template": template}}}
    return {**WITHOUT_DATABASE, "deployment": patch}


def test_a_quota_on_objects_is_said_and_heals_when_it_is_raised(
    refusing: Scene,
) -> None:
    admission.quota(refusing, admission.service(), services="0")

    refusing.backstage(WITHOUT_DATABASE)

    message = refusing.wait_condition("Config", "False", "QuotaExceeded")
    assert "exceeded quota: limit" in message
    refusing.wait_condition("Deployed", "False", "DeployFailed")
    # One refused object does not hold up the others.
    assert refusing.find(kube.DEPLOYMENT, PORTAL) is not None
    assert refusing.find(kube.SERVICE, PORTAL) is None
    assert refusing.written().count("services") <= A_FEW

    admission.quota(refusing, services="5")

    refusing.wait_deployed()
    refusing.wait_condition("Config", "True", "Valid")
    assert refusing.find(kube.SERVICE, PORTAL) is not None


def test_a_claim_that_a_limit_refuses_is_an_invalid_object(refusing: Scene) -> None:
    limit = {"type": "PersistentVolumeClaim", "max": {"storage": "1Mi"}}
    refusing.apply("v1", "LimitRange", "small", spec={"limits": [limit]})
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "trial"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    wait_until(
        lambda: admission.is_refused(refusing, claim), "the limit is not in force"
    )
    text = "\n".join(
        [
            "apiVersion: v1",
            "kind: PersistentVolumeClaim",
            "metadata: {name: data}",
            "spec:",
            "  accessModes: [ReadWriteOnce]",
            "  resources: {requests: {storage: 1Gi}}",
        ]
    )
    refusing.config_map("raw", {"pvcs.yaml": text})

    refusing.backstage(
        {**WITHOUT_DATABASE, "rawRuntimeConfig": {"backstageConfig": "raw"}}
    )

    message = refusing.wait_condition("Config", "False", "InvalidObject")
    assert "maximum storage usage per PersistentVolumeClaim is 1Mi" in message


def test_defaults_that_a_limit_gives_to_pods_are_no_quarrel(
    scene: Scene, operator: OperatorProcess
) -> None:
    limit = {"type": "Container", "default": {"ephemeral-storage": "1Gi"}}
    scene.apply("v1", "LimitRange", "defaults", spec={"limits": [limit]})
    scene.backstage(WITHOUT_DATABASE)
    scene.wait_deployed()

    _is_quiet(scene, operator)


def test_a_policy_that_denies_is_said_in_its_words(refusing: Scene) -> None:
    with admission.validating_policy(refusing, "deployments", "not on a Friday"):
        wait_until(
            lambda: admission.is_refused(refusing, admission.deployment()),
            "the policy is not in force",
        )
        refusing.backstage(WITHOUT_DATABASE)

        message = refusing.wait_condition("Config", "False", "AdmissionDenied")
        assert "not on a Friday" in message
        assert refusing.find(kube.SERVICE, PORTAL) is not None

    refusing.wait_deployed()


def test_a_webhook_that_is_down_is_told_and_the_portal_goes_on(
    refusing: Scene,
) -> None:
    refusing.backstage(WITHOUT_DATABASE)
    refusing.wait_deployed()
    before = refusing.get(kube.DEPLOYMENT, PORTAL)
    with admission.webhook_that_is_down(refusing, "apps", "deployments"):
        wait_until(
            lambda: admission.is_refused(refusing, admission.deployment()),
            "the webhook is not in force",
        )

        refusing.backstage(_patched(metadata={"annotations": {"note": "new"}}))

        message = refusing.wait_condition("Deployed", "False", "DeployFailed")
        assert "down.example.com" in message
        assert refusing.get(kube.DEPLOYMENT, PORTAL)["spec"] == before["spec"]
        assert refusing.conditions()["Runtime"]["status"] == "True"

    refusing.wait_deployed()
    template = refusing.get(kube.DEPLOYMENT, PORTAL)["spec"]["template"]
    assert template["metadata"]["annotations"]["note"] == "new"


def test_what_a_policy_adds_is_kept_without_a_quarrel(
    scene: Scene, operator: OperatorProcess
) -> None:
    addition = (
        'Object{metadata: Object.metadata{labels: {"added": "yes"}},'
        "spec: Object.spec{template: Object.spec.template{"
        "spec: Object.spec.template.spec{containers: ["
        'Object.spec.template.spec.containers{name: "sidecar", image: "any"}]}}}}'
    )
    with admission.mutating_policy(scene, "deployments", addition):
        trial = admission.deployment()
        wait_until(
            lambda: "labels" in admission.tried(scene, trial)["metadata"],
            "the policy is not in force",
        )
        scene.backstage(WITHOUT_DATABASE)
        scene.wait_deployed()

        _is_quiet(scene, operator)

        live = scene.get(kube.DEPLOYMENT, PORTAL)
        assert live["metadata"]["labels"]["added"] == "yes"
        containers = live["spec"]["template"]["spec"]["containers"]
        assert [one["name"] for one in containers] == ["backstage-backend", "sidecar"]


def test_pods_that_a_security_level_refuses_are_a_failure_in_its_words(
    sandbox: Sandbox, refusing: Scene
) -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    sandbox.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": refusing.namespace, "labels": level},
        }
    )
    wait_until(
        lambda: admission.is_refused(refusing, admission.pod()),
        "the level is not in force",
    )

    refusing.backstage(_patched(spec={"securityContext": {"runAsUser": 0}}))

    message = refusing.wait_condition("Deployed", "False", "DeployFailed")
    assert 'violates PodSecurity "restricted:latest"' in message
    assert "runAsUser=0" in message

    refusing.backstage(WITHOUT_DATABASE)
    refusing.wait_deployed()


def _is_quiet(scene: Scene, operator: OperatorProcess) -> None:
    """See that another look at what is deployed writes nothing."""
    before, since = operator.reconciles(), scene.mark()
    scene.backstage(WITHOUT_DATABASE, annotations={"example.com/look": "again"})
    wait_until(lambda: operator.reconciles() > before, "no reconcile")
    assert scene.writes(since) == []
