"""The way to the API server: connections, identity, warnings, measurements."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Final, TypeAlias, final

import anyio
import httpx2
import msgspec

from backstage_op import errors

from .call import EXTENSION, Call
from .credentials import TrustStore

_log: Final = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 8
"""Requests; more keep no API server busier. No more connections are kept idle, for
each of those costs at every request. What is not idle has no limit: some 20 watches
hold a connection each, in each namespace that is watched by itself."""

_MOST_WARNINGS: Final = 200
_VERB_OF_METHOD: Final = {
    "GET": "get",
    "POST": "create",
    "PUT": "replace",
    "PATCH": "patch",
    "DELETE": "delete",
}


_READS: Final = ("GET", "HEAD")
_SENDING: Final = (
    "http11.send_request_headers.started",
    "http11.send_request_body.started",
)


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was sent, for metrics.

    ``code`` is 0 when there was no answer. ``seconds`` run until the headers
    of the answer; for a watch that is the time until it is open.
    """

    verb: str
    resource: str
    code: int
    seconds: float


OnRequest: TypeAlias = Callable[[RequestInfo], None]

WriteGate: TypeAlias = Callable[[], float]
"""Returns until when, on the clock of anyio, writes may be sent."""


@final
class Transport(httpx2.AsyncBaseTransport):
    """Wraps the transport that sends: sets User-Agent, logs warnings, measures.

    ``inner`` is the seam for tests: an in-process server, or a wrapper around
    the real transport that fails the k-th request. ``gate`` holds back what is
    no read. It is asked by the clock, not told by a flag: a process that was
    stopped for a while goes on in the middle of a write, before anything can
    have told it that its time was up.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        user_agent: str,
        on_request: OnRequest | None = None,
        trust: TrustStore | None = None,
        gate: WriteGate | None = None,
    ) -> None:
        self._inner = inner
        self._user_agent = user_agent
        self._on_request = on_request
        self._trust = trust
        self._gate = gate
        self._warned: set[str] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises:
            errors.NotLeaderError: it is a write, and the gate is closed.
        """
        if self._gate is not None and request.method not in _READS:
            _guard(request, self._gate)
        if self._trust is not None:
            self._trust.refresh()
        request.headers["User-Agent"] = self._user_agent
        start = anyio.current_time()
        code = 0
        try:
            response = await self._inner.handle_async_request(request)
            code = response.status_code
        finally:
            self._measure(request, code, anyio.current_time() - start)
        for warning in response.headers.get_list("warning"):
            self._warn(warning)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()

    def _measure(self, request: httpx2.Request, code: int, seconds: float) -> None:
        if self._on_request is None:
            return
        call = _call_of(request)
        self._on_request(
            RequestInfo(
                verb=call.verb, resource=call.resource, code=code, seconds=seconds
            )
        )

    def _warn(self, warning: str) -> None:
        # RFC 9111 form: 299 - "text". Bounded, since the server writes the text.
        if warning not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(warning)
            _log.warning("the API server warns: %s", warning.partition('"')[2][:-1])


def _call_of(request: httpx2.Request) -> Call:
    call = request.extensions.get(EXTENSION)
    if isinstance(call, Call):
        return call
    verb = _VERB_OF_METHOD.get(request.method, request.method.lower())
    return Call(verb=verb, target=request.url.path)


def _guard(request: httpx2.Request, gate: WriteGate) -> None:
    """Ask the gate now, and again right before each part is sent.

    Waiting for a free connection, and opening one, can take seconds.
    """

    def ask() -> None:
        if anyio.current_time() >= gate():
            call = _call_of(request)
            raise errors.NotLeaderError(
                call.verb, call.target, detail="not sent: this process does not lead"
            )

    async def on_step(name: str, _: object) -> None:
        if name in _SENDING:
            ask()

    ask()
    request.extensions["trace"] = on_step


def pool(trust: TrustStore) -> httpx2.AsyncHTTPTransport:
    """Return the transport that really sends, over HTTP/1.1.

    TCP keep-alive finds a peer that is gone without having said so.
    """
    options: list[tuple[int, int, int]] = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ]
    for name, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return httpx2.AsyncHTTPTransport(
        verify=trust.context,
        trust_env=False,
        limits=httpx2.Limits(
            max_connections=None,
            max_keepalive_connections=MOST_AT_ONCE,
            keepalive_expiry=30.0,
        ),
        socket_options=options,
    )
