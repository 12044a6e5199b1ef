"""What an event of a watch tells: an object as it was and is, and how it matters."""

from __future__ import annotations

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


def is_urgent(old: kube.Observed | None, new: kube.Observed | None) -> bool:
    """Tell whether an object differs from what it should be, or is ready at last."""
    if old is None or new is None or differs(old, new) or old.owners != new.owners:
        return True
    # Without a generation nothing tells a change of status from one of content.
    if not new.generation:
        return True
    if new.ref.kind not in _WORKLOADS:
        return False
    return _is_ready(new) and not _is_ready(old)


def _is_ready(observed: kube.Observed) -> bool:
    return resources.workload_readiness(observed.document()).ready
