"""Where Routes are served: the portal has one, and knows its own address."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.config import manifests
from backstage_op.sandbox import Sandbox

from .process import OperatorProcess, wait_until
from .scene import ACCOUNT, Scene, wait_for_rights

pytestmark = pytest.mark.controlplane

DEPLOY = Path(__file__).parents[2] / "deploy"
EXTENSIONS = Path(__file__).parents[1] / "support" / "extensions.yaml"
DOMAIN = "apps.example.test"
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: any}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
WAYS = (
    kube.ROUTE,
    kube.INGRESS,
    kube.HTTP_ROUTE,
    kube.NETWORK_POLICY,
    kube.SERVICE_MONITOR,
)


@pytest.fixture
def openshift(
    openshift_sandbox: Sandbox, openshift_namespace: str, tmp_path: Path
) -> Iterator[Scene]:
    """A namespace of an OpenShift cluster, in which an operator works."""
    openshift_sandbox.apply(DEPLOY / "namespace.yaml")
    openshift_sandbox.apply(DEPLOY / "rbac.yaml")
    wait_for_rights(openshift_sandbox, ACCOUNT)
    openshift_sandbox.apply(EXTENSIONS)
    kubeconfig = openshift_sandbox.service_account_kubeconfig(*ACCOUNT)
    scene = Scene(openshift_sandbox, openshift_namespace)
    process = OperatorProcess(kubeconfig, tmp_path / "operator.log")
    try:
        process.wait_ready()
        yield scene
        process.stop()
    finally:
        process.kill()
    assert [event for event in scene.events() if event.code == 403] == []


def test_a_portal_has_a_route_and_its_base_url(openshift: Scene) -> None:
    openshift.backstage()
    openshift.wait_deployed()

    route = openshift.get(kube.ROUTE, "backstage-my")
    app_config = openshift.get(kube.CONFIG_MAP, "backstage-appconfig-my-default")
    (text,) = app_config["data"].values()
    value = manifests.load_value(text, source="", key="")
    url = f"https://backstage-my-{openshift.namespace}.{DOMAIN}"
    assert route["spec"]["to"]["name"] == "backstage-my"
    assert value["app"]["baseUrl"] == url
    assert value["backend"]["baseUrl"] == url
    assert value["backend"]["cors"]["origin"] == url


def test_a_route_that_is_turned_off_is_not_made(openshift: Scene) -> None:
    openshift.backstage({"application": {"route": {"enabled": False}}})
    openshift.wait_deployed()

    assert openshift.names(kube.ROUTE) == []
    assert "routes" not in openshift.written()


def test_all_that_leads_to_the_portal_comes_is_healed_and_goes(
    openshift: Scene,
) -> None:
    openshift.config_map("raw", {"networkpolicy.yaml": POLICY})
    openshift.backstage(
        {
            "application": {
                "ingress": {"host": "ingress.example.com"},
                "httpRoute": {
                    "parentRefs": [{"name": "public"}],
                    "hostnames": ["route.example.com"],
                },
            },
            "monitoring": {"enabled": True},
            "rawRuntimeConfig": {"backstageConfig": "raw"},
        }
    )
    openshift.wait_deployed()
    openshift.wait_condition("Config", "True", "Valid")
    made = {kind: openshift.names(kind) for kind in WAYS}
    assert [len(names) for names in made.values()] == [1] * len(WAYS)

    for kind, (name,) in made.items():
        before = openshift.get(kind, name)["metadata"]["uid"]
        openshift.delete(kind, name)
        wait_until(
            functools.partial(_is_another, openshift, kind, name, before),
            f"{kind.kind} is not made again",
        )

    openshift.backstage({"application": {"route": {"enabled": False}}})
    for kind in WAYS:
        wait_until(
            functools.partial(_are_gone, openshift, kind),
            f"{kind.kind} is still there",
        )


def _is_another(scene: Scene, kind: kube.ResourceKind, name: str, uid: str) -> bool:
    found = scene.find(kind, name)
    return found is not None and bool(found["metadata"]["uid"] != uid)


def _are_gone(scene: Scene, kind: kube.ResourceKind) -> bool:
    return scene.names(kind) == []
