"""One request of a life fails, and the instance ends as if it had not.

By default all crashes and lost answers at the writes of a creation are played,
and some of everything else; ``--every-fault`` plays each fault at each request,
and ``--seed`` chooses others.
"""

from __future__ import annotations

import functools

import pytest
from tests.faults.scenario import PROMPT_SECONDS, RESYNC_SECONDS, End, live
from tests.support.apiserver import ApiServer
from tests.support.faults import CRASHES, WRITES, Fault, FaultyTransport, Step, sampled

pytestmark = pytest.mark.timeout(3600)

# What says that trying again is of no use is believed until something changes.
LASTING = {
    Fault.BAD_REQUEST,
    Fault.UNAUTHORIZED,
    Fault.FORBIDDEN,
    Fault.NOT_FOUND,
    Fault.INVALID,
}
AT_EVERY_WRITE = (*CRASHES, Fault.LOST_REPLY)
OTHERS = [fault for fault in Fault if fault not in AT_EVERY_WRITE]


@functools.cache
def _reference() -> End:
    return live()


def _writes_of_creation() -> list[Step]:
    """Return the writes until the instance is deployed for the first time."""
    steps = _reference().steps
    end = steps.index(Step("patch", "backstages/status my", 2))
    return [step for step in steps[: end + 1] if step.verb in WRITES]


def _besides_status(steps: list[Step]) -> list[Step]:
    """Return the steps, sorted, whose number does not depend on the time of day.

    A status that is held back is told after ten seconds all the same.
    """
    return sorted(step for step in steps if step.what != "backstages/status my")


def test_a_life_without_faults_is_the_same_twice() -> None:
    first, second = _reference(), live(seed=1)

    assert second.state == first.state
    assert second.history == first.history
    assert _besides_status(second.steps) == _besides_status(first.steps)
    assert (first.restarts, first.late_writes, first.changed_secrets) == (0, [], [])


@pytest.mark.parametrize("fault", AT_EVERY_WRITE)
def test_an_end_at_any_write_of_a_creation_is_made_good(
    fault: Fault, every_fault: bool
) -> None:
    steps = _reference().steps if every_fault else _writes_of_creation()
    assert len(_writes_of_creation()) >= 9

    assert [wrong for step in steps if (wrong := _wrong_after(fault, step))] == []


@pytest.mark.parametrize("fault", OTHERS)
def test_a_failure_of_any_request_is_made_good(
    fault: Fault, every_fault: bool, seed: int
) -> None:
    steps = sampled(_reference().steps, 2, None if every_fault else seed)

    assert [wrong for step in steps if (wrong := _wrong_after(fault, step))] == []


def _wrong_after(fault: Fault, step: Step) -> str:
    """Play a life with one fault; return how it differs from one without."""
    played: list[FaultyTransport] = []

    def transport_of(server: ApiServer) -> FaultyTransport:
        played.append(FaultyTransport(server, {step: fault}))
        return played[0]

    limit = RESYNC_SECONDS if fault in LASTING else PROMPT_SECONDS
    end, reference = live(transport_of, limit=limit), _reference()
    promises = {
        "the fault happened": not played[0].left,
        "the operator went on": end.restarts == (fault in CRASHES),
        "the same objects": end.state == reference.state,
        "made and rolled out as often": end.history == reference.history,
        "nothing is written afterwards": not end.late_writes,
        "no Secret changed": not end.changed_secrets,
    }
    broken = [promise for promise, is_kept in promises.items() if not is_kept]
    return f"{fault} at {step}: not so: {', '.join(broken)}" if broken else ""
