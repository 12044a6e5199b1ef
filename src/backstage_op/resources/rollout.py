"""Whether a Deployment or StatefulSet has finished its rollout.

A workload is ready only if the controller has seen the current generation and
every wanted pod, and no other, belongs to it: ready pods of the generation
before never make a broken rollout look good.
"""

from __future__ import annotations

from typing import Final

from backstage_op.document import Document

from .base import READY, Readiness

IN_PROGRESS: Final = "DeployInProgress"
DEADLINE_EXCEEDED: Final = "ProgressDeadlineExceeded"
REPLICA_FAILURE: Final = "ReplicaFailure"
REPLICA_SET_FAILURE: Final = "ReplicaSetCreateError"
FAILED: Final = (DEADLINE_EXCEEDED, REPLICA_FAILURE, REPLICA_SET_FAILURE)
"""Reasons of a rollout that does not go on: its controller has given up, or cannot."""


def deployment_readiness(live: Document) -> Readiness:
    """Judge a live Deployment."""
    status = live.get("status") or {}
    failure = _failure(status)
    # Without a ReplicaSet the controller writes that condition and no more, not
    # even which generation it has seen; it takes it back once there is one.
    is_told = failure is not None and failure.reason == REPLICA_SET_FAILURE
    if not is_told and not _is_observed(live, status):
        return _in_progress("the controller has not seen the last change yet")
    if failure is not None:
        return failure
    return _complete(live, status, available="availableReplicas")


def stateful_set_readiness(live: Document) -> Readiness:
    """Judge a live StatefulSet."""
    status = live.get("status") or {}
    if not _is_observed(live, status):
        return _in_progress("the controller has not seen the last change yet")
    current, update = status.get("currentRevision"), status.get("updateRevision")
    if wanted_replicas(live) and current != update and not _is_updated(live, status):
        updated = status.get("updatedReplicas", 0)
        return _in_progress(f"{updated} of {wanted_replicas(live)} pods updated")
    return _complete(live, status, available="readyReplicas", updated="replicas")


def readiness_of(live: Document) -> Readiness:
    """Judge a live workload of either kind."""
    is_stateful = live["kind"] == "StatefulSet"
    return stateful_set_readiness(live) if is_stateful else deployment_readiness(live)


def available_replicas(live: Document) -> int:
    """Return how many pods of a workload serve, of whichever revision."""
    status = live.get("status") or {}
    return int(status.get("availableReplicas", 0))


def wanted_replicas(workload: Document) -> int:
    """Return how many pods a workload asks for; one if it does not say."""
    return int((workload.get("spec") or {}).get("replicas", 1))


def _is_observed(live: Document, status: Document) -> bool:
    generation = (live.get("metadata") or {}).get("generation", 0)
    return bool(status.get("observedGeneration", 0) >= generation)


def _is_updated(live: Document, status: Document) -> bool:
    return bool(status.get("updatedReplicas", 0) == wanted_replicas(live))


def _complete(
    live: Document,
    status: Document,
    *,
    available: str,
    updated: str = "updatedReplicas",
) -> Readiness:
    wanted = wanted_replicas(live)
    for field, words in (
        (updated, "updated"),
        ("readyReplicas", "ready"),
        (available, "available"),
    ):
        count = status.get(field, 0)
        if count < wanted:
            return _in_progress(f"{count} of {wanted} pods {words}")
    surplus = status.get("replicas", 0) - wanted
    if surplus > 0:
        return _in_progress(f"{surplus} old pods are still to end")
    return READY


def _failure(status: Document) -> Readiness | None:
    """Return what the controller of a Deployment says that it cannot do."""
    for condition_type, failing in (
        ("Progressing", "False"),
        (REPLICA_FAILURE, "True"),
    ):
        condition = _condition(status, condition_type)
        if condition.get("status") == failing:
            return Readiness(
                ready=False,
                reason=_reason(condition_type, condition),
                message=str(condition.get("message", "")),
            )
    return None


def _reason(condition_type: str, condition: Document) -> str:
    """Return the word for a rollout that fails: the type says it, or the reason."""
    if condition_type == REPLICA_FAILURE:
        return REPLICA_FAILURE
    return str(condition.get("reason") or condition_type)


def _condition(status: Document, condition_type: str) -> Document:
    for condition in status.get("conditions") or ():
        if condition.get("type") == condition_type:
            return dict(condition)
    return {}


def _in_progress(message: str) -> Readiness:
    return Readiness(ready=False, reason=IN_PROGRESS, message=message)
