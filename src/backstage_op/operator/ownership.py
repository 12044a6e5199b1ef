"""Whether an object that is there belongs to an instance.

The proof is the controller reference. Where there is none, it is what our
field manager has written, and for what is created once also our labels, so
that a Secret that was restored from a backup is known again.
"""

from __future__ import annotations

from enum import StrEnum

from backstage_op import api, kube, resources


class Bond(StrEnum):
    """Whose an object of one of our names is."""

    OURS = "ours"
    """It was made for the instance."""
    PREVIOUS = "previous"
    """It was made for a deleted resource of the same name: the cluster's garbage
    collector removes it."""
    FOREIGN = "foreign"
    """Somebody else made it."""


def bond_of(
    instance: resources.Instance,
    lifecycle: resources.Lifecycle,
    observed: kube.Observed,
) -> Bond:
    """Tell whose an object is; it has one of the names of the instance."""
    if lifecycle is resources.Lifecycle.LABELED:
        is_labeled = resources.carries_distant_labels_of(instance, observed.labels)
        return Bond.OURS if is_labeled else Bond.FOREIGN
    controller = observed.controller()
    if controller is not None:
        if controller.uid == instance.uid:
            return Bond.OURS
        # Only one resource at a time has that name, and it has another uid.
        is_previous = controller.kind == api.KIND and controller.name == instance.name
        return Bond.PREVIOUS if is_previous else Bond.FOREIGN
    live = observed.document()
    if lifecycle is resources.Lifecycle.CREATE_ONCE:
        is_ours = resources.carries_labels_of(
            instance, observed.labels
        ) or kube.has_written(live, kube.FIELD_MANAGER)
    else:
        # Somebody removed the owner reference; what we applied remains ours.
        is_ours = kube.has_applied(live, kube.FIELD_MANAGER)
    return Bond.OURS if is_ours else Bond.FOREIGN
