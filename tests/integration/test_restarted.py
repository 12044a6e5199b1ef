"""An API server that is killed and started again while an instance is made."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from backstage_op import kube
from backstage_op.sandbox import Sandbox

from .conftest import install
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = pytest.mark.controlplane


@pytest.fixture
def alone(spare_sandbox: Sandbox) -> Iterator[Scene]:
    """A namespace whose API server may be killed.

    A new one may know no rights for a moment: what it denies is no fault.
    """
    name = f"restarted-{secrets.token_hex(4)}"
    spare_sandbox.create_namespace(name)
    yield Scene(spare_sandbox, name)
    spare_sandbox.delete_namespace(name)


def test_a_restart_of_the_api_server_during_a_creation_is_made_good(
    alone: Scene, tmp_path: Path
) -> None:
    operator = OperatorProcess(install(alone.sandbox), tmp_path / "operator.log")
    try:
        operator.wait_ready()
        alone.backstage()
        wait_until(lambda: bool(alone.writes()), "nothing is written")

        alone.sandbox.restart_api_server()

        alone.wait_deployed()
        # The watches are back, too: a change of another hand is noticed.
        alone.delete(kube.SERVICE, "backstage-my")
        wait_until(
            lambda: alone.find(kube.SERVICE, "backstage-my") is not None,
            lambda: f"the Service is not made again: {operator.log}",
        )
        operator.stop()
    finally:
        operator.kill()
    assert "Traceback" not in operator.log
    # What was made just before the end may be missing in the log, but not twice.
    created = [e.resource for e in alone.writes() if e.code == 201]
    assert created.count("statefulsets") <= 1
    assert created.count("secrets") <= len(alone.names(kube.SECRET))
