"""A transport that does to chosen requests what networks and servers do.

Requests are counted by what they are: the second patch of a status is
``patch backstages/status my 2`` whatever else is sent meanwhile, so that a plan
means the same in every run. What a run did is in ``steps``, in order.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import NamedTuple, NoReturn, TypeVar

import anyio
import httpx2
from tests.support.exchange import Request, Stream, event, received, status_object

Item = TypeVar("Item")

WRITES = frozenset({"create", "apply", "patch", "replace", "delete"})
_PAUSE_SECONDS = 3.0


class Crash(BaseException):
    """The process ends here."""


class Step(NamedTuple):
    """One request of a run: what it is, and the how manieth of its sort."""

    verb: str
    what: str
    number: int

    def __str__(self) -> str:
        return f"{self.verb} {self.what} #{self.number}"


class Fault(StrEnum):
    """What can happen to a request."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    LOST_REPLY = "lost reply"
    REFUSED = "connection refused"
    DUPLICATE = "sent twice"
    DELAY = "delay"
    NOT_JSON = "not JSON"
    BAD_REQUEST = "400 BadRequest"
    UNAUTHORIZED = "401 Unauthorized"
    FORBIDDEN = "403 Forbidden"
    NOT_FOUND = "404 NotFound"
    CONFLICT = "409 Conflict"
    EXPIRED = "410 Expired"
    INVALID = "422 Invalid"
    THROTTLED = "429 TooManyRequests"
    INTERNAL = "500 InternalError"
    BAD_GATEWAY = "502 "
    UNAVAILABLE = "503 ServiceUnavailable"
    TIMEOUT = "504 Timeout"


CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
_ON_THE_WAY = {
    *CRASHES,
    Fault.LOST_REPLY,
    Fault.REFUSED,
    Fault.DUPLICATE,
    Fault.DELAY,
}
_ANSWERED = set(Fault) - _ON_THE_WAY


class WatchFault(StrEnum):
    """What can happen to a watch at one of its events."""

    CLOSED = "closed"
    HALF_LINE = "half a line, then closed"
    RESET = "connection reset"
    FROZEN = "frozen"
    EXPIRED = "410 as an event"


class FaultyTransport(httpx2.AsyncBaseTransport):
    """Counts requests, and fails those of the plan, each once.

    From the step of ``outage`` on, all requests are answered with a 500 for that
    many seconds. ``watches`` says at which event of which watches something
    happens (``configmaps owned``; counted from 1 over all watches of that sort).
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        plan: Mapping[Step, Fault] | None = None,
        *,
        outage: tuple[Step, float] | None = None,
        watches: Mapping[tuple[str, int], WatchFault] | None = None,
    ) -> None:
        self._inner = inner
        self._plan = dict(plan or {})
        self._watches = dict(watches or {})
        self._counts: Counter[tuple[str, str]] = Counter()
        self._outage = outage
        self._is_out_until = 0.0
        self._is_dead = False
        self.events: Counter[str] = Counter()
        self.failed: list[Step] = []
        self.steps: list[Step] = []

    @property
    def left(self) -> list[str]:
        """What was planned and has not happened."""
        return [*map(str, self._plan), *map(str, self._watches)]

    def revive(self) -> None:
        """Send again: a new process took the place of the one that ended."""
        self._is_dead = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, unless something happens to it."""
        if self._is_dead:
            raise httpx2.ConnectError("the process has ended")
        got = received(request, await request.aread())
        step = self._count(got)
        if self._is_out(step):
            self.failed.append(step)
            return _refusal(Fault.INTERNAL)
        fault = self._plan.pop(step, None)
        if fault is None:
            if got.verb == "watch":
                return await self._watch(request, step)
            return await self._inner.handle_async_request(request)
        if fault in _ANSWERED:
            return _refusal(fault)
        return await self._mishap(fault, request)

    def _is_out(self, step: Step) -> bool:
        if self._outage is not None and step == self._outage[0]:
            self._is_out_until = anyio.current_time() + self._outage[1]
            self._outage = None
        return anyio.current_time() < self._is_out_until

    async def _mishap(self, fault: Fault, request: httpx2.Request) -> httpx2.Response:
        if fault is Fault.CRASH_BEFORE:
            self._die()
        if fault is Fault.REFUSED:
            raise httpx2.ConnectError("refused")
        if fault is Fault.DELAY:
            await anyio.sleep(_PAUSE_SECONDS)
        answer = await self._inner.handle_async_request(request)
        if fault is Fault.DELAY:
            return answer
        await answer.aclose()
        if fault is Fault.CRASH_AFTER:
            self._die()
        if fault is Fault.LOST_REPLY:
            raise httpx2.ReadError("connection reset")
        return await self._inner.handle_async_request(request)

    def _die(self) -> NoReturn:
        self._is_dead = True
        raise Crash

    def _count(self, got: Request) -> Step:
        what = "/".join(part for part in (got.key.plural, got.subresource) if part)
        if got.verb in ("list", "watch"):
            sort = "owned" if "labelSelector" in got.query else "all"
            what = f"{what} {sort}"
        elif got.key.plural == "events":
            # Their names are digests of when and about whom.
            pass
        elif got.body is not None and got.verb == "create":
            what = f"{what} {got.body['metadata'].get('name', '')}"
        else:
            what = f"{what} {got.key.name}"
        self._counts[got.verb, what] += 1
        step = Step(got.verb, what.strip(), self._counts[got.verb, what])
        self.steps.append(step)
        return step

    async def _watch(self, request: httpx2.Request, step: Step) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code != 200:
            return response
        return httpx2.Response(200, stream=Stream(self._altered(response, step.what)))

    async def _altered(
        self, response: httpx2.Response, what: str
    ) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(response.aiter_bytes()) as lines:
                async for line in lines:
                    self.events[what] += 1
                    fault = self._watches.pop((what, self.events[what]), None)
                    if fault is not None:
                        yield await _spoiled(line, fault)
                        return
                    yield line
        finally:
            await response.aclose()


async def _spoiled(line: bytes, fault: WatchFault) -> bytes:
    """Return the last bytes of a watch that should have gone on with a line."""
    match fault:
        case WatchFault.CLOSED:
            return b""
        case WatchFault.HALF_LINE:
            return line[: len(line) // 2]
        case WatchFault.RESET:
            raise httpx2.ReadError("connection reset")
        case WatchFault.FROZEN:
            await anyio.sleep_forever()
            return b""
        case WatchFault.EXPIRED:
            return event("ERROR", status_object(410, "Expired", "too old"))


def sampled(items: list[Item], number: int, seed: int | None) -> list[Item]:
    """Return some of the items, the same for the same seed; all of them for None."""
    if seed is None or number >= len(items):
        return items
    return random.Random(seed).sample(items, number)


def _refusal(fault: Fault) -> httpx2.Response:
    if fault is Fault.NOT_JSON:
        return httpx2.Response(200, text="<html>please log in</html>")
    code, _, reason = fault.partition(" ")
    headers = {"Retry-After": "1"} if fault is Fault.THROTTLED else {}
    body = status_object(int(code), reason, "injected")
    return httpx2.Response(int(code), json=body, headers=headers)
