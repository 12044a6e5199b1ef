"""What is told of an instance, and what is not."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from backstage_op import api
from backstage_op.graph import Outcome, Report
from backstage_op.operator.events import (
    MAX_NOTES,
    Note,
    document_of,
    notes_of,
)
from backstage_op.operator.refusals import NAMESPACE_TERMINATING
from backstage_op.operator.walk import CREATED, FILLED

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
CHANGED = Outcome.changed(ready=False)
SECRET = "backstage-psql-secret-my"
PROGRESS = ("Deployed", "False", "DeployInProgress", "waiting")
DEPLOYED = ("Deployed", "True", "Deployed", "")
IDLED = ("Deployed", "False", "Idled", "Instance is idled")
VALID = ("Config", "True", "Valid", "")
INVALID = ("Config", "False", "InvalidSpec", "spec.a: is wrong")
FAILED_BY_IT = ("Deployed", "False", "DeployFailed", "spec.a: is wrong")
CRASHED = ("Runtime", "False", "ContainerFailed", "container a: crash")
FAILED_BY_CRASH = (
    "Deployed",
    "False",
    "DeployFailed",
    "Deployment d: container a: crash",
)
QUOTA = ("Deployed", "False", "DeployFailed", "exceeded quota")
CONFLICT = ("Config", "False", "OwnershipConflict", "Service ns/x belongs")
FAILED_BY_CONFLICT = (
    "Deployed",
    "False",
    "DeployFailed",
    "service: Service ns/x belongs",
)


def _backstage(
    *conditions: tuple[str, ...], generation: int = 1, **application: Any
) -> api.Backstage:
    document = {
        "metadata": {"name": "my", "namespace": "ns", "uid": "u", "generation": 1},
        "spec": {"application": application},
        "status": {
            "observedGeneration": generation,
            "conditions": [
                {
                    **dict(
                        zip(("type", "status", "reason", "message"), c, strict=True)
                    ),
                    "observedGeneration": generation,
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
                for c in conditions
            ],
        },
    }
    return msgspec.convert(document, api.Backstage)


def _told(
    before: api.Backstage, after: api.Backstage, report: Report | None = None
) -> list[tuple[str, str, str]]:
    notes = notes_of(before, after, report)
    return [(note.severity, note.reason, note.text) for note in notes]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param((VALID, DEPLOYED), (VALID, DEPLOYED), [], id="nothing new"),
        pytest.param((), (VALID, PROGRESS), [], id="on its way"),
        pytest.param(
            (VALID, PROGRESS),
            (VALID, DEPLOYED),
            [("Normal", "Deployed", "the rollout is complete")],
            id="deployed",
        ),
        pytest.param(
            (VALID, DEPLOYED),
            (INVALID, FAILED_BY_IT),
            [("Warning", "ConfigInvalid", "spec.a: is wrong")],
            id="a fault, told once",
        ),
        pytest.param(
            (INVALID, FAILED_BY_IT),
            (VALID, PROGRESS),
            [("Normal", "ConfigValid", "the configuration can be used now")],
            id="a fault is mended",
        ),
        pytest.param(
            (VALID, PROGRESS),
            (CONFLICT, FAILED_BY_CONFLICT),
            [("Warning", "OwnershipConflict", "Service ns/x belongs")],
            id="an object of somebody else",
        ),
        pytest.param(
            (VALID, PROGRESS),
            (VALID, CRASHED, FAILED_BY_CRASH),
            [("Warning", "ContainerFailed", "container a: crash")],
            id="a container fails, told once",
        ),
        pytest.param(
            (VALID, PROGRESS),
            (VALID, QUOTA),
            [("Warning", "DeployFailed", "exceeded quota")],
            id="the rollout fails",
        ),
        pytest.param(
            (VALID, DEPLOYED),
            (VALID, IDLED),
            [("Normal", "Idled", "stopped all pods, as the annotation asks for")],
            id="idled",
        ),
        pytest.param(
            (VALID, IDLED),
            (VALID, PROGRESS),
            [("Normal", "Woken", "starting the pods again")],
            id="woken",
        ),
    ],
)
def test_a_turn_of_the_status_is_told(
    before: tuple[Any, ...], after: tuple[Any, ...], told: list[tuple[str, str, str]]
) -> None:
    assert _told(_backstage(*before), _backstage(*after)) == told


def test_what_a_walk_made_is_told() -> None:
    report = Report(
        {
            "db-secret": Outcome.changed(reason=CREATED),
            "service": CHANGED,
            "deployment": CHANGED,
            "prune/Route/backstage-my": CHANGED,
            "prune/Ingress/backstage-my": Outcome.ok(),
        }
    )

    assert _told(_backstage(), _backstage(), report) == [
        (
            "Normal",
            "PasswordGenerated",
            f"made the password of the local database, in Secret {SECRET}",
        ),
        ("Normal", "RolloutStarted", "rolling out Deployment backstage-my"),
        ("Normal", "Pruned", "deleted what is no longer wanted: Route/backstage-my"),
    ]


def test_what_was_made_anew_is_told() -> None:
    notices = [("Replaced", "Service ns/x is made anew")]

    (note,) = notes_of(_backstage(), _backstage(), None, notices)

    assert note == Note(
        severity="Warning", reason="Replaced", text=notices[0][1], occasion="1"
    )


def test_a_workload_that_is_mended_without_a_rollout_is_not_told() -> None:
    report = Report({"deployment": Outcome.changed(ready=True)})

    assert _told(_backstage(), _backstage(), report) == []


def test_deprecated_fields_are_told_once_for_each_generation() -> None:
    deprecated = _backstage(generation=2, replicas=2, image="a")
    words = (
        "spec.application.image, spec.application.replicas: deprecated; "
        "use spec.deployment.patch"
    )

    assert _told(_backstage(), deprecated) == [("Warning", "DeprecatedField", words)]
    assert _told(deprecated, deprecated) == []


def test_one_reconcile_tells_a_few_events_at_most() -> None:
    made = Outcome.changed(ready=False, reason=CREATED)
    report = Report(dict.fromkeys(("db-secret", "deployment", "prune/Route/a"), made))
    after = _backstage(CONFLICT, CRASHED, QUOTA, generation=2, image="a")

    assert len(_told(_backstage(), after, report)) == MAX_NOTES


def test_a_configuration_that_nobody_has_judged_is_not_called_invalid() -> None:
    unknown = ("Config", "Unknown", "NotJudged", "not judged yet")

    assert _told(_backstage(), _backstage(unknown)) == []


@pytest.mark.parametrize(
    ("reason", "is_told"), [(CREATED, True), (FILLED, True), ("Mended", False)]
)
def test_a_password_is_told_if_there_was_none(reason: str, is_told: bool) -> None:
    report = Report({"db-secret": Outcome.changed(reason=reason)})

    told = _told(_backstage(), _backstage(), report)

    assert [name for _, name, _ in told] == ["PasswordGenerated"] * is_told


def test_a_namespace_that_ends_gets_no_events() -> None:
    ended = Outcome.waiting(NAMESPACE_TERMINATING, "the namespace ends")
    report = Report({"deployment": CHANGED, "service": ended})

    assert _told(_backstage(), _backstage(DEPLOYED), report) == []


NOTE = Note(severity="Warning", reason="Why", text="what", occasion="1")


def test_an_event_is_about_the_resource() -> None:
    document = document_of(NOTE, _backstage(), "host", NOW)

    name = document["metadata"].pop("name")
    assert name.startswith("my.")
    assert document == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "ns"},
        "eventTime": "2026-01-02T03:04:05.000678Z",
        "reportingController": "rhdh.redhat.com/backstage-op",
        "reportingInstance": "host",
        "action": "Reconcile",
        "type": "Warning",
        "reason": "Why",
        "note": "what",
        "regarding": {
            "apiVersion": "rhdh.redhat.com/v1alpha5",
            "kind": "Backstage",
            "namespace": "ns",
            "name": "my",
            "uid": "u",
        },
    }


def _name(note: Note, at: datetime = NOW) -> str:
    name: str = document_of(note, _backstage(), "host", at)["metadata"]["name"]
    return name


def test_the_same_note_is_the_same_event_and_another_one_is_not() -> None:
    assert _name(NOTE) == _name(NOTE, THEN)
    for changes in ({"text": "a"}, {"reason": "a"}, {"occasion": "a"}):
        assert _name(msgspec.structs.replace(NOTE, **changes)) != _name(NOTE)


def test_a_long_note_is_cut_to_the_bytes_that_an_event_may_have() -> None:
    long = msgspec.structs.replace(NOTE, text="é" * 2000)

    note = document_of(long, _backstage(), "host", NOW)["note"]

    assert 1000 < len(note.encode()) <= 1024
    assert note.endswith("é…")
