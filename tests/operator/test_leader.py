"""Leader election, on a clock that jumps: who leads when, and who never does."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, final

import anyio
import httpx2
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key, Request, status

from backstage_op import errors, kube
from backstage_op.operator.leader import Elector
from backstage_op.operator.lease import NAME, Lease

pytestmark = pytest.mark.virtual_clock

KEY = Key("coordination.k8s.io/v1", "leases", "ops", NAME)
PLAIN = kube.Connection.plain("http://fake")


@final
class Candidate:
    """An elector with work that only notes when it runs."""

    def __init__(self, client: kube.Client, name: str) -> None:
        self.spans: list[tuple[float, float]] = []
        self.told: list[bool] = []
        self.elector = Elector(Lease(client, "ops"), name, on_change=self.told.append)

    @property
    def leads(self) -> bool:
        return anyio.current_time() < self.elector.may_write_until()

    async def work(self) -> None:
        since = anyio.current_time()
        try:
            await anyio.sleep_forever()
        finally:
            self.spans.append((since, anyio.current_time()))


@final
class Line(httpx2.AsyncBaseTransport):
    """The way of one candidate to the server, which can be cut without a sign."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.is_cut = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_cut:
            await anyio.sleep_forever()
        return await self.server.handle_async_request(request)


@asynccontextmanager
async def _candidates(
    *lines: httpx2.AsyncBaseTransport,
) -> AsyncIterator[tuple[list[Candidate], list[anyio.CancelScope]]]:
    """Run a candidate on each line; yield them, and what stops each."""
    candidates: list[Candidate] = []
    scopes: list[anyio.CancelScope] = []

    async def run(candidate: Candidate, scope: anyio.CancelScope) -> None:
        with scope:
            await candidate.elector.run(candidate.work)

    async with AsyncExitStack() as stack:
        for number, line in enumerate(lines):
            opened = kube.Client.connect(PLAIN, inner=line)
            client = await stack.enter_async_context(opened)
            candidates.append(Candidate(client, f"candidate-{number}"))
            scopes.append(anyio.CancelScope())
        tasks = await stack.enter_async_context(anyio.create_task_group())
        for candidate, scope in zip(candidates, scopes, strict=True):
            tasks.start_soon(run, candidate, scope)
            await _until(lambda: any(c.leads for c in candidates))
        yield candidates, scopes
        tasks.cancel_scope.cancel()


async def _until(is_so: Callable[[], bool], seconds: float = 120) -> None:
    with anyio.fail_after(seconds):
        while not is_so():  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(0.05)


def _spec(server: ApiServer) -> dict[str, Any]:
    found = server.get(KEY)
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


async def test_the_lease_is_made_in_the_form_of_the_go_operator(
    server: ApiServer,
) -> None:
    async with _candidates(server):
        spec = _spec(server)

    assert spec["holderIdentity"] == "candidate-0"
    assert spec["leaseDurationSeconds"] == 15
    assert spec["leaseTransitions"] == 0
    assert spec["acquireTime"] == spec["renewTime"]
    assert spec["renewTime"].endswith("Z")


async def test_one_of_several_leads_and_renews_every_two_seconds(
    server: ApiServer,
) -> None:
    async with _candidates(server, server, server) as (candidates, _):
        await anyio.sleep(100)
        assert [c.leads for c in candidates] == [True, False, False]
        times = server.seen_at("replace")

    assert {round(b - a, 1) for a, b in itertools.pairwise(times)} == {2.0}
    # Who waits has written nothing, and who leads has not looked: it knows.
    assert {r.body["spec"]["holderIdentity"] for r in server.seen("replace")} <= {
        "candidate-0",
        "",
    }


async def test_a_leader_that_ends_hands_over_within_three_seconds(
    server: ApiServer,
) -> None:
    async with _candidates(server, server) as (candidates, scopes):
        scopes[0].cancel()
        ended_at = anyio.current_time()
        await _until(lambda: candidates[1].leads)

        assert anyio.current_time() - ended_at < 3
        assert _spec(server)["leaseTransitions"] == 1
        [(_, worked_until)] = candidates[0].spans
    [released] = [
        at
        for request, at in zip(server.requests, server.times, strict=True)
        if request.verb == "replace" and request.body["spec"]["holderIdentity"] == ""
    ][:1]
    assert worked_until <= released


async def test_a_leader_that_vanishes_is_followed_between_10_and_20_seconds(
    server: ApiServer,
) -> None:
    first = Line(server)
    async with _candidates(first, server) as (candidates, _):
        await anyio.sleep(31)
        first.is_cut = True
        cut_at = anyio.current_time()
        await _until(lambda: candidates[1].leads)

        assert 10 < anyio.current_time() - cut_at < 20
        [(_, worked_until)] = candidates[0].spans
        assert worked_until - cut_at <= 10
        assert candidates[0].told == [True, False]


async def test_a_leader_that_was_cut_off_leads_again_when_it_is_its_turn(
    server: ApiServer,
) -> None:
    line = Line(server)
    async with _candidates(line) as (candidates, _):
        line.is_cut = True
        await _until(lambda: not candidates[0].leads)
        line.is_cut = False
        await _until(lambda: candidates[0].leads)

        assert candidates[0].told == [True, False, True]


async def test_time_begins_with_sending_a_renewal_not_with_its_answer(
    server: ApiServer,
) -> None:
    async def slow(request: Request) -> httpx2.Response:
        await anyio.sleep(3)
        return server.serve(request)

    async with _candidates(server) as (candidates, _):
        elector = candidates[0].elector
        before = elector.may_write_until()
        server.answer("replace", slow)
        await _until(lambda: elector.may_write_until() != before)
        sent_at = server.seen_at("replace")[0]

        assert elector.may_write_until() == sent_at + 10


async def test_a_lost_answer_to_a_renewal_costs_nothing(server: ApiServer) -> None:
    async def lost(request: Request) -> httpx2.Response:
        server.serve(request)
        raise httpx2.ReadError("reset")

    async with _candidates(server) as (candidates, _):
        server.answer("replace", lost, lost)
        await anyio.sleep(30)

        assert candidates[0].leads
        assert candidates[0].told == [True]


@pytest.mark.parametrize("code", [403, 429, 500, 503])
async def test_errors_for_less_than_ten_seconds_cost_nothing(
    server: ApiServer, code: int
) -> None:
    async with _candidates(server) as (candidates, _):
        server.answer("replace", *[status(code)] * 2)
        await anyio.sleep(30)

        assert candidates[0].told == [True]


async def test_a_lease_that_somebody_else_took_ends_the_work_at_once(
    server: ApiServer,
) -> None:
    async with _candidates(server) as (candidates, _):
        live = server.get(KEY)
        assert live is not None
        live["spec"] |= {"holderIdentity": "thief"}
        server.put(KEY, live)
        taken_at = anyio.current_time()
        await _until(lambda: not candidates[0].leads)

        assert anyio.current_time() - taken_at <= 2.1


async def test_a_lease_that_was_deleted_is_made_again(server: ApiServer) -> None:
    async with _candidates(server) as (candidates, _):
        server.drop(KEY)
        await anyio.sleep(30)

        assert _spec(server)["holderIdentity"] == "candidate-0"
        assert candidates[0].told == [True]


@pytest.mark.parametrize("renewed", ["1971-01-01T00:00:00Z", "2171-01-01T00:00:00Z"])
async def test_clocks_are_not_compared(server: ApiServer, renewed: str) -> None:
    spec = {
        "holderIdentity": "other",
        "leaseDurationSeconds": 15,
        "renewTime": renewed,
        "acquireTime": renewed,
        "leaseTransitions": 7,
    }
    server.put(
        KEY,
        {"apiVersion": KEY.api_version, "kind": "Lease", "metadata": {}, "spec": spec},
    )
    start = anyio.current_time()

    async with _candidates(server):
        assert 15 <= anyio.current_time() - start < 18
        assert _spec(server)["leaseTransitions"] == 8


async def test_labels_that_others_put_on_the_lease_stay(server: ApiServer) -> None:
    async with _candidates(server):
        live = server.get(KEY)
        assert live is not None
        live["metadata"]["labels"] = {"team": "ours"}
        server.put(KEY, live)
        await anyio.sleep(10)

    found = server.get(KEY)
    assert found is not None
    assert found["metadata"]["labels"] == {"team": "ours"}
    assert found["spec"]["holderIdentity"] == ""


async def test_an_error_of_the_work_releases_the_lease_and_is_raised(
    server: ApiServer,
) -> None:
    async def fail() -> None:
        await anyio.sleep(5)
        raise RuntimeError("a bug")

    async with kube.Client.connect(PLAIN, inner=server) as client:
        with pytest.raises(ExceptionGroup) as caught:
            await Elector(Lease(client, "ops"), "me").run(fail)

    assert caught.group_contains(RuntimeError, match="a bug")
    assert _spec(server)["holderIdentity"] == ""


class TestGate:
    @pytest.fixture
    def document(self) -> dict[str, Any]:
        metadata = {"namespace": "ns", "name": "a"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    async def test_a_closed_gate_refuses_writes_and_lets_reads_pass(
        self, server: ApiServer, document: dict[str, Any]
    ) -> None:
        async with kube.Client.connect(
            PLAIN, inner=server, gate=anyio.current_time
        ) as client:
            with pytest.raises(errors.NotLeaderError):
                await client.apply(document)
            assert await client.list_all(kube.CONFIG_MAP) == []

        assert [request.verb for request in server.requests] == ["list"]

    async def test_an_open_gate_lets_writes_pass(
        self, server: ApiServer, document: dict[str, Any]
    ) -> None:
        def gate() -> float:
            return anyio.current_time() + 1

        async with kube.Client.connect(PLAIN, inner=server, gate=gate) as client:
            await client.apply(document)

        assert [request.verb for request in server.requests] == ["apply"]
