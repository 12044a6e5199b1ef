"""What a graph is made of: nodes, their needs, and how a node ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeAlias

import msgspec


class Status(StrEnum):
    """How a node ended a walk, in the words of a recap."""

    OK = "ok"
    """Nothing had to be done, and it is ready."""
    CHANGED = "changed"
    """Something was written in this walk."""
    WAITING = "waiting"
    """Nothing had to be done, and it is not ready yet."""
    FAILED = "failed"
    """It was tried and did not work."""
    BLOCKED = "blocked"
    """It was not tried, because a need was not met."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one node ended.

    ``ready`` is what nodes with a ``READY`` gate wait for. ``reason`` is a
    CamelCase word for machines, ``message`` a sentence for people.
    """

    status: Status
    ready: bool
    reason: str = ""
    message: str = ""

    @classmethod
    def ok(cls) -> Outcome:
        """Nothing had to be done, and it is ready."""
        return cls(status=Status.OK, ready=True)

    @classmethod
    def changed(
        cls, *, ready: bool = True, reason: str = "", message: str = ""
    ) -> Outcome:
        """Something was written; say whether it is ready already, and why not."""
        return cls(status=Status.CHANGED, ready=ready, reason=reason, message=message)

    @classmethod
    def waiting(cls, reason: str, message: str) -> Outcome:
        """Nothing had to be done; it is not ready yet."""
        return cls(status=Status.WAITING, ready=False, reason=reason, message=message)

    @classmethod
    def failed(cls, reason: str, message: str) -> Outcome:
        """It was tried and did not work."""
        return cls(status=Status.FAILED, ready=False, reason=reason, message=message)

    @classmethod
    def blocked(cls, message: str) -> Outcome:
        """It was not tried, because a need was not met."""
        return cls(
            status=Status.BLOCKED, ready=False, reason="Blocked", message=message
        )


class Gate(StrEnum):
    """What an edge waits for."""

    APPLIED = "applied"
    READY = "ready"


class Need(msgspec.Struct, frozen=True):
    """An edge: the key of another node, and what of it must be reached."""

    key: str
    gate: Gate = Gate.APPLIED

    def met_by(self, outcome: Outcome) -> bool:
        """Tell whether a node that ended like this lets its dependant start."""
        match self.gate:
            case Gate.APPLIED:
                return outcome.status not in (Status.FAILED, Status.BLOCKED)
            case Gate.READY:
                return outcome.ready


Step: TypeAlias = Callable[[], Awaitable[Outcome]]
"""What a node does. Expected failures are returned as outcomes, not raised."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of work: a unique key, the nodes it needs, and what it does."""

    key: str
    needs: tuple[Need, ...] = ()
    step: Step
