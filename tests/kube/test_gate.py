"""A gate that closes while a write is on its way, on a real socket."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from tests.support.limits import GIVE_UP_SECONDS

from backstage_op import errors, kube

pytestmark = pytest.mark.real_socket

DOCUMENT = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"namespace": "ns", "name": "a"},
}


@asynccontextmanager
async def _listener() -> AsyncIterator[tuple[kube.Connection, bytearray]]:
    """A server that never answers; yield the way to it, and what it received."""
    received = bytearray()

    async def handle(stream: SocketStream) -> None:
        async with stream:
            async for chunk in stream:
                received.extend(chunk)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, handle)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django
        yield kube.Connection.plain(f"http://127.0.0.1:{port}"), received
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("asked", [1, 2, 3])
async def test_a_gate_is_asked_right_before_each_part_is_sent(asked: int) -> None:
    answers = [math.inf] * (asked - 1)

    def gate() -> float:
        return answers.pop() if answers else -math.inf

    async with _listener() as (connection, received):
        async with kube.Client.connect(connection, gate=gate) as client:
            with (
                anyio.fail_after(GIVE_UP_SECONDS),
                pytest.raises(errors.NotLeaderError),
            ):
                await client.apply(DOCUMENT)
        # The headers alone are no request: the body that they announce is missing.
        assert b"ConfigMap" not in received
