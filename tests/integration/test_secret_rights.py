"""Secrets that the operator has not all rights on: read by name, or said so."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox, load

from .conftest import StartOperator
from .process import wait_until
from .scene import Scene, wait_for_rights

pytestmark = pytest.mark.controlplane

_ROLE = Path(__file__).parents[2] / "deploy" / "namespaced" / "rbac.yaml"
PORTAL = "backstage-my"
OWN_SECRETS = ("backstage-checksum-key-my", "backstage-psql-secret-my")
WITH_SECRET: Document = {
    "application": {"extraEnvs": {"secrets": [{"name": "tokens"}]}}
}


def _generation(scene: Scene) -> int:
    generation: int = scene.get(kube.DEPLOYMENT, PORTAL)["metadata"]["generation"]
    return generation


def _secret(scene: Scene, value: str) -> None:
    scene.apply("v1", "Secret", "tokens", stringData={"TOKEN": value})


class Rights:
    """An account with the Role of one namespace, whose rules a test changes."""

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self._sandbox = sandbox
        account, self._role, binding = load(_ROLE)
        for document in (account, self._role, binding):
            document["metadata"]["namespace"] = namespace
        binding["subjects"][0]["namespace"] = namespace
        sandbox.apply([account, self._role, binding])
        name = account["metadata"]["name"]
        wait_for_rights(sandbox, (namespace, name), namespace)
        self.kubeconfig = sandbox.service_account_kubeconfig(namespace, name)

    def limit_secrets(self, *verbs: str, readable: Sequence[str] = ()) -> None:
        """Leave these verbs of those on Secrets, and ``get`` of some names."""
        rules: list[Document] = []
        for rule in self._role["rules"]:
            others = [name for name in rule["resources"] if name != "secrets"]
            if others:
                rules.append({**rule, "resources": others})
        limited = {"apiGroups": [""], "resources": ["secrets"]}
        rules.append({**limited, "verbs": [*verbs]})
        if readable:
            rules.append({**limited, "verbs": ["get"], "resourceNames": [*readable]})
        self._sandbox.apply({**self._role, "rules": rules})

    def restore(self) -> None:
        """Give back every right of the Role."""
        self._sandbox.apply(self._role)


def test_secrets_that_must_not_be_watched_are_read_by_name(
    sandbox: Sandbox, namespace: str, start_operator: StartOperator
) -> None:
    scene = Scene(sandbox, namespace)
    rights = Rights(sandbox, namespace)
    rights.limit_secrets("create", "delete", "get", "patch")
    start_operator(f"--namespace={namespace}", kubeconfig=rights.kubeconfig)
    _secret(scene, "one")

    scene.backstage(WITH_SECRET)
    scene.wait_deployed()
    before = _generation(scene)
    _secret(scene, "two")

    wait_until(
        lambda: _generation(scene) == before + 1,
        "a change is not noticed without a watch",
    )


def test_a_secret_that_must_not_be_read_is_said_until_it_may(
    sandbox: Sandbox, namespace: str, start_operator: StartOperator
) -> None:
    scene = Scene(sandbox, namespace)
    rights = Rights(sandbox, namespace)
    rights.limit_secrets("create", "patch", readable=OWN_SECRETS)
    start_operator(f"--namespace={namespace}", kubeconfig=rights.kubeconfig)
    _secret(scene, "one")

    scene.backstage({**WITH_SECRET, "database": {"enableLocalDb": False}})

    wait_until(
        lambda: scene.find(kube.SERVICE, PORTAL) is not None, "nothing else goes on"
    )

    message = scene.wait_condition("Config", "False", "Forbidden")
    assert f"get Secret {namespace}/tokens" in message
    rights.restore()
    wait_until(
        lambda: scene.conditions()["Config"]["status"] == "True",
        lambda: str(scene.conditions()),
    )
    scene.wait_deployed()
