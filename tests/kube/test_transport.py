from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx2
import msgspec
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import Request, failure

from backstage_op import kube

from .config_map import KEY, config_map


async def test_requests_say_who_we_are(client: kube.Client, server: ApiServer) -> None:
    await client.api_groups()

    assert server.requests[0].headers["user-agent"].startswith("backstage-op/")


async def test_each_request_is_measured_with_its_answer(server: ApiServer) -> None:
    measured: list[kube.RequestInfo] = []
    server.answer("get", failure(httpx2.ConnectError("refused")))
    async with kube.Client.connect(
        kube.Connection.plain("http://fake"),
        inner=server,
        on_request=measured.append,
    ) as client:
        await client.apply(config_map())
        await client.get(kube.CONFIG_MAP, "team", "a")
        await client.api_groups()

    assert [(info.verb, info.resource, info.code) for info in measured] == [
        ("apply", "configmaps", 201),
        ("get", "configmaps", 0),
        ("get", "configmaps", 200),
        ("get", "", 200),
    ]
    assert all(0 <= info.seconds < 5 for info in measured)


async def test_a_warning_of_the_server_is_logged_once(
    client: kube.Client, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    warned = {"Warning": '299 - "v1alpha3 is deprecated"'}
    server.answer("get", *[_ok(warned)] * 2)

    for _ in range(2):
        await client.get(kube.CONFIG_MAP, "team", "a")

    assert [record.getMessage() for record in caplog.records] == [
        "the API server warns: v1alpha3 is deprecated"
    ]


async def test_a_cancelled_request_is_not_retried(
    client: kube.Client, server: ApiServer
) -> None:
    async def hang(_: Any) -> httpx2.Response:
        scope.cancel()
        await anyio.sleep_forever()
        raise AssertionError

    server.answer("get", hang)

    with anyio.CancelScope() as scope:
        await client.get(kube.CONFIG_MAP, "team", "a")

    assert scope.cancelled_caught
    assert len(server.requests) == 1


async def test_eight_requests_are_sent_at_once_and_streams_are_not_counted(
    client: kube.Client, server: ApiServer
) -> None:
    busy = most = 0

    async def slow(request: Request) -> httpx2.Response:
        nonlocal busy, most
        busy += 1
        most = max(busy, most)
        await anyio.sleep(0.01)
        busy -= 1
        return server.serve(request)

    server.put(KEY, config_map())
    server.answer("get", *[slow] * 20)

    async with AsyncExitStack() as watches:
        for _ in range(10):
            await watches.enter_async_context(
                client.watch(
                    kube.CONFIG_MAP,
                    resource_version="0",
                    seconds=60,
                    silence_seconds=60,
                )
            )
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(client.get, kube.CONFIG_MAP, "team", "a")

    assert (busy, most) == (0, 8)


def _ok(headers: dict[str, str]) -> Any:
    async def answer(_: Any) -> httpx2.Response:
        body = msgspec.json.encode(config_map())
        return httpx2.Response(200, content=body, headers=headers)

    return answer
