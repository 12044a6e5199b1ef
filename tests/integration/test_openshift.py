"""Where Routes are served: the portal has one, and knows its own address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.config import manifests
from backstage_op.sandbox import Sandbox

from .process import OperatorProcess
from .scene import ACCOUNT, Scene

pytestmark = pytest.mark.controlplane

DEPLOY = Path(__file__).parents[2] / "deploy"
DOMAIN = "apps.example.test"


@pytest.fixture
def openshift(
    openshift_sandbox: Sandbox, openshift_namespace: str, tmp_path: Path
) -> Iterator[Scene]:
    """A namespace of an OpenShift cluster, in which an operator works."""
    openshift_sandbox.apply(DEPLOY / "namespace.yaml")
    openshift_sandbox.apply(DEPLOY / "rbac.yaml")
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
