"""Conditions: what the status says, in the form all Kubernetes tools read.

``lastTransitionTime`` changes only when ``status`` does. The order of the
conditions is that of their types, whatever was found first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

MAX_MESSAGE_CHARACTERS: Final = 32768
"""The limit of ``metav1.Condition``."""

_CUT: Final = "… (shortened)"

ConditionStatus: TypeAlias = Literal["True", "False", "Unknown"]


class ConditionType(StrEnum):
    """The aspects of a ``Backstage`` that its status speaks about, in this order.

    The last two are there only while they hold: tools that know no ``Backstage``
    (kstatus, and what builds on it) tell by them what is not current yet.
    """

    DEPLOYED = "Deployed"
    RUNTIME = "Runtime"
    CONFIG = "Config"
    DATABASE = "Database"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


class Reason(StrEnum):
    """Why a condition has its status: one word that programs compare.

    The groups are those of ``Deployed`` and ``Runtime``, with the names of the Go
    operator, of ``Database``, and of ``Config``: valid, not judged yet, the
    ``reason`` of the error, or what keeps an object from being made.
    """

    DEPLOY_IN_PROGRESS = "DeployInProgress"
    DEPLOYED = "Deployed"
    DEPLOY_FAILED = "DeployFailed"
    IDLED = "Idled"

    RUNNING = "Running"
    CONTAINER_FAILED = "ContainerFailed"
    PENDING = "Pending"
    NOT_DEPLOYED = "NotDeployed"

    READY = "Ready"
    NOT_READY = "NotReady"
    EXTERNAL = "External"
    MAJOR_UPGRADE_REQUIRED = "MajorUpgradeRequired"
    PASSWORD_LOST = "PasswordLost"  # noqa: S105 - a reason

    VALID = "Valid"
    NOT_JUDGED = "NotJudged"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    INVALID_SPEC = "InvalidSpec"
    INVALID_RAW_CONFIG = "InvalidRawConfig"
    UNKNOWN_KEY = "UnknownKey"
    INVALID_DYNAMIC_PLUGINS = "InvalidDynamicPlugins"
    INVALID_PATCH = "InvalidPatch"
    INVALID_SETTINGS = "InvalidSettings"
    INVALID_REFERENCE = "InvalidReference"
    FORBIDDEN_REFERENCE = "ForbiddenReference"
    CONFLICTING_MOUNTS = "ConflictingMounts"
    FORBIDDEN_MOUNT = "ForbiddenMount"
    UNKNOWN_CONTAINER = "UnknownContainer"
    CROSS_NAMESPACE = "CrossNamespace"
    FORBIDDEN_PATCH = "ForbiddenPatch"
    IMMUTABLE_FIELD = "ImmutableField"
    INVALID_OBJECT = "InvalidObject"
    QUOTA_EXCEEDED = "QuotaExceeded"
    ADMISSION_DENIED = "AdmissionDenied"
    DEPENDENCY_MISSING = "DependencyMissing"
    FORBIDDEN = "Forbidden"
    DELETION_FAILED = "DeletionFailed"
    REFERENCED_OBJECT_NOT_FOUND = "ReferencedObjectNotFound"
    REFERENCED_KEY_NOT_FOUND = "ReferencedKeyNotFound"
    OWNERSHIP_CONFLICT = "OwnershipConflict"


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One aspect of the state, as ``metav1.Condition`` defines it.

    An empty message is written out, since the API server asks for one.
    """

    type: Annotated[
        str,
        Meta(
            description="The aspect: Deployed, Runtime, Config, Database; while it "
            "holds, Reconciling or Stalled.",
            max_length=316,
        ),
    ]
    status: Annotated[ConditionStatus, Meta(description="Whether the aspect holds.")]
    reason: Annotated[
        str,
        Meta(
            description="Why, as one CamelCase word that programs may compare.",
            min_length=1,
            max_length=1024,
        ),
    ]
    message: Annotated[
        str,
        Meta(
            description="Why, for people: the object, the field, the value found "
            "and the remedy.",
            max_length=MAX_MESSAGE_CHARACTERS,
            extra={"required": True},
        ),
    ] = ""
    observed_generation: Annotated[
        int,
        Meta(
            description="The metadata.generation that this condition was computed "
            "for; the condition is out of date while the two differ.",
            ge=0,
        ),
    ] = 0
    last_transition_time: (
        Annotated[
            datetime,
            Meta(
                description="When the status last changed, in UTC.",
                tz=True,
                extra={"required": True},
            ),
        ]
        | None
    ) = None


def set_conditions(
    before: Iterable[Condition], ours: Iterable[Condition], now: datetime
) -> tuple[Condition, ...]:
    """Return our conditions in the order of their types, then those of others.

    Those of our types that are not in ``ours`` are gone. ``now`` (aware) becomes
    the transition time, in whole seconds, only where the status changes;
    whatever time a new one carries is ignored. A message beyond the limit is
    shortened.
    """
    before = tuple(before)
    old = {condition.type: condition for condition in before}
    new = {
        condition.type: _entry(old.get(condition.type), condition, now)
        for condition in ours
    }
    known = [new[kind] for kind in ConditionType if kind in new]
    return (*known, *(c for c in before if c.type not in set(ConditionType)))


def _entry(old: Condition | None, new: Condition, now: datetime) -> Condition:
    changed_at = now.astimezone(UTC).replace(microsecond=0)
    if old is not None and old.status == new.status and old.last_transition_time:
        changed_at = old.last_transition_time
    return msgspec.structs.replace(
        new, message=_shortened(new.message), last_transition_time=changed_at
    )


def _shortened(message: str) -> str:
    if len(message) <= MAX_MESSAGE_CHARACTERS:
        return message
    return message[: MAX_MESSAGE_CHARACTERS - len(_CUT)] + _CUT
