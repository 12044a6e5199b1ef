"""What is wrong with the pods of a workload, in words that stay the same.

A pod that fails goes through the same few states for ever: an image is pulled
and backed off from, a container crashes, waits and runs again. The ``subject``
of an ailment holds what these have in common; ``detail`` may differ each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from backstage_op.document import Document

MAX_MESSAGE_CHARACTERS: Final = 1024

CRASH_LOOP: Final = "CrashLoopBackOff"
IMAGE_PULL: Final = "ImagePullBackOff"

_REVISION_LABELS: Final = {
    "Deployment": "pod-template-hash",
    "StatefulSet": "controller-revision-hash",
}
_REVISION: Final = "deployment.kubernetes.io/revision"
_ENDED: Final = ("Failed", "Succeeded")
_STARTING: Final = ("", "ContainerCreating", "PodInitializing")
_SAME_WORD: Final = {"ErrImagePull": IMAGE_PULL}
_CUT: Final = "…"
_LEAST_SECRET_CHARACTERS: Final = 6
_FORGIVEN_AFTER: Final = timedelta(minutes=10)


class Terminated(msgspec.Struct, frozen=True, rename="camel"):
    """How a container ended."""

    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def was_long(self) -> bool:
        """Whether it ran long enough for the kubelet to forgive earlier crashes."""
        if self.started_at is None or self.finished_at is None:
            return False
        return self.finished_at - self.started_at >= _FORGIVEN_AFTER


class _Waiting(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class _State(msgspec.Struct, frozen=True):
    waiting: _Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a container does."""

    name: str
    ready: bool = False
    restart_count: int = 0
    state: _State = _State()
    last_state: _State = _State()


class _PodCondition(msgspec.Struct, frozen=True):
    type: str
    status: str
    reason: str = ""
    message: str = ""


class _PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    conditions: tuple[_PodCondition, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()


class _PodMetadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    deletion_timestamp: datetime | None = None


class Pod(msgspec.Struct, frozen=True):
    """The little of a pod that tells how it does; a partial view."""

    metadata: _PodMetadata
    status: _PodStatus = _PodStatus()


class ReplicaSet(msgspec.Struct, frozen=True):
    """The little of a ReplicaSet that tells which pods a Deployment wants now."""

    owner_uid: str
    revision: str
    template_hash: str

    @classmethod
    def of(
        cls, owner_uid: str, labels: Mapping[str, str], annotations: Mapping[str, str]
    ) -> ReplicaSet:
        """Return what the metadata of one say."""
        template_hash = labels.get(_REVISION_LABELS["Deployment"], "")
        return cls(owner_uid, annotations.get(_REVISION, ""), template_hash)


class Ailment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with one pod.

    Attributes:
        is_failure: A container fails, rather than a pod that waits for a node.
        subject: What stays the same as long as it is the same ailment.
        detail: The words of whoever knows, such as the kubelet.
    """

    is_failure: bool
    subject: str
    detail: str = ""

    @property
    def message(self) -> str:
        """Subject and detail in one text, capped."""
        text = f"{self.subject}: {self.detail}" if self.detail else self.subject
        if len(text) <= MAX_MESSAGE_CHARACTERS:
            return text
        return text[: MAX_MESSAGE_CHARACTERS - len(_CUT)] + _CUT


def revision_of(workload: Document, replica_sets: Iterable[ReplicaSet]) -> str:
    """Return the label value of the pods that belong to the current revision.

    Empty if the controller has not come so far yet: then no pod can be judged,
    and those of the revision before must not be.
    """
    metadata, status = workload["metadata"], workload.get("status") or {}
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        return ""
    if workload["kind"] == "StatefulSet":
        return str(status.get("updateRevision", ""))
    current = (metadata.get("annotations") or {}).get(_REVISION)
    for found in replica_sets:
        if found.owner_uid == metadata["uid"] and found.revision == current:
            return found.template_hash
    return ""


def ailments_of(
    pods: Iterable[Pod], workload: Document, revision: str
) -> tuple[Ailment, ...]:
    """Return what is wrong with the pods of a revision; failures come first.

    Pods that end, or have ended, are of no interest: others take their place. So
    are those of another revision, unless they keep this one from being rolled out.
    """
    if not revision:
        return ()
    label = _REVISION_LABELS[workload["kind"]]
    is_stuck = _waits_for_old_pods(workload)
    found: list[Ailment] = []
    for pod in sorted(pods, key=lambda pod: pod.metadata.name):
        if pod.metadata.deletion_timestamp is not None or pod.status.phase in _ENDED:
            continue
        if pod.metadata.labels.get(label) == revision:
            found += _ailments(pod)
        elif is_stuck:
            found += [_in_the_way(pod, ailment) for ailment in _ailments(pod)]
    return tuple(sorted(found, key=lambda ailment: not ailment.is_failure))


def _waits_for_old_pods(workload: Document) -> bool:
    """Tell whether a pod that is not ready holds up the revision after its own.

    A StatefulSet in order waits for it for ever, also where a template that was
    corrected could mend it: kubernetes/kubernetes#67250.
    """
    if workload["kind"] != "StatefulSet":
        return False
    return bool(workload["spec"].get("podManagementPolicy") != "Parallel")


def _in_the_way(pod: Pod, ailment: Ailment) -> Ailment:
    # The remedy comes first: it tells these words from those of the same pod as
    # long as its revision was the current one, and is never cut.
    return Ailment(
        is_failure=True,
        subject=f"delete pod {pod.metadata.name}, since a StatefulSet does not "
        f"replace a pod that is not ready: {ailment.subject}",
        detail=ailment.detail,
    )


def _ailments(pod: Pod) -> Iterator[Ailment]:
    status = pod.status
    for condition in status.conditions:
        if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
            yield Ailment(
                is_failure=False,
                subject=f"pod {pod.metadata.name} cannot be scheduled",
                detail=condition.message,
            )
    for prefix, containers in (
        ("init container", status.init_container_statuses),
        ("container", status.container_statuses),
    ):
        for container in containers:
            where = f"{prefix} {container.name} of pod {pod.metadata.name}"
            ailment = _ailment(container, where)
            if ailment is not None:
                yield ailment


def _ailment(container: ContainerStatus, where: str) -> Ailment | None:
    if container.ready:
        return None
    waiting = container.state.waiting
    ended = _failed(container)
    if ended is not None:
        how = f"exit code {ended.exit_code}"
        if ended.reason:
            how += f" ({ended.reason})"
        return Ailment(
            is_failure=True,
            subject=f"{where}: {CRASH_LOOP}, {how}",
            detail=ended.message.strip(),
        )
    if waiting is None or waiting.reason in _STARTING:
        return None
    reason = _SAME_WORD.get(waiting.reason, waiting.reason)
    # Its text counts the seconds of the back-off.
    detail = "" if reason == CRASH_LOOP else waiting.message
    return Ailment(is_failure=True, subject=f"{where}: {reason}", detail=detail)


def _failed(container: ContainerStatus) -> Terminated | None:
    """Return how a container ended that fails again and again.

    Between two crashes it runs for a while: that is no recovery until it is
    ready. The first crash alone may be that of a portal that was too early.
    """
    now = container.state
    ended = now.terminated or container.last_state.terminated
    if ended is None or not ended.exit_code or ended.was_long:
        return None
    is_between = now.terminated is not None or now.waiting is not None
    crashes = container.restart_count + is_between
    return ended if crashes > 1 else None


def without_values(text: str, values: Iterable[str]) -> str:
    """Return a text that a container wrote, without the values of its Secrets.

    A value of a few characters hides nothing and is found everywhere: it stays.
    """
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _LEAST_SECRET_CHARACTERS:
            text = text.replace(value, "***")
    return text
