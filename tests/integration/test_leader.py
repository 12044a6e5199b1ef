"""Two operators, each with an account of its own: one of them works at a time."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from backstage_op import kube
from backstage_op.document import Document
from backstage_op.operator import lease
from backstage_op.sandbox import AuditEvent, Sandbox

from .conftest import StartOperator
from .process import OperatorProcess, wait_until
from .scene import ACCOUNT, Scene, wait_for_rights

pytestmark = pytest.mark.controlplane

_NAMESPACE: Final = ACCOUNT[0]
_ACCOUNTS: Final = ("leader-test-a", "leader-test-b")
_FLAGS: Final = ("--leader-elect", f"--leader-election-namespace={_NAMESPACE}")
_READS: Final = ("get", "list", "watch")


@pytest.fixture
def operators(
    sandbox: Sandbox, operator_kubeconfig: Path, start_operator: StartOperator
) -> dict[str, OperatorProcess]:
    """Two operators, ready, by their account."""
    for account in _ACCOUNTS:
        sandbox.apply(_same_rights(account))
        wait_for_rights(sandbox, (_NAMESPACE, account))
    return {
        account: start_operator(
            *_FLAGS, kubeconfig=sandbox.service_account_kubeconfig(_NAMESPACE, account)
        )
        for account in _ACCOUNTS
    }


def _same_rights(account: str) -> list[Document]:
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": account, "namespace": _NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": account, "namespace": _NAMESPACE},
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": account},
            "roleRef": {
                "apiGroup": group,
                "kind": "ClusterRole",
                "name": "backstage-op",
            },
            "subjects": [subject],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": account, "namespace": _NAMESPACE},
            "roleRef": {
                "apiGroup": group,
                "kind": "Role",
                "name": "backstage-op-leader-election",
            },
            "subjects": [subject],
        },
    ]


def _leader(operators: dict[str, OperatorProcess]) -> tuple[str, str]:
    """Wait until one leads; return its account, and that of the other one."""
    found: list[str] = []

    def is_one() -> bool:
        found[:] = [name for name, one in operators.items() if one.is_leader()]
        return len(found) == 1

    wait_until(is_one, "nobody leads")
    [other] = operators.keys() - set(found)
    return found[0], other


def _holder(sandbox: Sandbox) -> str:
    live = sandbox.admin.get(kube.LEASE.path(_NAMESPACE, lease.NAME)) or {}
    holder: str = live.get("spec", {}).get("holderIdentity") or ""
    return holder


def _writes(sandbox: Sandbox, since: int, account: str) -> list[AuditEvent]:
    """Return what an account wrote with success, in order, the Lease too."""
    user = f"system:serviceaccount:{_NAMESPACE}:{account}"
    return [
        event
        for event in sandbox.audit_events(since)
        if event.user == user and event.verb not in _READS and event.code < 300
    ]


def _wrote(events: list[AuditEvent], resource: str) -> bool:
    return any(event.resource == resource for event in events)


@contextmanager
def _kept_busy(scene: Scene) -> Iterator[None]:
    """Change the resource all the time, so that the leader always writes."""
    is_over = threading.Event()

    def churn() -> None:
        for number in itertools.count():
            value = {"envs": [{"name": "NUMBER", "value": str(number)}]}
            scene.backstage({"application": {"extraEnvs": value}})
            if is_over.wait(0.02):
                return

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_one_of_two_works_and_both_are_ready(
    scene: Scene, operators: dict[str, OperatorProcess]
) -> None:
    leader, other = _leader(operators)
    since = scene.mark()

    scene.backstage()
    scene.wait_deployed()

    assert operators[other].probe("readyz") == 200
    assert _wrote(_writes(scene.sandbox, since, leader), "deployments")
    assert _writes(scene.sandbox, since, other) == []


def test_a_leader_that_is_killed_is_followed(
    scene: Scene, operators: dict[str, OperatorProcess]
) -> None:
    leader, other = _leader(operators)
    since = scene.mark()
    operators[leader].kill()

    scene.backstage()
    wait_until(operators[other].is_leader, "nobody follows")
    scene.wait_deployed()

    assert _wrote(_writes(scene.sandbox, since, other), "deployments")


def test_a_leader_that_is_terminated_releases_the_lease_when_its_work_is_done(
    scene: Scene, operators: dict[str, OperatorProcess]
) -> None:
    leader, other = _leader(operators)
    holder, since = _holder(scene.sandbox), scene.mark()
    with _kept_busy(scene):
        wait_until(
            lambda: _wrote(_writes(scene.sandbox, since, leader), "deployments"),
            "the leader does nothing",
        )

        operators[leader].stop()

        wait_until(lambda: _holder(scene.sandbox) != holder, "the lease is not free")
        wait_until(operators[other].is_leader, "nobody follows")
    scene.wait_deployed()
    assert _writes(scene.sandbox, since, leader)[-1].resource == "leases"


def test_a_leader_that_stood_still_writes_nothing_when_it_goes_on(
    scene: Scene, operators: dict[str, OperatorProcess], seed: int
) -> None:
    leader, other = _leader(operators)
    since = scene.mark()
    with _kept_busy(scene):
        wait_until(
            lambda: _wrote(_writes(scene.sandbox, since, leader), "deployments"),
            "the leader does nothing",
        )
        threading.Event().wait(random.Random(seed).uniform(0, 0.2))
        with operators[leader].paused():
            wait_until(
                lambda: _wrote(_writes(scene.sandbox, since, other), "deployments"),
                "nobody follows",
            )
        wait_until(lambda: not operators[leader].is_leader(), "it still leads")
    scene.wait_deployed()

    claimed = next(
        event
        for event in _writes(scene.sandbox, since, other)
        if event.resource == "leases"
    )
    late = [
        event
        for event in _writes(scene.sandbox, since, leader)
        if event.timestamp > claimed.timestamp
    ]
    assert late == []
    assert operators[other].is_leader()
    assert operators[leader].probe("readyz") == 200
    assert "Traceback" not in operators[leader].log
