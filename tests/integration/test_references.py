"""Objects of users: what becomes of them is noticed, and restarts what it must."""

from collections.abc import Callable

import pytest

from backstage_op import kube
from backstage_op.document import Document

from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

PORTAL = "backstage-my"
NOT_FOUND = "ReferencedObjectNotFound"
TITLE = "app: {title: A}"
WITH_APP_CONFIG: Document = {
    "application": {"appConfig": {"configMaps": [{"name": "config"}]}}
}
WITH_SECRET: Document = {
    "application": {"extraEnvs": {"secrets": [{"name": "tokens"}]}}
}
OPTED_OUT = {"metadata": {"labels": {"rhdh.redhat.com/ext-config-sync": "false"}}}


def _generation(scene: Scene) -> int:
    generation: int = scene.get(kube.DEPLOYMENT, PORTAL)["metadata"]["generation"]
    return generation


def _secret(scene: Scene, value: str) -> None:
    scene.apply("v1", "Secret", "tokens", stringData={"TOKEN": value})


def _config(scene: Scene, title: str = TITLE) -> None:
    scene.config_map("config", {"app-config.yaml": title})


@pytest.mark.parametrize(
    ("spec", "put"),
    [
        (WITH_APP_CONFIG, _config),
        (WITH_SECRET, lambda scene: _secret(scene, "one")),
    ],
    ids=["ConfigMap", "Secret"],
)
def test_what_is_missing_is_noticed_when_it_comes(
    scene: Scene, spec: Document, put: Callable[[Scene], None]
) -> None:
    scene.backstage(spec)
    message = scene.wait_condition("Config", "False", NOT_FOUND)
    assert f'namespace "{scene.namespace}" not found' in message

    put(scene)

    scene.wait_deployed()
    scene.wait_condition("Config", "True", "Valid")


def test_what_is_deleted_is_said_and_what_runs_is_left_alone(scene: Scene) -> None:
    _config(scene)
    scene.backstage(WITH_APP_CONFIG)
    scene.wait_deployed()
    before = _generation(scene)

    scene.delete(kube.CONFIG_MAP, "config")
    scene.wait_condition("Config", "False", NOT_FOUND)
    assert _generation(scene) == before

    _config(scene)
    scene.wait_condition("Config", "True", "Valid")
    assert _generation(scene) == before

    scene.delete(kube.CONFIG_MAP, "config")
    scene.wait_condition("Config", "False", NOT_FOUND)
    _config(scene, "app: {title: B}")
    scene.wait_condition("Config", "True", "Valid")
    scene.wait_deployed()
    assert _generation(scene) == before + 1


def test_an_object_that_opts_out_wakes_nobody(
    scene: Scene, operator: OperatorProcess
) -> None:
    _config(scene)
    scene.patch(kube.CONFIG_MAP, "config", OPTED_OUT)
    scene.config_map("other", {"KEY": "one"})
    scene.backstage(WITH_APP_CONFIG)
    other = {"extraEnvs": {"configMaps": [{"name": "other"}]}}
    scene.backstage({"application": other}, name="your")
    scene.wait_deployed()
    scene.wait_deployed("your")
    before, reconciles = _generation(scene), operator.reconciles()

    changed = {"data": {"app-config.yaml": "app: {title: B}"}}
    scene.patch(kube.CONFIG_MAP, "config", changed)
    # The watch brings both in their order: when the second has been looked at, the
    # first one has been passed over.
    scene.patch(kube.CONFIG_MAP, "other", {"metadata": {"labels": {"a": "b"}}})
    wait_until(lambda: operator.reconciles() > reconciles, "no reconcile")

    assert _generation(scene) == before
