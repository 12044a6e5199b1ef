"""A watch fails at one of its events, and nothing that happened is missed."""

from __future__ import annotations

import functools

import pytest
from tests.faults.scenario import End, live
from tests.support.apiserver import ApiServer
from tests.support.faults import Fault, FaultyTransport, Step, WatchFault, sampled

pytestmark = pytest.mark.timeout(3600)


@functools.cache
def _reference() -> tuple[End, dict[str, int]]:
    played: list[FaultyTransport] = []

    def transport_of(server: ApiServer) -> FaultyTransport:
        played.append(FaultyTransport(server))
        return played[0]

    return live(transport_of), dict(played[0].events)


@pytest.mark.parametrize("fault", WatchFault)
def test_a_failure_at_any_event_is_made_good(
    fault: WatchFault, every_fault: bool, seed: int
) -> None:
    _, counts = _reference()
    events = [(what, n + 1) for what in sorted(counts) for n in range(counts[what])]
    assert {what for what, _ in events} >= {"backstages all", "deployments owned"}
    chosen = sampled(events, 2, None if every_fault else seed)

    assert [
        wrong
        for place in chosen
        if (wrong := _wrong_with(watches={place: fault}, what=f"{fault} at {place}"))
    ] == []


@pytest.mark.parametrize("what", ["backstages all", "configmaps all"])
def test_a_watch_that_has_expired_when_it_is_opened_again_is_made_good(
    what: str,
) -> None:
    assert (
        _wrong_with(
            {Step("watch", what, 2): Fault.EXPIRED},
            watches={(what, 1): WatchFault.RESET},
            what=f"410 for {what}",
        )
        == ""
    )


@pytest.mark.parametrize("what", ["secrets owned", "secrets all"])
def test_a_list_that_expires_at_its_second_page_is_made_good(what: str) -> None:
    # By then there are two of them: the watch that expires has them listed again.
    plan = {
        Step("watch", what, 2): Fault.EXPIRED,
        Step("list", what, 3): Fault.EXPIRED,
    }
    assert (
        _wrong_with(
            plan,
            watches={(what, 2): WatchFault.CLOSED},
            what=f"410 on page 2 of {what}",
            page=1,
        )
        == ""
    )


def _wrong_with(
    plan: dict[Step, Fault] | None = None,
    *,
    watches: dict[tuple[str, int], WatchFault],
    what: str,
    page: int | None = None,
) -> str:
    """Play a life with these faults; return how it differs from one without."""
    played: list[FaultyTransport] = []

    def transport_of(server: ApiServer) -> FaultyTransport:
        played.append(FaultyTransport(server, plan, watches=watches))
        return played[0]

    end, (reference, _) = live(transport_of, page=page), _reference()
    promises = {
        "the fault happened": not played[0].left,
        "the operator went on": end.restarts == 0,
        "the same objects": end.state == reference.state,
        "made and rolled out as often": end.history == reference.history,
        "nothing is written afterwards": not end.late_writes,
        "no Secret changed": not end.changed_secrets,
    }
    broken = [promise for promise, is_kept in promises.items() if not is_kept]
    return f"{what}: not so: {', '.join(broken)}" if broken else ""
