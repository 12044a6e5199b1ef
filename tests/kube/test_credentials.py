from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from backstage_op import errors, kube

pytestmark = pytest.mark.virtual_clock


class Door(httpx2.AsyncBaseTransport):
    """Lets one token in, and notes which were shown."""

    def __init__(self, accepts: str) -> None:
        self.accepts = accepts
        self.shown: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.shown.append(token)
        if token != self.accepts:
            return httpx2.Response(401, json={"reason": "Unauthorized"})
        return httpx2.Response(200, json={"groups": []})


@asynccontextmanager
async def _client(tmp_path: Path, door: Door) -> AsyncIterator[kube.Client]:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        """
        current-context: main
        contexts: [{name: main, context: {cluster: here, user: pod}}]
        clusters: [{name: here, cluster: {server: "http://fake"}}]
        users: [{name: pod, user: {tokenFile: token}}]
        """
    )
    async with kube.Client.connect(kube.load(kubeconfig), inner=door) as client:
        yield client


async def test_the_token_is_read_again_each_minute(tmp_path: Path) -> None:
    token, door = tmp_path / "token", Door("one")
    token.write_text("one\n")

    async with _client(tmp_path, door) as client:
        await kube.discover(client)
        token.write_text("two\n")
        await anyio.sleep(59)
        await kube.discover(client)
        door.accepts = "two"
        await anyio.sleep(1)
        await kube.discover(client)

    assert door.shown == ["one", "one", "two"]


async def test_after_a_401_a_new_token_is_shown_at_once(tmp_path: Path) -> None:
    token, door = tmp_path / "token", Door("one")
    token.write_text("one")

    async with _client(tmp_path, door) as client:
        await kube.discover(client)
        token.write_text("two")
        door.accepts = "two"
        await kube.discover(client)

    assert door.shown == ["one", "one", "two"]


async def test_a_refused_token_that_is_still_the_same_is_an_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "token").write_text("old")
    door = Door("new")

    async with _client(tmp_path, door) as client:
        with pytest.raises(errors.ForbiddenError):
            await kube.discover(client)

    assert door.shown == ["old"]


@pytest.mark.parametrize("what", ["empty", "gone"])
async def test_a_token_file_that_is_being_replaced_changes_nothing(
    tmp_path: Path, what: str
) -> None:
    token, door = tmp_path / "token", Door("one")
    token.write_text("one")

    async with _client(tmp_path, door) as client:
        await kube.discover(client)
        if what == "gone":
            token.unlink()
        else:
            token.write_text("")
        await anyio.sleep(61)
        await kube.discover(client)

    assert door.shown == ["one", "one"]


async def test_without_a_token_the_file_is_named(tmp_path: Path) -> None:
    async with _client(tmp_path, Door("one")) as client:
        with pytest.raises(errors.SettingsError, match=r"token: .*; mount or correct"):
            await kube.discover(client)
