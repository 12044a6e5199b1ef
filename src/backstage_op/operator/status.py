"""What the status of a resource says, computed from what a reconcile found.

The rules, in this order, for the condition ``Deployed``:

1. The configuration cannot be used, or an object could not be applied:
   False, ``DeployFailed``, with every fault in the message.
2. The instance is idled on purpose: False, ``Idled``.
3. The rollout failed: False, ``DeployFailed``, with the workload's own words.
4. The rollout of the current generation is complete: True, ``Deployed``.
5. Otherwise: False, ``DeployInProgress``.

``Config`` is False while rule 1 holds because of something a user changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from backstage_op import api, errors
from backstage_op.graph import Outcome, Report, Status

OWNERSHIP_CONFLICT: Final = "OwnershipConflict"
"""Reason of a node whose object belongs to somebody else."""

_FAILED_ROLLOUT: Final = ("ProgressDeadlineExceeded", "ReplicaFailure")


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What one reconcile found out.

    Attributes:
        workload: Node of the Deployment, the portal itself.
        workload_name: ``Deployment backstage-my``, for messages.
        is_idled: The resource asks for zero replicas.
        faults: What the user must change; nothing was applied because of them.
        denied: Rights that were missing while reading.
        report: How the walk ended; absent when there was none.
    """

    workload: str
    workload_name: str
    is_idled: bool = False
    faults: Sequence[errors.ConfigError] = ()
    denied: Sequence[errors.KubeError] = ()
    report: Report | None = None


def next_status(
    current: api.BackstageStatus, generation: int, findings: Findings, now: datetime
) -> api.BackstageStatus:
    """Return the status that tells what was found about a generation.

    Conditions that say the same as before keep their transition time, so the
    result equals ``current`` when nothing new is known.
    """
    conditions = tuple(current.conditions)
    for condition in (_config(findings, generation), _deployed(findings, generation)):
        conditions = api.set_condition(conditions, condition, now)
    return msgspec.structs.replace(
        current, conditions=conditions, observed_generation=generation
    )


def _config(findings: Findings, generation: int) -> api.Condition:
    conflicts = [
        (key, outcome)
        for key, outcome in _failed(findings).items()
        if outcome.reason == OWNERSHIP_CONFLICT
    ]
    reasons = {fault.reason for fault in findings.faults}
    messages = [fault.message for fault in findings.faults]
    if conflicts:
        reasons.add(OWNERSHIP_CONFLICT)
        messages += [outcome.message for _, outcome in conflicts]
    if not messages:
        return api.Condition(
            type=api.ConditionType.CONFIG,
            status="True",
            reason=api.Reason.VALID,
            observed_generation=generation,
        )
    return api.Condition(
        type=api.ConditionType.CONFIG,
        status="False",
        reason=reasons.pop() if len(reasons) == 1 else errors.ConfigError.reason,
        message="; ".join(messages),
        observed_generation=generation,
    )


def _deployed(findings: Findings, generation: int) -> api.Condition:
    status, reason, message = _deployed_words(findings)
    return api.Condition(
        type=api.ConditionType.DEPLOYED,
        status="True" if status else "False",
        reason=reason,
        message=message,
        observed_generation=generation,
    )


def _deployed_words(findings: Findings) -> tuple[bool, str, str]:
    problems = [fault.message for fault in findings.faults]
    problems += [str(error) for error in findings.denied]
    problems += [
        f"{key}: {outcome.message}" for key, outcome in _failed(findings).items()
    ]
    if problems:
        return False, api.Reason.DEPLOY_FAILED, "; ".join(problems)
    if findings.is_idled:
        return False, api.Reason.IDLED, "Instance is idled"
    outcome = None if findings.report is None else findings.report[findings.workload]
    if outcome is not None and outcome.reason in _FAILED_ROLLOUT:
        return (
            False,
            api.Reason.DEPLOY_FAILED,
            f"{findings.workload_name}: {outcome.message}",
        )
    if outcome is not None and outcome.ready:
        return True, api.Reason.DEPLOYED, ""
    # The same words from the first object to the last, whatever is waited for
    # just now: a status write for each step would tell nobody anything.
    return (
        False,
        api.Reason.DEPLOY_IN_PROGRESS,
        f"waiting for the rollout of {findings.workload_name} to complete",
    )


def _failed(findings: Findings) -> dict[str, Outcome]:
    return {} if findings.report is None else findings.report.with_status(Status.FAILED)
