"""The operator as a process, with the rights that are deployed and no others."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backstage_op.sandbox import Sandbox

from .process import OperatorProcess
from .scene import ACCOUNT, Scene, wait_for_rights

_DEPLOY = Path(__file__).parents[2] / "deploy"

StartOperator = Callable[..., OperatorProcess]


def install(sandbox: Sandbox) -> Path:
    """Give a cluster the operator's account and rights; return its kubeconfig."""
    for name in ("namespace", "rbac", "leader-election", "metrics"):
        sandbox.apply(_DEPLOY / f"{name}.yaml")
    wait_for_rights(sandbox, ACCOUNT)
    return sandbox.service_account_kubeconfig(*ACCOUNT)


@pytest.fixture(scope="session")
def operator_kubeconfig(sandbox: Sandbox) -> Path:
    """The kubeconfig of the ServiceAccount that ``deploy/`` makes."""
    return install(sandbox)


@pytest.fixture(scope="session")
def everywhere() -> list[OperatorProcess]:
    """The operator that works in all namespaces of ``sandbox``, if one does."""
    return []


@pytest.fixture(scope="module")
def operator(
    operator_kubeconfig: Path,
    tmp_path_factory: pytest.TempPathFactory,
    everywhere: list[OperatorProcess],
) -> Iterator[OperatorProcess]:
    """An operator for all namespaces, for the tests of one module."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    process = OperatorProcess(operator_kubeconfig, log)
    everywhere.append(process)
    try:
        process.wait_ready()
        yield process
        process.stop()
        assert "unexpected error" not in process.log
        assert "Traceback" not in process.log
    finally:
        everywhere.remove(process)
        process.kill()


@pytest.fixture
def start_operator(
    operator_kubeconfig: Path, tmp_path: Path, everywhere: list[OperatorProcess]
) -> Iterator[StartOperator]:
    """Start an operator with more flags.

    Not in a module that uses the fixture ``operator``: two would do the same work.
    """
    assert everywhere == [], "another operator is at work; use a module of its own"
    started: list[OperatorProcess] = []
    numbers = itertools.count()

    def start(*flags: str, kubeconfig: Path | None = None) -> OperatorProcess:
        log = tmp_path / f"operator-{next(numbers)}.log"
        process = OperatorProcess(kubeconfig or operator_kubeconfig, log, flags)
        started.append(process)
        process.wait_ready()
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def scene(sandbox: Sandbox, namespace: str) -> Iterator[Scene]:
    """A namespace, in which the operator keeps to its rights and to its objects."""
    scene = Scene(sandbox, namespace)
    yield scene
    denied = [event for event in scene.events() if event.code == 403]
    nameless = [
        event
        for event in scene.writes()
        if event.verb != "delete" and "fieldManager=" not in event.request_uri
    ]
    assert denied == []
    assert nameless == []
    assert scene.foreign_writes() == []
