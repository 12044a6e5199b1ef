"""The physical limit: the operator's writes, sent by a client that does no more.

Its documents are computed and encoded beforehand, its watches are open before
the clock starts, and it compares, retries and reports nothing.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, final

import anyio
import httpx2
import msgspec
from anyio.abc import TaskStatus

from backstage_op import kube, sandbox

from .wanted import Request, Wanted

AGENT: Final = "bench-bare"

_FIELD_MANAGER: Final = "bench"
_APPLY: Final = "application/apply-patch+yaml"
_JSON: Final = "application/json"
_METADATA: Final = (
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
)
_SECONDS: Final = 30.0


class Laps(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the start until the Deployment is there, and rolled out."""

    applied: float
    deployed: float


@final
class _Awaited:
    """An object that is waited for."""

    def __init__(self, request: Request) -> None:
        self.request: Final = request
        self.ready: Final = anyio.Event()


@final
class BareClient:
    """Sends the writes of instances as fast as the API server takes them."""

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
            headers={"User-Agent": AGENT},
            timeout=_SECONDS,
            trust_env=False,
        ) as http:
            yield cls(http)

    async def deploy(self, wanted: Sequence[Wanted]) -> list[Laps]:
        """Write all objects of instances of one namespace, all at once.

        Returns when they are rolled out; the laps are in the order of ``wanted``.
        """
        databases = {one.database.name: _Awaited(one.database) for one in wanted}
        portals = {one.portal.name: _Awaited(one.portal) for one in wanted}
        laps: dict[str, Laps] = {}

        async def run(one: Wanted) -> None:
            async with anyio.create_task_group() as writes:
                for request in (*one.others, one.database):
                    writes.start_soon(self._write, request)
            await databases[one.database.name].ready.wait()
            await self._write(one.portal)
            applied = time.perf_counter() - start
            await portals[one.portal.name].ready.wait()
            laps[one.portal.name] = Laps(
                applied=applied, deployed=time.perf_counter() - start
            )

        async with anyio.create_task_group() as watches:
            await watches.start(self._watch, databases)
            await watches.start(self._watch, portals)
            start = time.perf_counter()
            async with anyio.create_task_group() as runs:
                for one in wanted:
                    runs.start_soon(run, one)
            watches.cancel_scope.cancel()
        return [laps[one.portal.name] for one in wanted]

    async def follow(
        self,
        wanted: Mapping[str, Wanted],
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Roll out a portal at each change of its ConfigMap, until cancelled.

        ``wanted`` are the instances of one namespace, by the name of the ConfigMap.
        """
        namespace = next(iter(wanted.values())).portal.namespace
        path = kube.CONFIG_MAP.path(namespace)
        async with (
            self._http.stream(
                "GET", path, params={"watch": "true"}, headers={"Accept": _METADATA}
            ) as answer,
            anyio.create_task_group() as tasks,
        ):
            answer.raise_for_status()
            task_status.started()
            async for line in answer.aiter_lines():
                event = msgspec.json.decode(line)
                metadata = event["object"]["metadata"]
                if event["type"] == "MODIFIED" and metadata["name"] in wanted:
                    portal = wanted[metadata["name"]].portal
                    tasks.start_soon(
                        self._roll_out,
                        f"{path}/{metadata['name']}",
                        portal.rolled_out(metadata["resourceVersion"]),
                    )

    async def _roll_out(self, path: str, portal: Request) -> None:
        answer = await self._http.get(path)
        answer.raise_for_status()
        await self._write(portal)

    async def _write(self, request: Request) -> None:
        answer = await self._http.request(
            "PATCH" if request.is_apply else "POST",
            request.kind.path(
                request.namespace, request.name if request.is_apply else ""
            ),
            params={
                "fieldManager": _FIELD_MANAGER,
                "fieldValidation": "Strict",
                **({"force": "true"} if request.is_apply else {}),
            },
            headers={"Content-Type": _APPLY if request.is_apply else _JSON},
            content=request.body,
        )
        answer.raise_for_status()

    async def _watch(
        self,
        awaited: Mapping[str, _Awaited],
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Watch a collection until cancelled, and tell what became ready."""
        request = next(iter(awaited.values())).request
        async with self._http.stream(
            "GET", request.kind.path(request.namespace), params={"watch": "true"}
        ) as answer:
            answer.raise_for_status()
            task_status.started()
            async for line in answer.aiter_lines():
                live = msgspec.json.decode(line)["object"]
                one = awaited.get(live["metadata"]["name"])
                if one is not None and one.request.is_ready(live):
                    one.ready.set()


def is_by_bare_client(event: sandbox.AuditEvent) -> bool:
    """Tell whether the bare client sent a request."""
    return event.user_agent == AGENT
