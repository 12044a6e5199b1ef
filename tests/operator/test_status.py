"""What the status says about what was found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from backstage_op import api, errors, resources
from backstage_op.graph import Outcome, Report
from backstage_op.operator.findings import Findings, Seen
from backstage_op.operator.status import (
    document_of,
    is_passing,
    next_status,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WORKLOAD = "deployment"
NAME = "Deployment backstage-my"
DATABASE = "StatefulSet backstage-psql-my"
MISSING = errors.MissingReferenceError("spec.a", "ConfigMap", "config", "ns")
INVALID = errors.SpecError("spec.b", "is wrong")
CONFLICT = Outcome.failed(
    api.Reason.OWNERSHIP_CONFLICT, "Service ns/x belongs to somebody else"
)
READY = resources.Readiness(ready=True)
NOT_READY = resources.Readiness(ready=False, reason="DeployInProgress")
CRASH = resources.Ailment(is_failure=True, subject="container a: crash", detail="boom")
UNSCHEDULED = resources.Ailment(is_failure=False, subject="pod p cannot be scheduled")

IN_PROGRESS = f"waiting for the rollout of {NAME} to complete"
DB_WAITING = f"waiting for {DATABASE} to become ready"
NO_POD = f"no pod of {NAME} is ready yet"
VALID = ("True", "Valid", "")
RUNNING = ("True", "Running", "")
PENDING = ("False", "Pending", NO_POD)
EXTERNAL = ("True", "External", "")
NOT_JUDGED = ("Unknown", "NotJudged", "not judged yet, because of what Deployed says")
DEPLOYED = ("True", "Deployed", "")
IDLED = ("False", "Idled", "Instance is idled")
WAITING = ("False", "DeployInProgress", IN_PROGRESS)
RECONCILING = ("True", "DeployInProgress", IN_PROGRESS)


def _portal(
    readiness: resources.Readiness | None = READY,
    *ailments: resources.Ailment,
    available: int = 0,
    wanted: int = 1,
) -> Seen:
    return Seen(
        name=NAME,
        readiness=readiness,
        wanted=wanted,
        available=available,
        ailments=ailments,
    )


def _database(
    readiness: resources.Readiness | None, *ailments: resources.Ailment, wanted: int = 1
) -> Seen:
    return Seen(name=DATABASE, readiness=readiness, wanted=wanted, ailments=ailments)


def _report(workload: Outcome, **others: Outcome) -> Report:
    return Report({**others, WORKLOAD: workload})


ABSENT = _portal(None)
STARTING = _portal(NOT_READY)
BESIDE_OLD = _portal(NOT_READY, available=1)
PROGRESSING = _report(Outcome.waiting("DeployInProgress", "0 of 1"))


def _status(
    generation: int = 3, current: api.BackstageStatus | None = None, **findings: Any
) -> api.BackstageStatus:
    found = Findings(**{"portal": _portal()} | findings)
    return next_status(current or api.BackstageStatus(), generation, found, NOW)


def _words(status: api.BackstageStatus) -> dict[str, tuple[str, str, str]]:
    return {c.type: (c.status, c.reason, c.message) for c in status.conditions}


def _failed(message: str) -> tuple[str, str, str]:
    return ("False", "DeployFailed", message)


def _stalled(message: str, reason: str = "DeployFailed") -> tuple[str, str, str]:
    return ("True", reason, message)


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        pytest.param(
            {"report": _report(Outcome.ok(), service=Outcome.ok())},
            {"Deployed": DEPLOYED, "Runtime": RUNNING},
            id="the rollout is complete",
        ),
        pytest.param(
            {"report": _report(Outcome.changed(ready=True))},
            {"Deployed": DEPLOYED, "Runtime": RUNNING},
            id="changed and complete at once",
        ),
        pytest.param(
            {"report": _report(Outcome.changed(ready=False)), "portal": STARTING},
            {"Deployed": WAITING, "Runtime": PENDING, "Reconciling": RECONCILING},
            id="just applied",
        ),
        pytest.param(
            {"report": PROGRESSING, "portal": BESIDE_OLD},
            {"Deployed": WAITING, "Runtime": RUNNING, "Reconciling": RECONCILING},
            id="rolled out beside pods that serve",
        ),
        pytest.param(
            {
                "report": _report(Outcome.blocked("waiting for db-statefulset")),
                "portal": ABSENT,
            },
            {"Deployed": WAITING, "Runtime": PENDING, "Reconciling": RECONCILING},
            id="waiting for the database",
        ),
        pytest.param(
            {
                "report": PROGRESSING,
                "portal": _portal(NOT_READY, CRASH, UNSCHEDULED, available=1),
            },
            {
                "Deployed": _failed(f"{NAME}: container a: crash: boom"),
                "Runtime": ("False", "ContainerFailed", "container a: crash: boom"),
                "Stalled": _stalled(f"{NAME}: container a: crash: boom"),
            },
            id="a new pod fails beside an old one that serves",
        ),
        pytest.param(
            {
                "report": PROGRESSING,
                "portal": _portal(NOT_READY, UNSCHEDULED, available=1),
            },
            {
                "Deployed": WAITING,
                "Runtime": ("False", "Pending", "pod p cannot be scheduled"),
                "Reconciling": RECONCILING,
            },
            id="a new pod finds no node",
        ),
        pytest.param(
            {"report": _report(Outcome.ok()), "portal": _portal(READY, CRASH)},
            {"Deployed": DEPLOYED, "Runtime": RUNNING},
            id="a pod that nobody waits for fails",
        ),
        pytest.param(
            {
                "report": _report(Outcome.waiting("ProgressDeadlineExceeded", "slow")),
                "portal": STARTING,
            },
            {
                "Deployed": _failed(f"{NAME}: slow"),
                "Runtime": PENDING,
                "Stalled": _stalled(f"{NAME}: slow"),
            },
            id="the rollout takes too long",
        ),
        pytest.param(
            {
                "report": _report(Outcome.waiting("ReplicaSetCreateError", "quota")),
                "portal": BESIDE_OLD,
            },
            {
                "Deployed": _failed(f"{NAME}: quota"),
                "Runtime": RUNNING,
                "Stalled": _stalled(f"{NAME}: quota"),
            },
            id="its ReplicaSet is refused",
        ),
        pytest.param(
            {"report": _report(Outcome.ok(), route=Outcome.failed("Invalid", "no"))},
            {
                "Deployed": _failed("route: no"),
                "Runtime": RUNNING,
                "Stalled": _stalled("route: no"),
            },
            id="an object is refused while the portal runs",
        ),
        pytest.param(
            {"report": _report(Outcome.ok(), service=CONFLICT)},
            {
                "Config": ("False", "OwnershipConflict", CONFLICT.message),
                "Deployed": _failed(f"service: {CONFLICT.message}"),
                "Runtime": RUNNING,
                "Stalled": _stalled(f"service: {CONFLICT.message}"),
            },
            id="an object belongs to somebody else",
        ),
        pytest.param(
            {"faults": (MISSING,), "portal": ABSENT},
            {
                "Config": ("False", "ReferencedObjectNotFound", MISSING.message),
                "Deployed": _failed(MISSING.message),
                "Runtime": ("Unknown", "NotDeployed", f"there is no {NAME}"),
                "Stalled": _stalled(MISSING.message),
            },
            id="one fault, from the start",
        ),
        pytest.param(
            {"faults": (MISSING, INVALID)},
            {
                "Config": (
                    "False",
                    "InvalidConfiguration",
                    f"{MISSING.message}; {INVALID.message}",
                ),
                "Deployed": _failed(f"{MISSING.message}; {INVALID.message}"),
                "Runtime": RUNNING,
                "Stalled": _stalled(f"{MISSING.message}; {INVALID.message}"),
            },
            id="two faults of different kinds while the portal runs",
        ),
        pytest.param(
            {"troubles": ("get Secret: 403",)},
            {
                "Deployed": _failed("get Secret: 403"),
                "Runtime": RUNNING,
                "Config": NOT_JUDGED,
                "Stalled": _stalled("get Secret: 403"),
            },
            id="a right to read is missing",
        ),
        pytest.param(
            {
                "report": _report(Outcome.ok()),
                "portal": _portal(NOT_READY, CRASH, available=1, wanted=0),
                "database": _database(NOT_READY, wanted=0),
                "is_idled": True,
            },
            {"Deployed": IDLED, "Runtime": IDLED, "Database": IDLED},
            id="idled, whatever its pods do until they end",
        ),
        pytest.param(
            {
                "faults": (INVALID,),
                "portal": _portal(wanted=0),
                "database": _database(READY, wanted=0),
                "is_idled": True,
            },
            {
                "Config": ("False", "InvalidSpec", INVALID.message),
                "Deployed": _failed(INVALID.message),
                "Runtime": IDLED,
                "Database": IDLED,
                "Stalled": _stalled(INVALID.message),
            },
            id="a fault is said even if idled",
        ),
        pytest.param(
            {
                "faults": (INVALID,),
                "database": _database(READY),
                "is_idled": True,
            },
            {
                "Config": ("False", "InvalidSpec", INVALID.message),
                "Deployed": _failed(INVALID.message),
                "Runtime": RUNNING,
                "Database": ("True", "Ready", ""),
                "Stalled": _stalled(INVALID.message),
            },
            id="a fault keeps pods from being stopped",
        ),
        pytest.param(
            {
                "faults": (INVALID,),
                "portal": ABSENT,
                "database": _database(None),
                "is_idled": True,
            },
            {
                "Config": ("False", "InvalidSpec", INVALID.message),
                "Deployed": _failed(INVALID.message),
                "Runtime": IDLED,
                "Database": IDLED,
                "Stalled": _stalled(INVALID.message),
            },
            id="idled before there was anything, and a fault",
        ),
        pytest.param(
            {"report": _report(Outcome.ok()), "database": _database(READY)},
            {
                "Deployed": DEPLOYED,
                "Runtime": RUNNING,
                "Database": ("True", "Ready", ""),
            },
            id="with a database of its own",
        ),
        pytest.param(
            {"report": _report(Outcome.ok()), "database": _database(NOT_READY)},
            {
                "Deployed": DEPLOYED,
                "Runtime": RUNNING,
                "Database": ("False", "NotReady", DB_WAITING),
                "Reconciling": ("True", "NotReady", DB_WAITING),
            },
            id="the database restarts while the portal runs",
        ),
        pytest.param(
            {
                "report": _report(Outcome.blocked("")),
                "portal": ABSENT,
                "database": _database(NOT_READY, CRASH),
            },
            {
                "Deployed": WAITING,
                "Runtime": PENDING,
                "Database": ("False", "NotReady", "container a: crash: boom"),
                "Reconciling": RECONCILING,
            },
            id="the database fails",
        ),
        pytest.param(
            {
                "report": _report(
                    Outcome.ok(), db=Outcome.failed("MajorUpgradeRequired", "15 to 18")
                ),
                "database": _database(READY),
            },
            {
                "Deployed": _failed("db: 15 to 18"),
                "Runtime": RUNNING,
                "Database": ("False", "MajorUpgradeRequired", "15 to 18"),
                "Stalled": _stalled("db: 15 to 18"),
            },
            id="the database would need a major upgrade",
        ),
    ],
)
def test_the_conditions_follow_the_findings(
    findings: dict[str, Any], words: dict[str, tuple[str, ...]]
) -> None:
    usual = {"Config": VALID, "Database": EXTERNAL}

    assert _words(_status(**findings)) == usual | words


@pytest.mark.parametrize(
    "judged",
    [
        {"report": _report(Outcome.ok())},
        {"faults": (INVALID,)},
        {"report": _report(Outcome.ok(), service=CONFLICT)},
        {"troubles": ("get Secret: 403",)},
    ],
    ids=["valid", "a fault", "a conflict", "never judged"],
)
def test_a_configuration_that_cannot_be_read_now_is_as_it_was_judged_last(
    judged: dict[str, Any],
) -> None:
    first = _status(3, **judged)

    second = _status(4, current=first, troubles=("get Secret: 503",))

    config = {c.type: c for c in first.conditions}["Config"]
    assert {c.type: c for c in second.conditions}["Config"] == config
    assert _words(second)["Deployed"] == _failed("get Secret: 503")


@pytest.mark.parametrize("reason", ["PasswordLost", "MajorUpgradeRequired"])
def test_data_at_risk_stay_so_until_they_are_judged_again(reason: str) -> None:
    lost = Outcome.failed(reason, "the data")
    first = _status(
        3,
        report=_report(Outcome.ok(), db=lost),
        database=_database(READY),
    )
    trouble = {"troubles": ("get Secret: 503",)}

    second = _status(4, current=first, database=_database(READY), **trouble)
    elsewhere = _status(4, current=first, **trouble)
    judged = _status(
        4, current=second, report=_report(Outcome.ok()), database=_database(READY)
    )

    (was,) = [c for c in first.conditions if c.type == "Database"]
    assert was in second.conditions
    assert was.observed_generation == 3
    assert _words(elsewhere)["Database"] == EXTERNAL
    assert _words(judged)["Database"] == ("True", "Ready", "")


def test_a_database_without_data_at_risk_is_seen_though_nothing_was_judged() -> None:
    first = _status(report=_report(Outcome.ok()), database=_database(NOT_READY))

    second = _status(4, current=first, troubles=("503",), database=_database(READY))

    assert _words(second)["Database"] == ("True", "Ready", "")


def test_everything_says_which_generation_it_is_about() -> None:
    status = _status(generation=7, report=PROGRESSING, portal=STARTING)

    assert status.observed_generation == 7
    assert {c.observed_generation for c in status.conditions} == {7}


def test_nothing_new_is_the_same_status_however_late() -> None:
    first = _status(report=_report(Outcome.ok()))
    found = Findings(portal=_portal(), report=_report(Outcome.changed()))

    assert next_status(first, 3, found, NOW + timedelta(days=1)) == first


def test_a_transition_time_moves_only_with_its_condition() -> None:
    first = _status(report=PROGRESSING, portal=STARTING)
    found = Findings(portal=_portal(), report=_report(Outcome.ok()))
    later = NOW + timedelta(hours=1)

    second = next_status(first, 3, found, later)

    assert {c.type: c.last_transition_time for c in second.conditions} == {
        "Deployed": later,
        "Runtime": later,
        "Config": NOW,
        "Database": NOW,
    }


def test_conditions_of_others_are_kept() -> None:
    theirs = api.Condition(
        type="Theirs", status="True", reason="Why", last_transition_time=NOW
    )
    current = msgspec.structs.replace(api.BackstageStatus(), conditions=(theirs,))

    status = _status(current=current, report=_report(Outcome.ok()))

    assert status.conditions[-1] == theirs
    assert len(status.conditions) == 5


def _sick(**changes: Any) -> Seen:
    return _portal(NOT_READY, msgspec.structs.replace(CRASH, **changes))


def test_last_words_that_differ_with_each_crash_are_told_once() -> None:
    first = _status(report=PROGRESSING, portal=_sick(detail="boom at 10:01"))

    again = _status(
        current=first, report=PROGRESSING, portal=_sick(detail="boom at 10:02")
    )

    assert again == first


@pytest.mark.parametrize(
    ("generation", "changes"),
    [(3, {"subject": "container a: other"}), (4, {"detail": "other"})],
    ids=["another ailment", "another generation"],
)
def test_what_is_wrong_now_is_told_in_its_own_words(
    generation: int, changes: dict[str, Any]
) -> None:
    first = _status(report=PROGRESSING, portal=_sick())

    again = _status(
        generation, current=first, report=PROGRESSING, portal=_sick(**changes)
    )

    assert "other" in _words(again)["Runtime"][2]
    assert "other" in _words(again)["Deployed"][2]


def test_an_address_is_kept_until_another_is_known_or_there_is_none() -> None:
    ok = _report(Outcome.ok())
    exposed = _status(report=ok, url="https://a")

    assert exposed.url == "https://a"
    assert _status(current=exposed, faults=(INVALID,)).url == "https://a"
    assert _status(current=exposed, report=ok, url="").url == ""


def test_an_address_that_is_gone_is_removed_from_what_is_stored() -> None:
    assert document_of(api.BackstageStatus(url="https://a"))["url"] == "https://a"
    assert document_of(api.BackstageStatus()) == {"url": None}


HELD: dict[str, Any] = {
    "report": _report(Outcome.blocked("")),
    "portal": ABSENT,
    "database": _database(NOT_READY),
}


def _is_held(changes: dict[str, Any], *, generation: int = 3) -> bool:
    """Tell whether what is found after the start of a portal may wait."""
    first = _status(**HELD)
    second = _status(generation, current=first, **HELD | changes)
    assert second != first
    found = Findings(**HELD | changes)
    return is_passing(first, second, found)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"database": _database(READY)}, id="database is ready"),
        pytest.param({"database": _database(NOT_READY, UNSCHEDULED)}, id="no volume"),
        pytest.param({"portal": _portal(NOT_READY, UNSCHEDULED)}, id="no node"),
    ],
)
def test_what_is_about_to_change_is_told_with_the_portal(
    changes: dict[str, Any],
) -> None:
    assert _is_held(changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"portal": _sick()}, id="the portal fails"),
        pytest.param({"faults": (INVALID,)}, id="a fault is found"),
        pytest.param(
            {"report": _report(Outcome.ok()), "portal": _portal()}, id="deployed"
        ),
        pytest.param({"url": "https://a"}, id="exposed"),
        pytest.param({"database": _database(NOT_READY, CRASH)}, id="database fails"),
    ],
)
def test_whatever_else_is_new_is_told_at_once(changes: dict[str, Any]) -> None:
    assert not _is_held({"database": _database(READY)} | changes)


def test_what_is_found_of_another_generation_is_told_at_once() -> None:
    assert not _is_held({"database": _database(READY)}, generation=4)


def kstatus(status: api.BackstageStatus, generation: int) -> str:
    """Judge as kstatus documents it for a kind that it does not know."""
    if status.observed_generation != generation:
        return "InProgress"
    conditions = {c.type: c.status for c in status.conditions}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return (
        "InProgress" if conditions.get("Ready") in ("False", "Unknown") else "Current"
    )


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ({"report": _report(Outcome.ok())}, "Current"),
        ({"report": PROGRESSING, "portal": STARTING}, "InProgress"),
        ({"report": PROGRESSING, "portal": _sick()}, "Failed"),
        ({"faults": (INVALID,)}, "Failed"),
        ({"troubles": ("get Secret: 403",)}, "Failed"),
        (
            {"report": _report(Outcome.ok()), "database": _database(NOT_READY)},
            "InProgress",
        ),
        (
            {
                "report": _report(Outcome.ok()),
                "portal": _portal(wanted=0),
                "is_idled": True,
            },
            "Current",
        ),
    ],
)
def test_tools_that_know_no_backstage_see_how_it_is(
    findings: dict[str, Any], expected: str
) -> None:
    assert kstatus(_status(**findings), 3) == expected
    assert kstatus(_status(**findings), 4) == "InProgress"
