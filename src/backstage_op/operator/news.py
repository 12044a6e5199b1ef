"""What an event of a watch tells: an object as it was and is, and how it matters."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from backstage_op import kube, resources

_WORKLOADS: Final = (kube.DEPLOYMENT.kind, kube.STATEFUL_SET.kind)


def is_edit(old: kube.Observed | None, new: kube.Observed | None) -> bool:
    """Tell whether somebody changed what an object of a user holds."""
    return (
        old is not None
        and new is not None
        and new.ref.kind != kube.PERSISTENT_VOLUME_CLAIM.kind
        and resources.instance_name_of(new.labels) is None
    )


def differs(old: kube.Observed, new: kube.Observed) -> bool:
    """Tell whether more than the status changed."""
    return (
        old.uid != new.uid
        or old.generation != new.generation
        or old.deleting != new.deleting
        or old.annotations != new.annotations
        or old.labels != new.labels
    )


class Weight(StrEnum):
    """How much an event of an object of ours asks for a look."""

    CHANGE = "change"
    """It may differ from what it should be."""
    READY = "ready"
    """It is ready at last: something may wait for it."""
    PROGRESS = "progress"
    """It is on its way; a step more or less matters little."""


def weight_of(old: kube.Observed | None, new: kube.Observed | None) -> Weight:
    """Tell how much an event of an object of ours asks for a look."""
    if old is None or new is None or differs(old, new) or old.owners != new.owners:
        return Weight.CHANGE
    # Without a generation nothing tells a change of status from one of content.
    if not new.generation:
        return Weight.CHANGE
    is_ready = new.ref.kind in _WORKLOADS and _is_ready(new) and not _is_ready(old)
    return Weight.READY if is_ready else Weight.PROGRESS


def _is_ready(observed: kube.Observed) -> bool:
    return resources.workload_readiness(observed.document()).ready
