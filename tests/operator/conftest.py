"""A fake API server, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.apiserver import ApiServer

from backstage_op import kube


@pytest.fixture
async def server(anyio_backend: object) -> ApiServer:
    return ApiServer()


@pytest.fixture
async def client(server: ApiServer) -> AsyncIterator[kube.Client]:
    connection = kube.Connection.plain("http://fake")
    async with kube.Client.connect(connection, inner=server) as opened:
        yield opened
