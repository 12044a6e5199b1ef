"""What the status of a resource says, computed from what a reconcile found.

The rules, in this order, for the condition ``Deployed``:

1. The configuration cannot be used, or an object could not be applied:
   False, ``DeployFailed``, with every fault in the message.
2. The instance is idled on purpose: False, ``Idled``.
3. The rollout of the current generation is complete: True, ``Deployed``.
4. A pod of it, or the rollout, failed: False, ``DeployFailed``, in the words of
   whoever knows best: the kubelet, else the controller of the workload.
5. Otherwise: False, ``DeployInProgress``.

``Runtime`` is about pods, ``Config`` about what a user changes, ``Database``
about the local database; neither says ``Idled`` of pods that nobody has stopped
yet. What could not be judged this time, for want of an answer, stays as it was
judged last, with the generation of that time. Words stay the same while they are
true, so that a status is written only when somebody learns something from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec

from backstage_op import api, errors, resources
from backstage_op.api import ConditionType, Reason

from . import refusals
from .findings import Findings, Seen

_LOST: Final = (Reason.MAJOR_UPGRADE_REQUIRED, Reason.PASSWORD_LOST)
_FOR_A_PERSON: Final = (
    Reason.OWNERSHIP_CONFLICT,
    Reason.IMMUTABLE_FIELD,
    Reason.DELETION_FAILED,
    Reason.FORBIDDEN,
    Reason.DEPENDENCY_MISSING,
    *refusals.REASONS,
)
"""Reasons of objects that a person has to do something about."""
_IDLED: Final = "Instance is idled"
_NOT_JUDGED: Final = "not judged yet, because of what Deployed says"


def next_status(
    current: api.BackstageStatus, generation: int, findings: Findings, now: datetime
) -> api.BackstageStatus:
    """Return the status that tells what was found about a generation.

    Conditions that say the same as before keep their transition time, and an
    ailment the words it was first told in, so the result equals ``current``
    when nothing new is known.
    """
    words = _Words(current, generation, findings)
    return msgspec.structs.replace(
        current,
        conditions=api.set_conditions(current.conditions, words.conditions(), now),
        observed_generation=generation,
        url=current.url if findings.url is None else findings.url,
    )


def is_passing(
    current: api.BackstageStatus, new: api.BackstageStatus, findings: Findings
) -> bool:
    """Tell whether what is new is about to be outdated, and need not be told at once.

    While a portal is on its way, its database becomes ready, and a pod has no
    node until its claim has a volume: the status that tells of the portal will
    do, if it comes soon. A failure is never held back.
    """
    old = {c.type: c for c in current.conditions}
    differing = [c for c in new.conditions if c != old.get(c.type)]
    deployed = old.get(ConditionType.DEPLOYED)
    return (
        deployed is not None
        and deployed.reason == Reason.DEPLOY_IN_PROGRESS
        and not findings.has_failure
        and msgspec.structs.replace(new, conditions=current.conditions) == current
        and old.keys() == {c.type for c in new.conditions}
        and all(_may_wait(old[c.type], c) for c in differing)
    )


def _may_wait(old: api.Condition, new: api.Condition) -> bool:
    return old.reason in (Reason.NOT_READY, Reason.PENDING) and new.reason in (
        old.reason,
        Reason.READY,
    )


def document_of(status: api.BackstageStatus) -> dict[str, object]:
    """Return a status as a merge patch: what is empty is removed."""
    document: dict[str, object] = msgspec.to_builtins(status)
    return {"url": None, **document}


class _Words:
    """The conditions of one generation, in words."""

    def __init__(
        self, current: api.BackstageStatus, generation: int, findings: Findings
    ) -> None:
        self._said = {c.type: c for c in current.conditions}
        self._generation = generation
        self._findings = findings

    def conditions(self) -> Iterator[api.Condition]:
        deployed = self._deployed()
        database = self._database()
        yield deployed
        yield self._runtime()
        yield self._config()
        yield database
        # What tools make of a resource that they do not know: kstatus.
        for condition in (deployed, database):
            if condition.reason in (Reason.DEPLOY_FAILED, *_LOST):
                yield self._abnormal(ConditionType.STALLED, condition)
                return
        for condition in (deployed, database):
            if condition.reason in (Reason.DEPLOY_IN_PROGRESS, Reason.NOT_READY):
                yield self._abnormal(ConditionType.RECONCILING, condition)
                return

    def _deployed(self) -> api.Condition:
        kind, portal = ConditionType.DEPLOYED, self._findings.portal
        problems = "; ".join(self._findings.problems())
        if problems:
            return self._condition(kind, "False", Reason.DEPLOY_FAILED, problems)
        if self._findings.is_idled:
            return self._condition(kind, "False", Reason.IDLED, _IDLED)
        outcome = self._findings.outcome(resources.WORKLOAD_KEY)
        if outcome is not None and outcome.ready:
            return self._condition(kind, "True", Reason.DEPLOYED)
        failure = self._ailment(portal, kind, is_failure=True, prefix=portal.name)
        if not failure and outcome and outcome.reason in resources.FAILED_ROLLOUT:
            failure = f"{portal.name}: {outcome.message}"
        if failure:
            return self._condition(kind, "False", Reason.DEPLOY_FAILED, failure)
        # The same words from the first object to the last, whatever is waited
        # for just now: a write for each step would tell nobody anything.
        return self._condition(
            kind,
            "False",
            Reason.DEPLOY_IN_PROGRESS,
            f"waiting for the rollout of {portal.name} to complete",
        )

    def _runtime(self) -> api.Condition:
        kind, portal = ConditionType.RUNTIME, self._findings.portal
        if self._findings.is_idled and portal.is_stopped:
            return self._condition(kind, "False", Reason.IDLED, _IDLED)
        if portal.readiness is None and any(self._findings.problems()):
            return self._condition(
                kind, "Unknown", Reason.NOT_DEPLOYED, f"there is no {portal.name}"
            )
        if failure := self._ailment(portal, kind, is_failure=True):
            return self._condition(kind, "False", Reason.CONTAINER_FAILED, failure)
        if pending := self._ailment(portal, kind, is_failure=False):
            return self._condition(kind, "False", Reason.PENDING, pending)
        if portal.available or portal.is_ready:
            return self._condition(kind, "True", Reason.RUNNING)
        return self._condition(
            kind, "False", Reason.PENDING, f"no pod of {portal.name} is ready yet"
        )

    def _config(self) -> api.Condition:
        kind = ConditionType.CONFIG
        if not self._findings.is_judged:
            return self._said.get(kind) or self._condition(
                kind, "Unknown", Reason.NOT_JUDGED, _NOT_JUDGED
            )
        faults = [
            (fault.reason, fault.message)
            for fault in self._findings.faults
            if fault.reason not in _LOST
        ]
        faults += [
            (outcome.reason, outcome.message)
            for outcome in (self._findings.report or {}).values()
            if outcome.reason in _FOR_A_PERSON
        ]
        faults += [(Reason.FORBIDDEN, text) for text in self._findings.denials()]
        if not faults:
            return self._condition(kind, "True", Reason.VALID)
        reasons = {reason for reason, _ in faults}
        messages = [message for _, message in faults]
        reason = reasons.pop() if len(reasons) == 1 else errors.ConfigError.reason
        return self._condition(kind, "False", reason, "; ".join(messages))

    def _database(self) -> api.Condition:
        kind, database = ConditionType.DATABASE, self._findings.database
        found = [(f.reason, f.message) for f in self._findings.faults]
        found += [(o.reason, o.message) for o in self._findings.failed().values()]
        for reason, message in found:
            if reason in _LOST:
                return self._condition(kind, "False", reason, message)
        if database is None:
            return self._condition(kind, "True", Reason.EXTERNAL)
        said = self._said.get(kind)
        if said is not None and said.reason in _LOST and not self._findings.is_judged:
            return said
        if self._findings.is_idled and database.is_stopped:
            return self._condition(kind, "False", Reason.IDLED, _IDLED)
        if database.is_ready:
            return self._condition(kind, "True", Reason.READY)
        message = (
            self._ailment(database, kind, is_failure=True)
            or self._ailment(database, kind, is_failure=False)
            or _failed_rollout(database)
            or f"waiting for {database.name} to become ready"
        )
        return self._condition(kind, "False", Reason.NOT_READY, message)

    def _ailment(
        self, seen: Seen, kind: ConditionType, *, is_failure: bool, prefix: str = ""
    ) -> str:
        """Return what is wrong with a workload's pods, as it was first told.

        A text such as a container's last words differs with each crash.
        """
        if seen.is_ready:
            return ""
        start = f"{prefix}: " if prefix else ""
        said = self._said.get(kind)
        found = [a for a in seen.ailments if a.is_failure == is_failure]
        for ailment in found:
            if (
                said is not None
                and said.observed_generation == self._generation
                and said.message.startswith(start + ailment.subject)
            ):
                return said.message
        return start + found[0].message if found else ""

    def _abnormal(self, kind: ConditionType, of: api.Condition) -> api.Condition:
        return self._condition(kind, "True", of.reason, of.message)

    def _condition(
        self,
        kind: ConditionType,
        status: Literal["True", "False", "Unknown"],
        reason: str,
        message: str = "",
    ) -> api.Condition:
        return api.Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            observed_generation=self._generation,
        )


def _failed_rollout(seen: Seen) -> str:
    readiness = seen.readiness
    if readiness is None or readiness.reason not in resources.FAILED_ROLLOUT:
        return ""
    return f"{seen.name}: {readiness.message}"
