"""An API of another project that is not installed, and is installed later."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox, load

from .conftest import install
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(600)]

EXTENSIONS = Path(__file__).parents[1] / "support" / "extensions.yaml"
GROUP: Final = "gateway.networking.k8s.io"
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


def test_what_needs_a_missing_api_waits_for_it_alone(
    spare_sandbox: Sandbox, tmp_path: Path
) -> None:
    spare_sandbox.create_namespace("extended")
    scene = Scene(spare_sandbox, "extended")
    process = OperatorProcess(install(spare_sandbox), tmp_path / "operator.log")
    try:
        process.wait_ready()
        scene.backstage(WITH_ROUTE)

        message = scene.wait_condition("Config", "False", "DependencyMissing")
        assert "HTTPRoute" in message
        scene.wait_deployed()

        spare_sandbox.apply(
            [one for one in load(EXTENSIONS) if one["spec"]["group"] == GROUP]
        )

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
    assert scene.foreign_writes() == []
    spare_sandbox.delete_namespace("extended")
