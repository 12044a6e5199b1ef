"""The manifests in ``deploy/`` are accepted where only restricted pods may run."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import pytest

from backstage_op import kube
from backstage_op import sandbox as sandboxes
from backstage_op.document import Document

_DEPLOY = Path(__file__).parent.parent / "deploy"
_RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}
_DEADLINE_SECONDS = 30


def _load(name: str) -> list[Document]:
    return list(sandboxes.load(_DEPLOY / name))


def _of_kind(documents: list[Document], kind: str) -> Document:
    [found] = [document for document in documents if document["kind"] == kind]
    return found


@pytest.fixture
def restricted(sandbox: sandboxes.Sandbox, namespace: str) -> str:
    """A namespace that admits restricted pods only, with our ServiceAccount."""
    metadata = {"name": namespace, "labels": _RESTRICTED}
    account = _of_kind(_load("rbac.yaml"), "ServiceAccount")
    sandbox.apply(
        [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
            {**account, "metadata": {**account["metadata"], "namespace": namespace}},
        ]
    )
    return namespace


def test_the_manifests_fit_together() -> None:
    namespace = _of_kind(_load("namespace.yaml"), "Namespace")["metadata"]
    account = _of_kind(_load("rbac.yaml"), "ServiceAccount")["metadata"]
    binding = _of_kind(_load("rbac.yaml"), "ClusterRoleBinding")
    deployment = _of_kind(_load("operator.yaml"), "Deployment")

    enforced = namespace["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    assert account["namespace"] == namespace["name"]
    assert deployment["metadata"]["namespace"] == namespace["name"]
    assert binding["subjects"] == [
        {
            "kind": "ServiceAccount",
            "name": deployment["spec"]["template"]["spec"]["serviceAccountName"],
            "namespace": namespace["name"],
        }
    ]


@pytest.mark.controlplane
async def test_the_api_server_takes_the_deployment_without_a_warning(
    sandbox: sandboxes.Sandbox,
    restricted: str,
    anyio_backend: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deployment = _in(restricted, _of_kind(_load("operator.yaml"), "Deployment"))

    async with kube.Client.connect(kube.load(sandbox.kubeconfig)) as client:
        await client.apply(deployment, dry_run=True)

    assert _warnings(caplog) == []


@pytest.mark.controlplane
async def test_a_pod_that_is_not_restricted_is_warned_about(
    sandbox: sandboxes.Sandbox,
    restricted: str,
    anyio_backend: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else the test above would pass by seeing no warnings at all."""
    deployment = _in(restricted, _of_kind(_load("operator.yaml"), "Deployment"))
    del deployment["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]

    async with kube.Client.connect(kube.load(sandbox.kubeconfig)) as client:
        await client.apply(deployment, dry_run=True)

    [warning] = _warnings(caplog)
    assert "seccompProfile" in warning


@pytest.mark.controlplane
async def test_its_pod_is_admitted_and_the_deployment_becomes_available(
    sandbox: sandboxes.Sandbox, restricted: str, anyio_backend: object
) -> None:
    deployment = _in(restricted, _of_kind(_load("operator.yaml"), "Deployment"))
    name = deployment["metadata"]["name"]

    async with kube.Client.connect(kube.load(sandbox.kubeconfig)) as client:
        await client.apply(deployment)
        with anyio.fail_after(_DEADLINE_SECONDS):
            while True:
                live = await client.get(kube.DEPLOYMENT, restricted, name)
                if live["status"].get("availableReplicas") == 1:
                    break
                await anyio.sleep(0.05)


def _in(namespace: str, document: Document) -> Document:
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("backstage_op") and record.levelno >= logging.WARNING
    ]
