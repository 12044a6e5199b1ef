"""A virtual clock that stands still while threads compute.

Trio's own automatic jumps do not wait for worker threads: minutes pass while
one computes for a few milliseconds, and whatever was due by then happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, TypeVar

import anyio.to_thread
import pytest
from trio.testing import MockClock

T = TypeVar("T")


@contextmanager
def virtual_clock() -> Iterator[MockClock]:
    """Give a clock that moves to the next deadline when nothing else can happen."""
    clock = MockClock(autojump_threshold=0)
    run_sync: Callable[..., Any] = anyio.to_thread.run_sync
    computing = 0

    async def held(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        nonlocal computing
        computing += 1
        clock.autojump_threshold = inf
        try:
            result: T = await run_sync(function, *arguments, **options)
            return result
        finally:
            computing -= 1
            if not computing:
                clock.autojump_threshold = 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anyio.to_thread, "run_sync", held)
        yield clock
