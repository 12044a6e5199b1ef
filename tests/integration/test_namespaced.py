"""An operator with a Role in two namespaces, and no right anywhere else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.sandbox import Sandbox, load

from .conftest import StartOperator
from .process import wait_until
from .scene import Scene, wait_for_rights

pytestmark = pytest.mark.controlplane

_ROLE = Path(__file__).parents[2] / "deploy" / "namespaced" / "rbac.yaml"


@pytest.fixture
def another(sandbox: Sandbox) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    sandbox.create_namespace(name)
    yield name
    sandbox.delete_namespace(name)


def _kubeconfig(sandbox: Sandbox, namespaces: list[str]) -> Path:
    """Return that of an account in the first one, with the Role in each."""
    account, role, binding = load(_ROLE)
    home = namespaces[0]
    account["metadata"]["namespace"] = home
    sandbox.apply(account)
    for namespace in namespaces:
        for document in (role, binding):
            document["metadata"]["namespace"] = namespace
        binding["subjects"][0]["namespace"] = home
        sandbox.apply([role, binding])
    for namespace in namespaces:
        wait_for_rights(sandbox, (home, account["metadata"]["name"]), namespace)
    return sandbox.service_account_kubeconfig(home, account["metadata"]["name"])


def test_portals_in_its_namespaces_are_deployed_and_nothing_else_is_asked_for(
    sandbox: Sandbox, namespace: str, another: str, start_operator: StartOperator
) -> None:
    kubeconfig = _kubeconfig(sandbox, [namespace, another])
    since = sandbox.audit_offset()
    scenes = [Scene(sandbox, name) for name in (namespace, another)]
    start_operator(f"--namespace={namespace},{another}", kubeconfig=kubeconfig)

    for scene in scenes:
        scene.config_map("config", {"app-config.yaml": "app: {title: A}"})
        scene.backstage(
            {"application": {"appConfig": {"configMaps": [{"name": "config"}]}}}
        )
    for scene in scenes:
        scene.wait_deployed()
        scene.delete(kube.SERVICE, "backstage-my")
    for scene in scenes:
        wait_until(
            lambda scene=scene: (  # type: ignore[misc]
                scene.find(kube.SERVICE, "backstage-my") is not None
            ),
            "the Service is not put back",
        )

    user = f"system:serviceaccount:{namespace}:backstage-op"
    events = [event for event in sandbox.audit_events(since) if event.user == user]
    assert {event.namespace for event in events} <= {namespace, another, ""}
    refused = {(e.verb, e.resource) for e in events if e.code == 403}
    assert refused == set()
