from __future__ import annotations

from typing import Any

import pytest

from backstage_op.document import Document
from backstage_op.resources import rollout
from backstage_op.resources.base import READY, Readiness


def _deployment(
    replicas: int = 2, *, generation: int = 3, surplus: int = 0, **status: Any
) -> Document:
    full = {
        "observedGeneration": 3,
        "replicas": replicas + surplus,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "d", "generation": generation},
        "spec": {"replicas": replicas},
        "status": full | status,
    }


def _stateful_set(replicas: int = 1, **status: Any) -> Document:
    full = {
        "observedGeneration": 3,
        "replicas": replicas,
        "readyReplicas": replicas,
        "updatedReplicas": replicas,
        "currentRevision": "a",
        "updateRevision": "a",
    }
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "s", "generation": 3},
        "spec": {"replicas": replicas},
        "status": full | status,
    }


def _condition(**fields: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Other", "status": "True"}, fields]}


@pytest.mark.parametrize("replicas", [0, 1, 5])
def test_a_complete_rollout_is_ready(replicas: int) -> None:
    assert rollout.deployment_readiness(_deployment(replicas)) == READY
    assert rollout.stateful_set_readiness(_stateful_set(replicas)) == READY


@pytest.mark.parametrize(
    ("live", "message"),
    [
        (
            _deployment(generation=4),
            "the controller has not seen the last change yet",
        ),
        (_deployment(updatedReplicas=1), "1 of 2 pods updated"),
        (_deployment(readyReplicas=0), "0 of 2 pods ready"),
        (_deployment(availableReplicas=1), "1 of 2 pods available"),
        (_deployment(surplus=1), "1 old pods are still to end"),
        (_deployment(0, surplus=2), "2 old pods are still to end"),
    ],
)
def test_a_deployment_is_ready_only_if_all_of_it_is_new(
    live: Document, message: str
) -> None:
    assert rollout.deployment_readiness(live) == Readiness(
        ready=False, reason="DeployInProgress", message=message
    )


def test_a_deployment_without_a_status_is_not_ready() -> None:
    live = {"kind": "Deployment", "metadata": {"name": "d", "generation": 1}}

    assert not rollout.deployment_readiness(live).ready
    assert not rollout.stateful_set_readiness(live).ready


def test_old_pods_that_are_ready_do_not_hide_a_broken_rollout() -> None:
    live = _deployment(
        updatedReplicas=1,
        **_condition(
            type="Progressing",
            status="False",
            reason="ProgressDeadlineExceeded",
            message="ReplicaSet has timed out progressing.",
        ),
    )

    assert rollout.deployment_readiness(live) == Readiness(
        ready=False,
        reason="ProgressDeadlineExceeded",
        message="ReplicaSet has timed out progressing.",
    )


def test_pods_that_cannot_be_created_are_a_failure() -> None:
    live = _deployment(
        **_condition(
            type="ReplicaFailure",
            status="True",
            reason="FailedCreate",
            message="exceeded quota",
        ),
    )

    readiness = rollout.deployment_readiness(live)

    assert not readiness.ready
    assert readiness.message == "exceeded quota"


def test_a_failure_to_create_pods_is_told_apart_by_its_reason() -> None:
    """What publishes the status knows a failed rollout by these two reasons."""
    live = _deployment(
        **_condition(type="ReplicaFailure", status="True", reason="FailedCreate"),
    )

    assert rollout.deployment_readiness(live).reason == "ReplicaFailure"


def _without_replica_set(generation: int, reason: str) -> Document:
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": reason,
        "message": "exceeded quota",
    }
    return _deployment(generation=generation, **_condition(**condition))


@pytest.mark.parametrize("generation", [3, 4], ids=["seen", "not said to be seen"])
def test_a_replica_set_that_cannot_be_created_is_a_failure(generation: int) -> None:
    """The controller says no more than this, and not that it saw the change."""
    live = _without_replica_set(generation, "ReplicaSetCreateError")

    readiness = rollout.deployment_readiness(live)

    assert readiness == Readiness(
        ready=False, reason="ReplicaSetCreateError", message="exceeded quota"
    )
    assert readiness.reason in rollout.FAILED


def test_a_failure_of_the_rollout_before_is_none_of_this_one() -> None:
    live = _without_replica_set(4, "ProgressDeadlineExceeded")

    assert rollout.deployment_readiness(live) == Readiness(
        ready=False,
        reason="DeployInProgress",
        message="the controller has not seen the last change yet",
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            {"observedGeneration": 2},
            "the controller has not seen the last change yet",
        ),
        ({"readyReplicas": 0}, "0 of 1 pods ready"),
        (
            {"updateRevision": "b", "updatedReplicas": 0},
            "0 of 1 pods updated",
        ),
    ],
)
def test_a_stateful_set_is_ready_only_if_all_of_it_is_new(
    status: dict[str, Any], message: str
) -> None:
    assert rollout.stateful_set_readiness(_stateful_set(**status)) == Readiness(
        ready=False, reason="DeployInProgress", message=message
    )


def test_a_workload_that_does_not_say_wants_one_pod() -> None:
    assert rollout.wanted_replicas({"spec": {}}) == 1
    assert rollout.wanted_replicas({"spec": {"replicas": 0}}) == 0
