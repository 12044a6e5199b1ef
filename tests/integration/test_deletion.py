"""What ends slowly: finalizers of others, and a namespace that goes away."""

from __future__ import annotations

import secrets
from typing import Final

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

from .conftest import StartOperator
from .process import wait_until
from .scene import Scene

pytestmark = pytest.mark.controlplane

PORTAL: Final = "backstage-my"
HOLD: Final[Document] = {"metadata": {"finalizers": ["example.com/hold"]}}
RELEASE: Final[Document] = {"metadata": {"finalizers": []}}
A_FEW: Final = 10
FORBIDDEN: Final = 403


def test_a_resource_that_others_hold_is_left_alone(
    scene: Scene, start_operator: StartOperator
) -> None:
    start_operator(f"--namespace={scene.namespace}")
    scene.backstage()
    scene.wait_deployed()
    scene.patch(kube.BACKSTAGE, "my", HOLD)
    scene.delete(kube.BACKSTAGE, "my")
    since = scene.mark()

    # It is not made again while the resource is on its way out.
    scene.delete(kube.SERVICE, PORTAL)
    scene.backstage(name="other")
    scene.wait_deployed("other")

    assert scene.find(kube.SERVICE, PORTAL) is None
    assert [event for event in scene.writes(since) if event.name == "my"] == []
    assert PORTAL not in {event.name for event in scene.writes(since)}
    scene.patch(kube.BACKSTAGE, "my", RELEASE)
    wait_until(lambda: scene.find(kube.BACKSTAGE, "my") is None, "it is still there")


def test_an_object_that_others_hold_is_waited_for_and_made_anew(
    scene: Scene, start_operator: StartOperator
) -> None:
    start_operator(f"--namespace={scene.namespace}")
    scene.backstage()
    scene.wait_deployed()
    scene.patch(kube.SERVICE, PORTAL, HOLD)
    held, since = scene.get(kube.SERVICE, PORTAL), scene.mark()

    scene.delete(kube.SERVICE, PORTAL)
    scene.backstage(name="other")
    scene.wait_deployed("other")

    assert "deletionTimestamp" in scene.get(kube.SERVICE, PORTAL)["metadata"]
    ours = [event for event in scene.writes(since) if event.name in ("my", PORTAL)]
    assert len(ours) <= 1
    scene.patch(kube.SERVICE, PORTAL, RELEASE)
    wait_until(
        lambda: (
            (scene.find(kube.SERVICE, PORTAL) or held)["metadata"]["uid"]
            != held["metadata"]["uid"]
        ),
        "it is not made anew",
    )
    scene.wait_deployed()


def test_a_namespace_that_ends_during_a_creation_is_left_alone(
    sandbox: Sandbox, start_operator: StartOperator
) -> None:
    scene = Scene(sandbox, f"ending-{secrets.token_hex(4)}")
    sandbox.create_namespace(scene.namespace)
    operator = start_operator(f"--namespace={scene.namespace}")
    scene.config_map("held", {})
    scene.patch(kube.CONFIG_MAP, "held", HOLD)
    scene.backstage()
    wait_until(lambda: bool(scene.writes()), "nothing is written")

    sandbox.delete_namespace(scene.namespace)

    wait_until(lambda: _left(scene) == ["held"], lambda: str(_left(scene)))
    # Each object is tried once more at most with each of the others that goes.
    refused = [event for event in scene.events() if event.code == FORBIDDEN]
    assert len(refused) <= A_FEW**2
    assert "Traceback" not in operator.log
    scene.patch(kube.CONFIG_MAP, "held", RELEASE)
    path = f"/api/v1/namespaces/{scene.namespace}"
    wait_until(lambda: sandbox.admin.get(path) is None, "the namespace is still there")


def _left(scene: Scene) -> list[str]:
    kinds = [kube.BACKSTAGE, *(kind for kind in kube.OWNED if not kind.optional)]
    return [name for kind in kinds for name in scene.names(kind)]
