"""The physical limit: the operator's writes, sent by a client that does no more.

Its documents are computed and encoded beforehand, its watches are open before
the clock starts, and it compares, retries and reports nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, final

import anyio
import httpx2
import msgspec
from anyio.abc import TaskStatus

from backstage_op import kube

from .wanted import Request, Wanted

_FIELD_MANAGER: Final = "bench"
_APPLY: Final = "application/apply-patch+yaml"
_JSON: Final = "application/json"
_SECONDS: Final = 30.0


class Laps(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the start until the Deployment is there, and rolled out."""

    applied: float
    deployed: float


@final
class BareClient:
    """Sends the writes of one instance as fast as the API server takes them."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    @classmethod
    @asynccontextmanager
    async def connect(cls, connection: kube.Connection) -> AsyncIterator[BareClient]:
        """Open a client for the time of an ``async with``."""
        async with httpx2.AsyncClient(
            base_url=connection.server,
            auth=connection.auth(),
            verify=connection.trust().context,
            headers={"User-Agent": "bench-bare"},
            timeout=_SECONDS,
            trust_env=False,
        ) as http:
            yield cls(http)

    async def deploy(self, wanted: Wanted) -> Laps:
        """Write all objects of one instance; return when it is rolled out."""
        database_ready, portal_ready = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as tasks:
            await tasks.start(self._watch, wanted.database, database_ready)
            await tasks.start(self._watch, wanted.portal, portal_ready)
            start = time.perf_counter()
            async with anyio.create_task_group() as writes:
                for request in (*wanted.others, wanted.database):
                    writes.start_soon(self._write, request)
            await database_ready.wait()
            await self._write(wanted.portal)
            applied = time.perf_counter() - start
            await portal_ready.wait()
            deployed = time.perf_counter() - start
        return Laps(applied=applied, deployed=deployed)

    async def _write(self, request: Request) -> None:
        answer = await self._http.request(
            "PATCH" if request.is_apply else "POST",
            request.kind.path(
                request.namespace, request.name if request.is_apply else ""
            ),
            params={"fieldManager": _FIELD_MANAGER, "fieldValidation": "Strict"},
            headers={"Content-Type": _APPLY if request.is_apply else _JSON},
            content=request.body,
        )
        answer.raise_for_status()

    async def _watch(
        self,
        request: Request,
        ready: anyio.Event,
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        async with self._http.stream(
            "GET",
            request.kind.path(request.namespace),
            params={
                "watch": "true",
                "fieldSelector": f"metadata.name={request.name}",
            },
        ) as answer:
            answer.raise_for_status()
            task_status.started()
            async for line in answer.aiter_lines():
                if request.is_ready(msgspec.json.decode(line)["object"]):
                    ready.set()
                    return
