"""What cannot be changed is made anew, if nothing is lost by it.

The API server refuses to change some fields. A workload is then deleted
without its pods, and the new one adopts them; what has no dependants is
deleted and created; a claim is never replaced, for its data would go with it.
"""

from __future__ import annotations

from typing import Final, final

from backstage_op import api, errors, kube
from backstage_op.document import Document, ObjectRef, copied, ref_of
from backstage_op.graph import Outcome

from .live import Live

_SIGNS: Final = (
    "field is immutable",
    "immutable after creation",
    "field can not be less than",
    "may not change once set",
    "updates to statefulset spec for fields other than",
)
_MOST_CHARACTERS: Final = 40
_ASSIGNED: Final = ("clusterIP", "clusterIPs", "healthCheckNodePort")


def is_immutable(
    error: errors.RejectedError, desired: Document, live: Document
) -> bool:
    """Tell whether a change was refused because a field never changes."""
    match desired["kind"]:
        case "Deployment":
            # The message quotes the selector, and may be cut before its point.
            return bool(_selector(desired) != _selector(live))
        case "ConfigMap" | "Secret":
            return live.get("immutable") is True
        case _:
            return any(sign in error.detail for sign in _SIGNS)


@final
class Replacer:
    """Replaces objects that an instance controls."""

    def __init__(self, client: kube.Client, live: Live) -> None:
        self._client = client
        self._live = live

    async def replace(
        self, desired: Document, live: Document, error: errors.RejectedError
    ) -> tuple[Outcome, bool]:
        """Make an object anew; return how that ended, and whether it was begun.

        Args:
            desired: What was refused.
            live: The object that is there, ours.
            error: What the API server said.

        Raises:
            errors.KubeError: the API server did not do it.
        """
        ref = ref_of(desired)
        if ref.kind == "PersistentVolumeClaim" or (
            ref.kind == "StatefulSet" and not _adopts(desired, live)
        ):
            return (
                Outcome.failed(
                    api.Reason.IMMUTABLE_FIELD,
                    f"{ref} cannot be changed in this way, and its data are not put "
                    f"at risk; undo the change: {error.detail}",
                ),
                False,
            )
        # Nothing is deleted for what could not be created.
        await self._client.apply(_trial(desired), create_only=True, dry_run=True)
        is_workload = ref.kind in ("Deployment", "StatefulSet")
        keeps_pods = is_workload and _adopts(desired, live)
        await self._client.delete(
            ref,
            uid=live["metadata"]["uid"],
            propagation="Orphan" if keeps_pods else "Background",
        )
        if is_workload:
            return _replacing(ref), True
        try:
            created = await self._client.apply(desired, create_only=True)
        except errors.ConflictError:
            return _replacing(ref), True
        self._live.observe(created)
        return Outcome.changed(), True


def _adopts(desired: Document, live: Document) -> bool:
    """Tell whether the new workload selects the pods of the old one."""
    labels = live["spec"]["template"]["metadata"].get("labels") or {}
    return bool(_selector(desired).items() <= labels.items())


def _selector(workload: Document) -> Document:
    found: Document = workload["spec"]["selector"].get("matchLabels") or {}
    return found


def _trial(desired: Document) -> Document:
    """Return the object under a name that is free, without what is given once."""
    trial: Document = copied(desired)
    trial["metadata"]["name"] = f"{ref_of(desired).name[:_MOST_CHARACTERS]}-trial"
    if desired["kind"] == "Service":
        if trial["spec"].get("clusterIP") != "None":
            for field in _ASSIGNED:
                trial["spec"].pop(field, None)
        for port in trial["spec"].get("ports") or ():
            port.pop("nodePort", None)
    return trial


def _replacing(ref: ObjectRef) -> Outcome:
    return Outcome.waiting("Replacing", f"{ref} is being replaced")
