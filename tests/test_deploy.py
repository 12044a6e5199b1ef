"""The manifests in ``deploy/`` are accepted where only restricted pods may run."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import anyio
import pytest
from ruamel.yaml import YAML
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import kube
from backstage_op import sandbox as sandboxes
from backstage_op.document import Document

_DEPLOY = Path(__file__).parent.parent / "deploy"
_RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}


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


def test_the_rights_for_plugins_go_to_the_same_account_and_name_no_wildcard() -> None:
    documents = _load("plugin-rbac.yaml")
    role = _of_kind(documents, "ClusterRole")
    binding = _of_kind(documents, "ClusterRoleBinding")

    base = _of_kind(_load("rbac.yaml"), "ClusterRoleBinding")
    assert binding["subjects"] == base["subjects"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    for rule in role["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_the_namespaced_rights_are_the_others_but_for_what_no_role_can_grant() -> None:
    everywhere = _of_kind(_load("rbac.yaml"), "ClusterRole")["rules"]
    here = _of_kind(_load("namespaced/rbac.yaml"), "Role")["rules"]

    cluster_only = {
        "apiGroups": ["config.openshift.io"],
        "resources": ["ingresses"],
        "verbs": ["get"],
    }
    assert [*here, cluster_only] == everywhere
    kinds = {document["kind"] for document in _load("namespaced/rbac.yaml")}
    assert kinds == {"ServiceAccount", "Role", "RoleBinding"}


def test_the_kustomization_lists_what_an_installation_needs(kubectl: str) -> None:
    done = subprocess.run(
        [kubectl, "kustomize", str(_DEPLOY)],
        capture_output=True,
        check=True,
    )

    documents = list(YAML(typ="safe", pure=True).load_all(done.stdout.decode()))
    optional = {"plugin-rbac.yaml"}
    wanted = [
        (item["kind"], item["metadata"]["name"])
        for path in _DEPLOY.glob("*.yaml")
        if path.name not in optional
        for item in _load(path.name)
    ]
    found = [(item["kind"], item["metadata"]["name"]) for item in documents]
    assert sorted(found) == sorted(wanted)


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
        with anyio.fail_after(GIVE_UP_SECONDS):
            while True:
                live = await client.get(kube.DEPLOYMENT, restricted, name)
                wanted = deployment["spec"]["replicas"]
                if live["status"].get("availableReplicas") == wanted:
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
