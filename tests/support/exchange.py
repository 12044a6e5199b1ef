"""What reaches the fake API server, and what a test can answer in its place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import anyio
import httpx2
import msgspec

from backstage_op.document import Document

Answer: TypeAlias = Callable[["Request"], Awaitable[httpx2.Response]]
Piece: TypeAlias = bytes | float | Exception | Callable[[], object]

_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>status))?)?"
)
_RESOURCES = re.compile(r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))")


class Key(NamedTuple):
    api_version: str
    plural: str
    namespace: str
    name: str


class Request(msgspec.Struct, kw_only=True):
    """One request that arrived, in the words of the API."""

    verb: str
    path: str
    key: Key
    subresource: str
    query: dict[str, str]
    headers: httpx2.Headers
    body: Any


def status(
    code: int, reason: str = "", message: str = "", headers: Any = None, **more: Any
) -> Answer:
    """Answer with a Status object."""

    async def answer(_: Request) -> httpx2.Response:
        return httpx2.Response(
            code, json=status_object(code, reason, message, **more), headers=headers
        )

    return answer


def failure(error: Exception) -> Answer:
    """Break the connection instead of answering."""

    async def answer(_: Request) -> httpx2.Response:
        raise error

    return answer


def stream(*pieces: Piece) -> Answer:
    """Stream bytes; wait for a number of seconds, call, or break in between."""

    async def answer(_: Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Stream(_play(pieces)))

    return answer


def event(kind: str, item: Document) -> bytes:
    """Return the line of a watch that tells an event."""
    return msgspec.json.encode({"type": kind, "object": item}) + b"\n"


class Stream(httpx2.AsyncByteStream):
    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        await self._pieces.aclose()


async def _play(pieces: tuple[Piece, ...]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece, float):
            await anyio.sleep(piece)
        elif isinstance(piece, Exception):
            raise piece
        else:
            piece()


def received(request: httpx2.Request, body: bytes) -> Request:
    match = _PATH.fullmatch(request.url.path)
    resources = _RESOURCES.fullmatch(request.url.path)
    parts = match or resources
    found = defaultdict(str, parts.groupdict(default="") if parts else {})
    key = Key(
        found["core"] or found["group"],
        found["plural"],
        found["namespace"],
        found["name"],
    )
    query = dict(request.url.params)
    apply = request.headers.get("content-type") == "application/apply-patch+yaml"
    read = "watch" if "watch" in query else "get" if key.name else "list"
    verbs = {"POST": "create", "PATCH": "apply" if apply else "patch"}
    verbs |= {"PUT": "replace"}
    discovery = "resources" if resources else "groups"
    verbs |= {"DELETE": "delete", "GET": read if match else discovery}
    return Request(
        verb=verbs[request.method],
        path=request.url.path,
        key=key,
        subresource=found["sub"],
        query=query,
        headers=request.headers,
        body=msgspec.json.decode(body) if body else None,
    )


def status_object(code: int, reason: str, message: str, **more: Any) -> Document:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        **more,
    }
