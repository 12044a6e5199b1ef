"""An operator that is killed after any write of a creation is continued by the next.

By default a few of the writes are tried; ``--every-fault`` tries each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import proxy as proxies
from tests.support.faults import sampled

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.sandbox import Sandbox

from .conftest import StartOperator
from .process import OperatorProcess, wait_until
from .scene import Scene

pytestmark = [pytest.mark.controlplane, pytest.mark.timeout(1800)]

_WRITES = 10


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[proxies.Proxy]:
    certificate = sandbox.directory / "certificates" / "apiserver.crt"
    with proxies.running(sandbox.url, certificate) as proxy:
        yield proxy


@pytest.fixture
def through_proxy(
    sandbox: Sandbox, proxy: proxies.Proxy, operator_kubeconfig: Path, tmp_path: Path
) -> Path:
    """A kubeconfig that leads through the proxy."""
    text = operator_kubeconfig.read_text()
    assert sandbox.url in text
    path = tmp_path / "through-proxy.kubeconfig"
    path.write_text(text.replace(sandbox.url, proxy.url))
    return path


@pytest.fixture
def chosen(every_fault: bool, seed: int) -> list[int]:
    """After which writes the operator is killed."""
    numbers = list(range(1, _WRITES + 1))
    return sampled(numbers, 3, None if every_fault else seed)


def test_what_a_killed_operator_began_is_ended_once(
    scene: Scene,
    proxy: proxies.Proxy,
    through_proxy: Path,
    start_operator: StartOperator,
    chosen: list[int],
) -> None:
    def start() -> OperatorProcess:
        flag = f"--namespace={scene.namespace}"
        return start_operator(flag, kubeconfig=through_proxy)

    operator = start()
    expected = _made(scene, "whole")
    for number in chosen:
        name = f"after-{number}"
        proxy.after_write(number, operator.kill)
        since = scene.mark()
        scene.backstage(name=name)
        wait_until(operator.has_ended, f"not killed after write {number}")
        before = _secrets(scene)

        operator = start()
        scene.wait_deployed(name)

        after = _secrets(scene)
        assert {key: after.get(key) for key in before} == before, number
        assert _created(scene, since) == expected, number


def _made(scene: Scene, name: str) -> Counter[str]:
    """Let an instance be made, and return what was created for it."""
    since = scene.mark()
    scene.backstage(name=name)
    scene.wait_deployed(name)
    return _created(scene, since)


def _created(scene: Scene, since: int) -> Counter[str]:
    return Counter(
        event.resource
        for event in scene.writes(since)
        if event.code == 201 and event.resource != "events"
    )


def _secrets(scene: Scene) -> dict[str, Document]:
    """Return what the Secrets hold, and which objects they are."""
    found = {}
    for name in scene.names(kube.SECRET):
        live = scene.get(kube.SECRET, name)
        found[name] = {"uid": live["metadata"]["uid"], "data": live.get("data")}
    return found
