"""An API server that fails for a minute: asked seldom, and caught up with soon."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.faults.scenario import live
from tests.support.apiserver import ApiServer
from tests.support.faults import FaultyTransport, Step

_SECONDS = 60.0
_SECONDS_AFTERWARDS = 35.0
_MOST_REQUESTS = 60


@pytest.mark.parametrize(
    "start",
    [
        Step("groups", "", 1),
        Step("list", "deployments owned", 1),
        Step("create", "secrets backstage-psql-secret-my", 1),
        Step("apply", "deployments backstage-my", 2),
    ],
    ids=str,
)
def test_a_minute_of_errors_is_survived_with_few_requests(start: Step) -> None:
    played: list[FaultyTransport] = []

    def transport_of(server: ApiServer) -> FaultyTransport:
        played.append(FaultyTransport(server, outage=(start, _SECONDS)))
        return played[0]

    end, reference = live(transport_of, limit=_SECONDS + _SECONDS_AFTERWARDS), live()

    watched = Counter(s.what for s in played[0].failed if s.verb in ("list", "watch"))
    others = [str(s) for s in played[0].failed if s.verb not in ("list", "watch")]
    assert played[0].failed[0] == start
    assert (end.state, end.history) == (reference.state, reference.history)
    assert {what: n for what, n in watched.items() if n > _MOST_REQUESTS} == {}
    assert len(others) <= _MOST_REQUESTS, others
