"""What the status says about what was found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from backstage_op import api, errors
from backstage_op.graph import Outcome, Report
from backstage_op.operator.status import OWNERSHIP_CONFLICT, Findings, next_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WORKLOAD = "deployment"
MISSING = errors.MissingReferenceError("spec.a", "ConfigMap", "config", "ns")
INVALID = errors.SpecError("spec.b", "is wrong")
DENIED = errors.ForbiddenError("get", "Secret ns/token", status=403, detail="no right")
IN_PROGRESS = "waiting for the rollout of Deployment backstage-my to complete"
CONFLICT = Outcome.failed(OWNERSHIP_CONFLICT, "Service ns/x belongs to somebody else")


def _report(workload: Outcome, **others: Outcome) -> Report:
    return Report({**others, WORKLOAD: workload})


def _status(
    generation: int = 3, current: api.BackstageStatus | None = None, **findings: Any
) -> api.BackstageStatus:
    found = Findings(
        workload=WORKLOAD, workload_name="Deployment backstage-my", **findings
    )
    return next_status(current or api.BackstageStatus(), generation, found, NOW)


def _words(status: api.BackstageStatus) -> dict[str, tuple[str, str, str]]:
    return {c.type: (c.status, c.reason, c.message) for c in status.conditions}


VALID = ("True", "Valid", "")


@pytest.mark.parametrize(
    ("findings", "config", "deployed"),
    [
        pytest.param(
            {"report": _report(Outcome.ok(), service=Outcome.ok())},
            VALID,
            ("True", "Deployed", ""),
            id="the rollout is complete",
        ),
        pytest.param(
            {"report": _report(Outcome.changed(ready=True))},
            VALID,
            ("True", "Deployed", ""),
            id="changed and complete at once",
        ),
        pytest.param(
            {"report": _report(Outcome.changed(ready=False))},
            VALID,
            ("False", "DeployInProgress", IN_PROGRESS),
            id="just applied",
        ),
        pytest.param(
            {"report": _report(Outcome.waiting("DeployInProgress", "0 of 1"))},
            VALID,
            ("False", "DeployInProgress", IN_PROGRESS),
            id="in progress",
        ),
        pytest.param(
            {"report": _report(Outcome.blocked("waiting for db-statefulset"))},
            VALID,
            ("False", "DeployInProgress", IN_PROGRESS),
            id="waiting for the database",
        ),
        pytest.param(
            {"report": _report(Outcome.waiting("ProgressDeadlineExceeded", "slow"))},
            VALID,
            ("False", "DeployFailed", "Deployment backstage-my: slow"),
            id="the rollout takes too long",
        ),
        pytest.param(
            {"report": _report(Outcome.ok(), route=Outcome.failed("Invalid", "no"))},
            VALID,
            ("False", "DeployFailed", "route: no"),
            id="an object is refused while the portal runs",
        ),
        pytest.param(
            {"report": _report(Outcome.ok(), service=CONFLICT)},
            ("False", "OwnershipConflict", CONFLICT.message),
            ("False", "DeployFailed", f"service: {CONFLICT.message}"),
            id="an object belongs to somebody else",
        ),
        pytest.param(
            {"faults": (MISSING,)},
            ("False", "ReferencedObjectNotFound", MISSING.message),
            ("False", "DeployFailed", MISSING.message),
            id="one fault",
        ),
        pytest.param(
            {"faults": (MISSING, INVALID)},
            (
                "False",
                "InvalidConfiguration",
                f"{MISSING.message}; {INVALID.message}",
            ),
            ("False", "DeployFailed", f"{MISSING.message}; {INVALID.message}"),
            id="two faults of different kinds",
        ),
        pytest.param(
            {"denied": (DENIED,)},
            VALID,
            ("False", "DeployFailed", str(DENIED)),
            id="a right to read is missing",
        ),
        pytest.param(
            {"report": _report(Outcome.ok()), "is_idled": True},
            VALID,
            ("False", "Idled", "Instance is idled"),
            id="idled",
        ),
        pytest.param(
            {"faults": (INVALID,), "is_idled": True},
            ("False", "InvalidSpec", INVALID.message),
            ("False", "DeployFailed", INVALID.message),
            id="a fault is said even if idled",
        ),
    ],
)
def test_the_conditions_follow_the_findings(
    findings: dict[str, Any], config: tuple[str, ...], deployed: tuple[str, ...]
) -> None:
    assert _words(_status(**findings)) == {"Config": config, "Deployed": deployed}


def test_everything_says_which_generation_it_is_about() -> None:
    status = _status(generation=7, report=_report(Outcome.ok()))

    assert status.observed_generation == 7
    assert [c.observed_generation for c in status.conditions] == [7, 7]


def test_nothing_new_is_the_same_status_however_late() -> None:
    first = _status(report=_report(Outcome.ok()))
    found = Findings(
        workload=WORKLOAD, workload_name="x", report=_report(Outcome.changed())
    )

    assert next_status(first, 3, found, NOW + timedelta(days=1)) == first


def test_a_transition_time_moves_only_with_its_condition() -> None:
    first = _status(report=_report(Outcome.changed(ready=False)))
    found = Findings(workload=WORKLOAD, workload_name="x", report=_report(Outcome.ok()))
    later = NOW + timedelta(hours=1)

    second = next_status(first, 3, found, later)

    assert [c.last_transition_time for c in second.conditions] == [NOW, later]


def test_conditions_of_others_are_kept() -> None:
    theirs = api.Condition(
        type="Theirs", status="True", reason="Why", last_transition_time=NOW
    )
    current = msgspec.structs.replace(api.BackstageStatus(), conditions=(theirs,))

    status = _status(current=current, report=_report(Outcome.ok()))

    assert status.conditions[0] == theirs
    assert [c.type for c in status.conditions] == ["Theirs", "Config", "Deployed"]
