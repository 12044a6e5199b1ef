"""Conditions: what the status says, in the form all Kubernetes tools read.

``lastTransitionTime`` changes only when ``status`` does, and the order of the
conditions never does.
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
    """The aspects of a ``Backstage`` that its status speaks about."""

    DEPLOYED = "Deployed"
    CONFIG = "Config"


class Reason(StrEnum):
    """Why a condition has its status: one word that programs compare.

    The first group is that of ``Deployed``, with the names of the Go operator.
    The second is that of ``Config``: valid, the ``reason`` of the error, or that
    an object of the name belongs to somebody else.
    """

    DEPLOY_IN_PROGRESS = "DeployInProgress"
    DEPLOYED = "Deployed"
    DEPLOY_FAILED = "DeployFailed"
    IDLED = "Idled"

    VALID = "Valid"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    INVALID_SPEC = "InvalidSpec"
    INVALID_RAW_CONFIG = "InvalidRawConfig"
    UNKNOWN_KEY = "UnknownKey"
    INVALID_DYNAMIC_PLUGINS = "InvalidDynamicPlugins"
    INVALID_PATCH = "InvalidPatch"
    INVALID_SETTINGS = "InvalidSettings"
    REFERENCED_OBJECT_NOT_FOUND = "ReferencedObjectNotFound"
    REFERENCED_KEY_NOT_FOUND = "ReferencedKeyNotFound"
    OWNERSHIP_CONFLICT = "OwnershipConflict"


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One aspect of the state, as ``metav1.Condition`` defines it.

    An empty message is written out, since the API server asks for one.
    """

    type: Annotated[
        str, Meta(description="The aspect: Deployed or Config.", max_length=316)
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


def set_condition(
    conditions: Iterable[Condition], new: Condition, now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions with the one of the same type replaced by ``new``.

    A new type goes to the end. ``now`` (aware) becomes the transition time,
    in whole seconds, only where the status changes; whatever time ``new``
    carries is ignored. A message beyond the limit is shortened.
    """
    before = tuple(conditions)
    old = next((c for c in before if c.type == new.type), None)
    changed = old is None or old.status != new.status
    entry = msgspec.structs.replace(
        new,
        message=_shortened(new.message),
        last_transition_time=(
            now.astimezone(UTC).replace(microsecond=0)
            if changed or old is None
            else old.last_transition_time
        ),
    )
    if old is None:
        return (*before, entry)
    return tuple(entry if c is old else c for c in before)


def _shortened(message: str) -> str:
    if len(message) <= MAX_MESSAGE_CHARACTERS:
        return message
    return message[: MAX_MESSAGE_CHARACTERS - len(_CUT)] + _CUT
