"""A virtual clock that stands still while threads compute.

Trio's own automatic jumps do not wait for worker threads: minutes pass while
one computes for a few milliseconds, and whatever was due by then happens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import anyio.to_thread
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

_REAL_SECONDS = 0.0005


@asynccontextmanager
async def jumping(clock: MockClock) -> AsyncIterator[None]:
    """Move the clock to the next deadline whenever nothing else can happen."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_jump, clock)
        yield
        tasks.cancel_scope.cancel()


async def _jump(clock: MockClock) -> None:
    threads = anyio.to_thread.current_default_thread_limiter()
    while True:
        await wait_all_tasks_blocked(_REAL_SECONDS if threads.borrowed_tokens else 0)
        wait = trio.lowlevel.current_statistics().seconds_to_next_deadline
        if not threads.borrowed_tokens and 0 < wait < inf:
            clock.jump(wait)
