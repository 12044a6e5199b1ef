"""A small HTTP server for ``/healthz``, ``/readyz`` and ``/metrics``.

It answers GET and HEAD, bounds every connection in time and number, and says
nothing but the result. Where there are too many connections, the oldest one is
closed: clients that are slow or silent must not keep a probe from its answer.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias, final

import anyio
import h11
import msgspec
from anyio.abc import ByteStream, SocketAttribute, SocketStream, TaskStatus
from anyio.streams.tls import TLSStream

from backstage_op import errors

_log: Final = logging.getLogger(__name__)

_CONNECTION_SECONDS: Final = 30
_CONNECTIONS: Final = 32
_REQUESTS_A_CONNECTION: Final = 100
_REQUEST_BYTES: Final = 16384

_GONE: Final = (
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    h11.ProtocolError,
    ssl.SSLError,
)
"""What a client can do to us: leave, or speak something else."""


class Request(msgspec.Struct, frozen=True):
    """What a handler is asked. The bearer token is empty if there is none."""

    path: str
    token: str = ""


class Response(msgspec.Struct, frozen=True):
    """What a handler answers."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
CurrentTls: TypeAlias = Callable[[], ssl.SSLContext]
"""Returns with what the next connection is secured."""


class Address(msgspec.Struct, frozen=True):
    """Where a server listens: ``:8081`` (all interfaces) or ``127.0.0.1:8081``.

    ``flag`` is what it was read from, for messages.
    """

    host: str | None
    port: int
    flag: str

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
        return cls(host.strip("[]") or None, int(port), flag)


async def serve(
    address: Address,
    handlers: Mapping[str, Handler],
    *,
    tls: CurrentTls | None = None,
    task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled, over TLS if told so.

    ``started()`` gives the port that was bound.

    Raises:
        errors.SettingsError: the address cannot be bound.
    """
    try:
        listener = await anyio.create_tcp_listener(
            local_host=address.host, local_port=address.port
        )
    except OSError as error:
        raise errors.SettingsError(
            f"{address.flag}: cannot listen on {address.host or ''}:{address.port}: "
            f"{error.strerror}; pass another address, or 0 to serve nothing"
        ) from error
    connections = _Connections()

    async def handle(plain: SocketStream) -> None:
        async with plain:
            with connections.slot():
                try:
                    await _converse(await _secured(plain, tls), handlers)
                except _GONE:
                    _log.debug("a client of port %d went away", port)

    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django
    async with listener:
        task_status.started(port)
        await listener.serve(handle)


@final
class _Connections:
    """The connections that are open, the oldest one first."""

    def __init__(self) -> None:
        self._scopes: dict[anyio.CancelScope, None] = {}

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Bound a connection in time, and close the oldest one for it if need be."""
        if len(self._scopes) >= _CONNECTIONS:
            oldest = next(iter(self._scopes))
            del self._scopes[oldest]
            oldest.cancel()
        with anyio.move_on_after(_CONNECTION_SECONDS) as scope:
            self._scopes[scope] = None
            try:
                yield
            finally:
                self._scopes.pop(scope, None)


async def _secured(plain: SocketStream, tls: CurrentTls | None) -> ByteStream:
    if tls is None:
        return plain
    return await TLSStream.wrap(
        plain, server_side=True, ssl_context=tls(), standard_compatible=False
    )


async def _converse(stream: ByteStream, handlers: Mapping[str, Handler]) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_REQUEST_BYTES)
    for _ in range(_REQUESTS_A_CONNECTION):
        request = await _next_event(stream, connection)
        if not isinstance(request, h11.Request):
            return
        while not isinstance(await _next_event(stream, connection), h11.EndOfMessage):
            pass
        response = await _answer(request, handlers)
        await stream.send(_encode(connection, request, response))
        if connection.our_state is h11.MUST_CLOSE:
            return
        connection.start_next_cycle()


async def _next_event(stream: ByteStream, connection: h11.Connection) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await stream.receive(4096))
    if isinstance(event, h11.ConnectionClosed):
        raise anyio.EndOfStream
    return event


async def _answer(request: h11.Request, handlers: Mapping[str, Handler]) -> Response:
    if request.method not in (b"GET", b"HEAD"):
        return Response(405, b"method not allowed\n")
    path = request.target.split(b"?")[0].decode("latin-1")
    handler = handlers.get(path)
    if handler is None:
        return Response(404, b"not found\n")
    return await handler(Request(path, _token(request)))


def _token(request: h11.Request) -> str:
    for name, value in request.headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return token.strip()
    return ""


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
