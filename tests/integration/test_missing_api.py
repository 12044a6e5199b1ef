"""An API of another project that is not installed, and is installed later."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox, load

from .conftest import install
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = pytest.mark.controlplane

EXTENSIONS = Path(__file__).parents[1] / "support" / "extensions.yaml"
GROUP: Final = "gateway.networking.k8s.io"
DEFINITIONS: Final = [one for one in load(EXTENSIONS) if one["spec"]["group"] == GROUP]
PORTAL: Final = "backstage-my"
WITH_ROUTE: Final[Document] = {
    "database": {"enableLocalDb": False},
    "application": {
        "httpRoute": {
            "parentRefs": [{"name": "public"}],
            "hostnames": ["portal.example.com"],
        }
    },
}


@pytest.fixture
def scene(spare_sandbox: Sandbox) -> Iterator[Scene]:
    """A namespace of a cluster that does not serve the API, or no longer."""
    for definition in DEFINITIONS:
        _remove(spare_sandbox, definition["metadata"]["name"])
    name = f"extended-{secrets.token_hex(4)}"
    spare_sandbox.create_namespace(name)
    scene = Scene(spare_sandbox, name)
    yield scene
    assert scene.foreign_writes() == []
    spare_sandbox.delete_namespace(name)


def _remove(sandbox: Sandbox, definition: str) -> None:
    group = "/apis/apiextensions.k8s.io/v1"
    path = f"{group}/customresourcedefinitions/{definition}"
    if sandbox.admin.get(path) is not None:
        sandbox.admin.request("DELETE", path)
        find = functools.partial(sandbox.admin.get, path)
        wait_until(lambda: find() is None, f"{definition} is still there")


def test_what_needs_a_missing_api_waits_for_it_alone(
    scene: Scene, tmp_path: Path
) -> None:
    process = OperatorProcess(install(scene.sandbox), tmp_path / "operator.log")
    try:
        process.wait_ready()
        scene.backstage(WITH_ROUTE)

        message = scene.wait_condition("Config", "False", "DependencyMissing")
        assert "HTTPRoute" in message
        scene.wait_deployed()

        scene.sandbox.apply(DEFINITIONS)

        wait_until(
            lambda: scene.find(kube.HTTP_ROUTE, PORTAL) is not None,
            lambda: f"the API is not used: {process.log}",
        )
        scene.wait_condition("Config", "True", "Valid")
        # From now on it is watched as everything else.
        scene.delete(kube.HTTP_ROUTE, PORTAL)
        wait_until(
            lambda: scene.find(kube.HTTP_ROUTE, PORTAL) is not None,
            lambda: f"the route is not made again: {process.log}",
        )
        process.stop()
    finally:
        process.kill()
