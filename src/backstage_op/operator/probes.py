"""A small HTTP server for ``/healthz``, ``/readyz`` and ``/metrics``.

It answers GET and HEAD, bounds every connection in time and number, and says
nothing but the result.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import anyio
import h11
import msgspec
from anyio.abc import SocketAttribute, SocketStream, TaskStatus

from backstage_op import errors

_log: Final = logging.getLogger(__name__)

_CONNECTION_SECONDS: Final = 30
_CONNECTIONS: Final = 32
_REQUESTS_A_CONNECTION: Final = 100
_REQUEST_BYTES: Final = 8192


class Response(msgspec.Struct, frozen=True):
    """What a handler answers."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Handler: TypeAlias = Callable[[], Response]


class Address(msgspec.Struct, frozen=True):
    """Where a server listens: ``:8081`` (all interfaces) or ``127.0.0.1:8081``."""

    host: str | None
    port: int

    @classmethod
    def parse(cls, flag: str, text: str) -> Address | None:
        """Read a bind address as the Go operator takes it; ``0`` means off.

        Raises:
            errors.SettingsError: it is neither ``0`` nor ``[host]:port``.
        """
        if text in ("0", ""):
            return None
        host, separator, port = text.rpartition(":")
        if not separator or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004
            raise errors.SettingsError(
                f"{flag}: {text!r} is not an address; write :8081, host:8081 or 0"
            )
        return cls(host.strip("[]") or None, int(port))


async def serve(
    address: Address,
    handlers: Mapping[str, Handler],
    *,
    task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; ``started()`` gives the port that was bound.

    Raises:
        errors.SettingsError: the address cannot be bound.
    """
    try:
        listener = await anyio.create_tcp_listener(
            local_host=address.host, local_port=address.port
        )
    except OSError as error:
        raise errors.SettingsError(
            f"cannot listen on {address.host or ''}:{address.port}: {error.strerror}"
        ) from error
    slots = anyio.CapacityLimiter(_CONNECTIONS)

    async def handle(stream: SocketStream) -> None:
        async with slots, stream:
            with anyio.move_on_after(_CONNECTION_SECONDS):
                try:
                    await _converse(stream, handlers)
                except (
                    anyio.BrokenResourceError,
                    anyio.ClosedResourceError,
                    anyio.EndOfStream,
                    h11.ProtocolError,
                ):
                    _log.debug("a client of the probes went away")

    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django
    async with listener:
        task_status.started(port)
        await listener.serve(handle)


async def _converse(stream: SocketStream, handlers: Mapping[str, Handler]) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_REQUEST_BYTES)
    for _ in range(_REQUESTS_A_CONNECTION):
        request = await _next_event(stream, connection)
        if not isinstance(request, h11.Request):
            return
        while not isinstance(await _next_event(stream, connection), h11.EndOfMessage):
            pass
        response = _answer(request, handlers)
        await stream.send(_encode(connection, request, response))
        if connection.our_state is h11.MUST_CLOSE:
            return
        connection.start_next_cycle()


async def _next_event(stream: SocketStream, connection: h11.Connection) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await stream.receive(4096))
    if isinstance(event, h11.ConnectionClosed):
        raise anyio.EndOfStream
    return event


def _answer(request: h11.Request, handlers: Mapping[str, Handler]) -> Response:
    if request.method not in (b"GET", b"HEAD"):
        return Response(405, b"method not allowed\n")
    path = request.target.split(b"?")[0].decode("latin-1")
    handler = handlers.get(path)
    return handler() if handler is not None else Response(404, b"not found\n")


def _encode(
    connection: h11.Connection, request: h11.Request, response: Response
) -> bytes:
    head = h11.Response(
        status_code=response.status,
        headers=[
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
        ],
    )
    parts = [connection.send(head)]
    if request.method != b"HEAD":
        parts.append(connection.send(h11.Data(data=response.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)
