from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from backstage_op import api, errors
from backstage_op.api.conditions import MAX_MESSAGE_CHARACTERS

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def deployed(**changes: Any) -> api.Condition:
    fields: dict[str, Any] = {
        "type": api.ConditionType.DEPLOYED,
        "status": "False",
        "reason": api.Reason.DEPLOY_IN_PROGRESS,
        "message": "waiting",
        "observed_generation": 1,
        "last_transition_time": THEN,
    }
    return api.Condition(**(fields | changes))


def test_a_new_condition_gets_the_present_time_in_whole_seconds() -> None:
    expected = (deployed(last_transition_time=NOW.replace(microsecond=0)),)

    assert api.set_conditions((), [deployed()], NOW) == expected


def test_the_time_stays_while_only_reason_and_message_change() -> None:
    new = deployed(reason="DeployFailed", message="no", observed_generation=2)

    actual = api.set_conditions(
        (deployed(),), [msgspec.structs.replace(new, last_transition_time=NOW)], NOW
    )

    assert actual == (new,)


def test_the_time_changes_with_the_status() -> None:
    actual = api.set_conditions((deployed(),), [deployed(status="True")], NOW)

    assert actual[0].last_transition_time == NOW.replace(microsecond=0)


def test_times_are_stored_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))

    (actual,) = api.set_conditions((), [deployed()], elsewhere)

    assert b'"lastTransitionTime":"2026-01-02T03:04:05Z"' in msgspec.json.encode(actual)


def test_the_order_is_that_of_the_types_and_conditions_of_others_come_last() -> None:
    foreign = deployed(type="Foreign")
    ours = [deployed(type=kind) for kind in reversed(api.ConditionType)]

    after = api.set_conditions((foreign, deployed()), ours, NOW)

    assert [c.type for c in after] == [
        "Deployed",
        "Runtime",
        "Config",
        "Database",
        "Reconciling",
        "Stalled",
        "Foreign",
    ]
    assert after[-1] is foreign


def test_what_does_not_hold_any_more_is_gone() -> None:
    before = (deployed(), deployed(type=api.ConditionType.STALLED))

    assert api.set_conditions(before, [deployed()], NOW) == (deployed(),)


def test_setting_the_same_condition_again_changes_nothing() -> None:
    once = api.set_conditions((), [deployed()], THEN)

    assert api.set_conditions(once, [deployed()], NOW) == once


def test_a_condition_that_had_no_time_gets_one() -> None:
    timeless = deployed(last_transition_time=None)

    (actual,) = api.set_conditions((timeless,), [timeless], NOW)

    assert actual.last_transition_time == NOW.replace(microsecond=0)


@pytest.mark.parametrize("excess", [1, 100_000])
def test_a_message_beyond_the_limit_is_shortened_and_says_so(excess: int) -> None:
    long = deployed(message="é" * (MAX_MESSAGE_CHARACTERS + excess))

    (actual,) = api.set_conditions((), [long], NOW)

    assert len(actual.message) == MAX_MESSAGE_CHARACTERS
    assert actual.message.endswith("(shortened)")


def test_an_empty_message_is_written_out() -> None:
    written = msgspec.json.decode(msgspec.json.encode(deployed(message="")))

    assert written == {
        "type": "Deployed",
        "status": "False",
        "reason": "DeployInProgress",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


def test_every_reason_of_a_configuration_error_is_a_reason() -> None:
    kinds = list(_with_descendants(errors.ConfigError))
    missing = errors.MissingReferenceError("p", "Secret", "n", "ns")
    missing_key = errors.MissingReferenceError("p", "Secret", "n", "ns", "k")

    found = {kind.reason for kind in kinds} | {missing.reason, missing_key.reason}

    assert found <= set(api.Reason)


def _with_descendants(
    kind: type[errors.ConfigError],
) -> Iterator[type[errors.ConfigError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _with_descendants(child)
