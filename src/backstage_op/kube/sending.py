"""One request to the API server: sent, tried again if that is safe, and decoded.

Whatever goes wrong leaves as one of :mod:`backstage_op.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, final

import anyio
import httpx2
import msgspec

from backstage_op import errors
from backstage_op.retry import RetryPolicy

from . import failures
from .call import EXTENSION, Call
from .transport import MOST_AT_ONCE

REQUEST_SECONDS: Final = 10.0

_SUCCESS: Final = range(200, 300)
_SERVER_ERROR: Final = 500
_OUTAGE_FAILURES: Final = 10
"""After so many failures in a row there is no use in asking again at once."""

_NOT_REPEATABLE: Final = frozenset({"create", "replace"})


@final
class Sender:
    """Sends the requests of a client, eight at once; streams are not counted.

    While the server fails every request, none is repeated here: whoever sent it
    comes back later, and a server in need is not asked four times as often.
    """

    def __init__(self, http: httpx2.AsyncClient, policy: RetryPolicy) -> None:
        self._http = http
        self._policy = policy
        self._failures_in_a_row = 0
        self._slots = anyio.CapacityLimiter(MOST_AT_ONCE)

    async def request(
        self, call: Call, method: str, path: str, **request: Any
    ) -> httpx2.Response:
        """Send a request until it succeeds or should not be repeated."""
        response: httpx2.Response | None = None
        is_repeatable = _is_repeatable(call)

        def is_safe(error: errors.TransientError) -> bool:
            is_asked_to = error.retry_after_seconds is not None
            is_outage = self._failures_in_a_row >= _OUTAGE_FAILURES
            return is_repeatable(error) and (is_asked_to or not is_outage)

        async for attempt in self._policy.retrying(is_safe):
            with attempt:
                response = await self._once(call, method, path, **request)
        assert response is not None  # noqa: S101 - reraise=True
        return response

    @asynccontextmanager
    async def stream(
        self,
        call: Call,
        path: str,
        *,
        params: Mapping[str, str | int],
        accept: str,
        silence_seconds: float,
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Open an answer that goes on, as an iterator over its lines; once only.

        ``silence_seconds`` without a byte end it with a
        :class:`errors.TransientError`.
        """
        request = self._http.build_request(
            "GET",
            path,
            params=params,
            headers={"Accept": accept},
            # Silence is measured here, for every kind of transport.
            timeout=httpx2.Timeout(REQUEST_SECONDS, read=None),
            extensions={EXTENSION: call},
        )
        try:
            with anyio.fail_after(silence_seconds):
                response = await self._http.send(request, stream=True)
            try:
                if response.status_code not in _SUCCESS:
                    with anyio.fail_after(REQUEST_SECONDS):
                        body = await response.aread()
                    raise failures.from_response(
                        call, response.status_code, response.headers, body
                    )
                async with aclosing(_lines(response, silence_seconds)) as lines:
                    yield lines
            finally:
                await response.aclose()
        except failures.TRANSLATED as error:
            raise failures.from_exception(call, error) from error

    async def _once(
        self, call: Call, method: str, path: str, **request: Any
    ) -> httpx2.Response:
        try:
            async with self._slots:
                response = await self._http.request(
                    method, path, extensions={EXTENSION: call}, **request
                )
        except failures.TRANSLATED as error:
            self._failures_in_a_row += 1
            raise failures.from_exception(call, error) from error
        if response.status_code < _SERVER_ERROR:
            self._failures_in_a_row = 0
        else:
            self._failures_in_a_row += 1
        if response.status_code not in _SUCCESS:
            raise failures.from_response(
                call, response.status_code, response.headers, response.content
            )
        return response


def decoded(call: Call, body: bytes, kind: type[Any]) -> Any:
    """Return what an answer holds.

    Raises:
        errors.TransientError: it is not what the API promises.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise failures.from_exception(call, error) from error


def _is_repeatable(call: Call) -> Callable[[errors.TransientError], bool]:
    """Return what tells whether a failed request may be repeated.

    A second try to create, after a lost answer, would report our own object as
    somebody else's, and one to replace our own version as a conflict: these
    are repeated only if the server certainly did nothing.
    """
    if call.verb not in _NOT_REPEATABLE:
        return lambda _: True
    return lambda error: (
        error.reason in failures.NOT_SENT or error.retry_after_seconds is not None
    )


async def _lines(
    response: httpx2.Response, silence_seconds: float
) -> AsyncGenerator[bytes, None]:
    """Yield the complete lines of a stream; half a line at its end is dropped.

    Only a line feed ends a line: values may hold other line separators.

    Raises:
        TimeoutError: nothing came for that long.
    """
    rest = b""
    async with aclosing(response.aiter_bytes()) as chunks:
        while True:
            with anyio.fail_after(silence_seconds):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line:
                    yield line
