"""Which change restarts the portal, and that none restarts it twice.

A change that must not restart is followed by one that must: had it restarted
the portal all the same, there would be one generation too many by then.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from backstage_op import kube, resources
from backstage_op.document import Document

from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.usefixtures("operator")]

_PORTAL: Final = "backstage-my"
_DATABASE: Final = {
    "POSTGRES_HOST": "db.example.com",
    "POSTGRES_PORT": "5432",
    "POSTGRES_USER": "me",
    "POSTGRES_PASSWORD": "one",
}


@pytest.fixture
def portal(scene: Scene) -> Scene:
    """A portal that uses objects in all ways that there are."""
    scene.config_map("app", {"app-config.yaml": "app: {title: A}"})
    scene.config_map("files", {"one.txt": "1", "two.txt": "2"})
    scene.config_map("folder", {"page.md": "1"})
    scene.config_map("variables", {"COLOR": "red"})
    scene.apply("v1", "Secret", "tokens", stringData={"TOKEN": "a", "OTHER": "b"})
    scene.apply("v1", "Secret", "database", stringData=_DATABASE)
    scene.backstage(_spec())
    scene.wait_deployed()
    return scene


def _spec(**application: Any) -> Document:
    return {
        "application": {
            "appConfig": {"configMaps": [{"name": "app"}]},
            "extraFiles": {
                "configMaps": [
                    {"name": "files", "key": "one.txt"},
                    {"name": "folder", "mountPath": "/srv/folder"},
                ]
            },
            "extraEnvs": {
                "configMaps": [{"name": "variables"}],
                "secrets": [{"name": "tokens", "key": "TOKEN"}],
            },
            **application,
        },
        "database": {"enableLocalDb": False, "authSecretName": "database"},
    }


def _generation(scene: Scene) -> int:
    generation: int = scene.get(kube.DEPLOYMENT, _PORTAL)["metadata"]["generation"]
    return generation


def _is_complete(scene: Scene) -> bool:
    return resources.workload_readiness(scene.get(kube.DEPLOYMENT, _PORTAL)).ready


def _one_rollout(scene: Scene, before: int) -> None:
    """Wait for a rollout, and see that it was the only one.

    The operator says that it is complete after a look, at what has changed too,
    for which it rested a second: what the first look missed is a rollout by then.
    """
    wait_until(lambda: _generation(scene) > before, "no rollout")
    # The status of before is still there until the first look has ended.
    wait_until(lambda: _is_complete(scene), "the rollout does not end")
    scene.wait_deployed()
    assert _generation(scene) == before + 1


def _patch(scene: Scene, kind: kube.ResourceKind, name: str, **data: str) -> None:
    field = "stringData" if kind is kube.SECRET else "data"
    scene.patch(kind, name, {field: data})


def test_what_reaches_the_pod_only_at_its_start_restarts_it_once(portal: Scene) -> None:
    for kind, name, data in (
        (kube.CONFIG_MAP, "app", {"app-config.yaml": "app: {title: B}"}),
        (kube.CONFIG_MAP, "files", {"one.txt": "changed"}),
        (kube.CONFIG_MAP, "variables", {"COLOR": "green"}),
        (kube.SECRET, "tokens", {"TOKEN": "changed"}),
        (kube.SECRET, "database", {"POSTGRES_PASSWORD": "rotated"}),
    ):
        before = _generation(portal)
        _patch(portal, kind, name, **data)
        _one_rollout(portal, before)


def test_what_does_not_reach_the_pod_or_reaches_it_alive_restarts_nothing(
    portal: Scene,
) -> None:
    before = _generation(portal)

    _patch(portal, kube.CONFIG_MAP, "folder", **{"page.md": "changed"})
    _patch(portal, kube.CONFIG_MAP, "files", **{"two.txt": "changed"})
    _patch(portal, kube.SECRET, "tokens", OTHER="changed")
    marked = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}
    portal.patch(kube.CONFIG_MAP, "app", marked)
    portal.patch(kube.SECRET, "tokens", marked)
    portal.delete(kube.CONFIG_MAP, "variables")
    portal.wait_condition("Config", "False", "ReferencedObjectNotFound")
    portal.config_map("variables", {"COLOR": "red"})
    portal.wait_condition("Config", "True", "Valid")
    _patch(portal, kube.CONFIG_MAP, "app", **{"app-config.yaml": "app: {title: B}"})

    _one_rollout(portal, before)


def test_a_host_an_image_and_labels_restart_it_once_each(portal: Scene) -> None:
    exposed = {"ingress": {"host": "one.example.com"}}
    moved = {"ingress": {"host": "two.example.com"}}
    for spec in (
        _spec(**exposed),
        _spec(**moved),
        _spec(**moved, image="example.test/other:1"),
        {**_spec(**moved), "commonMetadata": {"labels": {"a": "b"}}},
    ):
        before = _generation(portal)
        portal.backstage(spec)
        _one_rollout(portal, before)


def test_three_objects_that_change_together_are_one_rollout(
    portal: Scene, operator: OperatorProcess
) -> None:
    before = _generation(portal)

    # However slow the machine is to send the three, they are all there when it looks.
    with operator.paused():
        _patch(portal, kube.CONFIG_MAP, "app", **{"app-config.yaml": "app: {title: B}"})
        _patch(portal, kube.CONFIG_MAP, "files", **{"one.txt": "changed"})
        _patch(portal, kube.SECRET, "tokens", TOKEN="changed")

    _one_rollout(portal, before)
