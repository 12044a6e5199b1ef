"""Leader election: of several operators one works, the others wait.

Times are those of client-go, and so is the way to measure them: everybody by a
monotonic clock of their own, from the moment that they saw the Lease change.
Clocks may differ, also by hours; their speeds may differ by half.

- Who leads, may write until 10 s after sending the last renewal that succeeded.
- Who waits, takes over 15 s after seeing the last renewal.
"""

from __future__ import annotations

import logging
import math
import random
import socket
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, final

import anyio
import msgspec
from anyio.abc import TaskStatus

from backstage_op import errors

from .lease import Lease

_log: Final = logging.getLogger(__name__)

_RELEASE_SECONDS: Final = 1.5

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
OnChange: TypeAlias = Callable[[bool], None]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long what may take; the defaults are those of the Go operator."""

    lease_seconds: int = 15
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0
    request_seconds: float = 4.0


def identity() -> str:
    """Return a name for this process that no other has: host and random part."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


@final
class Elector:
    """One candidate. ``on_change`` is told whether it leads, when that changes.

    ``lease`` must have a client of its own: renewals must not wait behind the
    requests of the work, nor be held back by the gate.
    """

    def __init__(
        self,
        lease: Lease,
        name: str,
        *,
        on_change: OnChange = lambda _: None,
        timing: Timing | None = None,
    ) -> None:
        self._lease = lease
        self._name = name
        self._on_change = on_change
        self._timing = timing or Timing()
        self._until = -math.inf
        self._seen_at = -math.inf
        self._complaint = ""

    def may_write_until(self) -> float:
        """Return until when this process may write; the gate of its client."""
        return self._until

    async def run(
        self, work: Work, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Lead whenever possible, until cancelled; ``work`` runs while it does.

        ``work`` is cancelled as a whole when the lease is lost, and started
        again when it is won again. ``started()`` says that the Lease can be used.
        """
        is_started = False
        while True:
            while not self._leads():
                is_heard = await self._attempt()
                if is_heard and not is_started:
                    is_started = True
                    task_status.started()
                if not self._leads():
                    await anyio.sleep(self._pause())
            await self._lead(work)

    async def _lead(self, work: Work) -> None:
        _log.info("%s: leading as %s", self._lease, self._name)
        self._on_change(True)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work, name="work of the leader")
                await self._hold()
                _log.error("%s: lost, all work is stopped", self._lease)
                tasks.cancel_scope.cancel()
        finally:
            # Only now: the work has ended, whatever ended it.
            is_ours, self._until = self._leads(), -math.inf
            self._on_change(False)
            if is_ours:
                await self._release()

    async def _hold(self) -> None:
        """Renew the lease, and return when it is lost."""
        while self._leads():
            with anyio.CancelScope(deadline=self._until):
                await anyio.sleep(self._timing.retry_seconds)
                await self._attempt()

    async def _attempt(self) -> bool:
        """Try once to get or to keep the lease; tell whether the server answered."""
        try:
            with anyio.fail_after(self._timing.request_seconds):
                await self._claim()
        except errors.ConflictError:
            # Somebody else writes it too: who, is what the next look tells.
            _log.debug("%s: changed by somebody else", self._lease)
        except errors.OperatorError as error:
            self._complain(str(error))
            return False
        except TimeoutError:
            self._complain(f"no answer within {self._timing.request_seconds:g} s")
            return False
        self._complaint = ""
        return True

    async def _claim(self) -> None:
        # A leader knows what the Lease says, and saves itself the look.
        if self._leads():
            try:
                await self._write()
            except (errors.ConflictError, errors.NotFoundError):
                _log.debug("%s: not as this process left it", self._lease)
            else:
                return
        before = self._lease.record
        await self._lease.read()
        if self._lease.record != before:
            self._seen_at = anyio.current_time()
        if self._is_free():
            await self._write()
        else:
            self._until = -math.inf

    async def _write(self) -> None:
        sent_at = anyio.current_time()
        await self._lease.claim(self._name, self._timing.lease_seconds)
        self._until = sent_at + self._timing.renew_seconds

    async def _release(self) -> None:
        with anyio.CancelScope(
            shield=True, deadline=anyio.current_time() + _RELEASE_SECONDS
        ):
            try:
                # A renewal may have been under way: what it left is read first.
                await self._lease.read()
                if self._lease.record.holder_identity == self._name:
                    await self._lease.release()
                    _log.info("%s: released", self._lease)
            except errors.OperatorError as error:
                _log.warning("%s: not released, it expires: %s", self._lease, error)

    def _leads(self) -> bool:
        return anyio.current_time() < self._until

    def _is_free(self) -> bool:
        holder = self._lease.record.holder_identity
        return holder in (None, "", self._name) or (
            anyio.current_time() >= self._expires_at()
        )

    def _expires_at(self) -> float:
        seconds = self._lease.record.lease_duration_seconds
        return self._seen_at + (seconds or self._timing.lease_seconds)

    def _pause(self) -> float:
        """Return how long to wait for the next look: not beyond the lease's end."""
        pause = self._timing.retry_seconds * random.uniform(0.75, 1.25)  # noqa: S311
        left = self._expires_at() - anyio.current_time()
        return min(pause, left) if left > 0 else pause

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            _log.warning("%s: %s", self._lease, text)
