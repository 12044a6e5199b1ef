from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.support.apiserver import ApiServer
from tests.support.exchange import failure, status

from backstage_op import errors, kube

from .config_map import KEY, config_map

pytestmark = pytest.mark.virtual_clock


async def test_a_lost_answer_to_an_apply_is_asked_for_again(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("apply", _lost(server), status(503, "ServiceUnavailable"))

    applied = await client.apply(config_map())

    assert applied == server.get(KEY)
    assert len(server.requests) == 3


async def test_create_is_not_repeated_after_a_lost_answer(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("create", _lost(server))

    with pytest.raises(errors.TransientError) as caught:
        await client.create(config_map())

    assert caught.value.reason == "ReadError"
    assert len(server.requests) == 1


async def test_replace_is_not_repeated_after_a_lost_answer(
    client: kube.Client, server: ApiServer
) -> None:
    seen = await client.apply(config_map())
    server.answer("replace", _lost(server))

    with pytest.raises(errors.TransientError):
        await client.replace(seen)

    assert len(server.seen("replace")) == 1


async def test_create_is_not_repeated_after_a_500(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("create", status(500, "InternalError", "etcd: timed out"))

    with pytest.raises(errors.TransientError):
        await client.create(config_map())

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        failure(httpx2.ConnectError("refused")),
        failure(httpx2.ConnectTimeout("slow")),
        failure(httpx2.PoolTimeout("busy")),
        status(429, "TooManyRequests", headers={"Retry-After": "1"}),
    ],
)
async def test_create_is_repeated_if_the_server_did_nothing(
    client: kube.Client, server: ApiServer, refusal: Any
) -> None:
    server.answer("create", refusal)

    assert await client.create(config_map()) == server.get(KEY)

    assert len(server.requests) == 2


async def test_a_wish_of_the_server_is_honored_to_the_second(
    client: kube.Client, server: ApiServer
) -> None:
    busy = status(429, "TooManyRequests", headers={"Retry-After": "11"})
    server.answer("apply", busy)

    await client.apply(config_map())

    first, second = server.times
    assert second - first == pytest.approx(11.0)


async def test_while_all_fails_nothing_is_repeated_at_once(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("apply", *[status(500, "InternalError")] * 12)
    counts = []

    for _ in range(5):
        server.requests.clear()
        with pytest.raises(errors.TransientError):
            await client.apply(config_map())
        counts.append(len(server.requests))
    await client.apply(config_map())
    server.answer("apply", status(500, "InternalError"))
    await client.apply(config_map())

    assert counts == [4, 4, 2, 1, 1]


async def test_a_refusal_is_not_repeated(
    client: kube.Client, server: ApiServer
) -> None:
    server.answer("apply", status(422, "Invalid", "spec: Required value"))

    with pytest.raises(errors.RejectedError, match="422 spec: Required value"):
        await client.apply(config_map())

    assert len(server.requests) == 1


async def test_a_body_that_is_no_json_is_a_transient_error(
    client: kube.Client, server: ApiServer
) -> None:
    async def page(_: Any) -> httpx2.Response:
        return httpx2.Response(200, text="<html>please log in</html>")

    server.answer("get", page)

    with pytest.raises(errors.TransientError, match="is there a proxy between"):
        await client.get(kube.CONFIG_MAP, "team", "a")


def _lost(server: ApiServer) -> Any:
    """Do what is asked, and lose the answer."""

    async def answer(request: Any) -> httpx2.Response:
        server.put(KEY, request.body)
        raise httpx2.ReadError("connection reset")

    return answer
