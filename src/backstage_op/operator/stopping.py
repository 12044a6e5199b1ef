"""A database that is not wanted for now: stopped, with its data, and started again."""

from __future__ import annotations

from typing import Final

from backstage_op import kube
from backstage_op.document import Document

STOP: Final[Document] = {
    "spec": {
        "replicas": 0,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain"},
    }
}
"""Takes the pods away, and leaves the claim to nobody's garbage collection."""

START: Final[Document] = {"spec": {"replicas": None}}
"""Gives the number of pods back to the API server, whose default is one."""


def is_kept(live: Document) -> bool:
    """Tell whether :data:`STOP` would change nothing."""
    spec = live["spec"]
    policy = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    return spec.get("replicas") == 0 and policy.get("whenDeleted") != "Delete"


def is_stopped(desired: Document, live: Document) -> bool:
    """Tell whether a workload has no pods because of :data:`STOP` alone."""
    wanted, has = desired.get("spec") or {}, live.get("spec") or {}
    return (
        "replicas" not in wanted
        and has.get("replicas") == 0
        and kube.has_set(live, kube.FIELD_MANAGER, "spec", "replicas")
    )
