"""Changes that come together are one look, and one rollout."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.operator.stage import DEPLOYMENT, RESOURCE, WITHOUT_DATABASE
from tests.support.apiserver import ApiServer
from tests.support.exchange import Key

from backstage_op import config, kube
from backstage_op.document import Document
from backstage_op.operator import Environment, Operator, Options
from backstage_op.operator.pace import Pace

NAMES = ("one", "two", "three")
SECONDS = 120
OPTED_OUT = {"rhdh.redhat.com/ext-config-sync": "false"}


@asynccontextmanager
async def _portal(server: ApiServer, **labels: str) -> AsyncIterator[None]:
    """Run an operator with a portal of three ConfigMaps, until all is quiet."""
    for name in NAMES:
        _edit(server, name, "first", **labels)
    references = [{"name": name} for name in NAMES]
    application = {"extraEnvs": {"configMaps": references}}
    spec = {**WITHOUT_DATABASE, "application": application}
    resource = {"apiVersion": RESOURCE.api_version, "kind": "Backstage", "spec": spec}
    server.put(RESOURCE, resource)
    connect = functools.partial(
        kube.Client.connect, kube.Connection.plain("http://fake"), inner=server
    )
    default = config.DefaultConfig.shipped("backstage.io")
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            options = Options(environment=Environment(default=default))
            await tasks.start(Operator(options, connect).run)
            await _until(lambda: server.get(DEPLOYMENT) is not None)
            await _until_quiet(server)
            server.requests.clear()
            yield
            tasks.cancel_scope.cancel()


def _edit(server: ApiServer, name: str, value: str, **labels: str) -> None:
    key = Key("v1", "configmaps", "ns", name)
    metadata = {"labels": labels}
    document: Document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    server.put(key, {**document, "data": {f"V_{name}": value}})


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - the server has no event to wait for
        await anyio.sleep(0.01)


async def _until_quiet(server: ApiServer) -> None:
    """Wait until nothing was requested for longer than an instance rests."""
    seen = -1
    while seen != len(server.requests):
        seen = len(server.requests)
        await anyio.sleep(2)


def _rollouts(server: ApiServer) -> int:
    return sum(request.key == DEPLOYMENT for request in server.seen("apply"))


def _looks(server: ApiServer, name: str) -> int:
    """Return how often a ConfigMap was read; each edit of it makes it new."""
    return sum(request.key.name == name for request in server.seen("get"))


@pytest.mark.virtual_clock
async def test_objects_that_change_together_are_one_rollout(server: ApiServer) -> None:
    async with _portal(server):
        # The next one within 30 ms of the first, and then within 100 ms.
        for name, pause in zip(NAMES, (0.025, 0.09, 0.0), strict=True):
            _edit(server, name, "second")
            await anyio.sleep(pause)
        await _until(lambda: _rollouts(server) > 0)
        await _until_quiet(server)

        assert _rollouts(server) == 1


@pytest.mark.virtual_clock
async def test_what_changes_all_the_time_is_looked_at_once_a_second(
    server: ApiServer,
) -> None:
    async with _portal(server):
        for number in range(60):
            _edit(server, "one", str(number))
            await anyio.sleep(0.05)

        # In three seconds: after the longest wait for more, and after each rest.
        assert _looks(server, "one") == 3
        await _until_quiet(server)
        assert _looks(server, "one") == 4


@pytest.mark.virtual_clock
async def test_an_object_that_opts_out_wakes_nobody(server: ApiServer) -> None:
    async with _portal(server, **OPTED_OUT):
        _edit(server, "one", "second", **OPTED_OUT)
        await _until_quiet(server)

        assert server.requests == []


@pytest.mark.virtual_clock
async def test_an_instance_rests_for_a_second() -> None:
    pace, key = Pace(), ("ns", "my")

    assert pace.wait(key) == 0.0
    pace.rest(key)
    assert 0.0 < pace.wait(key) <= 1.0
    assert pace.wait(("ns", "your")) == 0.0
    await anyio.sleep(1.0)
    assert pace.wait(key) == 0.0
    pace.rest(key)
    pace.forget(key)
    assert pace.wait(key) == 0.0


@pytest.mark.virtual_clock
async def test_more_changes_are_waited_for_but_not_for_ever() -> None:
    pace, key = Pace(), ("ns", "my")

    waits = []
    for _ in range(6):
        waits.append(round(pace.change(key), 3))
        await anyio.sleep(0.08)
    assert waits == [0.03, 0.1, 0.1, 0.06, 0.0, 0.0]


@pytest.mark.virtual_clock
async def test_a_laborious_instance_rests_nine_times_as_long_as_it_took() -> None:
    pace, heavy, light = Pace(), ("ns", "heavy"), ("ns", "light")

    rests = []
    for seconds in (2.0, 2.0, 100.0, 100.0):
        pace.labor(heavy, seconds)
        pace.labor(light, 0.005)
        rests.append((round(pace.wait(heavy)), pace.wait(light)))
        await anyio.sleep(60)

    # Once may be the first reading of a text, and a minute is enough.
    assert rests == [(0, 0.0), (18, 0.0), (18, 0.0), (60, 0.0)]


@pytest.mark.virtual_clock
async def test_labor_does_not_shorten_a_rest() -> None:
    pace, key = Pace(), ("ns", "my")

    pace.labor(key, 0.05)
    pace.rest(key)
    pace.labor(key, 0.05)

    assert pace.wait(key) == pytest.approx(1.0, abs=1e-3)
