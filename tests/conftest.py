"""What all tests share: backends of anyio, an API server that is played, a real one.

A test that is marked ``controlplane`` or ``real_socket`` runs on asyncio; any other
asynchronous test runs on asyncio and on trio with a clock that jumps to the next
deadline as soon as every task waits and no thread computes. One that is marked
``virtual_clock`` waits for minutes, or counts what happens in a time, and so runs on
that clock only.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from tests.support.apiserver import ApiServer
from tests.support.clock import virtual_clock

from backstage_op import kube
from backstage_op import sandbox as sandboxes

_CRD = Path(__file__).parent.parent / "crd"
_REAL = {"controlplane", "real_socket"}
"""Marks of tests that wait for something outside of this process."""

# Slow machines are not wrong ones. A failure prints how to repeat it.
hypothesis.settings.register_profile(
    "here",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("here")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Give tests of real servers and sockets up to two more tries, and tell of it.

    They run beside a control plane on the same machine, which is not at fault for
    being slow for a while. Any other test waits for nothing but this process: it
    has one more where ``CI`` is set, so that one of thousands stops nobody's work,
    and none elsewhere. What needed it is listed as RERUN in the summary.

    What looks at all other tests comes last, and only where all of them run.
    """
    items.sort(key=lambda item: item.get_closest_marker("whole_suite") is not None)
    is_whole = config.args == config.getini("testpaths") and not (
        config.option.keyword or config.option.markexpr
    )
    for item in items:
        is_real = any(item.get_closest_marker(name) for name in _REAL)
        reruns = 2 if is_real else int("CI" in os.environ)
        if reruns:
            item.add_marker(pytest.mark.flaky(reruns=reruns, reruns_delay=5))
        if item.get_closest_marker("whole_suite") and not is_whole:
            reason = "tells something only after all other tests"
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-fault",
        action="store_true",
        help="play every fault at every request, for some twenty minutes",
    )
    parser.addoption("--seed", type=int, help="of random input, to repeat it")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed, and find a kubectl.

    With ``CI`` set the seed is always the same: there, a test that fails should
    tell of the change. Every other run sees input that nobody has seen before.

    The sandbox's kubectl is put where all tests look for one, if there is no other.
    """
    if config.option.seed is None:
        config.option.seed = 1 if os.environ.get("CI") else secrets.randbelow(2**31)
    if shutil.which("kubectl") is None and (found := sandboxes.stored_kubectl()):
        os.environ["PATH"] = f"{os.environ.get('PATH', '')}{os.pathsep}{found.parent}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "anyio_backend" not in metafunc.fixturenames:
        return
    backends = ["asyncio", "trio"]
    markers = {marker.name for marker in metafunc.definition.iter_markers()}
    if markers & _REAL:
        backends = ["asyncio"]
    elif "virtual_clock" in markers:
        backends = ["trio"]
    metafunc.parametrize("anyio_backend", backends, indirect=True)


def pytest_report_header(config: pytest.Config) -> str:
    return f"random input: --seed={config.option.seed}"


@pytest.fixture
def every_fault(request: pytest.FixtureRequest) -> bool:
    """Whether each fault is played at each request."""
    return bool(request.config.getoption("--every-fault"))


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Of everything that is random in this run."""
    return int(request.config.getoption("--seed"))


@pytest.fixture
def kubectl() -> str:
    """The program; a test that needs it is skipped where there is none."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not on PATH")
    return found


@pytest.fixture
def anyio_backend(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[str, dict[str, Any]]]:
    if request.param != "trio":
        yield "asyncio", {}
        return
    with virtual_clock() as clock:
        yield "trio", {"clock": clock}


@pytest.fixture
async def server(anyio_backend: object) -> ApiServer:
    """An API server that is played, in this process."""
    return ApiServer()


@pytest.fixture
async def client(server: ApiServer) -> AsyncIterator[kube.Client]:
    """A client of ``server``."""
    connection = kube.Connection.plain("http://fake")
    async with kube.Client.connect(connection, inner=server) as opened:
        yield opened


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


@pytest.fixture(scope="session")
def spare_sandbox(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[sandboxes.Sandbox]:
    """A control plane that a test may disturb or extend; names are its own."""
    with _started(tmp_path_factory, openshift=False) as started:
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
