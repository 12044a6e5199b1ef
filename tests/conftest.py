"""What all tests share: backends of anyio, and the real control plane.

A test that is marked ``controlplane`` runs on asyncio, against processes; any
other asynchronous test runs on asyncio and on trio with a clock that jumps to
the next deadline as soon as every task waits. One that is marked
``virtual_clock`` waits for minutes, and so runs on that clock only.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from trio.testing import MockClock

from backstage_op import sandbox as sandboxes

_CRD = Path(__file__).parent.parent / "crd"

# Slow machines are not wrong ones. A failure prints how to repeat it.
hypothesis.settings.register_profile("here", deadline=None, print_blob=True)
hypothesis.settings.load_profile("here")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "anyio_backend" not in metafunc.fixturenames:
        return
    backends = ["asyncio", "trio"]
    if metafunc.definition.get_closest_marker("controlplane"):
        backends = ["asyncio"]
    elif metafunc.definition.get_closest_marker("virtual_clock"):
        backends = ["trio"]
    metafunc.parametrize("anyio_backend", backends, indirect=True)


@pytest.fixture
def kubectl() -> str:
    """The program; a test that needs it is skipped where there is none."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not on PATH")
    return found


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    if request.param == "trio":
        return "trio", {"clock": MockClock(autojump_threshold=0)}
    return "asyncio", {}


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandboxes.Sandbox]:
    """A control plane with the definition of Backstage."""
    with _started(tmp_path_factory, openshift=False) as started:
        yield started


@pytest.fixture(scope="session")
def openshift_sandbox(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[sandboxes.Sandbox]:
    """A control plane that also serves Route and OpenShift's configuration."""
    with _started(tmp_path_factory, openshift=True) as started:
        yield started


@pytest.fixture
def namespace(sandbox: sandboxes.Sandbox) -> Iterator[str]:
    """A new namespace of ``sandbox``, with its default ServiceAccount."""
    name = f"test-{secrets.token_hex(4)}"
    sandbox.create_namespace(name)
    yield name
    sandbox.delete_namespace(name)


@pytest.fixture
def openshift_namespace(openshift_sandbox: sandboxes.Sandbox) -> Iterator[str]:
    """A new namespace of ``openshift_sandbox``."""
    name = f"test-{secrets.token_hex(4)}"
    openshift_sandbox.create_namespace(name)
    yield name
    openshift_sandbox.delete_namespace(name)


def _started(factory: pytest.TempPathFactory, *, openshift: bool) -> sandboxes.Sandbox:
    return sandboxes.start(
        openshift=openshift,
        manifests=[_CRD] if any(_CRD.glob("*.yaml")) else [],
        # Kept by pytest with the logs of the processes, for a look afterwards.
        directory=factory.mktemp("sandbox"),
    )
